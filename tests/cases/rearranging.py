"""Cases of rearranging."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import rearranging

ROLLS = [
    (1, None),
    (-2, 0),
    (5, -1),
    ((1, -1), (0, 1)),
    ((1, 2), (0, 0)),
    (2, (0, 1)),
    ((1, 2), None),
    ([1, 3], [1, 0]),
]


@st.composite
def turned(draw):
    shape = draw(domains.shapes(0, 2))
    axes = domains.several_axes(len(shape), min_size=2, max_size=2)
    return draw(domains.one(domains.numbers, st.just(shape), k=st.integers(-5, 5), axes=axes))


@st.composite
def rolled(draw):
    """One shift, or as many as axes, which may name an axis twice."""
    shape, axis = draw(domains.shape_and_axis())
    shift = st.integers(-4, 4)
    count = draw(st.integers(1, 3))
    axes = st.lists(domains.one_axis(len(shape)), min_size=count, max_size=count).map(tuple)
    shifts = st.lists(shift, min_size=count, max_size=count).map(tuple)
    axis, shift = draw(st.tuples(st.sampled_from([None, axis]), shift) | st.tuples(axes, shift | shifts))
    return Variant((draw(domains.numbers(shape)),), {"shift": shift, "axis": axis})


def repeated():
    return domains.along_or_flat(repeats=domains.lengths())


@st.composite
def repeated_by_counts(draw):
    """A count for each part, or one in an array for all."""
    variant = draw(domains.along_or_flat())
    n = domains.length(variant)
    counts = st.lists(domains.lengths(), min_size=n, max_size=n).map(lambda counts: np.array(counts, int))
    return Variant(variant.arrays, {"repeats": draw(counts | st.just(np.array([2]))), **variant.options})


ROWS = [
    Row(
        rearranging.flip,
        over("axis", [None, 0, -1, (0, 2), ()], 2, 3, 2) + of_shapes(((),), ((0, 2),)),
        drawn=domains.reduced(keepdims=False),
    ),
    Row(
        rearranging.fliplr, of_shapes(((2, 3),), ((2, 3, 2),)), drawn=domains.one(domains.numbers, domains.shapes(0, 2))
    ),
    Row(rearranging.flipud, of_shapes(((2, 3),), ((3,),)), drawn=domains.one(domains.numbers, domains.shapes(0, 1))),
    Row(
        rearranging.rot90,
        over("k", [0, 1, 2, 3, -1, 6], 2, 3)
        + [Variant((uniform(2, 3, 2),), {"k": k, "axes": axes}) for k, axes in [(1, (1, 2)), (3, (-1, 0))]],
        drawn=turned(),
    ),
    Row(
        rearranging.roll,
        [Variant((uniform(3, 4),), {"shift": shift, "axis": axis}) for shift, axis in ROLLS],
        drawn=rolled(),
    ),
    Row(
        rearranging.tile,
        over("reps", [2, (2, 3), (2, 1, 3), 0, (), np.array([1, 2])], 2, 3) + over("reps", [3, (2, 2)]),
        drawn=domains.one(reps=domains.lengths() | st.lists(domains.lengths(), max_size=3).map(tuple)),
    ),
    Row(
        rearranging.repeat,
        [
            Variant((uniform(2, 3),), {"repeats": repeats, "axis": axis})
            for repeats, axis in [(2, None), (3, 0), (2, -1), (0, 1), ([2, 0, 3], 1), ([2], 0), (np.arange(6), None)]
        ]
        + over("repeats", [2]),
        drawn=repeated() | repeated_by_counts(),
    ),
    Row(
        rearranging.repeat_each,
        [Variant((uniform(2, 3),), {"repeats": n, "axis": a}) for n, a in [(2, None), (3, 0), (2, -1), (0, 1), (1, 1)]]
        + over("repeats", [2]),
        formula=np.repeat,
        drawn=repeated(),
    ),
]
