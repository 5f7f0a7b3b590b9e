"""Views of memory: how they are broadcast, indexed, and whether they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.values import Value


def extent(value: Value) -> tuple[int, int]:
    """The first byte that a view covers and the one behind its last, counted from its memory's start."""
    if 0 in value.shape:
        return value.offset, value.offset
    spans = [(n - 1) * s for n, s in zip(value.shape, value.strides)]
    low = value.offset + sum(s for s in spans if s < 0)
    high = value.offset + sum(s for s in spans if s > 0)
    return low, high + value.dtype.itemsize


def overlap(a: Value, b: Value) -> bool:
    """Whether two views may share memory: by their extents, so that interleaved columns count as sharing."""
    if a.memory is not b.memory:
        return False
    (a_low, a_high), (b_low, b_high) = extent(a), extent(b)
    return a_low < b_high and b_low < a_high


def same_elements(a: Value, b: Value) -> bool:
    """Whether two views of one shape are the same elements in the same order."""
    return (a.memory, a.offset, a.dtype, a.shape) == (b.memory, b.offset, b.dtype, b.shape) and all(
        s == t for s, t, n in zip(a.strides, b.strides, a.shape) if n != 1
    )


def view(of: Value, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> Value:
    """Another view of the memory that ``of`` is in, ``offset`` bytes behind its first element."""
    return Value(tuple(shape), of.dtype, tuple(strides), of.memory, of.offset + offset)


def broadcast(value: Value, shape: tuple[int, ...]) -> Value:
    """The view of ``shape`` that NumPy's broadcasting makes."""
    missing = len(shape) - len(value.shape)
    own = [0 if n == 1 else s for n, s in zip(value.shape, value.strides)]
    return view(value, shape, (0,) * missing + tuple(own))


def contiguous(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """The strides of an array in C order."""
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def fresh(shape: Sequence[int], dtype: Any) -> Value:
    """Memory of its own, in C order."""
    dtype = np.dtype(dtype)
    return Value(tuple(shape), dtype, contiguous(shape, dtype.itemsize))


def indexed(value: Value, index: Any) -> Value:
    """The view that basic indexing gives; NumPy itself says which, of memory that is never touched."""
    low, high = extent(value)
    memory = np.empty(high - low, np.uint8)
    start = value.offset - low
    array: Any = np.ndarray(value.shape, value.dtype, memory, start, value.strides)
    part = array[index] if isinstance(index, tuple) and ... in index else array[_with_ellipsis(index)]
    assert not part.size or np.may_share_memory(part, memory), "indices by arrays or bools give no view"
    moved = part.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return view(value, part.shape, part.strides, moved if part.size else 0)


def _with_ellipsis(index: Any) -> Any:
    """``index`` such that even a single element comes as an array."""
    return index if index is ... else (*index, ...) if isinstance(index, tuple) else (index, ...)


def reshaped(value: Value, shape: Sequence[int]) -> Value | None:
    """The view of another shape; None where that needs a copy."""
    low, high = extent(value)
    memory = np.empty(max(high - low, 1), np.uint8)
    array: Any = np.ndarray(value.shape, value.dtype, memory, value.offset - low, value.strides)
    if array.size == 0:
        return view(value, shape, contiguous(shape, value.dtype.itemsize))
    try:
        part = array.reshape(tuple(shape), copy=False)
    except ValueError:
        return None
    return view(value, part.shape, part.strides)


def loops(shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Groups of neighbouring axes that every operand of these ``strides`` goes through as if they were one.

    Axes of length 1 are in none.
    """
    groups: list[tuple[int, ...]] = []
    for axis in (a for a, n in enumerate(shape) if n != 1):
        if groups and all(s[groups[-1][-1]] == s[axis] * shape[axis] for s in strides):
            groups[-1] = (*groups[-1], axis)
        else:
            groups.append((axis,))
    return groups
