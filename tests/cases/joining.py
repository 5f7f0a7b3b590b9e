"""Cases of joining and splitting."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import joining

JOINS = [Variant((uniform(3, 4), uniform(3, n)), {"axis": a}) for n, a in [(2, 1), (1, -1), (4, 0), (0, 1), (5, None)]]
JOINS += of_shapes(((3,),), ((1,), (2,), (3,)), ((2, 1), (3, 1)))
STACKS = [Variant((uniform(2, 3), uniform(2, 3)), {"axis": axis}) for axis in (0, 1, -1, -3)]
STACKS += of_shapes(((), (), ()), ((0, 2), (0, 2)), ((2,),))
HALVES = [Variant((uniform(4, 2, 6),), {"where": 2})]


def in_sequence(function, *arrays, **options):
    """The call of a function that takes its arrays in a list."""
    return function(list(arrays), **options)


def cut(function, x, where, **options):
    """The parts joined in one axis, each times its number, so that no two may be exchanged."""
    parts = function(x, where, **options)
    return np.concatenate([part * i for i, part in enumerate(parts, start=1)], axis=None)


def cuts(*where, shape=(5, 3)):
    return [Variant((uniform(*shape),), {"where": w, "axis": axis}) for w, axis in where]


def in_blocks(function, a, b, c, d):
    """Two rows of two blocks."""
    return function([[a, b], [c, d]])


LENGTH = domains.lengths()


@st.composite
def joined_along(draw, least=1, most=3):
    """Arrays of any lengths along one axis, or all elements of arrays of any shapes."""
    some = lambda shapes: st.lists(shapes, min_size=least, max_size=most)
    if draw(st.booleans()):
        return draw(domains.many(some(domains.shapes()), axis=st.none()))
    shape, axis = draw(domains.shape_and_axis())
    return draw(domains.many(some(LENGTH.map(lambda n: domains.resized(shape, axis, n))), axis=st.just(axis)))


@st.composite
def stacked(draw):
    shape = draw(domains.shapes(max_dims=2))
    some = st.lists(st.just(shape), min_size=1, max_size=3)
    return draw(domains.many(some, axis=st.integers(-len(shape) - 1, len(shape))))


@st.composite
def fitting(draw, choices):
    """Arrays whose shapes are from one of the lists that ``choices`` gives for two lengths."""
    shapes = draw(st.sampled_from(choices(draw(LENGTH), draw(LENGTH))))
    return draw(domains.many(st.lists(st.sampled_from(shapes), min_size=1, max_size=3)))


@st.composite
def blocks(draw):
    """Two rows of as many columns, each of two blocks: numbers, vectors, or matrices with an axis before or not."""
    first, second, left, right = draw(st.tuples(*[LENGTH] * 4))
    cut = draw(st.integers(0, left + right))
    matrices = [(first, left), (first, right), (second, cut), (second, left + right - cut)]
    vectors, stacks = [shape[1:] for shape in matrices], [(2, *shape) for shape in matrices]
    return draw(domains.many(st.sampled_from([[()] * 4, vectors, matrices, stacks])))


@st.composite
def cut_apart(draw, equal=True, only=None):
    """An array and where it is cut: into how many parts, of one length if ``equal``, or at which places."""
    shape, axis = draw(domains.shape_and_axis(min_dims={None: 1, 0: 2, 1: 1, 2: 3}[only]))
    options = {"axis": axis} if only is None else {}
    n = shape[axis] if only is None else shape[min(only, len(shape) - 1)]
    counts = [count for count in range(1, n + 3) if not equal or n % count == 0]
    where = st.sampled_from(counts) | st.lists(st.integers(-n - 1, n + 1), max_size=3)
    return Variant((draw(domains.numbers(shape)),), {"where": draw(where), **options})


ROWS = [
    Row(joining.concatenate, JOINS, call=in_sequence, drawn=joined_along()),
    Row(joining.stack, STACKS, call=in_sequence, drawn=stacked()),
    Row(
        joining.vstack,
        of_shapes(((3,), (2, 3)), ((2, 3, 2), (1, 3, 2)), ((), ())),
        call=in_sequence,
        drawn=fitting(lambda m, n: [[(n,), (1, n), (3, n)], [(2, m, n), (0, m, n)]]),
    ),
    Row(
        joining.hstack,
        of_shapes(((3,), (), (2,)), ((2, 3), (2, 1))),
        call=in_sequence,
        drawn=fitting(lambda m, n: [[(), (n,), (2,)], [(m, n), (m, 2)], [(m, 1, n), (m, 3, n)]]),
    ),
    Row(
        joining.dstack,
        of_shapes(((3,), (3,)), ((2, 3), (2, 3, 2)), ((), ())),
        call=in_sequence,
        drawn=fitting(lambda m, n: [[(n,), (1, n), (1, n, 2)], [(m, n), (m, n, 0), (m, n, 2)], [(), (1,), (1, 1, 2)]]),
    ),
    Row(
        joining.column_stack,
        of_shapes(((3,), (3, 2)), ((), ())),
        call=in_sequence,
        drawn=fitting(lambda m, n: [[(m,), (m, n), (m, 2)]]),
    ),
    Row(
        joining.append,
        of_shapes(((2, 3), (2,)), ((), ()))
        + [Variant((uniform(2, 3), uniform(2, n)), {"axis": a}) for n, a in [(1, 1), (3, 0)]],
        drawn=joined_along(least=2, most=2),
    ),
    Row(
        joining.block,
        of_shapes(((2, 3), (2, 1), (1, 3), (1, 1)), ((), (), (), ()), ((2,), (1,), (1,), (2,)), ((2, 1, 1),) * 4),
        call=in_blocks,
        drawn=blocks(),
    ),
    Row(
        joining.array_split,
        cuts((2, 0), (3, -1), (4, 1), ([1, 1, 4], 0), ([3, 2], 0), ([-1], 1)),
        call=cut,
        drawn=cut_apart(equal=False),
    ),
    Row(joining.split, cuts((1, 0), (3, 1), ((2, 3), 0), (np.array([9]), -2)), call=cut, drawn=cut_apart()),
    Row(joining.hsplit, [*HALVES, Variant((uniform(6),), {"where": 3})], call=cut, drawn=cut_apart(only=1)),
    Row(joining.vsplit, HALVES, call=cut, drawn=cut_apart(only=0)),
    Row(joining.dsplit, [*HALVES, Variant((uniform(2, 1, 3),), {"where": [1]})], call=cut, drawn=cut_apart(only=2)),
    Row(
        joining.unstack,
        [Variant((uniform(2, 3, 2),), {"axis": axis}) for axis in (0, 1, -1)],
        call=lambda function, x, axis: cut(lambda x, axis: function(x, axis=axis), x, axis),
        drawn=domains.along(least=1),
    ),
]
