"""Cases of the shape rules."""

import numpy as np

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

ROWS = [
    Row(
        shape.reshape,
        over("shape", [(4, 3), -1, (2, -1), (1, 12, 1), (3, 4)], 3, 4)
        + over("shape", [(1, 1)])
        + over("shape", [()], 1)
        + over("shape", [(3, 0)], 0, 3)
        + [Variant((uniform(2, 3, 2),), {"shape": s, "order": "F"}) for s in [(4, 3), -1, (1, 2, -1)]],
    ),
    Row(shape.ravel, of_shapes(((2, 3),), ((),), ((0, 3),)) + over("order", ["F"], 2, 3, 2)),
    Row(
        shape.transpose,
        of_shapes(((3, 4),), ((5,),), ((),), ((2, 3, 4),), ((0, 3),))
        + over("axes", [(1, 2, 0), (2, 0, 1), (-1, 0, -2), (0, 1, 2)], 2, 3, 4),
    ),
    Row(shape.matrix_transpose, of_shapes(((3, 2),), ((2, 3, 4),))),
    Row(shape.swapaxes, moves("axis1", "axis2", (0, 1), (-1, 0), (1, 1))),
    Row(shape.moveaxis, moves("source", "destination", (0, 2), (-1, 0), ((0, 1), (-1, 0)), ((), ()), ([2, 0], [0, 1]))),
    Row(shape.rollaxis, moves("axis", "start", (2, 0), (0, 3), (-1, -2), (1, 1), (0, 2))),
    Row(shape.squeeze, over("axis", [None, 0, (0, -1), ()], 1, 3, 1) + of_shapes(((),), ((1, 0),))),
    Row(shape.expand_dims, over("axis", [0, -1, (0, 2), (3, 1)], 2, 3) + over("axis", [0]) + over("axis", [1], 0)),
    Row(shape.broadcast_to, [Variant((uniform(*s),), {"shape": t}) for s, t in BROADCASTS]),
    Row(shape.broadcast_arrays, of_shapes(((3, 1), (4,)), ((2,),), ((), (2, 1), (2,))), call=joined),
    Row(shape.atleast_1d, SOME, call=joined),
    Row(shape.atleast_2d, SOME, call=joined),
    Row(shape.atleast_3d, SOME, call=joined),
]
