"""Sorting, and what is found by order: median and quantiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from tinygrad_np.numerics import SMALL, is_plain, shared, speaking, sum_over
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import Axis, as_array, reduced_first, reduced_shape, remaining_shape, unreduced
from tinygrad_np.tape import Array

# Where a quantile q lies among n sorted elements: at (n + 1 − α − β)·q + α − 1, between two of them.
# Hyndman & Fan (1996), "Sample quantiles in statistical packages".
PLACES = {
    "linear": (1, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0, 1),
}
# Methods that move the place of "linear" to an element, or halfway between two.
ROUNDED: dict[str, Callable[[Any], Any]] = {
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.rint,
    "midpoint": lambda place: (np.floor(place) + np.ceil(place)) / 2,
}


@operation(linear=1)
def reorder(x: Array, order: Array, axis: int, back: bool = False) -> Result:
    """y = x along ``axis`` in another order, a permutation, or ``back`` from it;  ∂L/∂x = g the other way."""
    return _reordered(x, order, axis, back), (lambda g: _reordered(g, order, axis, not back),)


def _reordered(x: Array, order: Array, axis: int, back: bool = False) -> Array:
    """The value of ``reorder``; on Tensors, in the second run of a higher derivative, the operation itself."""
    if not is_plain(x):
        return reorder(x, order, axis, back)
    if not back:
        return x[order] if x.ndim == 1 else np.take_along_axis(x, order, axis)
    y = np.empty(x.shape, x.dtype, like=speaking(x))
    np.put_along_axis(y, order, x, axis)
    return y


@operation(np.sort)
def sort(x: Array, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Result:
    """y = x in ascending order along ``axis``, or of all elements in one axis if None;  ∂L/∂x = g in x's order.

    Equal elements keep their order.
    """
    if kind is None and stable is None:
        if (
            is_plain(x) and x.size > SMALL
        ):  # where no two are equal every sort finds one order, the quickest in half the time
            y, derivatives = _by_order(x, axis, lambda x, axis: x.argsort(axis))
            along = y.swapaxes(0, axis or 0)
            if (along[:-1] < along[1:]).all():
                return y, derivatives
        stable = True
    return _by_order(x, axis, lambda x, axis: x.argsort(axis, kind=kind, stable=stable))


@operation(np.partition)
def partition(x: Array, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Result:
    """y = x reordered along ``axis`` so that the ``kth`` are where sorting would put them, between smaller and larger.

    ∂L/∂x = g in x's order.
    """
    return _by_order(x, axis, lambda x, axis: x.argpartition(kth, axis, kind))


def _by_order(x: Array, axis: int | None, find: Callable[[Array, int], Array]) -> Result:
    """x in the order along ``axis`` that ``find`` gives, and its derivative."""
    shape = x.shape
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    order = find(x, axis)
    return _reordered(x, order, axis), (
        lambda g: _reordered(g.reshape(order.shape), order, axis, back=True).reshape(shape),
    )


@operation()
def order_statistics(x: Array, positions: Array, weights: Array, axis: Axis, shape: tuple[int, ...]) -> Result:
    """y = Σ weights[k]·(the element of x at positions[k] in order over ``axis``), in a ``shape``.

    ∂L/∂x = Σ g·weights[k] where x is that element, shared evenly among those equal to it (among all if it is NaN).
    """
    before = x.shape
    slices = reduced_first(x, axis)
    others = np.indices(slices.shape[1:], sparse=True)
    found = slices[(np.argsort(slices, 0)[(positions, *others)], *others)]
    y = sum_over(weights * found, 0)

    def gx(g: Array) -> Array:
        g = g.reshape(y.shape) * weights
        places = np.ndindex(*weights.shape[:2])
        parts = [shared(g[i], (slices != found[i]) & (found[i] == found[i]), 0) for i in places]
        parts = parts or [np.zeros(slices.shape, g.dtype)]  # no quantile was asked for
        return unreduced(reduce(add, parts), before, axis)

    return y.reshape(shape), (gx,)


@composition(np.median)
def median(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The middle element over ``axis``, or the mean of the middle two. Equal elements share the gradient evenly."""
    return _quantile(x, 0.5, axis, "linear", keepdims)


@composition(np.quantile)
def quantile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """What a part ``q`` of the elements over ``axis`` lies below; for an array of parts, its axes come first.

    ``q`` is a constant. Equal elements share the gradient evenly; a slice with a NaN gives NaN.
    """
    return _quantile(x, q, axis, method, keepdims)


@composition(np.percentile)
def percentile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The quantile of ``q``/100."""
    return _quantile(x, np.true_divide(q, 100), axis, method, keepdims)


@composition(np.nanmedian)
def nanmedian(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The median of the elements that are not NaN, or NaN if there are none."""
    return _quantile(x, 0.5, axis, "linear", keepdims, skip_nan=True)


@composition(np.nanquantile)
def nanquantile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The quantile of the elements that are not NaN, or NaN if there are none."""
    return _quantile(x, q, axis, method, keepdims, skip_nan=True)


@composition(np.nanpercentile)
def nanpercentile(x: Array, q: Array, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The percentile of the elements that are not NaN, or NaN if there are none."""
    return _quantile(x, np.true_divide(q, 100), axis, method, keepdims, skip_nan=True)


def _quantile(x: Array, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool = False) -> Array:
    """The quantiles ``q`` (...) of x over ``axis``: (..., *what remains of x's shape)."""
    x, q = as_array(x), np.asarray(q, float, like=speaking(q))
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError("quantiles lie in [0, 1], and percentiles in [0, 100]")
    shape = q.shape + (reduced_shape if keepdims else remaining_shape)(x.shape, axis)
    missing = as_array(np.isnan(x).sum(axis))
    last = x.size // (missing.size or 1) - 1
    if last < 0 < missing.size:
        raise ValueError("an empty slice has no quantiles")
    n = last + 1 - missing if skip_nan else np.where(missing, 0, last + 1)
    place = _place(method, q.reshape(-1, *[1] * n.ndim), n)
    below = np.floor(place)
    part = place - below
    # NaN comes last in order, and is the quantile of a slice of no numbers. Between an element and itself halfway is as
    # good as anywhere, and spares an infinite one the product with 0.
    positions = np.where(n, [below, below + (part > 0)], last).astype(int)
    weights = np.where(part, [1 - part, part], 0.5).astype(x.dtype if x.dtype.kind == "f" else float)
    return order_statistics(x, positions=positions, weights=weights, axis=axis, shape=shape)


def _place(method: str, q: Any, n: Any) -> Any:
    """Where in order the quantiles ``q`` of n elements lie."""
    if method not in PLACES and method not in ROUNDED:
        known = ", ".join([*PLACES, *ROUNDED])
        raise ValueError(f"method {method!r} has no gradient here; take one of {known}")
    alpha, beta = PLACES.get(method, (1, 1))
    place = np.minimum(np.maximum((n + 1 - alpha - beta) * q + (alpha - 1), 0), np.maximum(n - 1, 0))
    return ROUNDED[method](place) if method in ROUNDED else place
