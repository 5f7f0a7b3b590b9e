"""Cases of indexing and of what picks elements by number."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.cases import domains
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


def integers(shape, n):
    """Numbers of n things, counted from either end."""
    return hnp.arrays(np.int64, shape, elements=st.integers(-n, n - 1))


@st.composite
def mixed(draw, shape):
    """For each axis a slice, a number, numbers that broadcast with those of others, or a mask; and new axes between."""
    k = draw(st.integers(1, 3))
    index = []
    for n in shape:
        mask = np.zeros(n, bool)
        mask[draw(st.integers(0, n - 1))] = True  # of one element, for which it counts among the numbers
        choices = [st.slices(n), st.integers(-n, n - 1), integers((k,), n), integers((2, 1), n), st.just(mask)]
        index += [*draw(st.lists(st.none(), max_size=1)), draw(st.one_of(choices))]
    return tuple(index)


def indices(shape, once=False):
    """Indices of all kinds into an array of a shape; those that take no element twice only, if ``once``."""
    masks = st.integers(0, len(shape)).flatmap(lambda n: domains.booleans(shape[:n]))
    some = hnp.basic_indices(shape, allow_newaxis=True) | masks
    if once or 0 in shape or not shape:
        return some
    return some | hnp.integer_array_indices(shape) | mixed(shape)


@st.composite
def shape_and_index(draw, once=False):
    shape = draw(domains.shapes())
    return shape, draw(indices(shape, once))


@st.composite
def parts(draw):
    shape, index = draw(shape_and_index())
    return Variant((draw(domains.numbers(shape)),), {"index": index})


@st.composite
def parts_put(draw):
    shape, index = draw(shape_and_index())
    return Variant((draw(domains.numbers(np.empty(shape)[index].shape)),), {"index": index, "shape": shape})


@st.composite
def replaced(draw, once=False):
    """An array, an index, and a value that broadcasts to what it picks."""
    shape, index = draw(shape_and_index(once))
    value = draw(domains.within(np.empty(shape)[index].shape).flatmap(domains.numbers))
    return Variant((draw(domains.numbers(shape)), value), {"index": index})


@st.composite
def picked(draw):
    """Numbers along an axis, or of all elements; beyond the ends where the mode takes them."""
    variant = draw(domains.along(least=1) | domains.one(domains.numbers, domains.shapes(1), axis=st.none()))
    n = domains.length(variant)
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    indices = draw(domains.shapes().flatmap(lambda shape: integers(shape, n if mode == "raise" else 9)))
    return Variant(variant.arrays, {"indices": indices, "mode": mode, **variant.options})


@st.composite
def compressed(draw):
    """A condition for each place along an axis, or of all elements, or for the first few of them."""
    variant = draw(domains.along_or_flat())
    condition = draw(st.lists(st.booleans(), max_size=domains.length(variant)))
    return Variant(variant.arrays, {"condition": condition, **variant.options})


@st.composite
def extracted(draw):
    x = draw(domains.shapes().flatmap(domains.numbers))
    condition = draw(domains.booleans(x.shape) | st.lists(st.booleans(), max_size=x.size))
    return Variant((x,), {"condition": condition})


@st.composite
def taken_along(draw):
    """Numbers for each slice along an axis, or the same ones for several, and for all in an axis of length 1."""
    if draw(st.booleans()):
        x = draw(domains.shapes(1).flatmap(domains.numbers))
        picks = draw(st.tuples(st.integers(0, 4)))
        return Variant((x,), {"indices": draw(integers(picks, x.size)), "axis": None})
    shape, axis = draw(domains.shape_and_axis(1))
    sides = [draw(st.sampled_from([n, 1])) for n in shape]
    picks = domains.resized(sides, axis, draw(st.integers(0, 4)))
    return Variant((draw(domains.numbers(shape)),), {"indices": draw(integers(picks, shape[axis])), "axis": axis})


@st.composite
def deleted(draw):
    """The number of a part along an axis, several, a slice, or a mask."""
    variant = draw(domains.along_or_flat())
    n = domains.length(variant)
    numbers = [st.integers(-n, n - 1), st.lists(st.integers(-n, n - 1), min_size=1, max_size=3)] if n else []
    obj = draw(st.one_of(*numbers, st.slices(n), domains.booleans((n,))))
    return Variant(variant.arrays, {"obj": obj, **variant.options})


@st.composite
def inserted(draw):
    """Values before several parts, as many as they are or one for all."""
    variant = draw(domains.along_or_flat())
    x, axis = variant.arrays[0], variant.options["axis"]
    n = domains.length(variant)
    obj = draw(st.lists(st.integers(-n, n), min_size=1, max_size=3) | st.slices(n))
    count = draw(st.sampled_from([1, len(np.arange(n)[obj] if isinstance(obj, slice) else obj)]))
    shape = (count,) if axis is None else domains.resized(x.shape, axis, count)
    return Variant((x, draw(domains.numbers(shape))), {"obj": obj, "axis": axis})


@st.composite
def padded(draw):
    """Widths for each end of each axis, and a mode; an empty axis has only constants to be padded with."""
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    x = draw(domains.shapes(0 if mode == "constant" else 1, 1).flatmap(domains.numbers))
    widths = draw(st.lists(st.tuples(*[st.integers(0, 4)] * 2), min_size=x.ndim, max_size=x.ndim))
    ends = {"constant_values": draw(st.just(0) | st.tuples(*[domains.floats(-2, 2)] * 2))} if mode == "constant" else {}
    return Variant((x,), {"pad_width": widths, "mode": mode, **ends})


ROWS = [
    Row(
        indexing.getitem,
        over("index", INDICES_2D, 3, 4)
        + over("index", [*INDICES_3D, (slice(None), MANY)], 2, 3, 2)
        + over("index", [(), Ellipsis, None, True, False]),
        formula=lambda x, index: x[index],
        drawn=parts(),
    ),
    Row(
        indexing.put,
        parts_of((3, 4), INDICES_2D) + parts_of((2, 3, 2), INDICES_3D) + parts_of((3, 3), INDICES_MANY),
        formula=scatter,
        drawn=parts_put(),
    ),
    Row(
        indexing.index_update,
        [Variant((uniform(3, 4), uniform(*shape)), {"index": index}) for index, shape in UPDATES],
        formula=assigned,
        call=lambda function, x, value, index: function(x, index, value),
        drawn=replaced(),
    ),
    Row(indexing.overwrite, OVERWRITTEN, formula=assigned, drawn=replaced(once=True)),
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
        drawn=picked(),
    ),
    Row(
        indexing.compress,
        [
            Variant((uniform(2, 3),), {"condition": c, "axis": a})
            for c, a in [([False, True], 0), ([1, 0, 1], -1), ([True], 1), ([0, 1, 1, 0, 1], None)]
        ],
        call=with_condition,
        drawn=compressed(),
    ),
    Row(indexing.extract, over("condition", [MASK, MASK[:2], []], 3, 4), call=with_condition, drawn=extracted()),
    Row(
        indexing.take_along_axis,
        [
            Variant((uniform(2, 3),), {"indices": np.array(i), "axis": a})
            for i, a in [([[2, 2], [0, 1]], 1), ([[1, 1, 0]], 0), ([[0], [-1]], -1), ([5, 0, 0], None)]
        ],
        drawn=taken_along(),
    ),
    Row(
        indexing.delete,
        [
            Variant((uniform(3, 4),), {"obj": obj, "axis": a})
            for obj, a in [(1, 0), ([0, -1], 1), (slice(0, 3, 2), 0), (PICK, 0), (5, None), ([], 1)]
        ],
        call=lambda function, x, obj, axis: function(x, obj, axis),
        drawn=deleted(),
    ),
    Row(
        indexing.insert,
        [Variant((uniform(2, 3), uniform(*shape)), {"obj": obj, "axis": a}) for obj, shape, a in INSERTED],
        call=lambda function, x, values, obj, axis: function(x, obj, values, axis),
        drawn=inserted(),
    ),
    Row(
        indexing.resize,
        over("new_shape", [(2, 2), 8, (3, 5), (0, 2), (2, 3)], 2, 3) + over("new_shape", [(2, 2)], 0),
        drawn=domains.one(new_shape=domains.shapes() | st.integers(0, 9)),
    ),
    Row(
        indexing.pad,
        [Variant((uniform(2, 3),), options) for options in BORDERS] + over("pad_width", [2], 0),
        drawn=padded(),
    ),
]
