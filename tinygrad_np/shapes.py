"""Arithmetic on shapes and axes, for the rules that need it."""

from __future__ import annotations

from typing import Any

import numpy as np

Axis = int | tuple[int, ...] | None


def reduced_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """``shape`` with a 1 at each reduced axis, as keepdims leaves it.

    >>> reduced_shape((2, 3, 4), -1), reduced_shape((2, 3, 4), (0, 1)), reduced_shape((2, 3), None)
    ((2, 3, 1), (1, 1, 4), (1, 1))
    """
    if axis is None:
        return (1,) * len(shape)
    axes = normalize_axes(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def remaining_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """``shape`` without the reduced axes.

    >>> remaining_shape((2, 3, 4), -1), remaining_shape((2, 3), None)
    ((2, 3), ())
    """
    if axis is None:
        return ()
    axes = normalize_axes(axis, len(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def normalize_axes(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Axes counted from the front; NumPy's AxisError where one does not exist."""
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def as_array(x: Any) -> Any:
    """``x`` if it has axes, as arrays and Tensors do, else a number, list or tuple as an array."""
    return x if hasattr(x, "ndim") else np.asarray(x)


def rows(x: Any) -> Any:
    """``x`` as a matrix whose rows are its last axis: (..., n) becomes (-1, n)."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
