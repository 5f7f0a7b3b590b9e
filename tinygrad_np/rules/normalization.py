"""Normalisation: numbers made to have a mean of 0 and a variance of 1."""

from __future__ import annotations

from math import prod

import numpy as np

from tinygrad_np.numerics import square_to_zero, sum_over, through_single
from tinygrad_np.operations import Result, operation, unchanged
from tinygrad_np.shapes import Axis, floating, normalize_axes
from tinygrad_np.tape import Array


@operation(hint="standardize takes x, a weight and a bias that broadcast to x, such as one number for each feature")
@through_single  # x² would soon overflow float16
def standardize(x: Array, weight: Array, bias: Array, axis: Axis = -1, eps: float = 1e-5) -> Result:
    """y = z·weight + bias with z = (x − mean) / √(variance + eps): mean 0 and variance 1 along ``axis``, then others.

    Mean and variance, Σ (x − mean)² / n, are those of each slice of x along ``axis`` (one, several, or None for all):
    of each column of x (batch, features) for axis 0, as in batch normalisation (Ioffe & Szegedy 2015), of each row for
    axis −1, as in layer normalisation (Ba, Kiros & Hinton 2016). With ĝ = g·weight and means along ``axis``

        ∂L/∂x = (ĝ − mean ĝ − z·mean(ĝ·z)) / √(variance + eps),    ∂L/∂weight = g·z,    ∂L/∂bias = g,

    the last two summed to the shape of weight and bias. float16 is computed in float32. Where there are no
    numbers nothing is divided by their number. Raises NumPy's AxisError for an axis that does not exist, ValueError for
    shapes that do not fit.

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([[1.0, 2.0, 6.0]], requires_grad=True)
    >>> y = tg.standardize(x, np.ones(3), np.zeros(3))
    >>> y.data.round(4)
    array([[-0.9258, -0.4629,  1.3887]])
    >>> y.backward([[1.0, 0.0, 0.0]])
    >>> x.grad.round(4)
    array([[ 0.1763, -0.2204,  0.0441]])
    """
    x = floating(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axes(axis, x.ndim)
    n = max(prod([x.shape[i] for i in axes]), 1)

    def mean(a: Array) -> Array:
        return sum_over(a, axes, keepdims=True) / n

    centred = x - mean(x)
    deviation = np.sqrt(mean(square_to_zero(centred)) + eps)
    z = centred / deviation
    y = z * weight + bias
    if y.shape != x.shape:
        raise ValueError(f"the result would have shape {y.shape}")

    def gx(g: Array) -> Array:
        g = g * weight
        return (g - mean(g) - z * mean(g * z)) / deviation

    return y, (gx, lambda g: g * z, unchanged)
