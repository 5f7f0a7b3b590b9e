"""Passes that make a program shorter, and change no bit of what it computes. They own it, and change it in place."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Call, Scalar, Value, cast, guard, has_shape, mapped, operands_in

VIEWS: set[Any] = {np.reshape, np.transpose, np.broadcast_to, operator.getitem}
# What gives the same again of the same arguments. Anything else is left where it is.
PURE: set[Any] = VIEWS | {
    np.dot,
    np.where,
    np.concatenate,
    np.take,
    np.ravel_multi_index,
    np.copy,
    cast,
    has_shape,
    operator.pow,
}
PURE |= {np.zeros_like, np.ones_like, np.full_like, np.zeros, np.ones, np.full, np.stack, np.count_nonzero, np.einsum}


def simplified(program: Program) -> Program:
    """The program without calls that repeat others, do nothing, or lead to nothing that is asked for."""
    for shorter in (_guards_on_numbers_first, _known_before, _without_repetitions, _without_dead_calls):
        program = shorter(program)
    return program


def _replaced(program: Program, calls: list[Call], stand_for: dict[Value, Value]) -> Program:
    """A program of ``calls`` in which some Values stand for others."""
    for call in calls:
        call.arguments = _put_in(call.arguments, stand_for)
        call.keywords = _put_in(call.keywords, stand_for)
        for value in filter(None, (call.result, call.writes)):
            if value.root in stand_for:
                value.offset += stand_for[value.root].offset
                value.root = stand_for[value.root].memory
        call.writes = stand_for.get(call.writes, call.writes) if call.writes else None
    updates = [(put, _put_in(x, stand_for)) for put, x in program.updates]
    return replace(program, calls=calls, outputs=_put_in(program.outputs, stand_for), updates=updates)


def _put_in(tree: Any, stand_for: dict[Value, Value]) -> Any:
    """``tree`` with the Values that stand for those in it."""
    return mapped(lambda x: stand_for.get(x, x) if isinstance(x, Value) else x, tree)


def _guards_on_numbers_first(program: Program) -> Program:
    """Guards on Python numbers wait for no array: at the front they fail before anything is written."""
    front = [call for call in program.calls if call.function is guard and isinstance(call.arguments[0], Scalar)]
    moved = set(map(id, front))
    return replace(program, calls=[*front, *[call for call in program.calls if id(call) not in moved]])


def _known_before(program: Program) -> Program:
    """What is the same at each step is computed once: of constants, and views of live arrays that stay where they are.

    Such a view is the transpose of a weight. Constants are arrays of their own that nobody may write into.
    """
    kept: list[Call] = []
    for call in program.calls:
        first, result = (call.arguments or (None,))[0], call.result
        fixed = isinstance(first, Value) and first.array is not None and first.reading is None
        if fixed and result is not None and result.root is not None and call.function in VIEWS and _is_constant(call):
            result.array = call.function(first.array, *call.arguments[1:])
            result.name = f"{first.name}_T" if call.function is np.transpose else first.name
        elif result is not None and _is_pure(call) and _all_constant(call):
            trees = call.arguments, call.keywords
            arguments, keywords = mapped(lambda x: x.array if isinstance(x, Value) else x, trees)
            result.array = np.asarray(call.function(*arguments, **keywords))
            result.array.flags.writeable = False
        else:
            kept.append(call)
    return replace(program, calls=kept)


def _is_constant(call: Call) -> bool:
    """Whether the arguments after the first hold no Value and no Scalar."""
    return not call.keywords and not any(True for _ in operands_in(call.arguments[1:]))


def _all_constant(call: Call) -> bool:
    """Whether all operands are constants, and there is one."""
    operands = list(call.operands())
    arrays = [x.array for x in operands if isinstance(x, Value) and x.reading is None]
    return bool(operands) and len(arrays) == len(operands) and all(map(_is_unchanging, arrays))


def _is_unchanging(array: Any) -> bool:
    return array is not None and not array.flags.writeable and array.base is None


def _without_repetitions(program: Program) -> Program:
    """The second of two equal calls gives what the first gave, unless something was written in between.

    What is written into at any time is never shared, nor is what the step hands out.
    """
    written = {call.writes.memory for call in program.calls if call.writes is not None}
    handed = {v.memory for v in operands_in((program.outputs, [x for _, x in program.updates])) if isinstance(v, Value)}
    kept: list[Call] = []
    stand_for: dict[Value, Value] = {}
    first: dict[Any, Value] = {}
    clock = dict.fromkeys(written, 0)
    for call in program.calls:
        call.arguments = _put_in(call.arguments, stand_for)
        if call.writes is not None:
            clock[call.writes.memory] += 1
        result = call.result
        if (
            result is None
            or call.writes is not None
            or result.memory in handed
            or (result.root is None and result in written)
            or not _is_pure(call)
        ):
            kept.append(call)
            continue
        same = _nothing_done(call) or first.get(key := _key(call, clock))
        if same is not None:
            stand_for[result] = same
        else:
            first[key] = result
            kept.append(call)
    return _replaced(program, kept, stand_for)


def _nothing_done(call: Call) -> Value | None:
    """The argument, where a call only gives another view of all of it in its own shape."""
    first = call.arguments[0] if call.arguments else None
    if not isinstance(first, Value) or call.result is None or call.function not in VIEWS:
        return None
    same = (first.shape, first.strides, first.offset, first.memory) == (
        call.result.shape,
        call.result.strides,
        call.result.offset,
        call.result.memory,
    )
    return first if same and first.shape else None


def _is_pure(call: Call) -> bool:
    return "out" not in call.keywords if call.ufunc is not None else call.function in PURE


def _key(call: Call, clock: dict[Value, int]) -> Any:
    """What two equal calls have in common: the function, the arguments, and what was written into them so far."""
    times = tuple([clock.get(v.memory, 0) for v in call.operands() if isinstance(v, Value)])
    return call.function, repr(mapped(_token, (call.arguments, call.keywords))), times


def _token(x: Any) -> Any:
    """What says which leaf this is: numbers that are equal may be of other types, and so give other dtypes."""
    return id(x) if isinstance(x, (Value, Scalar, np.generic)) else (type(x).__name__, repr(x))


def _without_dead_calls(program: Program) -> Program:
    """Without the calls whose results nobody uses, but for draws, guards, and writes into what lives on."""
    wanted = {v for v in operands_in((program.outputs, [x for _, x in program.updates])) if isinstance(v, Value)}
    memory = {v.memory for v in wanted}
    kept: list[Call] = []
    for call in reversed(program.calls):
        needed = call.function is guard or call.generator is not None
        if call.writes is not None:
            needed |= call.writes.memory in memory or call.writes.memory.array is not None
        elif call.result is None:
            needed = True
        else:
            needed |= call.result in wanted
        if needed:
            kept.append(call)
            found = [v for v in (*call.operands(), call.writes) if isinstance(v, Value)]
            wanted |= set(found)
            memory |= {v.memory for v in found}
    return replace(program, calls=kept[::-1])
