"""Rearranging: the elements of x in another order, or several times."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.numerics import repeated, sum_over
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import alternating, exchanged, normalize_axes, order_after_move
from tinygrad_np.tape import Array


@operation(np.flip, linear=1)
def flip(x: Array, axis: int | tuple[int, ...] | None = None) -> Result:
    """y = x backwards along ``axis`` (along all axes if None);  ∂L/∂x = g backwards."""
    backwards = _backwards(range(x.ndim) if axis is None else normalize_axes(axis, x.ndim), x.ndim)
    return x[backwards], (lambda g: g[backwards],)


@composition(np.fliplr, hint="It takes an array of two axes or more")
def fliplr(x: Array) -> Array:
    """y = x with each row backwards."""
    return flip(x, 1)


@composition(np.flipud, hint="It takes an array of one axis or more")
def flipud(x: Array) -> Array:
    """y = x with its rows in reverse order."""
    return flip(x, 0)


@operation(np.rot90, linear=1)
def rot90(x: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Result:
    """y = x turned k times by 90° from the first of ``axes`` towards the second;  ∂L/∂x = g turned back."""
    first, second = [normalize_axis_index(axis, x.ndim) for axis in axes]
    if first == second:
        raise ValueError("Axes must be different.")
    return _turned(x, k % 4, first, second), (lambda g: _turned(g, -k % 4, first, second),)


def _turned(x: Array, quarters: int, first: int, second: int) -> Array:
    """``x`` turned from the ``first`` axis towards the ``second``: a quarter is a reflection of one and an exchange."""
    x = x[_backwards(((), (second,), (first, second), (first,))[quarters], x.ndim)]
    return x.swapaxes(first, second) if quarters % 2 else x


def _backwards(axes: Sequence[int], ndim: int) -> tuple[slice, ...]:
    """The index that reverses ``axes``."""
    return tuple([slice(None, None, -1 if i in axes else 1) for i in range(ndim)])


@operation(np.roll, linear=1)
def roll(x: Array, shift: Any, axis: int | tuple[int, ...] | None = None) -> Result:
    """y = x moved on by ``shift`` places along ``axis``, in a circle;  ∂L/∂x = g moved back."""
    shape = x.shape
    if axis is None:  # all elements in one axis
        moves = [(int(sum_over(shift, None)), 0)]
        return _rolled(x.reshape(-1), moves).reshape(shape), (
            lambda g: _rolled(g.reshape(-1), moves, -1).reshape(shape),
        )
    moves = [(int(s), normalize_axis_index(a, x.ndim)) for s, a in np.broadcast(shift, axis)]
    return _rolled(x, moves), (lambda g: _rolled(g, moves, -1),)


def _rolled(x: Array, moves: Sequence[tuple[int, int]], sign: int = 1) -> Array:
    """``x`` after each of the ``moves`` (how far, axis), or with ``sign`` −1 after each of them back."""
    for shift, axis in moves:
        x = exchanged(x, -sign * shift % (x.shape[axis] or 1), axis)
    return x


@operation(np.tile, linear=1)
def tile(x: Array, reps: Any) -> Result:
    """y = x laid out ``reps`` times along each axis;  ∂L/∂x = Σ g over them: they come first, where the walk sums."""
    reps = tuple(np.asarray(reps).reshape(-1).tolist())
    ndim = max(len(reps), x.ndim)
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - x.ndim) + x.shape
    split, order = alternating(reps, shape), (*range(0, 2 * ndim, 2), *range(1, 2 * ndim, 2))
    y = repeated(x.reshape(alternating((1,) * ndim, shape)), split)
    return y.reshape(tuple([r * n for r, n in zip(reps, shape)])), (lambda g: g.reshape(split).transpose(order),)


@composition(np.repeat)
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """y = x with each part along ``axis`` (each element if None) ``repeats`` times, or by a count of its own."""
    if not np.ndim(repeats):
        return repeat_each(x, repeats, axis)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim)
    return np.take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)


@operation(linear=1)
def repeat_each(x: Array, repeats: int, axis: int | None = None) -> Result:
    """y = x with each part along ``axis`` (each element if None) ``repeats`` times.

    ∂L/∂x = Σ g over the times: their axis comes first, where the walk sums.
    """
    repeats = index(repeats)  # NumPy takes 1.5 for 1
    y = x.repeat(repeats, axis)
    place = x.ndim if axis is None else normalize_axis_index(axis, x.ndim) + 1
    split, order = (*x.shape[:place], repeats, *x.shape[place:]), order_after_move(place, 0, x.ndim + 1)
    return y, (lambda g: g.reshape(split).transpose(order),)
