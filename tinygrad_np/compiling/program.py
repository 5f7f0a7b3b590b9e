"""What a step is recorded as: NumPy calls in a straight line, on arrays of known shape and dtype.

A program is printed for people, and as NumPy source, which runs by itself: the slow path that proves the fast one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_np.compiling.text import Names
from tinygrad_np.compiling.values import Call, Scalar, Value, operands_in


@dataclass(eq=False)
class Program:
    """One step: its calls in order, and what it gives.

    ``outputs`` are nested tuples, lists and dicts of Values, Scalars and constants. ``updates`` are to be set
    afterwards: Python numbers, such as the count of an optimizer's steps, by Scalars, and arrays that the step puts
    in the place of others, such as gradients, by Values.
    """

    arguments: Sequence[Value]
    calls: list[Call]
    outputs: Any
    updates: Sequence[tuple[Callable[[Any], None], Scalar | Value | None]] = ()

    def __str__(self) -> str:
        return printed(self)

    def numpy_source(self) -> str:
        """NumPy source that runs: ``bind(**program.references())`` gives the step as a function of its arguments."""
        return source(self)[0]

    def references(self) -> dict[str, Any]:
        """What the source is bound to, by name: live arrays, Generators, and what reads and sets numbers."""
        return source(self)[1]


def scalars_in(program: Program) -> list[Scalar]:
    """The numbers of a program, each after those that it is computed from."""
    found: dict[int, Scalar] = {}

    def visit(scalar: Scalar) -> None:
        if id(scalar) not in found:
            for x in operands_in(scalar.arguments):
                visit(x)
            found[id(scalar)] = scalar

    updates = [thing for _, thing in program.updates]
    for call in program.calls:
        for x in call.operands():
            if isinstance(x, Scalar):
                visit(x)
    for x in operands_in((program.outputs, updates)):
        if isinstance(x, Scalar):
            visit(x)
    return list(found.values())


def printed(program: Program) -> str:
    """The program for people: one line a call, with the shape and dtype of what it gives."""
    names = Names(program.arguments)
    lines = [f"{names.of(v)}: {_kind(v)}  (argument)" for v in program.arguments]
    body = [f"{names.of(s)} = {names.scalar(s)}" for s in scalars_in(program)]
    for call in program.calls:
        text = names.expression(call)
        if call.result is None or call.writes is call.result:
            body.append(text)
        else:
            body.append(f"{names.of(call.result)}: {_kind(call.result)} = {text}")
    live = [v for v in live_values(program) if id(v) in names.given]
    lines += [f"{names.of(v)}: {_kind(v)}  (by reference)" for v in live]
    body += [f"{getattr(put, 'name', '...')} = {names.of(x)}" for put, x in program.updates]
    return "\n".join([*lines, *body, f"return {names.of(program.outputs)}"])


def live_values(program: Program) -> list[Value]:
    """The live arrays among the operands, each once."""
    trees = [list(call.operands()) for call in program.calls]
    found = operands_in((trees, program.outputs, [x for _, x in program.updates]))
    return list(dict.fromkeys(x for x in found if isinstance(x, Value) and x.array is not None))


def source(program: Program) -> tuple[str, dict[str, Any]]:
    """The text of ``bind(...)``, which gives the step as a function of its arguments; and what to bind it to, by name.

    Each line is one call as NumPy would run it eagerly, so that the results are the same to the last bit. It is silent
    where NumPy would warn.
    """
    names = Names(program.arguments)
    body = [f"{names.of(s)} = {names.scalar(s)}" for s in scalars_in(program)]
    for value in live_values(program):
        if value.reading is not None:
            name = names.of(value)
            body.append(f"{name} = {names.bind(value.reading, f'read_{name}')}()")
    for call in program.calls:
        text = names.expression(call)
        new = call.result is not None and call.writes is not call.result
        body.append(f"{names.of(call.result)} = {text}" if new else text)
    for put, x in program.updates:
        body.append(f"{names.bind(put, 'put')}({names.of(x)})")
    body.append(f"return {names.of(program.outputs)}")
    arguments = ", ".join(names.of(value) for value in program.arguments)
    lines = [f"def bind({', '.join(names.bound)}):", '    @np.errstate(all="ignore")', f"    def step({arguments}):"]
    lines += [f"        {line}" for line in body]
    return "\n".join([*lines, "", "    return step", ""]), names.bound


def _kind(value: Value) -> str:
    return f"{value.dtype}{list(value.shape)}"
