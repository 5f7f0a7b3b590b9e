"""Rows divided between training and validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.arguments import number
from tinygrad_np.data.rows import arrays_of, assembler, count_rows, taker
from tinygrad_np.initializers import as_generator


def split(
    data: Any, fraction: float, rng: np.random.Generator | int | None = None, stratify: ArrayLike | None = None
) -> tuple[Any, Any]:
    """``data`` in two parts, (training, validation): ``fraction`` of its rows, drawn by ``rng``, are for validation.

    Both parts are copies, in random order, and containers like ``data``; of n rows, validation has
    fraction·n, rounded, but at least 1 and at most n − 1. With ``stratify``, one label for each row, every
    class has its share in both parts to within one row; a class of a single row stays in training where it
    can. Data larger than memory is not to be copied: split the rows' numbers, and give them to
    ``minibatches(..., rows=)``.

    Raises TypeError for what is no array and for a ``fraction`` that is no number; ValueError for a fraction
    outside (0, 1), first axes that differ, fewer than two rows, and labels that are not one for each row.

    >>> import numpy as np, tinygrad_np as tg
    >>> X, y = np.arange(8.0).reshape(8, 1), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> (X_train, y_train), (X_valid, y_valid) = tg.data.split((X, y), 0.5, rng=0, stratify=y)
    >>> sorted(y_train.tolist()), sorted(y_valid.tolist())
    ([0, 0, 0, 1], [0, 0, 0, 1])
    """
    arrays = arrays_of("data", data)
    rows = count_rows(arrays)
    kind = "a number, the share of rows for validation, between 0 and 1"
    share = number("fraction", fraction, 0.2, lambda f: 0 < f < 1, kind)
    if rows < 2:
        raise ValueError(f"there is {rows} row, and each of the two parts needs one")
    count = min(max(round(rows * share), 1), rows - 1)
    order = as_generator(rng).permutation(rows)
    chosen = np.arange(rows) < count if stratify is None else _by_class(_labels(stratify, rows)[order], count)
    takers, assemble = [taker(array) for array in arrays.values()], assembler(data)
    training, validation = ([take(order[part]) for take in takers] for part in (~chosen, chosen))
    return assemble(training), assemble(validation)


def _labels(stratify: ArrayLike, rows: int) -> NDArray[Any]:
    labels = np.asarray(stratify)
    if labels.shape != (rows,):
        raise ValueError(f"stratify has shape {labels.shape}, and data {rows} rows; give one label for each row")
    return labels


def _by_class(labels: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Which ``count`` rows to choose so that of each class it is its share: the first ones.

    Shares are rounded down, and the rows that are still missing come from the classes with the largest
    remainders, but from those that would have none left only at last.
    """
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = sizes * (count / len(labels))
    wanted = np.floor(shares).astype(int)
    by_remainder = np.lexsort((wanted - shares, wanted + 1 >= sizes))
    wanted[by_remainder[: count - wanted.sum()]] += 1
    by_class = np.argsort(codes, kind="stable")
    position = np.empty(len(labels), int)  # of each row within its class
    position[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen: NDArray[np.bool_] = position < wanted[codes]
    return chosen
