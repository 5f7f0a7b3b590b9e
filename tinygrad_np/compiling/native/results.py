"""What a program gives: of one step, and of every step of a scan.

A step writes its results into the same memory each time, so they are copied; those of a scan are written one behind the
other, and are views of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.binding import Binding
from tinygrad_np.compiling.native.buffers import buffer_for, nbytes, view_of
from tinygrad_np.compiling.native.views import contiguous
from tinygrad_np.compiling.values import Scalar, Value

Array = NDArray[Any]


def stacking(memory: Value) -> Callable[[int], Array]:
    """A function of a number of steps that makes an array for what each writes into ``memory``, one after the other."""
    shape, dtype, strides = memory.shape, memory.dtype, (nbytes(memory), *memory.strides)
    if memory.strides == contiguous(shape, dtype.itemsize):
        return lambda steps: np.empty((steps, *shape), dtype)
    return lambda steps: buffer_for(Value((steps, *shape), dtype, strides))


def builder(tree: Any, bound: Binding) -> Callable[..., Any]:
    """A function of scalars that gives the outputs of the step that has just run: ``tree`` with what it stands for."""
    gets = [getter(value, bound) for value in bound.outputs]

    def build(*scalars: Any) -> Any:
        values, numbers = iter(gets), iter(scalars)

        def fill(node: Any) -> Any:
            if isinstance(node, Value):
                return next(values)()
            if isinstance(node, Scalar):
                return next(numbers)
            if isinstance(node, (tuple, list)):
                return type(node)(map(fill, node))
            if isinstance(node, dict):
                return {key: fill(item) for key, item in node.items()}
            return node

        return fill(tree)

    return build


def getter(value: Value, bound: Binding) -> Callable[[], Array]:
    """A function that gives the value of the step that has just run: a copy, but of a live array itself."""
    memory = value.memory
    if memory in bound.buffers:
        part: Any = view_of(bound.buffers[memory], value)
        return partial(part.__getitem__, ()) if value.number else part.copy
    array = _live(memory) if value is memory else view_of(_live(memory), value)
    return lambda: array


def _live(memory: Value) -> Array:
    """The array that ``memory`` is by reference."""
    assert memory.array is not None
    return memory.array


def stack_of(value: Value, bound: Binding, stacks: Sequence[Array]) -> Array:
    """An output of every step of a scan: a view of what they wrote; what they share is what it is now."""
    memory = value.memory
    if memory not in bound.stackable:
        return view_of(bound.buffers[memory] if memory in bound.buffers else _live(memory), value)
    stack = stacks[bound.stackable.index(memory)]
    if value is memory:
        return stack
    strides = (nbytes(memory), *value.strides)
    return view_of(stack, Value((len(stack), *value.shape), value.dtype, strides, None, value.offset))
