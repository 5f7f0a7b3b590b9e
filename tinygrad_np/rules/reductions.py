"""Reductions: many elements of x make one of y."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_np.numerics import (
    HALF,
    all_normal,
    any_over,
    exp_to_zero,
    has_zero,
    in_single,
    log_of_zero,
    logaddexp_reduce_to_zero,
    max_over,
    min_over,
    product_over,
    products_before,
    repeated,
    scalar,
    shared,
    speaking,
    sum_over,
    zero_to_infinity,
)
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import Axis, as_array, reduced_first, reduced_shape, remaining_shape, unreduced
from tinygrad_np.tape import Array


@operation(np.sum, np.add.reduce, linear=1)
def sum(x: Array, axis: Axis = None, *, keepdims: bool = False, where: Array = True) -> Result:  # noqa: A001 - NumPy's name
    """y = Σ x over ``axis``;  ∂L/∂x = g, repeated along ``axis``, and 0 where ``where`` is False."""
    shape, kept = x.shape, reduced_shape(x.shape, axis)
    if where is True:  # to name it costs a third of the sum of a small array
        return sum_over(x, axis, keepdims=keepdims), (lambda g: repeated(g.reshape(kept), shape),)
    where = _mask(where)
    y = sum_over(x, axis, keepdims=keepdims, where=where)
    return y, (lambda g: _masked(repeated(g.reshape(kept), shape), where),)


@operation(np.mean, linear=1)
def mean(x: Array, axis: Axis = None, *, keepdims: bool = False, where: Array = True) -> Result:
    """y = (1/n) Σ x over the n elements of ``axis``;  ∂L/∂x = g / n, repeated, and 0 where ``where`` is False."""
    shape, kept, where = x.shape, reduced_shape(x.shape, axis), _mask(where)
    n = _count(shape, kept, axis, where)
    y = _mean(x, axis, keepdims, where, n)
    # The number itself may be more than float16 holds.
    share = scalar(1 / (n or 1), y.dtype) if where is True else (1 / np.maximum(n, 1)).astype(y.dtype)
    return y, (lambda g: _masked(repeated(g.reshape(kept) * share, shape), where),)


@composition(np.var)
def var(
    x: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """Variance over ``axis``, Σ (x − mean)² / (n − ddof); ``correction`` is another name for ddof.

    The gradient reaches ``mean`` too, if it is given as a Tensor.
    """
    ddof = _either(ddof, correction)
    if mean is None:
        return variance(x, axis, ddof=ddof, keepdims=keepdims, where=where)
    x, where = as_array(x), _mask(where)
    d = _masked(x - mean, where)
    n = _count(x.shape, reduced_shape(x.shape, axis), axis, where, keepdims)
    return np.sum(d * d, axis, keepdims=keepdims, where=where) / _degrees(n, ddof, d.dtype)


@composition(np.std)
def std(
    x: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """Standard deviation over ``axis``, √var, with the same options."""
    if mean is None:
        return deviation(x, axis, ddof=_either(ddof, correction), keepdims=keepdims, where=where)
    return np.sqrt(var(x, axis, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction))


@operation()
def variance(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, where: Array = True) -> Result:
    """y = Σ d² / (n − ddof) over ``axis``, with d = x − mean x;  ∂L/∂x = g·2d / (n − ddof)."""
    kept = reduced_shape(x.shape, axis)
    y, d, degrees = _spread(x, axis, ddof, keepdims, where)
    return y, (lambda g: g.reshape(kept) * (2 / degrees) * d,)


@operation()
def deviation(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, where: Array = True) -> Result:
    """y = √(Σ d² / (n − ddof)) over ``axis``, d = x − mean x;  ∂L/∂x = g·d / (y·(n − ddof)).

    Of a slice of equal elements, where the slope has no limit, the gradient is 0, and where d² is too small for y.
    """
    kept = reduced_shape(x.shape, axis)
    squared, d, degrees = _spread(x, axis, ddof, keepdims, where)
    y = np.sqrt(squared)

    def gx(g: Array) -> Array:
        # Of equal elements, rounding can put the mean a little to one side of all.
        zero = scalar(0, d.dtype)
        spread = any_over(d > zero, axis, keepdims=True) & any_over(d < zero, axis, keepdims=True)
        length = y.reshape(kept)
        if has_zero(spread) or has_zero(length):
            length = zero_to_infinity(length * spread)
        return g.reshape(kept) / length / degrees * d

    return y, (gx,)


@operation(np.prod, np.multiply.reduce)
def prod(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = Π x over ``axis``;  ∂L/∂x = g times the product of the other elements.

    That is y / x where y has neither vanished nor overflowed; else, and for higher derivatives, the product of
    all before times the product of all after. Nothing is divided by 0, so any number of zeros is exact.
    """
    y = product_over(x, axis, keepdims=True)
    return _reduced(y, axis, keepdims), (lambda g: g.reshape(y.shape) * (y / x if all_normal(y) else _others(x, axis)),)


