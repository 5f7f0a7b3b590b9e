"""Joining and splitting: several arrays in one, and one in several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array, Derivative


@operation(np.concatenate, sequence=True, hint="All but the joined axis must be equal")
def concatenate(*xs: Array, axis: int | None = 0) -> Result:
    """y = x1, x2, ... joined along ``axis`` (flattened first if None);  ∂L/∂xᵢ = its part of g."""
    y = np.concatenate(xs, axis)
    shapes = [np.shape(x) for x in xs]
    lengths = [np.size(x) for x in xs] if axis is None else [shape[axis] for shape in shapes]
    before = (slice(None),) * ((axis or 0) % y.ndim)

    def derivative(shape: tuple[int, ...], start: int, stop: int) -> Derivative:
        part = (*before, slice(start, stop))
        return (lambda g: g[part].reshape(shape)) if axis is None else (lambda g: g[part])

    spans = pairwise(accumulate(lengths, initial=0))
    return y, tuple([derivative(shape, *span) for shape, span in zip(shapes, spans, strict=True)])


@operation(np.stack, sequence=True, hint="np.concatenate joins arrays that differ along one axis")
def stack(*xs: Array, axis: int = 0) -> Result:
    """y = x1, x2, ... of one shape as parts of a new axis;  ∂L/∂xᵢ = its part of g."""
    y = np.stack(xs, axis)
    before = (slice(None),) * (axis % y.ndim)

    def derivative(i: int) -> Derivative:
        part = (*before, i)
        return lambda g: g[part]

    return y, tuple(map(derivative, range(len(xs))))


@composition(np.vstack)
def vstack(arrays: Sequence[Array]) -> Array:
    """The arrays one below another; a vector is a row."""
    return np.concatenate([np.atleast_2d(x) for x in arrays], 0)


@composition(np.hstack)
def hstack(arrays: Sequence[Array]) -> Array:
    """The arrays side by side: along the second axis, vectors along their only one."""
    arrays = [np.atleast_1d(x) for x in arrays]
    return np.concatenate(arrays, 1 if arrays and arrays[0].ndim > 1 else 0)


@composition(np.dstack)
def dstack(arrays: Sequence[Array]) -> Array:
    """The arrays one behind another, along the third axis."""
    return np.concatenate([np.atleast_3d(x) for x in arrays], 2)


@composition(np.column_stack)
def column_stack(arrays: Sequence[Array]) -> Array:
    """The arrays side by side; a vector is a column."""
    return np.concatenate([x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in arrays], 1)


@composition(np.append)
def append(x: Array, values: Array, axis: int | None = None) -> Array:
    """The values joined to x along ``axis``, both flattened if it is None."""
    return np.concatenate([x, values], axis)


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
    return [x[(slice(None),) * axis + (slice(*span),)] for span in pairwise(ends)]


@composition(np.split, hint="np.array_split makes parts that are not equal")
def split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """x cut along ``axis`` before each of the indices, or into so many equal sections."""
    parts: list[Array] = np.array_split(x, indices_or_sections, axis)
    if not np.ndim(indices_or_sections) and parts[0].shape[axis] != parts[-1].shape[axis]:
        raise ValueError(f"an axis of length {x.shape[axis]} does not divide into {indices_or_sections} equal parts")
    return parts


@composition(np.hsplit)
def hsplit(x: Array, indices_or_sections: Any) -> list[Array]:
    """x cut along the second axis, or a vector along its only one."""
    return np.split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@composition(np.vsplit)
def vsplit(x: Array, indices_or_sections: Any) -> list[Array]:
    """x, of two axes or more, cut along the first."""
    if x.ndim < 2:
        raise ValueError("it takes an array of two axes or more; np.split cuts a vector")
    return np.split(x, indices_or_sections, 0)


@composition(np.dsplit, hint="It takes an array of three axes or more")
def dsplit(x: Array, indices_or_sections: Any) -> list[Array]:
    """x, of three axes or more, cut along the third."""
    return np.split(x, indices_or_sections, 2)


@composition(np.unstack)
def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """The parts of x along ``axis``, which they no longer have."""
    return tuple(np.moveaxis(as_array(x), axis, 0))
