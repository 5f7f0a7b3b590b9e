"""A native program at work, over many minibatches at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.binding import address, memory_for
from tinygrad_np.compiling.native.emit import nbytes
from tinygrad_np.compiling.native.results import built, stack_of, stacked, stacked_memory
from tinygrad_np.compiling.native.running import Also, CheckError, Runner
from tinygrad_np.compiling.program import Program, Value

Array = NDArray[Any]
CHUNK = 0.005  # seconds of native steps between looks at signals


class Native(Runner):
    """Native code of ``program``: ``native(*arguments)`` runs one step, gives its outputs and sets its updates.

    The arguments must have the shapes and dtypes of the program's; ``note`` says whether the code came from the cache.
    Raises ImportError without llvmlite, NotNativeError for a program whose views move with numbers, ValueError for
    arguments that do not fit, and CheckError, a GuardError, where a guard or the check of an index fails. Checks come
    before draws and stores wherever that is possible. One thread at a time may use it.
    """

    def __init__(self, program: Program, also: Also | None = None) -> None:
        super().__init__(program, also)
        bound = self.bound
        self.note = bound.code.note
        self.stackable = [m for m in bound.results if any(v.memory is m for v in bound.outputs)]
        self.scans = bound.scan is not None and bound.numbers.linked and not self.handed.intersection(bound.inputs)
        self._pace = CHUNK  # seconds a step takes
        carried = {id(value): memory for memory, value in bound.carried}
        self._carried = [carried.get(id(value)) for _, value in bound.replaced]
        self._moved: Any = None
        self._counted = np.zeros(2, np.int64)  # steps done, and of this epoch
        self._counter = address(self._counted)

    def __call__(self, *arguments: Array) -> Any:
        """Run one step."""
        return self.run(arguments)

    def scan(
        self,
        arguments: Sequence[Array],
        steps: int,
        batched: Sequence[bool] | None = None,
        epochs: int = 1,
        stop: Callable[[], bool] = bool,
    ) -> Any:
        """Run ``steps`` minibatches, ``epochs`` times, and give the outputs of each along a new first axis.

        The ``batched`` arguments (all of them by default) hold the minibatches' rows one after the other. Python's
        signals are looked at every few milliseconds: whatever is raised leaves the state as after a whole minibatch.
        Where ``stop`` then is true, what was run so far is all.
        """
        batched = [True] * len(arguments) if batched is None else list(batched)
        for n, (memory, x, b) in enumerate(zip(self.bound.arguments, arguments, batched)):
            if not (b and x.__class__ is np.ndarray and x.dtype == memory.dtype and x.shape[1:] == memory.shape[1:]):
                self.refuse(n, x[: memory.shape[0]] if b else x)
            if b and len(x) < steps * memory.shape[0]:
                rows = memory.shape[0]
                raise ValueError(f"{steps} minibatches of {rows} rows are more than the {len(x)} rows of {x.shape}")
        if not self.scans or steps * epochs < 1:
            return self._scan_by_steps(arguments, steps, batched, epochs)
        if not self.bound.locks:
            return self._scan(arguments, steps, batched, epochs, stop)
        with ExitStack() as stack:
            for lock in self.bound.locks:
                stack.enter_context(lock)
            return self._scan(arguments, steps, batched, epochs, stop)

    def _scan_by_steps(self, arguments: Sequence[Array], steps: int, batched: Sequence[bool], epochs: int) -> Any:
        """The same, called from Python step by step: where only Python can do a part of it."""
        rows = [m.shape[0] if b else 0 for m, b in zip(self.bound.inputs, batched)]
        results = []
        for done in range(steps * epochs):
            i = done % steps
            parts = [x[i * n : (i + 1) * n] if n else x for x, n in zip(arguments, rows)]
            try:
                results.append(self(*parts))
            except CheckError as error:
                error.done = done
                raise
        return stacked(results)

    def _scan(
        self, arguments: Sequence[Array], steps: int, batched: Sequence[bool], epochs: int, stop: Callable[[], bool]
    ) -> Any:
        bound, table, slots = self.bound, self.table, self.bound.layout.slots
        stacks = {m: stacked_memory(m, steps * epochs) for m in self.stackable}
        data = [self._rows(m, x, steps, b) for m, x, b in zip(bound.arguments, arguments, batched)]
        arrays = [*zip(bound.arguments, data), *stacks.items()]
        before = [(slots[m], table[slots[m]]) for m, _ in arrays]
        for memory, array in arrays:
            table[slots[memory]] = address(array)
        self.lend()
        self.look()
        self.read()
        self._done = 0
        try:
            self._chunks(bound.scan, self._moves(tuple(batched), steps), steps, steps * epochs, stop)
        except CheckError as error:
            error.results = self._stacked(stacks)
            raise
        finally:
            for slot, pointer in before:
                table[slot] = pointer
            if self._done:
                self._finish(stacks)
        return self._stacked(stacks)

    def _stacked(self, stacks: dict[Value, Array]) -> Any:
        """The outputs of the steps that were whole."""
        results = [stack_of(v, stacks, self.bound)[: self._done] for v in self.bound.outputs]
        return results[0] if isinstance(self.program.outputs, Value) else built(self.program.outputs, results)

    def _finish(self, stacks: dict[Value, Array]) -> None:
        """Set what the steps of a scan have changed, to what the last one that was whole left there."""
        bound = self.bound
        for setter, leaf, kind in bound.numbers.setters:
            setter(kind(self.numbers[leaf]))
        for setter, number in bound.numbers.constants:
            setter(number)
        for n, ((setter, get), (_, value), memory) in enumerate(zip(self.replaced, bound.replaced, self._carried)):
            if n in bound.lent:
                setter(bound.buffers[value])
            elif memory is not None:
                setter(bound.buffers[memory].copy())
            elif value.memory in stacks:
                setter(stack_of(value, stacks, bound)[self._done - 1].copy())
            else:
                setter(get())

    def _moves(self, batched: tuple[bool, ...], steps: int) -> Array:
        """By how many bytes each pointer moves from minibatch to minibatch, and from an epoch's last to its first."""
        if (batched, steps) != self._moved:
            slots = self.bound.layout.slots
            moves = np.zeros((2, len(slots)), np.int64)
            for memory in self.stackable:
                moves[:, slots[memory]] = nbytes(memory)
            for memory, b in zip(self.bound.arguments, batched):
                row = memory.strides[0] * memory.shape[0] if b else 0
                moves[:, slots[memory]] = row, row - steps * row
            self._moved, self._move = (batched, steps), moves
        return self._move

    @staticmethod
    def _rows(memory: Value, x: Array, steps: int, batched: bool) -> Array:
        """The rows of all minibatches, laid out as the program's argument is: a copy if they are not."""
        if x.strides == memory.strides and x.dtype == memory.dtype:
            return x
        shape = (steps * memory.shape[0], *memory.shape[1:]) if batched else memory.shape
        data = memory_for(Value(shape, memory.dtype, memory.strides))
        data[...] = x[: shape[0]] if batched else x
        return data

    def _chunks(self, scan: Any, moves: Array, epoch: int, steps: int, stop: Callable[[], bool]) -> None:
        """Native code for some milliseconds at a time; Python looks at signals between."""
        counted = self._counted
        place, slots, forward = self.place, moves.shape[1], address(moves)
        back = forward + 8 * slots
        counted[1] = 0
        while self._done < steps and not stop():
            count = min(max(1, int(CHUNK / self._pace)), steps - self._done)
            start = time.perf_counter()
            counted[0] = 0
            try:
                code = scan(place, forward, back, slots, count, epoch, self._counter)
            finally:
                self._done += int(counted[0])
            self.check(code, self._done)
            self._pace = (time.perf_counter() - start) / count
