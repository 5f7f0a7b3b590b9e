"""What one prediction x costs beside its target t, element by element.

These are the losses whose formula overflows or cancels when it is written with NumPy's functions, and those
that every step of a training run takes. Checks, weights and the mean are in ``tinygrad_np.losses``.
"""

from __future__ import annotations

import numpy as np

from tinygrad_np.numerics import exp_to_zero, scalar, times_to_zero, vanishing
from tinygrad_np.operations import Result, operation
from tinygrad_np.tape import Array

log1p_to_zero = vanishing(np.log1p)


@operation(symmetric=True)
def squared_error(x: Array, t: Array) -> Result:
    """y = (x − t)²;  ∂L/∂x = 2·g·(x − t) = −∂L/∂t."""
    d = x - t
    return times_to_zero(d, d), (
        lambda g: times_to_zero(g, d + d),
        lambda g: times_to_zero(-g, d + d),
    )


@operation(symmetric=True)
def huber(x: Array, t: Array, *, delta: float = 1.0) -> Result:
    """y = d²/2 where |d| ≤ δ, else δ·(|d| − δ/2), with d = x − t;  ∂L/∂x = g·c = −∂L/∂t, c = d clipped to ±δ.

    Both branches are c·(d − c/2), which squares no large number.
    """
    d = x - t
    c = np.minimum(np.maximum(d, scalar(-delta, d.dtype)), scalar(delta, d.dtype))
    y = times_to_zero(c, d - c * scalar(0.5, d.dtype))
    return y, (lambda g: times_to_zero(g, c), lambda g: times_to_zero(-g, c))


@operation(symmetric=True)
def binary_cross_entropy(x: Array, t: Array) -> Result:
    """y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x));  ∂L/∂x = g·(σ(x) − t), ∂L/∂t = −g·x.

    It is computed as |x|·m + ln(1 + e^−|x|), with m the share of the target on the other side than x: 1 − t for
    x ≥ 0, else t. Neither it nor the slope ±(m − σ(−|x|)) takes the difference of two numbers that are nearly equal,
    so that both are exact far out, where σ(x) rounds to 1.
    """
    right = np.greater_equal(x, 0)
    one = scalar(1, x.dtype)
    sign = np.where(right, one, -one)
    missed = np.where(right, one - t, t)
    distance = x * sign  # |x|, but with a slope at 0 that makes the curvature there right
    e = exp_to_zero(-distance)
    return distance * missed + log1p_to_zero(e), (
        lambda g: times_to_zero(g, sign * (missed - e / (one + e))),
        lambda g: -g * x,
    )


@operation(symmetric=True)
def poisson(x: Array, t: Array) -> Result:
    """y = eˣ − t·x, x the logarithm of the rate and t the count;  ∂L/∂x = g·(eˣ − t), ∂L/∂t = −g·x."""
    rate = exp_to_zero(x)
    return rate - t * x, (lambda g: times_to_zero(g, rate - t), lambda g: -g * x)


@operation(symmetric=True)
def gaussian_nll(mean: Array, log_variance: Array, t: Array) -> Result:
    """y = (s + z²)/2 with s = ln σ² and z = (t − mean)/σ;  ∂L/∂mean = −g·z/σ = −∂L/∂t, ∂L/∂s = g·(1 − z²)/2."""
    half = scalar(0.5, log_variance.dtype)
    inverse = exp_to_zero(times_to_zero(log_variance, -half))  # 1/σ: e^−s itself would overflow twice as early
    z = times_to_zero(t - mean, inverse)
    square = times_to_zero(z, z)
    return times_to_zero(log_variance + square, half), (
        lambda g: times_to_zero(-g, times_to_zero(z, inverse)),
        lambda g: g * (half - half * square),
        lambda g: times_to_zero(g, times_to_zero(z, inverse)),
    )
