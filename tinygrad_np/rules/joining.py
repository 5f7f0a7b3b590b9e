"""Joining and splitting: several arrays in one, and one in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import along, as_array
from tinygrad_np.tape import Array


@operation(np.concatenate, sequence=True, linear="together", hint="All but the joined axis must be equal")
def concatenate(*xs: Array, axis: int | None = 0) -> Result:
    """y = x1, x2, ... joined along ``axis`` (flattened first if None);  ∂L/∂xᵢ = its part of g."""
    y = np.concatenate(xs, axis)
    if axis is None:
        shapes = [np.shape(x) for x in xs]
        flat = _parts(0, tuple(map(prod, shapes)))
        return y, tuple([partial(_reshaped, part, shape) for part, shape in zip(flat, shapes)])
    return y, _parts(axis % y.ndim, tuple([as_array(x).shape[axis] for x in xs]))


@lru_cache(maxsize=256)
def _parts(axis: int, lengths: tuple[int, ...]) -> tuple[Callable[[Array], Array], ...]:
    """For each of several arrays that lie one behind another along ``axis``, what takes it out."""
    ends = accumulate(lengths, initial=0)
    return tuple([itemgetter(along(axis, slice(*span))) for span in pairwise(ends)])


def _reshaped(part: Callable[[Array], Array], shape: tuple[int, ...], g: Array) -> Array:
    """What ``part`` takes out of g, in a ``shape``."""
    return part(g).reshape(shape)


@operation(np.stack, sequence=True, linear="together", hint="np.concatenate joins arrays that differ along one axis")
def stack(*xs: Array, axis: int = 0) -> Result:
    """y = x1, x2, ... of one shape as parts of a new axis;  ∂L/∂xᵢ = its part of g."""
    xs = tuple(map(as_array, xs))
    axis = normalize_axis_index(axis, xs[0].ndim + 1) if xs else axis
    y = np.concatenate([x[along(axis, None)] for x in xs], axis)
    return y, tuple([itemgetter(along(axis, i)) for i in range(len(xs))])


@composition(np.vstack)
def vstack(arrays: Sequence[Array]) -> Array:
    """The arrays one below another; a vector is a row."""
    return concatenate([x if x.ndim > 1 else x.reshape(1, -1) for x in map(as_array, arrays)])


@composition(np.hstack)
def hstack(arrays: Sequence[Array]) -> Array:
    """The arrays side by side: along the second axis, vectors along their only one."""
    arrays = [x if x.ndim else x.reshape(1) for x in map(as_array, arrays)]
    return concatenate(arrays, axis=1 if arrays and arrays[0].ndim > 1 else 0)


@composition(np.dstack)
def dstack(arrays: Sequence[Array]) -> Array:
    """The arrays one behind another, along the third axis."""
    return np.concatenate([np.atleast_3d(x) for x in arrays], 2)


@composition(np.column_stack)
def column_stack(arrays: Sequence[Array]) -> Array:
    """The arrays side by side; a vector is a column."""
    return concatenate([x if x.ndim > 1 else x.reshape(-1, 1) for x in map(as_array, arrays)], axis=1)


@composition(np.append)
def append(x: Array, values: Array, axis: int | None = None) -> Array:
    """The values joined to x along ``axis``, both flattened if it is None."""
    return concatenate([x, values], axis=axis)


@composition(np.block)
def block(arrays: Any) -> Array:
    """Nested lists of blocks as one array: the innermost lists joined along the last axis, those around them before."""
    depth = _depth(arrays)
    return _block(arrays, depth, max(depth, _dimensions(arrays)))


def _block(part: Any, depth: int, ndim: int) -> Array:
    """A block with ``ndim`` axes, or the blocks of lists nested ``depth`` times, joined."""
    if isinstance(part, list):
        return np.concatenate([_block(inner, depth - 1, ndim) for inner in part], -depth)
    return np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part))


def _depth(part: Any) -> int:
    """How deep lists are nested, everywhere the same."""
    if isinstance(part, tuple):
        raise TypeError("blocks are arranged by lists, got a tuple; write list(blocks), or an array")
    if not isinstance(part, list):
        return 0
    depths = {_depth(inner) for inner in part}
    if len(depths) != 1:
        found = f"lists nested {sorted(depths)} deep" if depths else "an empty list"
        raise ValueError(f"every list must hold blocks, or lists of one depth, got one with {found}")
    return 1 + depths.pop()


def _dimensions(part: Any) -> int:
    """The largest number of axes of the blocks in nested lists."""
    return max(map(_dimensions, part)) if isinstance(part, list) else np.ndim(part)


@composition(np.array_split)
def array_split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """x cut along ``axis`` before each of the indices, or into so many sections, as equal as can be."""
    axis = normalize_axis_index(axis, x.ndim)
    n = x.shape[axis]
    if np.ndim(indices_or_sections):
        ends = [0, *indices_or_sections, n]
    else:
        sections = int(indices_or_sections)
        if sections < 1:
            raise ValueError(f"the number of sections must be 1 or more, got {sections}")
        least, more = divmod(n, sections)
        ends = [i * least + min(i, more) for i in range(sections + 1)]
    return [x[along(axis, slice(*span))] for span in pairwise(ends)]


@composition(np.split, hint="np.array_split makes parts that are not equal")
def split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """x cut along ``axis`` before each of the indices, or into so many equal sections."""
    parts: list[Array] = array_split(x, indices_or_sections, axis)
    if not np.ndim(indices_or_sections) and parts[0].shape[axis] != parts[-1].shape[axis]:
        raise ValueError(f"an axis of length {x.shape[axis]} does not divide into {indices_or_sections} equal parts")
    return parts


@composition(np.hsplit)
def hsplit(x: Array, indices_or_sections: Any) -> Any:
    """x cut along the second axis, or a vector along its only one."""
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@composition(np.vsplit)
def vsplit(x: Array, indices_or_sections: Any) -> Any:
    """x, of two axes or more, cut along the first."""
    if x.ndim < 2:
        raise ValueError("it takes an array of two axes or more; np.split cuts a vector")
    return split(x, indices_or_sections, 0)


@composition(np.dsplit, hint="It takes an array of three axes or more")
def dsplit(x: Array, indices_or_sections: Any) -> Any:
    """x, of three axes or more, cut along the third."""
    return split(x, indices_or_sections, 2)


@composition(np.unstack)
def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The parts of x along ``axis``, which they no longer have."""
    return tuple(np.moveaxis(as_array(x), axis, 0))
