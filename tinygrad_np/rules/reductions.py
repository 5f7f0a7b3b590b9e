"""Reductions: many elements of x make one of y."""

from __future__ import annotations

from math import prod

import numpy as np

from tinygrad_np.numerics import exp_to_zero, log_of_zero, max_over, min_over, sum_over
from tinygrad_np.operations import Result, operation
from tinygrad_np.shapes import Axis, as_array, reduced_shape, remaining_shape
from tinygrad_np.tape import Array


@operation(np.sum, np.add.reduce)
def sum(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:  # noqa: A001 - NumPy's name
    """y = Σ x over ``axis``;  ∂L/∂x = g, repeated along ``axis``."""
    shape, kept = x.shape, reduced_shape(x.shape, axis)
    y = sum_over(x, axis, keepdims=keepdims)
    return y, (lambda g: np.broadcast_to(g.reshape(kept), shape),)


@operation(np.mean)
def mean(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = (1/n) Σ x over the n elements of ``axis``;  ∂L/∂x = g / n, repeated."""
    shape, kept = x.shape, reduced_shape(x.shape, axis)
    n = prod(shape) // prod(kept) if prod(kept) else 0
    y = np.mean(x, axis, keepdims=keepdims)
    return y, (lambda g: np.broadcast_to(g.reshape(kept) / (n or 1), shape),)


@operation(np.max, np.amax, np.maximum.reduce)
def max(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:  # noqa: A001 - NumPy's name
    """y = max x over ``axis``;  ∂L/∂x = g, shared evenly among the elements that attain it."""
    return _extremum(x, max_over(x, axis, keepdims=keepdims), axis)


@operation(np.min, np.amin, np.minimum.reduce)
def min(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:  # noqa: A001 - NumPy's name
    """y = min x over ``axis``;  ∂L/∂x = g, shared evenly among the elements that attain it."""
    return _extremum(x, min_over(x, axis, keepdims=keepdims), axis)


@operation(np.logaddexp.reduce)
def logsumexp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """Logarithm of a sum of exponentials, safe from overflow: y = ln Σ eˣ over ``axis``.

    ∂L/∂x = g·e^(x−y), the softmax of x. Computed as m + ln Σ e^(x−m) with m the maximum, so y is
    finite wherever x is; a slice that is all −inf gives −inf. Raises NumPy's AxisError for an axis
    that does not exist and ValueError for an empty slice.
    See Blanchard, Higham & Higham (2021), "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 41(4).

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([[1000.0, 1000.0], [0.0, -np.inf]], requires_grad=True)
    >>> y = tg.logsumexp(x, axis=1)
    >>> y.data.round(4)
    array([1000.6931,    0.    ])
    >>> y.sum().backward()
    >>> x.grad
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = as_array(x)
    kept, remaining = reduced_shape(x.shape, axis), remaining_shape(x.shape, axis)
    m = max_over(x, axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    y = m + log_of_zero(sum_over(exp_to_zero(x - m), axis, keepdims=True))
    finite = np.where(np.isfinite(y), y, 0)  # −inf − (−inf) would be NaN, where every share is 0
    return y if keepdims else y.reshape(remaining), (lambda g: g.reshape(kept) * exp_to_zero(x - finite),)


def _extremum(x: Array, y: Array, axis: Axis) -> Result:
    """The rule of max and min: y, and g shared among the elements equal to it (all of them if y is NaN)."""
    kept = reduced_shape(x.shape, axis)
    y_kept = y.reshape(kept)
    attained = (x == y_kept) | (y_kept != y_kept)
    share = attained / sum_over(attained, axis, keepdims=True)
    return y, (lambda g: g.reshape(kept) * share.astype(g.dtype),)
