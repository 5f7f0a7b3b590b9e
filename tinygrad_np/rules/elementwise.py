"""Elementwise operations: y[i] depends on x[i] alone, after broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.numerics import exp_to_zero, logaddexp_to_zero
from tinygrad_np.operations import Result, operation, times, unchanged, undefined
from tinygrad_np.tape import Array

FIT = "Shapes fit where, counted from the last axis, they are equal or 1: insert an axis with x[:, None] or reshape"


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
    return x1 % x2, (unchanged, lambda g: -g * np.floor_divide(x1, x2))


@operation(np.power, hint=FIT)
def power(x1: Array, x2: Array) -> Result:
    """y = x1^x2;  ∂L/∂x1 = g·x2·x1^(x2−1), ∂L/∂x2 = g·y·ln x1.

    Where x2 is 0, y is constant in x1: its gradient there is 0, at x1 = 0 too. Where x1 is 0 and x2 is
    not negative, the gradient of x2 is 0. The logarithm is taken only when the exponent's gradient is
    asked for. The slope of x^½ at 0 is infinite and given so; np.sqrt gives 0 there.
    """
    y = x1**x2

    def gx1(g: Array) -> Array:
        if isinstance(x2, (int, float)):
            return g * (x2 * x1 ** (x2 - 1 if x2 else 1))
        # Only 0^(0−1) is avoided: elsewhere the slope must stay the function of x2 that it is.
        base = np.where(np.equal(x1, 0) & np.equal(x2, 0), 1, x1)
        return g * (x2 * base ** np.subtract(x2, 1))

    return y, (gx1, lambda g: g * (y * np.log(np.where(x1 == 0, 1, x1)).astype(y.dtype)))


@operation(np.negative)
def negative(x: Array) -> Result:
    """y = −x;  ∂L/∂x = −g."""
    return -x, (lambda g: -g,)


@operation(np.absolute)
def absolute(x: Array) -> Result:
    """y = |x|;  ∂L/∂x = g·sign(x), which is 0 at the kink x = 0."""
    return np.absolute(x), (lambda g: g * np.sign(x),)


@operation(np.exp)
def exp(x: Array) -> Result:
    """y = eˣ;  ∂L/∂x = g·y."""
    y = np.exp(x)
    return y, (times(y),)


@operation(np.log)
def log(x: Array) -> Result:
    """y = ln x;  ∂L/∂x = g / x."""
    return np.log(x), (lambda g: g / x,)


@operation(np.logaddexp, hint=FIT)
def logaddexp(x1: Array, x2: Array) -> Result:
    """y = ln(eˣ¹ + eˣ²);  ∂L/∂x1 = g·e^(x1−y), ∂L/∂x2 = g·e^(x2−y)."""
    y = logaddexp_to_zero(x1, x2)
    finite = np.where(y == -np.inf, 0, y)  # −inf − (−inf) would be NaN, where both shares are 0
    return y, (lambda g: g * exp_to_zero(x1 - finite), lambda g: g * exp_to_zero(x2 - finite))


@operation(np.sqrt)
def sqrt(x: Array) -> Result:
    """y = √x;  ∂L/∂x = g / (2y), and 0 at x = 0, where the slope is infinite."""
    y = np.sqrt(x)
    return y, (lambda g: g * 0.5 / np.where(y == 0, np.inf, y),)


@operation(np.tanh)
def tanh(x: Array) -> Result:
    """y = tanh x;  ∂L/∂x = g·(1 − y²), multiplied out: a scalar operand would take as long as both products."""
    y = np.tanh(x)
    return y, (lambda g: g - g * y * y,)


@operation(np.maximum, hint=FIT)
def maximum(x1: Array, x2: Array) -> Result:
    """y = max(x1, x2);  ∂L/∂x1 = g where x1 is larger, g/2 where the two are equal, else 0."""
    return np.maximum(x1, x2), (lambda g: g * _share(x1, x2, g), lambda g: g * _share(x2, x1, g))


@operation(np.minimum, hint=FIT)
def minimum(x1: Array, x2: Array) -> Result:
    """y = min(x1, x2);  ∂L/∂x1 = g where x1 is smaller, g/2 where the two are equal, else 0."""
    return np.minimum(x1, x2), (lambda g: g * _share(x2, x1, g), lambda g: g * _share(x1, x2, g))


@operation(np.where, hint=FIT)
def where(condition: Array, x1: Array, x2: Array) -> Result:
    """y = x1 where the condition holds, else x2;  ∂L/∂x1 = g there and exactly 0 elsewhere."""
    return np.where(condition, x1, x2), (
        undefined,
        lambda g: np.where(condition, g, 0),
        lambda g: np.where(condition, 0, g),
    )


@operation(np.astype)
def astype(x: Array, dtype: Any) -> Result:
    """y = x in another dtype;  ∂L/∂x = g, in x's dtype again. Rounding to integers has no derivative."""
    before = x.dtype
    return x.astype(dtype), (lambda g: g.astype(before) if np.dtype(dtype).kind == "f" else undefined(g),)


def _share(x1: Array, x2: Array, g: Array) -> Array:
    """1 where x1 > x2, ½ where they are equal, else 0, in the gradient's dtype; 1 where one is NaN, as y then is."""
    return (1 - (x1 < x2) - (x1 == x2) * 0.5).astype(g.dtype)
