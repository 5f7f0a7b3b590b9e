"""Cases of the products."""

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import products

MATMUL = [((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((3, 4), (2, 4, 2))]
MATMUL += [
    ((2, 3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((4,), (2, 4, 3)),
    ((2, 3, 4), (4,)),
    ((1, 3, 4), (2, 4, 1)),
]
MATMUL += [((0, 4), (4, 2)), ((3, 0), (0, 2))]
DOT = [((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 3, 4), (4,))]
DOT += [((), (3,)), ((2, 3), ()), ((), ()), ((0, 4), (4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (5, 4, 2))]
INNER = [((4,), (4,)), ((2, 4), (3, 4)), ((4,), (2, 3, 4)), ((), (3,)), ((0, 4), (2, 4))]
FLATTENED = [((4,), (3,)), ((2, 3), (2,)), ((), (3,)), ((0,), (2,))]
VECTORS = [((4,), (4,)), ((3, 4), (3, 4)), ((2, 1, 4), (3, 4)), ((0, 4), (4,))]
KRON = [((2, 2), (3, 2)), ((3,), (2, 2)), ((), (2, 3)), ((2,), (3,)), ((2, 0), (1, 2))]
CHAINS = [
    ((4,), (4, 2), (2, 3)),
    ((3, 2), (2, 5), (5, 1), (1, 4)),
    ((4,), (4, 2), (2,)),
    ((2, 3), (3, 2)),
    ((3,), (3,)),
]


def pairs_of_axes():
    """Contractions, by the number of axes and by lists of them, in any order and counted from the end."""
    shapes = {
        0: ((2,), (3,)),
        1: ((2, 3), (3, 4)),
        2: ((5, 2, 3), (2, 3)),
        (0, 1): ((2, 3), (4, 2)),
        (-1, -1): ((3,), (2, 3)),
    }
    shapes |= {((0, 2), (2, 0)): ((2, 3, 4), (4, 5, 2)), ((-1, 0, 1), (0, 2, -2)): ((2, 3, 4), (4, 3, 2))}
    shapes[1, 0] = ((3, 0), (0, 2))
    return [Variant((uniform(*left), uniform(*right)), {"axes": axes}) for axes, (left, right) in shapes.items()]


def cross_formula(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Of vectors with a third component of 0 where they have two, for which NumPy warns."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(x1, axisa, -1), np.moveaxis(x2, axisb, -1)
    planar = a.shape[-1] == b.shape[-1] == 2
    a, b = (np.concatenate([x, np.zeros((*x.shape[:-1], 3 - x.shape[-1]))], -1) for x in (a, b))
    y = np.cross(a, b)
    return y[..., 2] if planar else np.moveaxis(y, -1, axisc)


CROSS = of_shapes(((3,), (3,)), ((4, 3), (3,)), ((2,), (2,)), ((4, 2), (1, 3)))
CROSS += of_shapes(((3, 4), (5, 4, 3)), axisa=0, axisc=1) + of_shapes(((2, 4), (2, 4)), ((3, 4), (2, 4)), axis=0)
OF_THREE = of_shapes(((3,), (3,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)))


def one_sequence(operation, *arrays):
    return operation(arrays)


ROWS = [
    Row(products.matmul, of_shapes(*MATMUL)),
    Row(products.dot, of_shapes(*DOT)),
    Row(products.tensordot, pairs_of_axes()),
    Row(products.inner, of_shapes(*INNER)),
    Row(products.vdot, of_shapes(((4,), (4,)), ((2, 3), (3, 2)), ((), ()), ((2, 2), (4,)))),
    Row(products.outer, of_shapes(*FLATTENED)),
    Row(products.linalg_outer, of_shapes(((4,), (3,)), ((0,), (2,)))),
    Row(products.vecdot, of_shapes(*VECTORS) + of_shapes(((3, 4), (3, 4)), ((3, 4), (3, 5, 4)), axis=0)),
    Row(
        products.matvec,
        of_shapes(((3, 4), (4,)), ((2, 3, 4), (4,)), ((3, 4), (2, 4)), ((3, 0), (0,))),
        formula=lambda x1, x2: np.einsum("...ij,...j->...i", x1, x2),
    ),
    Row(
        products.vecmat,
        of_shapes(((4,), (4, 3)), ((4,), (2, 4, 3)), ((2, 4), (4, 3)), ((0,), (0, 3))),
        formula=lambda x1, x2: np.einsum("...i,...ij->...j", x1, x2),
    ),
    Row(products.kron, of_shapes(*KRON)),
    Row(products.multi_dot, of_shapes(*CHAINS), call=one_sequence),
    Row(products.vector_product, OF_THREE, formula=np.cross),
    Row(products.cross, CROSS, formula=cross_formula),
    Row(products.linalg_cross, OF_THREE + of_shapes(((3, 2), (3, 2)), axis=0)),
]
