"""The memory that native code works on: where arrays lie, new arrays for results, and one buffer for temporaries.

NumPy and native code share memory. So what one writes the other sees as an array, without a copy.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.instructions import Kernel
from tinygrad_np.compiling.native.views import extent
from tinygrad_np.compiling.values import Value

Array = NDArray[Any]
ALIGNED = 64  # bytes, as a processor's cache lines


def address(array: Array) -> int:
    """Where an array's first element is; asking for a buffer takes a third of the time of asking the array."""
    try:
        buffer: Any = array  # NumPy's types do not say that it is one
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    except (TypeError, ValueError, BufferError):  # it is read-only, empty, or not in C order
        return int(array.__array_interface__["data"][0])


def buffer_for(value: Value) -> Array:
    """A new array in the layout of ``value``, which is a root."""
    low, high = extent(value)
    spare = np.zeros(max(high - low, 1) + ALIGNED, np.uint8)
    start = -address(spare) % ALIGNED - low
    return np.ndarray(value.shape, value.dtype, spare, start, value.strides)


class _Memory:
    """What NumPy makes an array of, by its address; it keeps alive whose memory it is."""

    def __init__(self, owner: Array, value: Value) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "data": (address(owner) + value.offset, False),
            "typestr": value.dtype.str,
            "shape": value.shape,
            "strides": value.strides,
            "version": 3,
        }


def view_of(array: Array, value: Value) -> Array:
    """The view ``value`` of its memory, which is ``array``."""
    return np.asarray(_Memory(array, value))


def plan_scratch(kernels: Sequence[Kernel], temporaries: Iterable[Value]) -> tuple[dict[Value, int], int]:
    """An offset for each temporary, such that those in use at the same time do not overlap; and the bytes in all."""
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    for at, kernel in enumerate(kernels):
        for value in accessed(kernel):
            first.setdefault(value.memory, at)
            last[value.memory] = at
    offsets: dict[Value, int] = {}
    total = 0
    for memory in sorted(temporaries, key=lambda v: -nbytes(v)):
        taken = sorted(
            (offsets[o], offsets[o] + nbytes(o))
            for o in offsets
            if first[o] <= last[memory] and first[memory] <= last[o]
        )
        offset = 0
        for start, end in taken:
            if offset + nbytes(memory) <= start:
                break
            offset = max(offset, -(-end // ALIGNED) * ALIGNED)
        offsets[memory] = offset
        total = max(total, offset + nbytes(memory))
    return offsets, total


def nbytes(value: Value) -> int:
    """The bytes of a value's memory."""
    return max(1, math.prod(value.shape) * value.dtype.itemsize)


def accessed(kernel: Kernel) -> list[Value]:
    """The views that a kernel reads and writes."""
    return [v for i in kernel.instructions for v in (*i.reads(), *i.writes())]
