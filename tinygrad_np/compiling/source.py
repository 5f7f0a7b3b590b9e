"""Programs as NumPy source that runs: the slow path that proves the fast one."""

from __future__ import annotations

from typing import Any

from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.text import Names, names_of_live, printed, scalars_in


class ReadableProgram(Program):
    """A program that can be printed, and given as NumPy source."""

    def __str__(self) -> str:
        return printed(self)

    def numpy_source(self) -> str:
        """NumPy source that runs: ``bind``, of the live arrays by name, gives the step as a function."""
        return numpy_source(self)[0]


def numpy_source(program: Program) -> tuple[str, dict[str, Any]]:
    """The text of ``bind(...)``, which gives the step as a function of its arguments; and what to bind it to, by name.

    Each line is one call as NumPy would run it eagerly, so that the results are the same to the last bit. It is silent
    where NumPy would warn.
    """
    names = Names(program)
    body = [f"{names.of(s)} = {names.scalar(s)}" for s in scalars_in(program)]
    for value in names_of_live(program):
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
