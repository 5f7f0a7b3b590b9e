"""Arithmetic, powers and roots, and the sign of numbers."""

from __future__ import annotations

import numpy as np

from tinygrad_np.numerics import has_zero, scalar, zero_to_infinity
from tinygrad_np.operations import Result, composition, operation, times, unchanged
from tinygrad_np.shapes import FIT, as_array
from tinygrad_np.tape import Array


@operation(np.add, hint=FIT)
def add(x1: Array, x2: Array) -> Result:
    """y = x1 + x2;  ∂L/∂x1 = g, ∂L/∂x2 = g."""
    return x1 + x2, (unchanged, unchanged)


@operation(np.subtract, hint=FIT)
def subtract(x1: Array, x2: Array) -> Result:
    """y = x1 − x2;  ∂L/∂x1 = g, ∂L/∂x2 = −g."""
    return x1 - x2, (unchanged, lambda g: -g)


@operation(np.multiply, hint=FIT)
def multiply(x1: Array, x2: Array) -> Result:
    """y = x1·x2;  ∂L/∂x1 = g·x2, ∂L/∂x2 = g·x1."""
    return x1 * x2, (times(x2), times(x1))


@operation(np.divide, hint=FIT)
def divide(x1: Array, x2: Array) -> Result:
    """y = x1 / x2;  ∂L/∂x1 = g / x2, ∂L/∂x2 = −g·y / x2."""
    y = x1 / x2
    return y, (lambda g: g / x2, lambda g: -g * y / x2)


@operation(np.remainder, hint=FIT)
def remainder(x1: Array, x2: Array) -> Result:
    """y = x1 − x2·⌊x1 / x2⌋;  ∂L/∂x1 = g, ∂L/∂x2 = −g·⌊x1 / x2⌋."""
    return np.remainder(x1, x2), (unchanged, lambda g: -g * np.floor_divide(x1, x2))


@operation(np.fmod, hint=FIT)
def fmod(x1: Array, x2: Array) -> Result:
    """y = x1 − x2·q with q = x1 / x2 rounded towards 0;  ∂L/∂x1 = g, ∂L/∂x2 = −g·q."""
    y = np.fmod(x1, x2)
    return y, (unchanged, lambda g: -g * np.rint((x1 - y) / x2))


@composition(np.divmod)
def divmod(x1: Array, x2: Array) -> tuple[Array, Array]:  # noqa: A001 - NumPy's name
    """The quotient ⌊x1 / x2⌋, through which no gradient passes, and the remainder."""
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


@composition(np.modf)
def modf(x: Array) -> tuple[Array, Array]:
    """The part of x behind the point, and the whole number before it, through which no gradient passes."""
    return np.fmod(np.where(np.isinf(x), 0, x), 1.0), np.trunc(x)


@operation(np.power, hint=FIT)
def power(x1: Array, x2: Array) -> Result:
    """y = x1^x2;  ∂L/∂x1 = g·x2·x1^(x2−1), ∂L/∂x2 = g·y·ln x1.

    Where x2 is 0, y is constant in x1: its gradient there is 0, at x1 = 0 too. Where x1 is 0 and x2 is
    not negative, the gradient of x2 is 0. The logarithm is taken only when the exponent's gradient is
    asked for. The slope of x^½ at 0 is infinite and given so; np.sqrt gives 0 there. The mixed second
    derivative has no limit at (0, 1) and (0, 0): it is 0 by x2 first, and 1 by x1 first.
    """
    y = x1**x2
    if isinstance(x2, (int, float)):
        return y, (lambda g: g * (x1 + x1 if x2 == 2 else x2 * x1 ** (x2 - 1)) if x2 else np.zeros_like(g),)

    def gx1(g: Array) -> Array:
        # Only 0^(0−1) is avoided: elsewhere the slope must stay the function of x2 that it is.
        base = np.where(np.equal(x1, 0) & np.equal(x2, 0), 1, x1) if has_zero(x1) and has_zero(x2) else x1
        return g * (x2 * base ** np.subtract(x2, scalar(1, g.dtype)))

    def gx2(g: Array) -> Array:
        base = np.where(np.equal(x1, 0), 1, x1) if has_zero(x1) else x1
        return g * (y * np.log(base * scalar(1, y.dtype)))  # of small integers NumPy's logarithm is float16

    return y, (gx1, gx2)


@composition(np.float_power)
def float_power(x1: Array, x2: Array) -> Array:
    """x1^x2 in float64 or wider."""
    x1, x2 = as_array(x1), as_array(x2)
    wide = np.result_type(x1, x2, np.float64)
    return np.power(x1.astype(wide), x2.astype(wide))


@operation(np.square)
def square(x: Array) -> Result:
    """y = x²;  ∂L/∂x = 2·g·x."""
    return np.square(x), (lambda g: g * (x + x),)


@operation(np.sqrt)
def sqrt(x: Array) -> Result:
    """y = √x;  ∂L/∂x = g / (2y), and 0 at x = 0, where the slope is infinite."""
    y = np.sqrt(x)
    return y, (lambda g: g / zero_to_infinity(y + y),)


@operation(np.cbrt)
def cbrt(x: Array) -> Result:
    """y = ∛x;  ∂L/∂x = g / (3y²), and 0 at x = 0, where the slope is infinite."""
    y = np.cbrt(x)
    return y, (lambda g: g / zero_to_infinity(y * y * scalar(3, y.dtype)),)


@operation(np.reciprocal)
def reciprocal(x: Array) -> Result:
    """y = 1 / x;  ∂L/∂x = −g·y²."""
    y = np.reciprocal(x)
    return y, (lambda g: -g * y * y,)


@operation(np.positive, np.real, np.conjugate, np.real_if_close)
def positive(x: Array) -> Result:
    """y = x in an array of its own;  ∂L/∂x = g. Real numbers are their own real part and conjugate."""
    return np.positive(x), (unchanged,)


@operation(np.negative)
def negative(x: Array) -> Result:
    """y = −x;  ∂L/∂x = −g."""
    return -x, (lambda g: -g,)


@operation(np.absolute)
def absolute(x: Array) -> Result:
    """y = |x|;  ∂L/∂x = g·sign(x), which is 0 at the kink x = 0."""
    return np.absolute(x), (lambda g: g * np.sign(x),)


@operation(np.fabs)
def fabs(x: Array) -> Result:
    """y = |x|, of integers too as floats;  ∂L/∂x = g·sign(x), which is 0 at the kink x = 0."""
    return np.fabs(x), (lambda g: g * np.sign(x),)


@operation(np.copysign, hint=FIT)
def copysign(x1: Array, x2: Array) -> Result:
    """y = |x1| with the sign of x2;  ∂L/∂x1 = g·sign(x1)·sign(y), ∂L/∂x2 = 0, where y jumps too."""
    y = np.copysign(x1, x2)
    return y, (lambda g: g * (np.sign(x1) * np.sign(y)), np.zeros_like)


@operation(np.heaviside, hint=FIT)
def heaviside(x1: Array, x2: Array) -> Result:
    """y = 0 where x1 < 0, 1 where x1 > 0, x2 where x1 = 0;  ∂L/∂x1 = 0, ∂L/∂x2 = g where x1 = 0, else 0."""
    return np.heaviside(x1, x2), (np.zeros_like, lambda g: np.where(np.equal(x1, 0), g, 0))


@operation(np.ldexp, hint=FIT)
def ldexp(x1: Array, x2: Array) -> Result:
    """y = x1·2^x2 for integers x2;  ∂L/∂x1 = g·2^x2."""
    return np.ldexp(x1, x2), (lambda g: np.ldexp(g, x2),)
