"""New arrays made from others: copies, grids and ranges between two ends."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array, inverse_order, order_after_move
from tinygrad_np.tape import Array, Variable


@composition(np.copy)
def copy(a: Array) -> Array:
    """y = x in an array of its own."""
    return np.positive(a)


@composition(np.full_like)
def full_like(a: Array, fill_value: Array, *, shape: Any = None) -> Array:
    """The number, or what broadcasts, repeated in the shape and dtype of the Tensor ``a``, or in another ``shape``."""
    dtype, shape = np.result_type(a), np.shape(a) if shape is None else shape
    if isinstance(fill_value, Variable):
        return np.broadcast_to(fill_value.astype(dtype), shape)  # type: ignore[attr-defined]  # it is a Tensor
    return np.full(shape, fill_value, dtype)


@operation(np.linspace, linear="together")
def linspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Result:
    """``num`` numbers at equal distances from start to stop: y = start + t·(stop − start) for t in [0, 1].

    ∂L/∂start = Σ g·(1 − t), ∂L/∂stop = Σ g·t.
    """
    t = _fractions(start, stop, num, endpoint)
    y = start + np.subtract(stop, start) * t
    order = order_after_move(0, axis, y.ndim)
    back = inverse_order(order)
    return y.transpose(order), (lambda g: g.transpose(back) * (1 - t), lambda g: g.transpose(back) * t)


@composition(np.logspace)
def logspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, base: Array = 10.0, *, axis: int = 0
) -> Array:
    """The powers of ``base`` whose exponents ``linspace`` gives; an array of bases broadcasts with its ends."""
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = [np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base)]
        base = np.expand_dims(base, axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@composition(np.geomspace, hint="start and stop must have the same sign, and neither may be 0")
def geomspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Array:
    """``num`` numbers at equal ratios from start to stop: y = ±|start|^(1−t)·|stop|^t for t in [0, 1]."""
    if np.any(np.sign(start) * np.sign(stop) <= 0):
        raise ValueError("there is no constant ratio from start to stop")
    t = _fractions(start, stop, num, endpoint)
    y = np.sign(start) * np.absolute(start) ** (1 - t) * np.absolute(stop) ** t
    return np.moveaxis(y, 0, axis)


@composition(np.meshgrid)
def meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    """The coordinates ``xi`` of a grid's axes, each repeated along the other axes (not with ``sparse``)."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', got {indexing!r}")
    n = len(xi)
    axes = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    grids = [np.reshape(x, tuple([-1 if axis == i else 1 for i in range(n)])) for x, axis in zip(xi, axes)]
    return tuple(grids if sparse else np.broadcast_arrays(*grids))


@composition(np.vander)
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:  # noqa: N803 - NumPy's name
    """The powers x⁰, x¹, … as columns, the highest first unless ``increasing``."""
    exponents = np.arange(len(x) if N is None else N, dtype=np.result_type(x, 1.0))
    return as_array(x)[:, None] ** (exponents if increasing else exponents[::-1])


def _fractions(start: Any, stop: Any, num: int, endpoint: bool) -> Array:
    """Where between start (0) and stop (1) each number lies, along a first axis of its own."""
    dtype = np.result_type(*[x if isinstance(x, (int, float)) else as_array(x).dtype for x in (start, stop)], 1.0)
    ndim = max(np.ndim(start), np.ndim(stop))
    num = index(num)
    if num < 0:
        raise ValueError(f"num is how many numbers, and cannot be {num}")
    steps = num - 1 if endpoint else num
    return (np.arange(num) / (steps or 1)).astype(dtype).reshape(-1, *[1] * ndim)
