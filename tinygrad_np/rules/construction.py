"""New arrays made from others: copies, grids and ranges between two ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.operations import composition
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array


@composition(np.copy)
def copy(a: Array) -> Array:
    """y = x in an array of its own."""
    return np.positive(a)


@composition(np.linspace)
def linspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Array:
    """``num`` numbers at equal distances from start to stop: y = start + t·(stop − start) for t in [0, 1]."""
    start, stop = as_array(start), as_array(stop)
    return np.moveaxis(start + (stop - start) * _fractions(start, stop, num, endpoint), 0, axis)


@composition(np.logspace)
def logspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, base: Array = 10.0, *, axis: int = 0
) -> Array:
    """The powers of ``base`` whose exponents ``linspace`` gives."""
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@composition(np.geomspace, hint="start and stop must have the same sign, and neither may be 0")
def geomspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Array:
    """``num`` numbers at equal ratios from start to stop: y = start·(stop/start)^t for t in [0, 1]."""
    start, stop = as_array(start), as_array(stop)
    if np.any(np.sign(start) * np.sign(stop) <= 0):
        raise ValueError("there is no constant ratio from start to stop")
    return np.moveaxis(start * (stop / start) ** _fractions(start, stop, num, endpoint), 0, axis)


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
    dtype = np.result_type(start, stop, 1.0)
    ndim = max(start.ndim, stop.ndim)
    return np.linspace(0.0, 1.0, num, endpoint).astype(dtype).reshape(-1, *[1] * ndim)
