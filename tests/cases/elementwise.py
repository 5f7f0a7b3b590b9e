"""Cases of the elementwise rules."""

import numpy as np

from tests.cases.rows import Row, Variant, apart, apart_too, binary, either_sign, of_shapes, over, positive, unary
from tinygrad_np.rules import elementwise

MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])
POWERS = over("x2", (2, 3, -1, 2.0, 0, 1), 3, 2, draw=either_sign)  # by constants, of either sign
NUMERATORS = np.array([[2.3, -2.3], [7.1, -0.4]])
CHOICES = [
    v for c in (MASK, MASK[0]) for v in of_shapes(*[((3, 4), s) for s in [(3, 4), (4,), (), (3, 1)]], condition=c)
]
CHOICES += of_shapes(((), (2, 1, 1)), condition=MASK) + of_shapes(((), ()), condition=True)

ROWS = [
    Row(elementwise.add, binary()),
    Row(elementwise.subtract, binary()),
    Row(elementwise.multiply, binary()),
    Row(elementwise.divide, binary(second=either_sign)),
    Row(elementwise.remainder, [Variant((NUMERATORS, np.array(x2))) for x2 in (1.7, [1.5, -2.0])]),
    Row(elementwise.power, binary(positive) + POWERS, call=lambda operation, x1, x2: operation(x1, x2)),
    Row(elementwise.negative, unary()),
    Row(elementwise.absolute, unary(apart)),
    Row(elementwise.exp, unary()),
    Row(elementwise.log, unary(positive)),
    Row(elementwise.logaddexp, binary()),
    Row(elementwise.sqrt, unary(positive)),
    Row(elementwise.tanh, unary()),
    Row(elementwise.maximum, binary(apart, apart_too)),
    Row(elementwise.minimum, binary(apart, apart_too)),
    Row(
        elementwise.where,
        CHOICES,
        call=lambda operation, x1, x2, condition: operation(condition, x1, x2),
    ),
    Row(
        elementwise.astype,
        unary(),
        formula=np.positive,
        call=lambda operation, x: operation(
            operation(x, np.longdouble), x.dtype
        ),  # back, to keep its dtype like others
    ),
]
