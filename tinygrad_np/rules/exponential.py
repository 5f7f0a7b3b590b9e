"""Exponentials and logarithms."""

from __future__ import annotations

from collections.abc import Callable
from math import log as ln
from typing import Any

import numpy as np

from tinygrad_np.numerics import exp2_to_zero, exp_to_zero, has_zero, logaddexp2_to_zero, logaddexp_to_zero, scalar
from tinygrad_np.operations import Result, operation, times
from tinygrad_np.shapes import FIT
from tinygrad_np.tape import Array

LN2, LN10 = ln(2), ln(10)


@operation(np.exp)
def exp(x: Array) -> Result:
    """y = eˣ;  ∂L/∂x = g·y."""
    y = np.exp(x)
    return y, (times(y),)


@operation(np.exp2)
def exp2(x: Array) -> Result:
    """y = 2ˣ;  ∂L/∂x = g·y·ln 2."""
    y = np.exp2(x)
    return y, (lambda g: g * (y * scalar(LN2, y.dtype)),)


@operation(np.expm1)
def expm1(x: Array) -> Result:
    """y = eˣ − 1, exact where x is small;  ∂L/∂x = g·eˣ, which y + 1 is not exactly where y is near −1."""
    return np.expm1(x), (lambda g: g * exp_to_zero(x),)


@operation(np.log)
def log(x: Array) -> Result:
    """y = ln x;  ∂L/∂x = g / x."""
    return np.log(x), (lambda g: g / x,)


@operation(np.log2)
def log2(x: Array) -> Result:
    """y = log₂ x;  ∂L/∂x = g / (x·ln 2)."""
    return np.log2(x), (lambda g: g / (x * scalar(LN2, x.dtype)),)


@operation(np.log10)
def log10(x: Array) -> Result:
    """y = log₁₀ x;  ∂L/∂x = g / (x·ln 10)."""
    return np.log10(x), (lambda g: g / x * scalar(1 / LN10, x.dtype),)


@operation(np.log1p)
def log1p(x: Array) -> Result:
    """y = ln(1 + x), exact where x is small;  ∂L/∂x = g / (x + scalar(1, x.dtype))."""
    return np.log1p(x), (lambda g: g / (x + scalar(1, x.dtype)),)


@operation(np.logaddexp, hint=FIT)
def logaddexp(x1: Array, x2: Array) -> Result:
    """y = ln(eˣ¹ + eˣ²);  ∂L/∂x1 = g·e^(x1−y), ∂L/∂x2 = g·e^(x2−y).

    Beside ∞ a finite argument has slope 0, two of them share evenly, and of two −∞ each has slope 0.
    """
    y = logaddexp_to_zero(x1, x2)
    x1, x2, total = _comparable(x1, x2, y, logaddexp_to_zero)
    return y, (lambda g: g * exp_to_zero(x1 - total), lambda g: g * exp_to_zero(x2 - total))


@operation(np.logaddexp2, hint=FIT)
def logaddexp2(x1: Array, x2: Array) -> Result:
    """y = log₂(2ˣ¹ + 2ˣ²);  ∂L/∂x1 = g·2^(x1−y), ∂L/∂x2 = g·2^(x2−y), at infinities as those of logaddexp."""
    y = logaddexp2_to_zero(x1, x2)
    x1, x2, total = _comparable(x1, x2, y, logaddexp2_to_zero)
    return y, (lambda g: g * exp2_to_zero(x1 - total), lambda g: g * exp2_to_zero(x2 - total))


def _comparable(x1: Array, x2: Array, y: Array, add: Callable[..., Any]) -> tuple[Array, Array, Array]:
    """x1, x2 and their sum y of exponentials, with other numbers for infinities whose difference would be NaN.

    Where y is ∞, what is infinite is as 0 and what is finite as −∞; where both are −∞, y is as 0.
    """
    if has_zero(np.isfinite(y)):
        top = y == np.inf
        x1, x2 = (np.where(top, np.where(x == np.inf, 0, -np.inf), x).astype(y.dtype) for x in (x1, x2))
        y = add(x1, x2)
        y = np.where(y == -np.inf, 0, y)
    return x1, x2, y
