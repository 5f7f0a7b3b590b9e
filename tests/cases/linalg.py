"""Cases of the linear algebra rules."""

from tests.cases.rows import Row, of_shapes
from tinygrad_np.rules import linalg

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
DOT += [((), (3,)), ((2, 3), ()), ((), ()), ((0, 4), (4, 2))]

ROWS = [
    Row(linalg.matmul, of_shapes(*MATMUL)),
    Row(linalg.dot, of_shapes(*DOT)),
]
