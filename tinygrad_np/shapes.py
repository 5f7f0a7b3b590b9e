"""Arithmetic on shapes and axes, for the rules that need it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import numpy as np

Axis = int | tuple[int, ...] | None

NO_NUMBERS = "{} must be real numbers, got {} data; convert it first, as in np.asarray(data, dtype=float)"
FIT = "Shapes fit where, counted from the last axis, they are equal or 1: insert an axis with x[:, None] or reshape"


@lru_cache(maxsize=256)
def reduced_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """``shape`` with a 1 at each reduced axis, as keepdims leaves it.

    >>> reduced_shape((2, 3, 4), -1), reduced_shape((2, 3, 4), (0, 1)), reduced_shape((2, 3), None)
    ((2, 3, 1), (1, 1, 4), (1, 1))
    """
    if axis is None:
        return (1,) * len(shape)
    axes = normalize_axes(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


@lru_cache(maxsize=256)
def remaining_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """``shape`` without the reduced axes.

    >>> remaining_shape((2, 3, 4), -1), remaining_shape((2, 3), None)
    ((2, 3), ())
    """
    if axis is None:
        return ()
    axes = normalize_axes(axis, len(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def reduced_first(x: Any, axis: Axis) -> Any:
    """``x`` with the reduced axes made one and put first: (n, ...), n elements to a slice.

    >>> reduced_first(np.zeros((2, 3, 4)), (0, -1)).shape, reduced_first(np.zeros((2, 3)), None).shape
    ((8, 3), (6,))
    """
    remaining = remaining_shape(x.shape, axis)
    x = x.transpose(_reduced_axes_first(x.ndim, axis))
    return x.reshape((prod(x.shape[: x.ndim - len(remaining)]), *remaining))


def unreduced(x: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """An array that came of ``reduced_first``, in the ``shape`` from before it."""
    order = _reduced_axes_first(len(shape), axis)
    return x.reshape(tuple(shape[i] for i in order)).transpose(inverse_order(order))


def _reduced_axes_first(ndim: int, axis: Axis) -> tuple[int, ...]:
    """All axes, with the reduced ones put first."""
    axes = tuple(range(ndim)) if axis is None else normalize_axes(axis, ndim)
    return axes + tuple(i for i in range(ndim) if i not in axes)


def order_after_move(source: int | tuple[int, ...], destination: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The order of the axes once those of ``source`` are at ``destination`` and the others where there is room.

    >>> order_after_move(0, -1, 3), order_after_move((0, 1), (2, 0), 3)
    ((1, 2, 0), (1, 2, 0))
    """
    taken, places = normalize_axes(source, ndim), normalize_axes(destination, ndim)
    if len(taken) != len(places):
        raise ValueError(f"axes {source} cannot move to {destination}; give the same number of both")
    order = [i for i in range(ndim) if i not in taken]
    for place, axis in sorted(zip(places, taken)):
        order.insert(place, axis)
    return tuple(order)


def inverse_order(order: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes ``order``.

    >>> inverse_order((1, 2, 0))
    (2, 0, 1)
    """
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def alternating(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """first[0], second[0], first[1], second[1], ...

    >>> alternating((2, 3), (1, 1))
    (2, 1, 3, 1)
    """
    return tuple(chain.from_iterable(zip(first, second)))


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that takes ``part`` of an axis counted from the front, and all of the others."""
    return (slice(None),) * axis + (part,)


def exchanged(x: Any, cut: int, axis: int) -> Any:
    """``x`` cut in two along an axis counted from the front, and the two parts exchanged.

    >>> exchanged(np.array([1, 2, 3]), 1, 0)
    array([2, 3, 1])
    """
    return np.concatenate([x[along(axis, slice(cut, None))], x[along(axis, slice(cut))]], axis)


def normalize_axes(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Axes counted from the front; NumPy's AxisError where one does not exist."""
    if axis.__class__ is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def as_array(x: Any) -> Any:
    """``x`` if it has axes, as arrays and Tensors do, else a number, list or tuple as an array."""
    return x if hasattr(x, "ndim") else np.asarray(x)


def floating(x: Any, name: str = "x") -> Any:
    """``x`` as floating numbers: integers become float64, for the difference of two may not fit in their own dtype."""
    x = as_array(x)
    if x.dtype.kind == "f":
        return x
    if x.dtype.kind not in "iub":
        raise TypeError(NO_NUMBERS.format(name, x.dtype))
    return x.astype(np.float64)


def rows(x: Any) -> Any:
    """``x`` as a matrix whose rows are its last axis: (..., n) becomes (rows, n), also where n is 0."""
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])
