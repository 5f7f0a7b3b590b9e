"""A version of a compiled step: a recorded program with what runs it."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_np.compiling.program import Call, guard
from tinygrad_np.compiling.record import Recorded
from tinygrad_np.compiling.source import numpy_source
from tinygrad_np.compiling.state import touch
from tinygrad_np.graph import placed
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt

number = count(1).__next__


class MissedError(Exception):
    """A program does not hold for these arguments; nothing has changed, and the step is to run eagerly."""


class Version:
    """A program that is run as NumPy source, for one kind of arguments and one structure of the state."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded, self.program, self.fits = recorded, recorded.program, recorded.fits
        self.runs = 0
        self.filename = f"<compiled step {number()}>"
        self.text, bound = numpy_source(self.program)
        lines = self.text.splitlines(keepends=True)
        linecache.cache[self.filename] = len(self.text), None, lines, self.filename  # so that tracebacks show them
        namespace: dict[str, Any] = {"np": np, "guard": guard}
        exec(compile(self.text, self.filename, "exec"), namespace)
        self.function = namespace["bind"](**bound)
        effects = [i for i, call in enumerate(self.program.calls) if has_effect(call)]
        self.first_effect = effects[0] if effects else len(self.program.calls)
        self.first_line = len(lines) - 3 - len(self.program.updates) - len(self.program.calls) + self.first_effect + 1
        self.must_remember = any(call.function is guard for call in self.program.calls[self.first_effect :])
        kinds = [kind for _, kind in leaves_of(recorded.structure)]
        self.tensors = [i for i, kind in enumerate(kinds) if kind == "tensor"]
        self.plain = all(x.__class__ is np.ndarray for x in recorded.numbers)
        self.single = kinds == ["tensor"] and recorded.structure == "tensor"

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Run it on the ``leaves`` of the arguments. Raises MissedError where it does not hold for them."""
        recorded = self.recorded
        for group in recorded.groups:
            group.follow()
        arrays = leaves
        if not self.plain:
            recorded.numbers[:] = leaves
            arrays = [x._array if isinstance(x, Tensor) else x for x in leaves if isinstance(x, ARRAYS)]
        memory = self._remembered() if self.must_remember else None
        try:
            results = self.function(*arrays)
        except Exception as error:
            if memory is None and self._line(error) >= self.first_line:
                raise
            for array, copy in (memory or ((), ()))[0]:
                array[...] = copy
            for generator, state in (memory or ((), ()))[1]:
                generator.bit_generator.state = state
            raise MissedError from error
        self.runs += 1
        if recorded.touched:
            touch(recorded.touched)
        if self.single:
            return placed(np.asarray(results[0]), None)
        results = list(results)
        for i in self.tensors:
            results[i] = placed(np.asarray(results[i]), None)
        return rebuilt(recorded.structure, results)

    def _line(self, error: Exception) -> int:
        """The line of the program that raised ``error``."""
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line

    def _remembered(self) -> tuple[list[Any], list[Any]]:
        """Copies of what the program writes, for one that may find out late that it does not hold."""
        written = {id(v.array): v.array for call in self.program.calls if (v := call.writes) and v.array is not None}
        drawn = {id(g): g for call in self.program.calls if (g := generator_of(call)) is not None}
        return (
            [(array, array.copy()) for array in written.values()],
            [(g, g.bit_generator.state) for g in drawn.values()],
        )


ARRAYS = (np.ndarray, np.generic, Tensor)


def has_effect(call: Call) -> bool:
    """Whether a call changes what is there before and after the step: a live array, or a Generator."""
    return generator_of(call) is not None or (call.writes is not None and call.writes.memory.array is not None)


def generator_of(call: Call) -> np.random.Generator | None:
    """The Generator that a call draws from."""
    owner = getattr(call.function, "__self__", None)
    return owner if isinstance(owner, np.random.Generator) else None
