"""Where a gradient is wrong, drawn with characters; and arrays of any shape as the rows of a small table."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS, MOST_COLUMNS = 24, 60  # of the map, to fit a terminal beside other text
SIGNS = "·^×"  # from the best to the worst
LEGEND = "· right   × wrong   ^ not differentiable"


def map_of(wrong: NDArray[np.bool_], kinks: NDArray[np.bool_]) -> str:
    """A sign for each element: a line for each row, with a legend below.

    An array of one axis is one row; of more than two, there is a row for each index of all axes but the
    last. Above 24 × 60, a sign stands for a block of elements, and is that of the worst of them.

    >>> print(map_of(np.array([[False, True], [False, False]]), np.array([[False, False], [True, False]])))
    ·×
    ^·
    · right   × wrong   ^ not differentiable
    """
    signs, height, width = binned(np.where(wrong, 2, np.where(kinks, 1, 0)), MOST_ROWS, MOST_COLUMNS)
    lines = ["".join(SIGNS[i] for i in row) for row in signs]
    if wrong.ndim > 2:
        lines.append(f"a row for each index of the leading axes, {wrong.shape[:-1]}")
    if height * width > 1:
        lines.append(f"each sign stands for up to {height} × {width} elements")
    return "\n".join([*lines, LEGEND])


def folded(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` as a table: one axis is a row; of more than two, all but the last make up the rows."""
    array = np.atleast_1d(array)
    return array.reshape(prod(array.shape[:-1]), array.shape[-1])


def binned(array: NDArray[Any], most_rows: int, most_columns: int) -> tuple[NDArray[Any], int, int]:
    """``array`` folded to a table of at most that size, of the largest elements of blocks; and the blocks' size.

    NaN is larger than any number. The last blocks may be smaller.

    >>> binned(np.arange(10).reshape(2, 5), 2, 3)
    (array([[1, 3, 4],
           [6, 8, 9]]), 1, 2)
    """
    table = folded(array)
    height, width = (max(1, ceil(n / most)) for n, most in zip(table.shape, (most_rows, most_columns)))
    for axis, size in enumerate((height, width)):
        if size > 1:
            table = np.maximum.reduceat(table, np.arange(0, table.shape[axis], size), axis)
    return table, height, width