@operation(np.max, np.amax, np.maximum.reduce)
def max(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:  # noqa: A001 - NumPy's name
    """y = max x over ``axis``;  ∂L/∂x = g, shared evenly among the elements that attain it (all if y is NaN)."""
    y = max_over(x, axis, keepdims=True)
    kept, lost = y.shape, x < y
    return _reduced(y, axis, keepdims), (lambda g: shared(g.reshape(kept), lost, axis),)


@operation(np.min, np.amin, np.minimum.reduce)
def min(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:  # noqa: A001 - NumPy's name
    """y = min x over ``axis``;  ∂L/∂x = g, shared evenly among the elements that attain it (all if y is NaN)."""
    y = min_over(x, axis, keepdims=True)
    kept, lost = y.shape, x > y
    return _reduced(y, axis, keepdims), (lambda g: shared(g.reshape(kept), lost, axis),)


@operation(np.nanmax, np.fmax.reduce)
def nanmax(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = max x over ``axis`` without the NaNs;  ∂L/∂x = g, shared evenly (among all if all are NaN)."""
    return _extremum_of_numbers(x, np.nanmax(x, axis, keepdims=keepdims), axis)


@operation(np.nanmin, np.fmin.reduce)
def nanmin(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = min x over ``axis`` without the NaNs;  ∂L/∂x = g, shared evenly (among all if all are NaN)."""
    return _extremum_of_numbers(x, np.nanmin(x, axis, keepdims=keepdims), axis)


@composition(np.nansum)
def nansum(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The sum of the elements that are not NaN; of a NaN the gradient is 0."""
    return np.sum(np.where(np.isnan(x), 0, x), axis, keepdims=keepdims)


@composition(np.nanprod)
def nanprod(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The product of the elements that are not NaN; of a NaN the gradient is 0."""
    return np.prod(np.where(np.isnan(x), 1, x), axis, keepdims=keepdims)


@composition(np.nanmean)
def nanmean(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The mean of the elements that are not NaN; of a NaN the gradient is 0."""
    return np.mean(x, axis, keepdims=keepdims, where=~np.isnan(x))


@composition(np.nanvar)
def nanvar(
    x: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """The variance of the elements that are not NaN (n of them, less ddof); of a NaN the gradient is 0."""
    return var(x, axis, ddof=ddof, keepdims=keepdims, where=~np.isnan(x), mean=mean, correction=correction)


@composition(np.nanstd)
def nanstd(
    x: Array,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """The standard deviation of the elements that are not NaN; of a NaN the gradient is 0."""
    return std(x, axis, ddof=ddof, keepdims=keepdims, where=~np.isnan(x), mean=mean, correction=correction)


@composition(np.ptp)
def ptp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Peak to peak: max x − min x over ``axis``."""
    return np.max(x, axis, keepdims=keepdims) - np.min(x, axis, keepdims=keepdims)


@operation(np.logaddexp.reduce)
def logsumexp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """Logarithm of a sum of exponentials, safe from overflow: y = ln Σ eˣ over ``axis``.

    ∂L/∂x = g·e^(x−y), the softmax of x. y is finite wherever x is; a slice that is all −inf, or empty,
    gives −inf, with gradient 0; where there are elements of +inf, they share g evenly. Raises NumPy's
    AxisError for an axis that does not exist.
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
    if x.dtype == HALF:
        return in_single(logsumexp.rule, x, axis, keepdims=keepdims)
    y = _logsumexp(x, axis)
    return _reduced(y, axis, keepdims), (lambda g: g.reshape(y.shape) * _softmax(x, y, axis),)


def _logsumexp(x: Array, axis: Axis) -> Array:
    """ln Σ eˣ with the reduced axes kept. One ufunc call is quicker on small arrays, the formula on large ones."""
    if x.size <= 64:
        return logaddexp_reduce_to_zero(x, axis, None, None, True)
    m = max_over(x, axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    return m + log_of_zero(sum_over(exp_to_zero(x - m), axis, keepdims=True))


def _softmax(x: Array, y: Array, axis: Axis) -> Array:
    """e^(x−y) for y = ln Σ eˣ, and its limits where y is infinite."""
    if has_zero(np.isfinite(y)):
        if (y == np.inf).any():  # in such a slice the infinite elements are equally large, and the others nothing
            x = np.where(y == np.inf, np.where(x == np.inf, 0, -np.inf).astype(x.dtype), x)
            y = _logsumexp(x, axis)
        y = np.where(y == -np.inf, 0, y)  # −inf − (−inf) would be NaN
    return exp_to_zero(x - y)


def _reduced(y: Array, axis: Axis, keepdims: bool) -> Array:
    """y, which has length 1 along ``axis``, without that unless ``keepdims``."""
    return y if keepdims else y.reshape(remaining_shape(y.shape, axis))


def _mask(where: Array) -> Array:
    """``where`` as an array of its own, for a list or a changed array would be another mask in the backward pass."""
    return where if where is True else np.array(where, like=speaking(where))


def _masked(g: Array, where: Array) -> Array:
    """``g`` where an element took part in the reduction, else 0."""
    return g if where is True else np.where(where, g, 0)


def _count(shape: tuple[int, ...], kept: tuple[int, ...], axis: Axis, where: Array, keepdims: bool = True) -> Any:
    """How many elements go into one: an integer, or an array of them if ``where`` chooses."""
    if where is not True:
        return as_array(sum_over(np.broadcast_to(where, shape), axis, keepdims=keepdims))
    return math.prod(shape) // math.prod(kept) if math.prod(kept) else 0


def _is_simple(x: Array, where: Array, n: Any) -> bool:
    """Whether a mean is no more than a sum and a division. NumPy sums float16 in float32, and integers in float64."""
    return where is True and n > 0 and x.dtype.char in "fdg"


def _mean(x: Array, axis: Axis, keepdims: bool, where: Array, n: Any) -> Array:
    """np.mean, in a third of its time on small arrays where it is simple."""
    if _is_simple(x, where, n):
        return sum_over(x, axis, keepdims=keepdims) / n
    return np.mean(x, axis, keepdims=keepdims, where=where)


def _degrees(n: Any, ddof: float, dtype: Any) -> Any:
    """The degrees of freedom n − ddof, or NaN where there are none: a variance is not defined then."""
    if isinstance(n, int):
        return n - ddof if n > ddof else math.nan
    return np.where(n > ddof, n - ddof, np.nan).astype(dtype)


def _either(ddof: float, correction: float | None) -> float:
    """The number that both are names of."""
    if correction is None:
        return ddof
    if ddof:
        raise ValueError("ddof and correction are two names of one number; give one of them")
    return correction


def _spread(x: Array, axis: Axis, ddof: float, keepdims: bool, where: Array) -> tuple[Array, Array, Any]:
    """The variance, the deviations from the mean, and the degrees of freedom."""
    where = _mask(where)
    n = _count(x.shape, reduced_shape(x.shape, axis), axis, where)
    d = _masked(x - _mean(x, axis, True, where, n), where)
    degrees = _degrees(n, ddof, d.dtype)
    if _is_simple(x, where, n) and n > ddof:
        return sum_over(d * d, axis, keepdims=keepdims) / degrees, d, degrees
    return np.var(x, axis, ddof=ddof, keepdims=keepdims, where=where), d, degrees


def _others(x: Array, axis: Axis) -> Array:
    """For each element the product of the others in its slice."""
    if not x.size:
        return x
    slices = reduced_first(x, axis)
    return unreduced(products_before(slices) * products_before(slices[::-1])[::-1], x.shape, axis)


def _extremum_of_numbers(x: Array, y: Array, axis: Axis) -> Result:
    """The rule of nanmax and nanmin."""
    kept = reduced_shape(x.shape, axis)
    y_kept = y.reshape(kept)
    lost = (x != y_kept) & (y_kept == y_kept)
    return y, (lambda g: shared(g.reshape(kept), lost, axis),)
