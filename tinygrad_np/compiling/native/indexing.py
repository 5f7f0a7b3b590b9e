"""Gathers and stores by arrays of indices, in terms of instructions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_np.compiling.native.instruction_list import InstructionList, UnsupportedError
from tinygrad_np.compiling.native.instructions import Flatten, Gather, Operand, Scatter
from tinygrad_np.compiling.native.views import broadcast, contiguous, indexed, view
from tinygrad_np.compiling.values import Call, Value, operands_in


def lower_getitem(instructions: InstructionList, call: Call) -> None:
    """A part of an array that is copied, or elements by arrays of indices."""
    assert call.result is not None
    source, index = instructions.value(call.arguments[0]), call.arguments[1]
    if is_advanced(index):
        _gather(instructions, source, [instructions.value(i) for i in as_tuple(index)], call.result)
    else:
        instructions.copy(_part(source, index), call.result)


def _part(source: Value, index: Any) -> Value:
    """What an index without arrays shows, if it is the same at each step."""
    if any(operands_in(index)):
        raise UnsupportedError
    return indexed(source, index)


def lower_take(instructions: InstructionList, call: Call) -> None:
    """Parts along the first axis by an array of indices, as np.take with axis=0."""
    assert call.result is not None
    source, index, *_ = call.arguments
    source, axis = instructions.value(source), call.keywords.get("axis", None)
    if len(call.arguments) > 2 or call.keywords.keys() - {"axis"} or axis is None or axis % len(source.shape):
        raise UnsupportedError
    _gather(instructions, source, [instructions.value(index)], call.result)


def _gather(instructions: InstructionList, source: Value, indices: list[Value], result: Value) -> None:
    shape, views, sizes, strides = _indices(instructions, source, indices)
    rest = len(shape)
    base = view(source, result.shape, (0,) * rest + source.strides[len(indices) :])
    inputs: list[Operand] = [broadcast(i, result.shape) for i in _trailing(views, result, rest)]
    instructions.append(
        Gather(
            result.shape,
            flat_offset,
            inputs,
            [i.dtype for i in views],
            result,
            source=base,
            sizes=sizes,
            strides=strides,
            check=_check(instructions, source, indices),
        )
    )


def _check(instructions: InstructionList, source: Value, indices: list[Value]) -> int:
    """The number of the check of ``indices``; 0 if they come from a check that suffices."""
    known = all(instructions.bounds.get(i.memory, n + 1) <= n for i, n in zip(indices, source.shape))
    return 0 if known else instructions.check(f"an index into an array of shape {source.shape} is out of range")


def _indices(
    instructions: InstructionList, source: Value, indices: list[Value]
) -> tuple[Any, list[Value], list[int], list[int]]:
    """Arrays of indices, broadcast to each other, with the sizes and strides of the axes that they are for."""
    if any(i.dtype.kind not in "iu" for i in indices) or len(indices) > len(source.shape):
        raise UnsupportedError
    shape = np.broadcast_shapes(*[i.shape for i in indices])
    count = len(indices)
    return shape, [broadcast(i, shape) for i in indices], list(source.shape[:count]), list(source.strides[:count])


def _trailing(indices: list[Value], result: Value, rest: int) -> list[Value]:
    """The indices with an axis of length 1 for each axis of the result that they leave alone."""
    more = len(result.shape) - rest
    return [view(i, (*i.shape, *[1] * more), (*i.strides, *[0] * more)) for i in indices]


def lower_setitem(instructions: InstructionList, call: Call) -> None:
    """A store into a part of an array, or into elements by arrays of indices."""
    target, index, item = call.arguments
    target = instructions.value(target)
    if not is_advanced(index):
        return instructions.copy(item, _part(target, index))
    indices = [instructions.value(i) for i in as_tuple(index)]
    shape, views, sizes, strides = _indices(instructions, target, indices)
    rest = target.shape[len(indices) :]
    whole = (*shape, *rest)
    base = view(target, whole, (0,) * len(shape) + target.strides[len(indices) :])
    inputs: list[Operand] = [broadcast(i, whole) for i in _trailing(views, base, len(shape))]
    operand = instructions.operand(item)
    own = operand.dtype if isinstance(operand, Value) else target.dtype
    inputs.append(broadcast(operand, whole) if isinstance(operand, Value) else operand)
    instructions.append(
        Scatter(
            whole,
            flat_offset,
            inputs,
            [*[i.dtype for i in views], own],
            base,
            source=base,
            sizes=sizes,
            strides=strides,
            check=_check(instructions, target, indices),
        )
    )
    return None


def lower_ravel_index(instructions: InstructionList, call: Call) -> None:
    """Places in a flat array, as np.ravel_multi_index."""
    assert call.result is not None
    indices, dims = call.arguments[:2]
    if len(call.arguments) > 2 or call.keywords:
        raise UnsupportedError
    result = call.result
    views = [broadcast(instructions.value(i), result.shape) for i in indices]
    if any(i.dtype.kind not in "iu" for i in views):
        raise UnsupportedError
    if result.root is None:
        instructions.bounds[result] = math.prod(dims)
    instructions.append(
        Flatten(
            result.shape,
            flat_offset,
            list(views),
            [i.dtype for i in views],
            result,
            sizes=list(dims),
            strides=contiguous(dims, 1),
            wraps=False,
            check=instructions.check(f"an index is outside an array of shape {tuple(dims)}"),
        )
    )


def flat_offset() -> None:
    """An instruction that computes where its indices point has code of its own."""


def is_advanced(index: Any) -> bool:
    """Whether an index has arrays or bools in it, so that NumPy copies."""
    return any(isinstance(i, (Value, np.ndarray, list, bool, np.bool_)) for i in as_tuple(index))


def as_tuple(index: Any) -> tuple[Any, ...]:
    """An index as NumPy sees it: one for each axis."""
    return index if isinstance(index, tuple) else (index,)
