"""Circular and hyperbolic functions, their inverses, and what is made of them. Angles are in radians.

Where a slope is infinite and the value is not, as that of arcsin at ±1, the gradient is 0, as that of sqrt at 0.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_np.numerics import is_plain, scalar, speaking, zero_to_infinity
from tinygrad_np.operations import Result, operation, unchanged
from tinygrad_np.shapes import FIT, as_array
from tinygrad_np.tape import Array


@operation(np.sin)
def sin(x: Array) -> Result:
    """y = sin x;  ∂L/∂x = g·cos x."""
    return np.sin(x), (lambda g: g * np.cos(x),)


@operation(np.cos)
def cos(x: Array) -> Result:
    """y = cos x;  ∂L/∂x = −g·sin x."""
    return np.cos(x), (lambda g: -g * np.sin(x),)


@operation(np.tan)
def tan(x: Array) -> Result:
    """y = tan x;  ∂L/∂x = g·(1 + y²)."""
    y = np.tan(x)
    return y, (lambda g: g + g * y * y,)


@operation(np.arcsin)
def arcsin(x: Array) -> Result:
    """y = arcsin x;  ∂L/∂x = g / √(1 − x²), and 0 at x = ±1, where the slope is infinite."""
    return np.arcsin(x), (lambda g: g / zero_to_infinity(_cosine(x)),)


@operation(np.arccos)
def arccos(x: Array) -> Result:
    """y = arccos x;  ∂L/∂x = −g / √(1 − x²), and 0 at x = ±1, where the slope is infinite."""
    return np.arccos(x), (lambda g: -g / zero_to_infinity(_cosine(x)),)


def _cosine(x: Array) -> Array:
    """√(1 − x²), the cosine of the angle whose sine is x."""
    one = scalar(1, x.dtype)
    return np.sqrt((one - x) * (one + x))


@operation(np.arctan)
def arctan(x: Array) -> Result:
    """y = arctan x;  ∂L/∂x = g / (1 + x²), which is never squared: x² may overflow where the slope is only small."""

    def gx(g: Array) -> Array:
        h = np.hypot(x, scalar(1, x.dtype))
        return g / h / h

    return np.arctan(x), (gx,)


@operation(np.sinh)
def sinh(x: Array) -> Result:
    """y = sinh x;  ∂L/∂x = g·cosh x."""
    return np.sinh(x), (lambda g: g * np.cosh(x),)


@operation(np.cosh)
def cosh(x: Array) -> Result:
    """y = cosh x;  ∂L/∂x = g·sinh x."""
    return np.cosh(x), (lambda g: g * np.sinh(x),)


@operation(np.tanh)
def tanh(x: Array) -> Result:
    """y = tanh x;  ∂L/∂x = g·(1 − y²), multiplied out: a scalar operand would take as long as both products."""
    y = np.tanh(x)
    return y, (lambda g: g - g * y * y,)


@operation(np.arcsinh)
def arcsinh(x: Array) -> Result:
    """y = arsinh x;  ∂L/∂x = g / √(1 + x²)."""
    return np.arcsinh(x), (lambda g: g / np.hypot(x, scalar(1, x.dtype)),)


@operation(np.arccosh)
def arccosh(x: Array) -> Result:
    """y = arcosh x;  ∂L/∂x = g / √(x² − 1), and 0 at x = 1, where the slope is infinite."""

    def gx(g: Array) -> Array:
        one = scalar(1, x.dtype)
        return g / zero_to_infinity(np.sqrt(x - one) * np.sqrt(x + one))

    return np.arccosh(x), (gx,)


@operation(np.arctanh)
def arctanh(x: Array) -> Result:
    """y = artanh x;  ∂L/∂x = g / (1 − x²)."""

    def gx(g: Array) -> Array:
        one = scalar(1, x.dtype)
        return g / ((one - x) * (one + x))

    return np.arctanh(x), (gx,)


@operation(np.arctan2, hint=FIT)
def arctan2(x1: Array, x2: Array) -> Result:
    """y = the angle of the point with ordinate x1 and abscissa x2, at the distance r = √(x1² + x2²).

    ∂L/∂x1 = g·x2 / r², ∂L/∂x2 = −g·x1 / r²; both are 0 at the origin and where r is infinite.
    """

    def gx1(g: Array) -> Array:
        r = zero_to_infinity(np.hypot(x1, x2))
        return g * _share(x2, x1, r) / r

    def gx2(g: Array) -> Array:
        r = zero_to_infinity(np.hypot(x1, x2))
        return -g * _share(x1, x2, r) / r

    return np.arctan2(x1, x2), (gx1, gx2)


@operation(np.hypot, hint=FIT)
def hypot(x1: Array, x2: Array) -> Result:
    """y = √(x1² + x2²);  ∂L/∂x1 = g·x1 / y, ∂L/∂x2 = g·x2 / y; both are 0 at the origin."""
    y = np.hypot(x1, x2)
    return y, (
        lambda g: g * _share(x1, x2, zero_to_infinity(y)),
        lambda g: g * _share(x2, x1, zero_to_infinity(y)),
    )


def _share(x1: Array, x2: Array, r: Array) -> Array:
    """x1 / r for r = √(x1² + x2²), or ∞ at the origin: infinities are large alike, and all else is 0 beside them."""
    infinite = np.isinf(r)
    if np.count_nonzero(infinite):
        x1, x2 = (np.where(infinite, np.sign(x) * np.isinf(x), x).astype(r.dtype) for x in (x1, x2))
        r = zero_to_infinity(np.hypot(x1, x2))
    return x1 / r


@operation(np.deg2rad, np.radians)
def deg2rad(x: Array) -> Result:
    """y = π·x / 180;  ∂L/∂x = π·g / 180."""
    return np.deg2rad(x), (np.deg2rad,)


@operation(np.rad2deg, np.degrees)
def rad2deg(x: Array) -> Result:
    """y = 180·x / π;  ∂L/∂x = 180·g / π."""
    return np.rad2deg(x), (np.rad2deg,)


@operation(np.unwrap, symmetric=True)
def unwrap(p: Array, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Result:
    """y = p plus multiples of the period, that its steps along ``axis`` be small;  ∂L/∂p = g."""
    return np.unwrap(p, discont, axis, period=period), (unchanged,)


@operation(np.sinc, symmetric=True)
def sinc(x: Array, *, order: int = 0) -> Result:
    """y = sin πx / πx, or its derivative of the given order;  ∂L/∂x = g·(that of the next order)."""
    x = as_array(x)
    return _sinc(x, order), (lambda g: g * _sinc(x, order + 1),)


def _sinc(x: Any, order: int) -> Any:
    """The value of ``sinc``; on Tensors, in the second run of a higher derivative, the operation itself."""
    if not is_plain(x):
        return sinc(x, order=order)
    return _sinc_derivative(x, order) if order else np.sinc(x)


def _sinc_derivative(x: Array, n: int) -> Array:
    """The n-th derivative of s = sin z / z by x, with z = πx, to full precision at 0 and near it too.

    There it is the integral πⁿ ∫ tⁿ cos(zt + nπ/2) dt over [0, 1] by Gauss's quadrature, whose terms do not
    cancel: 16 places suffice for n up to 14. Where |z| > n + 1, it follows from z·s = sin z, differentiated n times,
    which is z·s⁽ⁿ⁾ + n·s⁽ⁿ⁻¹⁾ = sin(z + nπ/2).
    """
    z = np.pi * x.astype(np.result_type(x, np.float64))
    near = np.absolute(z) <= n + 1
    t, weights = _quadrature(n)
    y = np.empty(z.shape, z.dtype, like=speaking(z))
    y[near] = _cos(np.multiply.outer(z[near], t), n).dot(weights)
    far = z[~near]
    if far.size:
        s = np.sin(far) / far
        for k in range(1, n + 1):
            s = (_cos(far, k - 1) - k * s) / far
        y[~near] = s
    return (np.pi**n * y).astype(x.dtype)


def _cos(z: Array, n: int) -> Array:
    """cos(z + nπ/2), the n-th derivative of the cosine."""
    y = np.sin(z) if n % 2 else np.cos(z)
    return -y if (n + 1) // 2 % 2 else y


@lru_cache(maxsize=8)
def _quadrature(n: int) -> tuple[Array, Array]:
    """Places t and weights with which Σ weight·f(t) is ∫ tⁿ·f(t) dt over [0, 1]."""
    places, weights = np.polynomial.legendre.leggauss(16)
    t = (places + 1) / 2
    return t, weights / 2 * t**n
