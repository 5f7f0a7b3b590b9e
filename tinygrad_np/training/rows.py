"""The data of a run: inputs and targets, row by row, and what each row counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.arguments import size
from tinygrad_np.data import minibatches, require_finite
from tinygrad_np.trees import leaves_of, rebuilt

Array = NDArray[Any]
CHECKED = 4096  # targets that a loss looks at in one call, before the run


class Rows:
    """Inputs ``X`` and targets ``y`` of equal lengths, finite, with a weight for each row if there are any.

    ``what`` they are is said before their names. ``only`` restricts them to rows with these indices. Raises TypeError
    for what are no arrays, ValueError for lengths that differ, no rows, NaN and infinity (with the row), and weights
    that are no finite numbers of at least 0.
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None, what: str = "") -> None:
        names = f"{what}X", f"{what}y"
        for name, data in zip(names, (X, y)):
            require_finite(name, data)
        counts = {name + path: len(leaf) for name, data in zip(names, (X, y)) for path, leaf in leaves_of(data)}
        if len(set(counts.values())) > 1:
            listing = " and ".join(f"{name} has {count} rows" for name, count in counts.items())
            raise ValueError(f"{listing}; give one row of y for each row of X")
        self.X, self.y, self.what = X, y, what
        self.all = next(iter(counts.values()))
        if not self.all:
            raise ValueError(f"{names[0]} has no rows; there is nothing to learn from")
        self.weight = None if sample_weight is None else _weights(sample_weight, self.all)
        self.data = (X, y) if self.weight is None else (X, y, self.weight)
        self.only: Array | None = None

    def part(self, rows: Array) -> Rows:
        """Those with these indices, without a copy of the data."""
        part = object.__new__(Rows)
        vars(part).update(vars(self), only=rows)
        return part

    def __len__(self) -> int:
        return self.all if self.only is None else len(self.only)

    def batches(
        self,
        batch_size: int,
        rng: np.random.Generator | None = None,
        shuffle: bool = False,
        drop_last: bool = False,
    ) -> minibatches:
        """minibatches (X, y) or (X, y, weight)."""
        return minibatches(self.data, size("batch_size", batch_size), rng, shuffle, drop_last, rows=self.only)

    def sized(self, batches: minibatches, together: int = 1) -> Iterator[tuple[Any, Sequence[float]]]:
        """So many of ``batches`` at a time, with what each counts: its rows, or the sum of their weights."""
        size = batches.batch_size
        rows = min(len(self), len(batches) * size)  # without what is left out
        counts = [min(size, rows - i) for i in range(0, rows, size)]
        parts = [counts[i : i + together] for i in range(0, len(counts), together)]
        taken = zip(batches.together(together), parts)
        if self.weight is None:
            return taken
        return ((batch, _sums(batch[2], size)) for batch, _ in taken)


def _sums(weights: Array, size: int) -> list[float]:
    """The sum of each ``size`` weights."""
    return [weights[i : i + size].sum().item() for i in range(0, len(weights), size)]


def joined(trees: list[Any]) -> Any:
    """One tree of arrays out of several like it, their rows one after another."""
    if isinstance(trees[0], np.ndarray):
        return np.concatenate(trees)
    leaves = [[leaf for _, leaf in leaves_of(tree)] for tree in trees]
    return rebuilt(trees[0], [np.concatenate(parts) for parts in zip(*leaves)])


def _weights(sample_weight: Any, count: int) -> Array:
    """``sample_weight`` as an array of a number for each row."""
    weight = np.asarray(sample_weight)
    if weight.dtype.kind not in "fiub":
        raise TypeError(f"sample_weight must hold real numbers, got {weight.dtype}")
    if weight.shape != (count,):
        raise ValueError(
            f"sample_weight has shape {weight.shape} for {count} rows; give one number for each, ({count},)"
        )
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"sample_weight of row {row} is {weight[row]}; weights must be finite and at least 0")
    if not weight.any():
        raise ValueError("sample_weight is 0 for every row; there is nothing to learn from")
    return weight
