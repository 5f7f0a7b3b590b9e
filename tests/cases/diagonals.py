"""Cases of diagonals and triangles."""

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import diagonals


def of_a_stack(*places):
    """An array of three axes, and which diagonal of it."""
    return [Variant((uniform(2, 3, 4),), {"offset": o, "axis1": a, "axis2": b}) for o, a, b in places]


def spread(x, shape, offset=0, axis1=0, axis2=1):
    """What put_diagonal does, one element after another."""
    y = np.zeros(shape, x.dtype)
    places = np.diagonal(np.arange(y.size).reshape(shape), offset, axis1, axis2)
    for place, value in zip(places.ravel(), x.ravel()):
        y.flat[place] = value
    return y


DIAGONALS = over("offset", [0, 2, -1, 5], 3, 4) + of_a_stack((0, 0, 1), (1, 2, 0), (-1, -1, -2))
SPREAD = [((3,), {"shape": (3, 4)}), ((2,), {"shape": (3, 4), "offset": 2}), ((2,), {"shape": (3, 2), "offset": -1})]
SPREAD += [((3, 1), {"shape": (2, 3, 4), "offset": 1, "axis1": 2, "axis2": 0}), ((0,), {"shape": (0, 3)})]
TRIANGLES = over("k", [0, 1, -1, 9], 3, 4) + of_shapes(((2, 3, 3),), ((3,),), ((0, 2),))

ROWS = [
    Row(diagonals.diagonal, DIAGONALS),
    Row(diagonals.put_diagonal, [Variant((uniform(*shape),), options) for shape, options in SPREAD], formula=spread),
    Row(diagonals.diag, over("k", [0, 1, -2], 3) + over("k", [0, 1, -1, 9], 3, 4) + of_shapes(((0,),), ((3, 0),))),
    Row(diagonals.diagflat, over("k", [0, -1], 2, 2) + of_shapes(((),))),
    Row(diagonals.trace, DIAGONALS),
    Row(diagonals.matrix_diagonal, over("offset", [0, -1], 2, 3, 4)),
    Row(diagonals.matrix_trace, over("offset", [0, -1], 2, 3, 4)),
    Row(diagonals.tril, TRIANGLES),
    Row(diagonals.triu, TRIANGLES),
]
