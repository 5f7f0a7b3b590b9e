"""Cases of the shape rules."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import shape


def moves(first, second, *pairs):
    """One array of three axes, and pairs of options."""
    return [Variant((uniform(2, 3, 4),), {first: a, second: b}) for a, b in pairs]


def joined(function, *arrays):
    """All that the function returns, in one axis."""
    results = function(*arrays)
    return np.concatenate(results if isinstance(results, tuple) else [results], axis=None)


BROADCASTS = [((3, 1), (3, 4)), ((4,), (2, 3, 4)), ((), (3,)), ((1, 3), (0, 3))]
SOME = of_shapes(((),), ((3,),), ((2, 3),), ((2, 3, 2),), ((0,),), ((), (2, 1)))

ANY_FEW = domains.many(st.lists(domains.shapes(), min_size=1, max_size=3))


@st.composite
def reshaped(draw):
    """An array and another shape of as many elements, in which one length may be left to be found."""
    sides = draw(st.lists(domains.lengths(), max_size=3))
    merged = draw(st.integers(0, len(sides)))
    after = [*draw(st.permutations(sides[:merged])), *([int(np.prod(sides[merged:]))] if merged < len(sides) else [1])]
    if 0 not in sides and draw(st.booleans()):
        after[draw(st.integers(0, len(after) - 1))] = -1
    shape = st.just(tuple(after)) if len(after) > 1 else st.sampled_from([tuple(after), after[0]])
    return draw(domains.one(domains.numbers, st.just(tuple(sides)), shape=shape, order=st.sampled_from("CF")))


@st.composite
def transposed(draw):
    shape = draw(domains.shapes())
    orders = domains.several_axes(len(shape), min_size=len(shape), max_size=len(shape))
    return draw(domains.one(domains.numbers, st.just(shape), axes=st.none() | orders))


@st.composite
def swapped(draw):
    shape, axis = draw(domains.shape_and_axis())
    return draw(domains.one(domains.numbers, st.just(shape), axis1=st.just(axis), axis2=domains.one_axis(len(shape))))


@st.composite
def moved(draw):
    """One axis, or as many as places for them."""
    shape = draw(domains.shapes())
    count = draw(st.integers(0, len(shape)))
    axes = [draw(domains.several_axes(len(shape), min_size=count, max_size=count)) for _ in range(2)]
    if count == 1 and draw(st.booleans()):
        axes = [axis for (axis,) in axes]
    return Variant((draw(domains.numbers(shape)),), {"source": axes[0], "destination": axes[1]})


@st.composite
def rolled(draw):
    shape, axis = draw(domains.shape_and_axis())
    return draw(
        domains.one(domains.numbers, st.just(shape), axis=st.just(axis), start=st.integers(-len(shape), len(shape)))
    )


@st.composite
def squeezed(draw):
    """Axes of length 1, some or all of them, among others."""
    shape = tuple(draw(st.lists(st.sampled_from([1, 1, 2, 0]), max_size=4)))
    single = [axis for axis in range(-len(shape), len(shape)) if shape[axis] == 1]
    some = (
        st.lists(st.sampled_from(single), unique_by=lambda axis: axis % len(shape)).map(tuple)
        if single
        else st.just(())
    )
    axis = st.one_of(st.none(), some, *([st.sampled_from(single)] if single else []))
    return draw(domains.one(domains.numbers, st.just(shape), axis=axis))


@st.composite
def expanded(draw):
    """One new axis, or several, counted among all axes of the result."""
    shape, count = draw(domains.shapes(max_dims=2)), draw(st.integers(1, 2))
    axes = draw(domains.several_axes(len(shape) + count, min_size=count, max_size=count))
    axis = draw(st.sampled_from([axes, axes[0]])) if count == 1 else axes
    return Variant((draw(domains.numbers(shape)),), {"axis": axis})


ROWS = [
    Row(
        shape.reshape,
        over("shape", [(4, 3), -1, (2, -1), (1, 12, 1), (3, 4)], 3, 4)
        + over("shape", [(1, 1)])
        + over("shape", [()], 1)
        + over("shape", [(3, 0)], 0, 3)
        + [Variant((uniform(2, 3, 2),), {"shape": s, "order": "F"}) for s in [(4, 3), -1, (1, 2, -1)]],
        drawn=reshaped(),
    ),
    Row(
        shape.ravel,
        of_shapes(((2, 3),), ((),), ((0, 3),)) + over("order", ["F"], 2, 3, 2),
        drawn=domains.one(order=st.sampled_from("CF")),
    ),
    Row(
        shape.transpose,
        of_shapes(((3, 4),), ((5,),), ((),), ((2, 3, 4),), ((0, 3),))
        + over("axes", [(1, 2, 0), (2, 0, 1), (-1, 0, -2), (0, 1, 2)], 2, 3, 4),
        drawn=transposed(),
    ),
    Row(
        shape.matrix_transpose,
        of_shapes(((3, 2),), ((2, 3, 4),)),
        drawn=domains.one(domains.numbers, domains.matrix_shapes()),
    ),
    Row(shape.swapaxes, moves("axis1", "axis2", (0, 1), (-1, 0), (1, 1)), drawn=swapped()),
    Row(
        shape.moveaxis,
        moves("source", "destination", (0, 2), (-1, 0), ((0, 1), (-1, 0)), ((), ()), ([2, 0], [0, 1])),
        drawn=moved(),
    ),
    Row(shape.rollaxis, moves("axis", "start", (2, 0), (0, 3), (-1, -2), (1, 1), (0, 2)), drawn=rolled()),
    Row(shape.squeeze, over("axis", [None, 0, (0, -1), ()], 1, 3, 1) + of_shapes(((),), ((1, 0),)), drawn=squeezed()),
    Row(
        shape.expand_dims,
        over("axis", [0, -1, (0, 2), (3, 1)], 2, 3) + over("axis", [0]) + over("axis", [1], 0),
        drawn=expanded(),
    ),
    Row(
        shape.broadcast_to,
        [Variant((uniform(*s),), {"shape": t}) for s, t in BROADCASTS],
        drawn=domains.broadcastable(),
    ),
    Row(
        shape.broadcast_arrays,
        of_shapes(((3, 1), (4,)), ((2,),), ((), (2, 1), (2,))),
        call=joined,
        drawn=domains.together(domains.numbers, domains.numbers) | domains.together(*[domains.numbers] * 3),
    ),
    Row(shape.atleast_1d, SOME, call=joined, drawn=ANY_FEW),
    Row(shape.atleast_2d, SOME, call=joined, drawn=ANY_FEW),
    Row(shape.atleast_3d, SOME, call=joined, drawn=ANY_FEW),
]
