"""Rearranging: the elements of x in another order, or several times."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.tape import Array


@operation(np.flip, linear=1)
def flip(x: Array, axis: int | tuple[int, ...] | None = None) -> Result:
    """y = x backwards along ``axis`` (along all axes if None);  ∂L/∂x = g backwards."""
    return np.flip(x, axis), (lambda g: np.flip(g, axis),)


@composition(np.fliplr, hint="It takes an array of two axes or more")
def fliplr(x: Array) -> Array:
    """y = x with each row backwards."""
    return np.flip(x, 1)


@composition(np.flipud, hint="It takes an array of one axis or more")
def flipud(x: Array) -> Array:
    """y = x with its rows in reverse order."""
    return np.flip(x, 0)


@operation(np.rot90, linear=1)
def rot90(x: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Result:
    """y = x turned k times by 90° from the first of ``axes`` towards the second;  ∂L/∂x = g turned back."""
    return np.rot90(x, k, axes), (lambda g: np.rot90(g, -k, axes),)


@operation(np.roll, linear=1)
def roll(x: Array, shift: Any, axis: int | tuple[int, ...] | None = None) -> Result:
    """y = x moved on by ``shift`` places along ``axis``, in a circle;  ∂L/∂x = g moved back."""
    back = -np.asarray(shift, np.intp)
    return np.roll(x, shift, axis), (lambda g: np.roll(g, back, axis),)


@composition(np.tile)
def tile(x: Array, reps: Any) -> Array:
    """y = x laid out ``reps`` times along each axis."""
    reps = tuple(np.atleast_1d(reps).tolist())
    ndim = max(len(reps), x.ndim)
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - x.ndim) + x.shape
    one = np.reshape(x, _alternating((1,) * ndim, shape))
    return np.reshape(np.broadcast_to(one, _alternating(reps, shape)), tuple([r * n for r, n in zip(reps, shape)]))


@composition(np.repeat)
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """y = x with each part along ``axis`` (each element if None) ``repeats`` times, or by a count of its own."""
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim)
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if np.ndim(repeats):
        return np.take(x, np.repeat(np.arange(n), repeats), axis)
    one = np.reshape(x, (*before, n, 1, *after))
    return np.reshape(np.broadcast_to(one, (*before, n, repeats, *after)), (*before, n * repeats, *after))


def _alternating(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """first[0], second[0], first[1], second[1], ..."""
    return tuple(chain.from_iterable(zip(first, second)))
