"""A native program at work, over many minibatches at a time: calling a step from Python takes longer than the step.

Native code runs for a few milliseconds at a time, for only Python knows whether somebody pressed Ctrl-C.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from numpy.typing import NDArray

from tinygrad_np.compiling.native.buffers import address, buffer_for
from tinygrad_np.compiling.native.results import stack_of, stacking
from tinygrad_np.compiling.native.scan_loop import COUNTS
from tinygrad_np.compiling.native.step import Also, CheckError, NativeStep
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Value

Array = NDArray[Any]
CHUNK = 0.005  # seconds of native steps between looks at signals


class Native(NativeStep):
    """Native code of ``program``: ``native(*arguments)`` runs one step, gives its outputs and sets its updates.

    The arguments must have the shapes and dtypes of the program's; ``note`` says whether the code came from the cache,
    ``scans`` whether many steps can be run at once. Raises ImportError without llvmlite, NotNativeError for a program
    whose views move with numbers, ValueError for arguments that do not fit, and CheckError, a GuardError, where a guard
    or the check of an index fails. Checks come before draws and stores wherever that is possible. One thread at a time
    may use it.
    """

    def __init__(self, program: Program, also: Also | None = None) -> None:
        super().__init__(program, also)
        slots = self.bound.layout.slots
        self.note, self.scans = self.bound.code.note, self.bound.scannable
        self._steps, self._epoch, self._counted, self._within = [slots[name] for name in COUNTS]
        self._stacks = [stacking(m) for m in self.bound.stackable]
        self._homes = [(slots[m], self.table[slots[m]]) for m in self.bound.stackable]
        self._pace = CHUNK  # seconds a step takes

    def __call__(self, *arguments: Array) -> Any:
        """Run one step."""
        return self.run(arguments)

    def scan(
        self, arguments: Sequence[Array], steps: int, epochs: int = 1, stop: Callable[[], bool] = bool
    ) -> list[Array]:
        """Run ``steps`` minibatches, ``epochs`` times, and give each output of all of them along a new first axis.

        The arguments hold the minibatches' rows one after the other. Python's signals are looked at every few
        milliseconds: whatever is raised leaves the state as after a whole minibatch. Where ``stop`` then is true, what
        was run so far is all.
        """
        if not self.bound.locks:
            return self._scan(arguments, steps, epochs, stop)
        with ExitStack() as stack:  # nobody else draws from a Generator meanwhile
            for lock in self.bound.locks:
                stack.enter_context(lock)
            return self._scan(arguments, steps, epochs, stop)

    def _scan(self, arguments: Sequence[Array], steps: int, epochs: int, stop: Callable[[], bool]) -> list[Array]:
        stacks = [stack(steps * epochs) for stack in self._stacks]
        self.table[self._epoch] = steps
        self._done = 0
        try:
            if self.bound.find(*arguments, *stacks):
                arguments = self._laid_out(arguments, steps, stacks)  # copies are to live as long as this runs
            self.begin()
            self._chunks(steps * epochs, stop)
        except CheckError as error:
            error.results = self._results(stacks)
            raise
        finally:
            for slot, pointer in self._homes:
                self.table[slot] = pointer
            if self._done:
                self.finish(stacks, self._done)
        return self._results(stacks)

    def _results(self, stacks: list[Array]) -> list[Array]:
        """The outputs of the steps that were whole."""
        return [stack_of(v, self.bound, stacks)[: self._done] for v in self.bound.outputs]

    def _laid_out(self, arguments: Sequence[Array], steps: int, stacks: Sequence[Array]) -> list[Array]:
        """Note where everything is; rows that are not laid out as the program's argument is are copied before."""
        self.check_headers()
        bound, arrays = self.bound, [*stacks]
        for n, (memory, x) in enumerate(zip(bound.arguments, arguments, strict=True)):
            rows = memory.shape[0]
            self.check_fits(n, x[:rows])
            if len(x) < steps * rows:
                raise ValueError(f"{steps} minibatches of {rows} rows are more than the {len(x)} rows of {x.shape}")
            self.check_apart(x)
            if x.strides != memory.strides or not x.flags.aligned:
                rows_of_all = Value((steps * rows, *memory.shape[1:]), memory.dtype, memory.strides)
                x, given = buffer_for(rows_of_all), x
                x[...] = given[: steps * rows]
            arrays.insert(n, x)
        for memory, array in zip([*bound.arguments, *bound.stackable], arrays):
            self.table[bound.layout.slots[memory]] = address(array)
        return arrays

    def _chunks(self, steps: int, stop: Callable[[], bool]) -> None:
        """Native code for some milliseconds at a time; Python looks at signals between."""
        table, scan = self.table, self.bound.scan
        table[self._within] = 0
        while self._done < steps and not stop():
            count = table[self._steps] = min(max(1, int(CHUNK / self._pace)), steps - self._done)
            table[self._counted] = 0
            start = time.perf_counter()
            try:
                code = scan(self.place)
            finally:
                self._done += table[self._counted]
            self.check(code)
            self._pace = (time.perf_counter() - start) / count
