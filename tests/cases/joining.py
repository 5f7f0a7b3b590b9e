"""Cases of joining and splitting."""

import numpy as np

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


ROWS = [
    Row(joining.concatenate, JOINS, call=in_sequence),
    Row(joining.stack, STACKS, call=in_sequence),
    Row(joining.vstack, of_shapes(((3,), (2, 3)), ((2, 3, 2), (1, 3, 2)), ((), ())), call=in_sequence),
    Row(joining.hstack, of_shapes(((3,), (), (2,)), ((2, 3), (2, 1))), call=in_sequence),
    Row(joining.dstack, of_shapes(((3,), (3,)), ((2, 3), (2, 3, 2)), ((), ())), call=in_sequence),
    Row(joining.column_stack, of_shapes(((3,), (3, 2)), ((), ())), call=in_sequence),
    Row(
        joining.append,
        of_shapes(((2, 3), (2,)), ((), ()))
        + [Variant((uniform(2, 3), uniform(2, n)), {"axis": a}) for n, a in [(1, 1), (3, 0)]],
    ),
    Row(
        joining.block,
        of_shapes(((2, 3), (2, 1), (1, 3), (1, 1)), ((), (), (), ()), ((2,), (1,), (1,), (2,)), ((2, 1, 1),) * 4),
        call=in_blocks,
    ),
    Row(joining.array_split, cuts((2, 0), (3, -1), (4, 1), ([1, 1, 4], 0), ([3, 2], 0), ([-1], 1)), call=cut),
    Row(joining.split, cuts((1, 0), (3, 1), ((2, 3), 0), (np.array([9]), -2)), call=cut),
    Row(joining.hsplit, [*HALVES, Variant((uniform(6),), {"where": 3})], call=cut),
    Row(joining.vsplit, HALVES, call=cut),
    Row(joining.dsplit, [*HALVES, Variant((uniform(2, 1, 3),), {"where": [1]})], call=cut),
    Row(
        joining.unstack,
        [Variant((uniform(2, 3, 2),), {"axis": axis}) for axis in (0, 1, -1)],
        call=lambda function, x, axis: cut(lambda x, axis: function(x, axis=axis), x, axis),
    ),
]
