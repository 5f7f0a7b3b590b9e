"""Shape operations: the elements of x in another arrangement, and parts of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_np.operations import Result, operation, unchanged
from tinygrad_np.shapes import normalize_axes
from tinygrad_np.tape import Array


@operation(np.reshape, hint="The new shape must hold as many elements; one length may be -1")
def reshape(x: Array, shape: int | tuple[int, ...]) -> Result:
    """y = x in another shape, row by row;  ∂L/∂x = g in x's shape."""
    before = x.shape
    return x.reshape(shape), (lambda g: g.reshape(before),)


@operation(np.transpose)
def transpose(x: Array, axes: tuple[int, ...] | None = None) -> Result:
    """y = x with its axes permuted (reversed without ``axes``);  ∂L/∂x = g permuted back."""
    y = x.transpose(axes)
    if axes is None:
        return y, (lambda g: g.transpose(),)
    back = tuple(np.argsort(normalize_axes(axes, x.ndim)).tolist())
    return y, (lambda g: g.transpose(back),)


@operation(np.swapaxes)
def swapaxes(x: Array, axis1: int, axis2: int) -> Result:
    """y = x with two axes exchanged;  ∂L/∂x = g with them exchanged back."""
    return x.swapaxes(axis1, axis2), (lambda g: g.swapaxes(axis1, axis2),)


@operation(np.broadcast_to)
def broadcast_to(x: Array, shape: int | tuple[int, ...]) -> Result:
    """y = x repeated to ``shape``;  ∂L/∂x = g, which the walk sums back to x's shape."""
    return np.broadcast_to(x, shape), (unchanged,)


@operation(np.concatenate, sequence=True, hint="All but the joined axis must be equal")
def concatenate(*xs: Array, axis: int | None = 0) -> Result:
    """y = x1, x2, ... joined along ``axis`` (flattened first if None);  ∂L/∂xᵢ = its part of g."""
    y = np.concatenate(xs, axis)
    lengths = [np.size(x) if axis is None else np.shape(x)[axis] for x in xs]
    ends = np.cumsum([0, *lengths]).tolist()

    def derivative(x: Array, start: int, stop: int) -> Any:
        if axis is None:
            return lambda g: g[start:stop].reshape(np.shape(x))
        part = (slice(None),) * (axis % y.ndim) + (slice(start, stop),)
        return lambda g: g[part]

    return y, tuple([derivative(x, *span) for x, span in zip(xs, pairwise(ends), strict=True)])


@operation()
def getitem(x: Array, index: Any) -> Result:
    """y = x[index];  ∂L/∂x = g at ``index`` and 0 elsewhere, added up where an element was taken twice."""
    shape = x.shape
    return x[index], (lambda g: put(g, index=index, shape=shape),)


@operation()
def put(x: Array, index: Any, shape: tuple[int, ...]) -> Result:
    """y = zeros of ``shape`` with x added at ``index``;  ∂L/∂x = g[index]. The transpose of getitem."""
    # On Tensors, in the second run of a higher derivative, it is the operation itself: it cannot be written into.
    y = _put(x, index, shape) if isinstance(x, (np.ndarray, np.generic)) else put(x, index=index, shape=shape)
    return y, (lambda g: getitem(g, index=index),)


def _put(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with x added at ``index``."""
    y = np.zeros(shape, x.dtype)
    if is_basic(index):
        y[index] = x  # takes no element twice, and is many times faster than add.at
    else:
        np.add.at(y, index, x)
    return y


def is_basic(index: Any) -> bool:
    """Whether NumPy calls this a basic index: integers, slices, Ellipsis and None only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or (isinstance(part, (slice, int, np.integer)) and not isinstance(part, bool))
        for part in parts
    )
