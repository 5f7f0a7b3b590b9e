"""Minibatches: some rows at a time, in a new order at every pass."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.data.rows import arrays_of, assembler, count_rows, taker
from tinygrad_np.initializers import as_generator


class minibatches:  # noqa: N801 - called like a function, and iterated over at every epoch
    """Some rows of ``data`` at a time, as containers like it: iterate once for each epoch.

    ``data`` is an array, or lists, tuples and dictionaries of arrays, with equal first axes; memory maps may
    be larger than memory, for only a batch's rows are read. Each iteration draws one permutation from
    ``rng`` (a np.random.Generator, an int seed, or None for a fresh one), so every row comes once an epoch,
    and what belongs together stays together. The last batch is smaller where ``batch_size`` does not
    divide the rows, unless it is left out by ``drop_last``. Without ``shuffle`` batches come in order, as
    views of the data. ``rows`` restricts all this to rows with these indices. dtypes stay as they are.

    Raises TypeError for what is no array and for a ``batch_size`` that is no integer; ValueError for first
    axes that differ (all are listed), for no rows, a ``batch_size`` under 1, rows that do not exist, and
    where ``drop_last`` leaves nothing.

    >>> import numpy as np, tinygrad_np as tg
    >>> X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> batches = tg.data.minibatches((X, y), batch_size=2, rng=0)
    >>> [labels for inputs, labels in batches], len(batches)
    ([array([2, 4]), array([3, 0]), array([1])], 3)
    >>> [labels for inputs, labels in batches]  # the next epoch
    [array([4, 1]), array([2, 0]), array([3])]
    """

    def __init__(
        self,
        data: Any,
        batch_size: int,
        rng: np.random.Generator | int | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        *,
        rows: ArrayLike | None = None,
    ) -> None:
        arrays = arrays_of("data", data)
        count = count_rows(arrays)
        self.batch_size = _positive(batch_size)
        self.rng = as_generator(rng)
        self._order = None if rows is None else _checked(rows, count)
        self._count = count if self._order is None else len(self._order)
        self._stop = self._count - self._count % self.batch_size if drop_last else self._count
        if self._stop == 0:
            raise ValueError(
                f"drop_last leaves no batch of {self.batch_size} out of {self._count} rows; give a smaller batch_size"
            )
        self._shuffle = shuffle
        slices = not shuffle and rows is None
        self._take = [array.__getitem__ if slices else taker(array) for array in arrays.values()]
        self._assemble = assembler(data)

    def __len__(self) -> int:
        return -(-self._stop // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = self._order
        if self._shuffle:
            order = self.rng.permutation(self._count if order is None else order)
        size, stop = self.batch_size, self._stop
        for start in range(0, stop, size):
            rows: Any = slice(start, min(start + size, stop))
            if order is not None:
                rows = order[rows]
            yield self._assemble([take(rows) for take in self._take])

    def together(self, count: int) -> minibatches:
        """The same minibatches of an epoch, in the same order, so many in one."""
        wider = copy(self)
        wider.batch_size = self.batch_size * count
        return wider

    def __repr__(self) -> str:
        return f"minibatches({self._stop} rows, {len(self)} batches of up to {self.batch_size})"


def _positive(batch_size: Any) -> int:
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
        labels = hasattr(batch_size, "__len__") and not isinstance(batch_size, str)
        together = "; arrays go together: minibatches((X, y), 32)" if labels else ""
        raise TypeError(f"batch_size must be an integer, the number of rows in a batch, got {batch_size!r}{together}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}; for one batch of all rows give len(X)")
    return int(batch_size)


def _checked(rows: ArrayLike, count: int) -> NDArray[np.intp]:
    """``rows`` as indices in [0, count)."""
    indices = np.asarray(rows)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(
            f"rows must be integer indices (n,), got {indices.dtype} of shape {indices.shape}; of a mask give "
            "np.flatnonzero(mask)"
        )
    if not len(indices):
        raise ValueError("rows is empty; there is nothing to learn from")
    if indices.min() < 0 or indices.max() >= count:
        raise ValueError(f"rows go from {indices.min()} to {indices.max()}, but data has rows 0 to {count - 1}")
    return indices.astype(np.intp)
