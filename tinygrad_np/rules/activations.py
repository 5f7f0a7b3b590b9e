"""Activations that NumPy has no name for, beyond those that the losses are made of."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_np.numerics import exp_to_zero, logaddexp_to_zero, logistic, scalar, times_to_zero
from tinygrad_np.operations import Result, operation
from tinygrad_np.shapes import floating
from tinygrad_np.tape import Array

# y = x·σ(ax + bx³) is ½x(1 + tanh √(2/π)(x + 0.044715x³)) without the digits that 1 + tanh loses where it is near 0.
GELU_LINEAR = 2 * math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715 * GELU_LINEAR
GELU_FLAT = 60.0  # from here on the sigmoid is 0 or 1 in every dtype, and the cube fits into float16
SILU_FLAT = 2e4  # as above, for σ(x)


@operation(symmetric=True)
def leaky_relu(x: Array, slope: float = 0.01) -> Result:
    """Rectified linear unit that leaks, y = x where x > 0, else slope·x, for x of any shape.

    ∂L/∂x = g where x > 0, else slope·g (at the kink x = 0 too). Maas, Hannun & Ng (2013), "Rectifier
    nonlinearities improve neural network acoustic models".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1.0, 2.0], requires_grad=True)
    >>> tg.leaky_relu(x, 0.1).sum().backward()
    >>> x.grad
    array([0.1, 1. ])
    """
    x = floating(x)
    # A choice between two numbers takes a fifth of the time of one between two arrays.
    factor = np.where(x > scalar(0, x.dtype), scalar(1, x.dtype), np.asarray(slope, x.dtype))
    return times_to_zero(x, factor), (lambda g: times_to_zero(g, factor),)


@operation(symmetric=True)
def elu(x: Array, alpha: float = 1.0) -> Result:
    """Exponential linear unit, y = x where x > 0, else alpha·(eˣ − 1), for x of any shape.

    ∂L/∂x = g where x > 0, else g·alpha·eˣ; at 0, where there is a kink unless alpha is 1, that is g·alpha. Clevert,
    Unterthiner & Hochreiter (2016), "Fast and accurate deep network learning by exponential linear units".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1000.0, 0.0, 2.0], requires_grad=True)
    >>> y = tg.elu(x)
    >>> y.data
    array([-1.,  0.,  2.])
    >>> y.sum().backward()
    >>> x.grad
    array([0., 1., 1.])
    """
    x = floating(x)
    zero, scale = scalar(0, x.dtype), np.asarray(alpha, x.dtype)
    left = np.minimum(x, zero)
    y = np.maximum(x, zero) + times_to_zero(scale, np.expm1(left))

    def gx(g: Array) -> Array:
        factor = np.where(x > zero, scalar(1, x.dtype), scale)
        return times_to_zero(g, times_to_zero(factor, exp_to_zero(left)))

    return y, (gx,)


@operation(symmetric=True)
def softplus(x: Array) -> Result:
    """Smooth rectifier, y = ln(1 + eˣ), for x of any shape.

    ∂L/∂x = g / (1 + e⁻ˣ). Neither overflows. Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), "Incorporating
    second-order functional knowledge for better option pricing".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.softplus(x)
    >>> y.data.round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    >>> y.sum().backward()
    >>> x.grad
    array([0. , 0.5, 1. ])
    """
    x = floating(x)
    return logaddexp_to_zero(scalar(0, x.dtype), x), (lambda g: times_to_zero(g, logistic(x)),)


@operation(symmetric=True)
def silu(x: Array) -> Result:
    """Sigmoid-weighted linear unit, or swish, y = x·σ(x) with σ(x) = 1 / (1 + e⁻ˣ), for x of any shape.

    ∂L/∂x = g·(σ(x) + x·σ(x)·(1 − σ(x))). At −∞ value and gradient are 0. Elfwing, Uchibe & Doya (2018),
    "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.silu(x)
    >>> y.data
    array([  -0.,    0., 1000.])
    >>> y.sum().backward()
    >>> x.grad
    array([0. , 0.5, 1. ])
    """
    x = floating(x)
    sigma, one = logistic(x), scalar(1, x.dtype)
    bounded = _bounded(x, SILU_FLAT)
    y = times_to_zero(np.maximum(x, bounded), sigma)  # without the bound 0·(−∞), which is NaN
    return y, (lambda g: times_to_zero(g, sigma + times_to_zero(bounded * (one - sigma), sigma)),)


@operation(symmetric=True)
def gelu(x: Array) -> Result:
    """Gaussian error linear unit in its tanh form, y = ½x·(1 + tanh u) with u = √(2/π)·(x + 0.044715x³).

    It differs by less than 0.0005 from the exact form, x times the normal distribution up to x. With σ = ½(1 + tanh u)
    ∂L/∂x = g·(σ + 2x·σ·(1 − σ)·∂u/∂x), for x of any shape; at −∞ value and gradient are 0. Hendrycks & Gimpel (2016),
    "Gaussian error linear units (GELUs)".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1000.0, 0.0, 1.0], requires_grad=True)
    >>> y = tg.gelu(x)
    >>> y.data.round(4)
    array([-0.    ,  0.    ,  0.8412])
    >>> y.sum().backward()
    >>> x.grad.round(4)
    array([0.   , 0.5  , 1.083])
    """
    x = floating(x)
    linear, cubic, slope, one = (scalar(c, x.dtype) for c in (GELU_LINEAR, GELU_CUBIC, 3 * GELU_CUBIC, 1))
    bounded = _bounded(x, GELU_FLAT)
    square = times_to_zero(bounded, bounded)
    sigma = logistic(times_to_zero(bounded, linear + times_to_zero(cubic, square)))
    y = times_to_zero(np.maximum(x, bounded), sigma)

    def gx(g: Array) -> Array:
        steepness = times_to_zero(bounded, linear + times_to_zero(slope, square)) * (one - sigma)
        return times_to_zero(g, sigma + times_to_zero(steepness, sigma))

    return y, (gx,)


def _bounded(x: Array, most: float) -> Array:
    """x where it lies in [−most, most], else the end that is nearer."""
    return np.minimum(np.maximum(x, scalar(-most, x.dtype)), scalar(most, x.dtype))
