"""Averages and covariances: made of other operations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_np.numerics import scalar
from tinygrad_np.operations import Result, composition, operation, unchanged
from tinygrad_np.shapes import Axis, as_array, inverse_order, normalize_axes
from tinygrad_np.tape import Array


@composition(np.average)
def average(
    x: Array, axis: Axis = None, weights: Array | None = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Σ w·x / Σ w over ``axis``, the mean without ``weights``; with ``returned`` also Σ w, as a pair."""
    x = as_array(x)
    if weights is None:
        y = np.mean(x, axis, keepdims=keepdims)
        total: Any = np.asarray(x.size / (y.size or 1), y.dtype)
    else:
        w = _beside(as_array(weights), x, axis)
        total = np.sum(w, axis, keepdims=keepdims)
        if (total == 0).any():
            raise ZeroDivisionError("the weights sum to zero")
        y = np.sum(x * w, axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


@composition(np.cov)
def cov(
    x: Array,
    y: Array | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Array | None = None,
    aweights: Array | None = None,
) -> Array:
    """Covariance matrix of variables in rows (columns if not ``rowvar``), each column an observation.

    ``fweights`` are how often each was seen and ``aweights`` how much it counts. The dtype stays x's.
    """
    variables = _variables(as_array(x), rowvar)
    if y is not None:
        variables = np.concatenate([variables, _variables(as_array(y), rowvar)])
    if ddof is None:
        ddof = 0 if bias else 1
    if fweights is None and aweights is None:
        centred = variables - np.mean(variables, 1, keepdims=True)
        weighted, freedom = centred, variables.shape[1] - ddof
    else:
        w, freedom = _weights(fweights, aweights, variables, ddof)
        centred = variables - (np.sum(variables * w, 1, keepdims=True) / np.sum(w))
        weighted = centred * w
    if freedom <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        freedom = 0.0
    c = np.matmul(centred, weighted.T) / freedom
    return c if len(variables) > 1 else c.reshape(())


@composition(np.corrcoef)
def corrcoef(x: Array, y: Array | None = None, rowvar: bool = True) -> Array:
    """Pearson's correlation coefficients, c[i, j] / √(c[i, i]·c[j, j]) of the covariance matrix c, within ±1."""
    c = np.cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    deviations = np.sqrt(c[np.arange(len(c)), np.arange(len(c))])
    return within_one(c / deviations[:, None] / deviations)


@operation(symmetric=True)
def within_one(x: Array) -> Result:
    """y = x for |x| ≤ 1, which only rounding leaves, and ±1 beyond;  ∂L/∂x = g, for a correlation has no kink there."""
    one = scalar(1, x.dtype)
    return np.minimum(np.maximum(x, -one), one), (unchanged,)


def _beside(weights: Array, x: Array, axis: Axis) -> Array:
    """``weights`` in a shape that broadcasts to x: they have x's own, or that of the averaged axes."""
    if weights.shape == x.shape:
        return weights
    if axis is None:
        raise TypeError(f"weights of shape {weights.shape} for {x.shape}: give axis=, the axes that they run along")
    axes = normalize_axes(axis, x.ndim)
    if weights.shape != tuple(x.shape[i] for i in axes):
        raise ValueError(f"weights of shape {weights.shape} do not run along axis {axis} of {x.shape}")
    return weights.transpose(inverse_order(axes)).reshape(_only(x.shape, axes))


def _only(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with a 1 at every axis but ``axes``."""
    return tuple(n if i in axes else 1 for i, n in enumerate(shape))


def _variables(x: Array, rowvar: bool) -> Array:
    """x as a matrix of one variable a row."""
    if x.ndim > 2:
        raise ValueError(f"np.cov takes one or two axes, got shape {x.shape}")
    return x.reshape(1, -1) if x.ndim < 2 else x if rowvar else x.T


def _weights(fweights: Any, aweights: Any, variables: Array, ddof: int) -> tuple[Array, Any]:
    """The weight of each observation, and the degrees of freedom."""
    for weights in (fweights, aweights):
        if weights is not None and (np.shape(weights) != variables.shape[1:] or np.less(weights, 0).any()):
            raise ValueError(f"weights are non-negative, one for each of the {variables.shape[1]} observations")
    if fweights is not None and as_array(fweights).dtype.kind not in "iu":
        raise TypeError(
            f"fweights are counts, integers, and not {as_array(fweights).dtype}; aweights may be any weights"
        )
    dtype = variables.dtype
    f = np.ones((), dtype) if fweights is None else as_array(fweights).astype(dtype)
    a = np.ones((), dtype) if aweights is None else as_array(aweights)
    w = f * a
    total = np.sum(w)
    return w, total - ddof * np.sum(w * a) / total
