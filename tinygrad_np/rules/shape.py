"""Shape operations: the elements of x under other axes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.operations import Result, composition, operation, unchanged
from tinygrad_np.shapes import as_array, inverse_order, normalize_axes, order_after_move
from tinygrad_np.tape import Array

Order = Literal["C", "F"]


@operation(np.reshape, linear=1, hint="The new shape must hold as many elements; one length may be -1")
def reshape(x: Array, shape: int | tuple[int, ...], order: Order = "C") -> Result:
    """y = x in another shape, row by row (column by column for order "F");  ∂L/∂x = g in x's shape."""
    before = x.shape
    if order == "C":
        return x.reshape(shape), (lambda g: g.reshape(before),)
    if order != "F":
        raise ValueError(f"order {order!r} depends on how x lies in memory; give 'C' (by rows) or 'F' (by columns)")
    return np.reshape(x, shape, order), (lambda g: np.reshape(g, before, order),)


@composition(np.ravel)
def ravel(x: Array, order: Order = "C") -> Array:
    """y = x in one axis."""
    return reshape(x, -1, order)


@operation(np.transpose, linear=1)
def transpose(x: Array, axes: tuple[int, ...] | None = None) -> Result:
    """y = x with its axes permuted (reversed without ``axes``);  ∂L/∂x = g permuted back."""
    y = x.transpose(axes)
    if axes is None:
        return y, (lambda g: g.transpose(),)
    back = inverse_order(normalize_axes(axes, x.ndim))
    return y, (lambda g: g.transpose(back),)


@composition(np.matrix_transpose, np.linalg.matrix_transpose, hint="It takes a matrix, or a stack of matrices")
def matrix_transpose(x: Array) -> Array:
    """y = each matrix of a stack transposed."""
    return swapaxes(x, -1, -2)


@operation(np.swapaxes, linear=1)
def swapaxes(x: Array, axis1: int, axis2: int) -> Result:
    """y = x with two axes exchanged;  ∂L/∂x = g with them exchanged back."""
    return x.swapaxes(axis1, axis2), (lambda g: g.swapaxes(axis1, axis2),)


@operation(np.moveaxis, linear=1)
def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Result:
    """y = x with the axes ``source`` moved to ``destination``;  ∂L/∂x = g with them moved back."""
    order = order_after_move(source, destination, x.ndim)
    back = inverse_order(order)
    return x.transpose(order), (lambda g: g.transpose(back),)


@composition(np.rollaxis)
def rollaxis(x: Array, axis: int, start: int = 0) -> Array:
    """y = x with one axis moved to before the one that is at ``start``."""
    axis, before = normalize_axis_index(axis, x.ndim), start + x.ndim if start < 0 else start
    if not 0 <= before <= x.ndim:
        raise np.exceptions.AxisError(f"start must lie between {-x.ndim} and {x.ndim}, got {start}")
    return moveaxis(x, axis, before - (axis < before))


@operation(np.squeeze, linear=1)
def squeeze(x: Array, axis: int | tuple[int, ...] | None = None) -> Result:
    """y = x without the axes ``axis``, or without all axes, of length 1;  ∂L/∂x = g in x's shape."""
    before = x.shape
    return x.squeeze(axis), (lambda g: g.reshape(before),)


@operation(np.expand_dims, linear=1)
def expand_dims(x: Array, axis: int | tuple[int, ...]) -> Result:
    """y = x with axes of length 1 that are y's ``axis``;  ∂L/∂x = g in x's shape."""
    before = x.shape
    new = normalize_axes(axis if isinstance(axis, int) else tuple(axis), x.ndim + np.size(axis))
    shape = list(before)
    for i in sorted(new):
        shape.insert(i, 1)
    return x.reshape(shape), (lambda g: g.reshape(before),)


@operation(np.broadcast_to, linear=1)
def broadcast_to(x: Array, shape: int | tuple[int, ...]) -> Result:
    """y = x repeated to ``shape``;  ∂L/∂x = g, which the walk sums back to x's shape."""
    return np.broadcast_to(x, shape), (unchanged,)


@composition(np.broadcast_arrays)
def broadcast_arrays(*xs: Array) -> tuple[Array, ...]:
    """Each of the arrays, repeated to the shape that they have together."""
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple([np.broadcast_to(x, shape) for x in xs])


@composition(np.atleast_1d)
def atleast_1d(*xs: Array) -> Any:
    """Each x with one axis or more, in a tuple if there are several."""
    return _each([x if x.ndim else x.reshape(1) for x in map(as_array, xs)])


@composition(np.atleast_2d)
def atleast_2d(*xs: Array) -> Any:
    """Each x with two axes or more, a vector as a row; in a tuple if there are several."""
    return _each([x if x.ndim > 1 else x.reshape(1, -1) for x in map(as_array, xs)])


@composition(np.atleast_3d)
def atleast_3d(*xs: Array) -> Any:
    """Each x with three axes or more, a matrix as columns of depth 1; in a tuple if there are several."""
    xs = tuple(map(as_array, xs))
    return _each([x if x.ndim > 2 else x.reshape((*x.shape, 1) if x.ndim == 2 else (1, -1, 1)) for x in xs])


def _each(ys: list[Array]) -> Any:
    """One y alone, several in a tuple."""
    return ys[0] if len(ys) == 1 else tuple(ys)
