"""Sums and products up to each element, differences between neighbours, and the slopes and areas made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.numerics import HALF, all_normal, is_plain, products_before, speaking
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import along, as_array, normalize_axes
from tinygrad_np.tape import Array

Term = tuple[Any, Any, Any, Any]  # of weighted_differences


@operation(np.cumsum, np.add.accumulate, linear=1)
def cumsum(x: Array, axis: int | None = None) -> Result:
    """y[i] = Σ x[j] over j ≤ i, of all elements in one axis without ``axis``;  ∂L/∂x[j] = Σ g[i] over i ≥ j."""
    shape = x.shape
    x, axis = _in_one_axis(x, axis)
    y = np.add.accumulate(x, axis)
    return y, (lambda g: _sums_from(g, axis).reshape(shape),)


@operation(np.cumprod, np.multiply.accumulate)
def cumprod(x: Array, axis: int | None = None) -> Result:
    """y[i] = Π x[j] over j ≤ i, of all elements in one axis without ``axis``;  ∂L/∂x[j] = Σ g[i]·y[i] / x[j], i ≥ j.

    Where y vanishes or overflows, and for higher derivatives, nothing is divided: it is then p[j]·s[j], with p
    the product of all before and s[j] = g[j] + x[j+1]·s[j+1]. Any number of zeros is exact.
    """
    shape = x.shape
    x, axis = _in_one_axis(x, axis)
    y = np.multiply.accumulate(x, axis)

    def gx(g: Array) -> Array:
        if all_normal(y):
            return (_sums_from(g * y, axis) / x).reshape(shape)
        first, g = x.swapaxes(0, axis), g.swapaxes(0, axis)
        return (products_before(first) * _recurrence(g, first[1:])).swapaxes(0, axis).reshape(shape)

    return y, (gx,)


@composition(np.cumulative_sum)
def cumulative_sum(x: Array, *, axis: int | None = None, include_initial: bool = False) -> Array:
    """np.cumsum, which takes an axis where there are several, and may begin with the empty sum, 0."""
    return _cumulative(np.cumsum, x, axis, 0 if include_initial else None)


@composition(np.cumulative_prod)
def cumulative_prod(x: Array, *, axis: int | None = None, include_initial: bool = False) -> Array:
    """np.cumprod, which takes an axis where there are several, and may begin with the empty product, 1."""
    return _cumulative(np.cumprod, x, axis, 1 if include_initial else None)


@composition(np.nancumsum)
def nancumsum(x: Array, axis: int | None = None) -> Array:
    """np.cumsum with NaN taken for 0; its gradient there is 0."""
    return np.cumsum(np.where(np.isnan(x), 0, x), axis)


@composition(np.nancumprod)
def nancumprod(x: Array, axis: int | None = None) -> Array:
    """np.cumprod with NaN taken for 1; its gradient there is 0."""
    return np.cumprod(np.where(np.isnan(x), 1, x), axis)


@operation(linear=1)
def differences(x: Array, n: int, axis: int) -> Result:
    """y[i] = x[i+1] − x[i], ``n`` times;  ∂L/∂x[i] = g[i−1] − g[i], with 0 beyond either end, ``n`` times."""
    shape = x.shape
    (axis,) = normalize_axes(axis, x.ndim)

    def gx(g: Array) -> Array:
        if shape[axis] <= n:  # nothing is left of x
            return np.zeros(shape, g.dtype)
        zero = np.zeros((*shape[:axis], 1, *shape[axis + 1 :]), g.dtype)
        for _ in range(n):
            g = np.concatenate([zero, g, zero], axis)
            g = g[along(axis, slice(-1))] - g[along(axis, slice(1, None))]
        return g

    return np.diff(x, n, axis), (gx,)


@composition(np.diff)
def diff(x: Array, n: int = 1, axis: int = -1, prepend: Array | None = None, append: Array | None = None) -> Array:
    """Differences of neighbours along ``axis``, ``n`` times, after ``prepend`` and ``append`` were joined to x."""
    if n < 0:
        raise ValueError(f"n is the number of times that differences are taken, and cannot be {n}")
    x = as_array(x)
    if n and (prepend is not None or append is not None):  # NumPy joins nothing where no difference is taken
        ends = [end if end is None else _end(as_array(end), x.shape, axis) for end in (prepend, append)]
        x = np.concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis)
    return differences(x, n, axis)


@operation(linear=1)
def weighted_differences(x: Array, terms: Sequence[Term], axis: int, transposed: bool = False) -> Result:
    """y[rows] = Σ weights·(x[ahead] − x[behind]) along ``axis``, over the terms (rows, ahead, behind, weights).

    It is linear, and if ``transposed`` the transpose of that;  ∂L/∂x = the other of the two, of g.
    """
    return _weighted_differences(x, terms, axis, transposed), (
        lambda g: _weighted_differences(g, terms, axis, not transposed),
    )


def _weighted_differences(x: Array, terms: Sequence[Term], axis: int, transposed: bool) -> Array:
    """The value of ``weighted_differences``; on Tensors, in the second run of a derivative, the operation itself."""
    if not is_plain(x):
        return weighted_differences(x, terms=terms, axis=axis, transposed=transposed)
    y = np.zeros(x.shape, x.dtype, like=speaking(x))
    source, target = x.swapaxes(0, axis), y.swapaxes(0, axis)
    for rows, ahead, behind, weights in terms:
        if transposed:
            part = weights * source[rows]
            target[ahead] += part
            target[behind] -= part
        else:
            target[rows] += weights * (source[ahead] - source[behind])
    return y


@composition(np.ediff1d)
def ediff1d(x: Array, to_end: Array | None = None, to_begin: Array | None = None) -> Array:
    """Differences of neighbours among all elements in one axis, between ``to_begin`` and ``to_end``."""
    x = as_array(x)
    between = np.diff(x.reshape(-1))
    parts = [between if part is None else as_array(part).reshape(-1) for part in (to_begin, None, to_end)]
    present = [part for part, wanted in zip(parts, (to_begin is not None, True, to_end is not None)) if wanted]
    return np.concatenate(present).astype(x.dtype) if len(present) > 1 else between


@composition(np.trapezoid)
def trapezoid(y: Array, x: Array | None = None, dx: Array = 1.0, axis: int = -1) -> Array:
    """Area under y by the trapezoidal rule, Σ d·(y[i] + y[i+1]) / 2, with d the steps of ``x`` or else ``dx``."""
    y = as_array(y)
    (axis,) = normalize_axes(axis, y.ndim)
    if x is not None:
        x = as_array(x)
        dx = np.diff(x.reshape(_column(len(x), axis, y.ndim)) if x.ndim == 1 else x, axis=axis)
    neighbours = y[along(axis, slice(1, None))] + y[along(axis, slice(-1))]
    return np.sum(dx * neighbours / 2, axis)


@composition(np.gradient)
def gradient(f: Array, *varargs: Array, axis: int | tuple[int, ...] | None = None, edge_order: int = 1) -> Any:
    """Slopes of samples by central differences: an array, or a tuple of one for each of several axes.

    The steps or coordinates that follow ``f`` are constants.
    """
    f = as_array(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axes(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order must be 1 or 2, got {edge_order}")
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 < len(axes) and np.ndim(varargs[0])):
        raise TypeError(f"{len(varargs)} spacings for {len(axes)} axes; give none, one number, or one for each axis")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    slopes = tuple([_slope(f, spacing, a, edge_order) for spacing, a in zip(spacings, axes)])
    return slopes[0] if len(axes) == 1 else slopes


def _in_one_axis(x: Array, axis: int | None) -> tuple[Array, int]:
    """The array to accumulate and its axis, counted from the front: x flattened without ``axis``."""
    if axis is None or not x.ndim:
        x, axis = x.reshape(-1), axis or 0
    return x, normalize_axis_index(axis, x.ndim)


def _sums_from(g: Array, axis: int) -> Array:
    """Σ g over each element and all after it, of float16 in float32, as in the walk."""
    if g.dtype == HALF:
        return _sums_from(g.astype(np.float32), axis).astype(HALF)
    backwards = along(axis, slice(None, None, -1))
    return np.add.accumulate(g[backwards], axis=axis)[backwards]


def _recurrence(b: Array, a: Array) -> Array:
    """The s with s[i] = b[i] + a[i]·s[i+1] along the first axis; b is one longer than a.

    By doubling: two windows of ``step`` terms make one of twice as many, so a thousand elements take ten rounds.
    Hillis & Steele (1986), "Data parallel algorithms"; Blelloch (1990), "Prefix sums and their applications".
    """
    n, step = len(b), 1
    while step < n:
        b = np.concatenate([b[:-step] + a * b[step:], b[-step:]])
        a = a[:-step] * a[step:]  # products of as many factors as a window has
        step *= 2
    return b


def _cumulative(function: Any, x: Array, axis: int | None, initial: int | None) -> Array:
    """``function`` along ``axis``, after ``initial`` if there is one."""
    x = as_array(x)
    x = x if x.ndim else x.reshape(1)
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"an array of {x.ndim} axes needs axis=, one of them")
        axis = 0
    y = function(x, axis)
    if initial is None:
        return y
    (axis,) = normalize_axes(axis, x.ndim)
    first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), initial, y.dtype)
    return np.concatenate([first, y], axis)


def _end(end: Array, shape: tuple[int, ...], axis: int) -> Array:
    """What is joined to an array of ``shape`` along ``axis``: a number stands for one of it in every place."""
    if end.ndim:
        return end
    (axis,) = normalize_axes(axis, len(shape))
    return np.broadcast_to(end, (*shape[:axis], 1, *shape[axis + 1 :]))


def _column(n: int, axis: int, ndim: int) -> tuple[int, ...]:
    """The shape of a vector of n that runs along ``axis`` beside an array of ``ndim`` axes."""
    return (1,) * axis + (n,) + (1,) * (ndim - axis - 1)


def _slope(f: Array, spacing: Array, axis: int, edge_order: int) -> Array:
    """Central differences within, and one-sided ones of ``edge_order`` at the ends (exact for parabolas if it is 2)."""
    n = f.shape[axis]
    if n <= edge_order:
        raise ValueError(f"axis {axis} has {n} elements; edge_order={edge_order} takes at least {edge_order + 1}")
    steps = _steps(spacing, n)
    first = _edge_terms((0, 1, 2), steps[:2].tolist(), edge_order)
    last = _edge_terms((-1, -2, -3), (-steps[:-3:-1]).tolist(), edge_order)
    return weighted_differences(f, terms=[*_inner_terms(steps, f.ndim, f.dtype), *first, *last], axis=axis)


def _steps(spacing: Array, n: int) -> Any:
    """The n − 1 steps between n samples, from their coordinates; from their common length two of them."""
    spacing = np.asarray(spacing, float)
    if not spacing.ndim:
        return np.full(2, spacing)
    if spacing.shape != (n,):
        raise ValueError(
            f"coordinates of shape {spacing.shape} for an axis of {n}; give a number, or one for each sample"
        )
    return np.diff(spacing)


def _inner_terms(steps: Array, ndim: int, dtype: Any) -> list[Term]:
    """The slopes at all samples but the ends, of the parabolas through them and their neighbours."""
    inner, ahead, behind = slice(1, -1), slice(2, None), slice(-2)
    if not np.count_nonzero(steps != steps[0]):
        return [(inner, ahead, behind, 0.5 / float(steps[0]))]
    before, after = steps[:-1], steps[1:]
    weights = (after / (before * (before + after)), before / (after * (before + after)))
    to_here, from_here = [w.astype(dtype).reshape(-1, *[1] * (ndim - 1)) for w in weights]
    return [(inner, inner, behind, to_here), (inner, ahead, inner, from_here)]


def _edge_terms(places: tuple[int, int, int], steps: list[float], edge_order: int) -> list[Term]:
    """The slope at the first of three ``places``, of the line or the parabola through it and those next to it."""
    if edge_order == 1:
        return [(places[0], places[1], places[0], 1 / steps[0])]
    h, k = steps
    return [
        (places[0], places[1], places[0], (2 * h + k) / (h * (h + k))),
        (places[0], places[2], places[1], -h / (k * (h + k))),
    ]
