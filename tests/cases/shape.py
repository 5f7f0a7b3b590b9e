"""Cases of the shape rules."""

from typing import Any

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import shape

MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])
PICK = np.array([True, False, True])

INDICES_2D: list[Any] = [
    1, -1, np.int64(2), slice(1, 3), slice(None, None, -1), slice(5, 9), (slice(None), 2), (1, 2), Ellipsis, None, (),
    (Ellipsis, None, 0), (slice(None, None, 2), slice(3, 0, -2)), [0, 0, 1], np.array([2, -1, 2, 2]), [],
    np.array([[0, 1], [2, 0]]), MASK, PICK, ([0, 1, 0], [1, 1, 1]), (slice(None), [0, 0]), (PICK, 1),
    (PICK, slice(1, 3)), (np.array([[0], [2]]), np.array([1, 1, 3])), (0, [1, 1]),
    ([2, 2], slice(None, None, -1)), True, (None, [1, 1]),
]  # fmt: skip
INDICES_3D: list[Any] = [
    (0, slice(None), [1, 1]), ([1, 0, 1], slice(None), [0, 0, 1]), (Ellipsis, [0, 0]), (slice(None), PICK),
    (1, Ellipsis, None, 0), (np.array([1, 1]), np.array([0, 2])), (slice(None), None, 1, [1, 0]), (None, Ellipsis, 1),
]  # fmt: skip


def scatter(x, index, shape):
    """What put does, one element after another."""
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    y = np.zeros(shape, x.dtype)
    for place, value in zip(places.ravel(), x.ravel()):
        y.flat[place] += value
    return y


def parts_of(shape, indices):
    """What ``put`` takes: an array as large as each index picks, the index, and the shape of all."""
    options = [{"index": index, "shape": shape} for index in indices]
    return [Variant((uniform(*np.empty(shape)[o["index"]].shape),), o) for o in options]


JOINS = [Variant((uniform(3, 4), uniform(3, n)), {"axis": a}) for n, a in [(2, 1), (1, -1), (4, 0), (0, 1), (5, None)]]
JOINS += of_shapes(((3,),), ((1,), (2,), (3,)), ((2, 1), (3, 1)))
INDEXED = over("index", INDICES_2D, 3, 4) + over("index", INDICES_3D, 2, 3, 2)
BROADCASTS = [((3, 1), (3, 4)), ((4,), (2, 3, 4)), ((), (3,)), ((1, 3), (0, 3))]

ROWS = [
    Row(
        shape.reshape,
        over("shape", [(4, 3), -1, (2, -1), (1, 12, 1), (3, 4)], 3, 4)
        + over("shape", [(1, 1)])
        + over("shape", [()], 1)
        + over("shape", [(3, 0)], 0, 3),
    ),
    Row(
        shape.transpose,
        of_shapes(((3, 4),), ((5,),), ((),), ((2, 3, 4),), ((0, 3),))
        + over("axes", [(1, 2, 0), (2, 0, 1), (-1, 0, -2), (0, 1, 2)], 2, 3, 4),
    ),
    Row(shape.swapaxes, [Variant((uniform(2, 3, 4),), {"axis1": a, "axis2": b}) for a, b in [(0, 1), (-1, 0), (1, 1)]]),
    Row(shape.broadcast_to, [Variant((uniform(*s),), {"shape": t}) for s, t in BROADCASTS]),
    Row(
        shape.concatenate,
        JOINS,
        call=lambda operation, *arrays, **options: operation(arrays, **options),
    ),
    Row(shape.getitem, INDEXED + over("index", [(), Ellipsis, None, True, False]), formula=lambda x, index: x[index]),
    Row(shape.put, parts_of((3, 4), INDICES_2D) + parts_of((2, 3, 2), INDICES_3D), formula=scatter),
]
