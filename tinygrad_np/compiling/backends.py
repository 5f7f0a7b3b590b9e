"""What runs a program: native code, or NumPy source where native code cannot.

Both leave everything as it was where the program turns out not to hold.
"""

from __future__ import annotations

import linecache
import time
from itertools import count
from typing import Any

import numpy as np

from tinygrad_np.compiling.headers import Headers
from tinygrad_np.compiling.native import Also, CheckError, Native, NotNativeError
from tinygrad_np.compiling.program import Program, source
from tinygrad_np.compiling.values import GuardError, guard

number = count(1).__next__


class MissedError(Exception):
    """A program does not hold for these arguments, and nothing has changed.

    ``branch`` says that a guard failed, so that another version may hold. Otherwise it is an error of the step's own,
    such as an index out of range, which the eager step raises as users know it.
    """

    def __init__(self, branch: bool) -> None:
        super().__init__()
        self.branch = branch


class NumPyBackend:
    """A program that is run as NumPy source. ``note`` says why."""

    native = None

    def __init__(self, program: Program, note: str) -> None:
        self.program, self.note = program, f"NumPy source, {note}"
        self.filename = f"<compiled step {number()}>"
        self.text, bound = source(program)
        lines = self.text.splitlines(keepends=True)
        linecache.cache[self.filename] = len(self.text), None, lines, self.filename  # so that tracebacks show them
        namespace: dict[str, Any] = {"np": np, "guard": guard}
        exec(compile(self.text, self.filename, "exec"), namespace)
        self.function = namespace["bind"](**bound)
        self.headers = Headers(program, by_address=False)
        effects = [i for i, call in enumerate(program.calls) if call.has_effect]
        first = effects[0] if effects else len(program.calls)
        self.first_line = len(lines) - 3 - len(program.updates) - len(program.calls) + first + 1
        self.must_remember = any(call.function is guard for call in program.calls[first:])

    def __call__(self, *arrays: Any) -> Any:
        """The outputs of one step. Raises MissedError where the program does not hold for these arguments."""
        memory = None
        try:
            self.headers.check()
            memory = Memory(self.program) if self.must_remember else None
            return self.function(*arrays)
        except Exception as error:
            if memory is None and self._line(error) >= self.first_line:
                raise
            if memory is not None:
                memory.restore()
            raise MissedError(isinstance(error, GuardError)) from error

    def _line(self, error: Exception) -> int:
        """The line of the program that raised ``error``."""
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


class NativeBackend:
    """A program that is run as native code."""

    def __init__(self, program: Program, also: Also) -> None:
        start = time.perf_counter()
        self.program, self.native = program, Native(program, also)
        seconds = time.perf_counter() - start
        self.note = f"native code, {self.native.note}, in {seconds:.2f} s"
        self.must_remember = self.native.bound.fails_late

    def __call__(self, *arrays: Any) -> Any:
        """The outputs of one step. Raises MissedError where the program does not hold for these arguments."""
        memory = Memory(self.program) if self.must_remember else None
        try:
            return self.native.run([np.asarray(x) for x in arrays])
        except CheckError as error:
            if memory is not None:
                memory.restore()
            raise MissedError(error.guard) from error
        except Exception as error:  # of a call that NumPy runs
            if memory is not None:
                memory.restore()
            raise MissedError(isinstance(error, GuardError)) from error


class Memory:
    """Copies of what a program writes, for one that may find out late that it does not hold."""

    def __init__(self, program: Program) -> None:
        written = {call.writes.memory: call.writes.memory.array for call in program.calls if call.writes is not None}
        drawn = {id(g): g for call in program.calls if (g := call.generator) is not None}
        self.arrays = [(array, array.copy()) for array in written.values() if array is not None]
        self.states = [(g, g.bit_generator.state) for g in drawn.values()]

    def restore(self) -> None:
        """Let everything be as it was."""
        for array, copy in self.arrays:
            if array.flags.writeable:  # else it was not written
                array[...] = copy
        for generator, state in self.states:
            generator.bit_generator.state = state


def backend_for(program: Program, native: bool | None, also: Also) -> NumPyBackend | NativeBackend:
    """What runs ``program``: native code where that can be, unless ``native`` is False; ``also`` writes its shortcut.

    If it is True, ImportError without llvmlite, and NotNativeError for what native code has no way to do.
    """
    if native is False:
        return NumPyBackend(program, "as native=False asks")
    try:
        return NativeBackend(program, also)
    except (ImportError, NotNativeError) as error:
        if native:
            raise
        return NumPyBackend(program, f"for {error}")
