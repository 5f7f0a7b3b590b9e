"""Cases of the arithmetic rules."""

import operator

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, binary, either_sign, lean, over, positive, unary
from tinygrad_np.rules import arithmetic

POWERS = over("x2", (2, 3, -1, 2.0, 0, 1), 3, 2, draw=either_sign)  # by constants, of either sign
NUMERATORS = np.array([[2.3, -2.3], [1.6, -0.4]])
REMAINDERS = [Variant((NUMERATORS, np.array(x2))) for x2 in (1.7, [1.5, -2.0])]
SIGNS = np.array([1, -1, 0, -3], np.int8)  # as narrow as the narrowest floats, whose dtype is to be kept


def by_position(operation, x1, x2):
    return operation(x1, x2)


BETWEEN_INTEGERS = domains.of(st.builds(operator.add, st.integers(-3, 3), domains.floats(0.25, 0.75)))


@st.composite
def between_multiples(draw):
    """Numbers and divisors that broadcast to them, away from where a quotient is whole."""
    shape = draw(domains.shapes())
    divisors = draw(domains.within(shape).flatmap(domains.nonzero))
    return Variant((draw(BETWEEN_INTEGERS(shape)) * divisors, divisors))


ROWS = [
    Row(arithmetic.add, binary()),
    Row(arithmetic.subtract, binary()),
    Row(arithmetic.multiply, binary()),
    Row(arithmetic.divide, binary(second=either_sign)),
    Row(arithmetic.remainder, REMAINDERS, drawn=between_multiples()),
    Row(arithmetic.fmod, REMAINDERS, drawn=between_multiples()),
    Row(arithmetic.divmod, REMAINDERS, call=lambda operation, x1, x2: operation(x1, x2)[1], drawn=between_multiples()),
    Row(
        arithmetic.modf,
        [Variant((NUMERATORS,)), Variant((np.array(-0.4),))],
        call=lambda operation, x: operation(x)[0],
        drawn=domains.one(BETWEEN_INTEGERS),
    ),
    Row(arithmetic.power, binary(positive) + POWERS, call=by_position),
    Row(
        arithmetic.float_power,
        binary(positive)[:3] + POWERS,
        call=lambda operation, x1, x2: operation(x1, x2).astype(x1.dtype),  # back, to keep its dtype like others
    ),
    Row(arithmetic.square, lean()),
    Row(arithmetic.sqrt, unary(positive)),
    Row(arithmetic.cbrt, lean(either_sign)),
    Row(arithmetic.reciprocal, lean(either_sign)),
    Row(arithmetic.positive, lean()),
    Row(arithmetic.negative, unary()),
    Row(arithmetic.absolute, unary(apart)),
    Row(arithmetic.fabs, lean(apart)),
    Row(arithmetic.copysign, over("x2", (1.0, -1.0, SIGNS), 3, 4, draw=apart), call=by_position),
    Row(
        arithmetic.heaviside,
        over("x1", (0, SIGNS), 3, 4) + over("x1", (SIGNS,)),
        call=lambda operation, x2, x1: operation(x1, x2),
    ),
    Row(arithmetic.ldexp, over("x2", (2, SIGNS), 3, 4) + over("x2", (SIGNS,)), call=by_position),
]
