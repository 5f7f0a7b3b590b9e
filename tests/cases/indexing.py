"""Cases of indexing and of what picks elements by number."""

from typing import Any

import numpy as np

from tests.cases.rows import Row, Variant, over, uniform
from tinygrad_np.rules import indexing

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
MANY = np.arange(40).reshape(4, 10) % 3  # more than a hundred elements, which are put back in another way
INDICES_MANY: list[Any] = [
    MANY.astype(np.uint8),
    MANY - 3,
    (slice(None), MANY),
    (None, MANY, Ellipsis),
    (PICK, MANY[:1].T),
]


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


def assigned(x, value, index):
    """A copy of x, assigned into."""
    y = x.copy()
    y[index] = value
    return y


REPLACED: list[Any] = [
    (1, (4,)), (1, ()), (slice(1, 3), (2, 1)), ((1, 2), ()), (MASK, (6,)), ((PICK, 0), (2,)), (Ellipsis, (3, 4)),
]  # fmt: skip
UPDATES: list[Any] = [
    (1, (1, 4)), (MASK, ()), ([2, 0], (4,)), ([0, 0, 2], (3, 4)), (([1, 1, 0], [2, 2, 3]), (3,)),
    ((slice(None), [3, 3]), (1, 3, 2)), ([1, 1], ()), ([], (0, 4)),
]  # fmt: skip
OVERWRITTEN = [Variant((uniform(3, 4), uniform(*shape)), {"index": index}) for index, shape in REPLACED]

INSERTED: list[Any] = [
    (1, (), None), ([0, 2, 2], (3,), None), (1, (3,), 0), (slice(0, 2), (2, 1), -1), (PICK[:2], (1, 3), 0),
]  # fmt: skip
BORDERS: list[Any] = [
    {"pad_width": 1}, {"pad_width": (2, 0), "mode": "constant"}, {"pad_width": ((0, 0), (1, 0))},
    {"pad_width": ((1, 2), (0, 3)), "constant_values": ((1.0, 2.0), (3.0, 4.0))},
    {"pad_width": ((1, 4), (3, 2)), "mode": "edge"}, {"pad_width": np.array([[1, 4]]), "mode": "reflect"},
    {"pad_width": ((1, 4), (3, 2)), "mode": "symmetric"}, {"pad_width": 4, "mode": "wrap"},
]  # fmt: skip


TAKEN: list[Any] = [
    (1, 0, "raise"), ([2, 0, 2], -1, "raise"), ([-4, 5], 1, "wrap"), ([[-4], [5]], 0, "clip"),
]  # fmt: skip


def with_condition(function, x, condition, **options):
    """The call of a function that takes the condition, or index, first."""
    return function(condition, x, **options)


ROWS = [
    Row(
        indexing.getitem,
        over("index", INDICES_2D, 3, 4)
        + over("index", [*INDICES_3D, (slice(None), MANY)], 2, 3, 2)
        + over("index", [(), Ellipsis, None, True, False]),
        formula=lambda x, index: x[index],
    ),
    Row(
        indexing.put,
        parts_of((3, 4), INDICES_2D) + parts_of((2, 3, 2), INDICES_3D) + parts_of((3, 3), INDICES_MANY),
        formula=scatter,
    ),
    Row(
        indexing.index_update,
        [Variant((uniform(3, 4), uniform(*shape)), {"index": index}) for index, shape in UPDATES],
        formula=assigned,
        call=lambda function, x, value, index: function(x, index, value),
    ),
    Row(indexing.overwrite, OVERWRITTEN, formula=assigned),
    Row(
        indexing.take,
        over("indices", [1, [0, 2, 2], [[-1, 5]], []], 2, 3)
        + [
            Variant((uniform(2, 3),), {"indices": i, "axis": a, "mode": mode})
            for i, a, mode in [
                (1, 0, "raise"),
                ([2, 0, 2], -1, "raise"),
                ([-4, 5], 1, "wrap"),
                ([[-4], [5]], 0, "clip"),
            ]
        ]
        + over("indices", [0]),
    ),
    Row(
        indexing.compress,
        [
            Variant((uniform(2, 3),), {"condition": c, "axis": a})
            for c, a in [([False, True], 0), ([1, 0, 1], -1), ([True], 1), ([0, 1, 1, 0, 1], None)]
        ],
        call=with_condition,
    ),
    Row(indexing.extract, over("condition", [MASK, MASK[:2], []], 3, 4), call=with_condition),
    Row(
        indexing.take_along_axis,
        [
            Variant((uniform(2, 3),), {"indices": np.array(i), "axis": a})
            for i, a in [([[2, 2], [0, 1]], 1), ([[1, 1, 0]], 0), ([[0], [-1]], -1), ([5, 0, 0], None)]
        ],
    ),
    Row(
        indexing.delete,
        [
            Variant((uniform(3, 4),), {"obj": obj, "axis": a})
            for obj, a in [(1, 0), ([0, -1], 1), (slice(0, 3, 2), 0), (PICK, 0), (5, None), ([], 1)]
        ],
        call=lambda function, x, obj, axis: function(x, obj, axis),
    ),
    Row(
        indexing.insert,
        [Variant((uniform(2, 3), uniform(*shape)), {"obj": obj, "axis": a}) for obj, shape, a in INSERTED],
        call=lambda function, x, values, obj, axis: function(x, obj, values, axis),
    ),
    Row(indexing.resize, over("new_shape", [(2, 2), 8, (3, 5), (0, 2), (2, 3)], 2, 3) + over("new_shape", [(2, 2)], 0)),
    Row(indexing.pad, [Variant((uniform(2, 3),), options) for options in BORDERS] + over("pad_width", [2], 0)),
]
