"""A native program at work: one step at a time, or a scan over minibatches."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.binding import Binding, address, memory_for
from tinygrad_np.compiling.native.emit import nbytes
from tinygrad_np.compiling.native.linking import reader
from tinygrad_np.compiling.native.scanning import builder, built, getter, stack_of, stacked, stacked_memory
from tinygrad_np.compiling.program import GuardError, Program, Value

Array = NDArray[Any]
COPIED = 1 << 14  # bytes of an argument up to which copying it takes less time than asking where it is
CHUNK = 0.005  # seconds of native steps between looks at signals


class CheckError(GuardError):
    """An index was out of range, or a guard's answer changed, at run time; ``done`` steps of a scan were whole.

    ``clean`` says whether the failing step has changed nothing yet, neither live arrays nor a Generator; ``guard``
    which of the two it was. ``results`` are those of the steps of a scan that were whole.
    """

    results: Any = ()

    def __init__(self, message: str, done: int = 0, clean: bool = True, guard: bool = False) -> None:
        super().__init__(message)
        self.done, self.clean, self.guard = done, clean, guard


_alive: weakref.WeakSet[Native] = weakref.WeakSet()


def _unlock() -> None:
    """In a forked child no other thread is left that could hold a lock."""
    for native in list(_alive):
        native.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


class Native:
    """Native code of ``program``: ``native(*arguments)`` runs one step, gives its outputs and sets its updates.

    The arguments must have the shapes and dtypes of the program's; ``note`` says whether the code came from the cache.
    Raises ImportError without llvmlite, NotNativeError for a program whose views move with numbers, ValueError for
    arguments that do not fit, and CheckError, a GuardError, where a guard or the check of an index fails. Checks come
    before draws and stores wherever that is possible.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bound = bound = Binding(program)
        self.note = bound.code.note
        self.lock = threading.Lock()
        self._place = address(bound.table)
        self._pace = CHUNK  # seconds a step of a scan takes
        self._inputs = [bound.buffers[m] for m in bound.inputs]
        table: Any = bound.table  # NumPy's types do not say that these are buffers
        numbers: Any = bound.values
        self._table, self._numbers = memoryview(table), memoryview(numbers)
        self._handed = {v.memory for v in (*bound.outputs, *[v for _, v in bound.replaced])}
        large = [nbytes(m) > COPIED and m not in self._handed for m in bound.inputs]
        self._puts = [self._pointer(n) if far else b.__setitem__ for n, (b, far) in enumerate(zip(self._inputs, large))]
        self._read = reader(*bound.numbers.leaves)
        self._updates = [*bound.numbers.updates, *bound.numbers.constants]
        self._setters = [setter for setter, _ in self._updates]
        self._replaced = [(setter, getter(value, bound)) for setter, value in bound.replaced]
        self._count, self._shapes = len(program.arguments), [m.shape for m in bound.inputs]
        self._looked_up = [self._follower(n, memory) for n, memory in enumerate(bound.looked_up, self._count)]
        self._stackable = [m for m in bound.results if any(v.memory is m for v in bound.outputs)]
        settled = not self._handed.intersection(bound.inputs)
        self.scans = bound.scan is not None and bound.numbers.linked and settled
        self._moved: Any = None
        self._counted = np.zeros(2, np.int64)  # steps of a scan done, and of this epoch
        self._counter = address(self._counted)
        self.run = self._written(program)
        _alive.add(self)

    def __call__(self, *arguments: Array) -> Any:
        """Run one step."""
        return self.run(*arguments)

    def _written(self, program: Program) -> Callable[..., Any]:
        """The function that runs one step, written out for this program: loops would take half of its time."""
        inputs, setters = range(self._count), range(len(self._setters))
        whole = self.bound.step is not None and not self.bound.locks
        lines = [f"def run({', '.join(f'x{i}' for i in inputs)}):", " with native.lock:"]
        for i in inputs:
            lines.append(f"  if x{i}.shape != shape{i} or x{i}.dtype is not dtype{i}: refuse({i}, x{i})")
            lines.append(f"  put{i}(..., x{i})")
        lines += [f"  follow{i}()" for i in range(len(self._looked_up))]
        lines += ["  read_numbers()"] * self.bound.uses_numbers
        lines += ["  code = step(place)", "  if code: check(code)"] if whole else ["  run_parts()"]
        lines.append("  given = outputs()")
        lines += [f"  {''.join(f'n{i}, ' for i in setters)} = new()"] * bool(setters)
        lines += [f"  set{i}(n{i})" for i in setters]
        lines += [f"  replace{i}(get{i}())" for i in range(len(self._replaced))]
        bound: dict[str, Any] = {
            "native": self,
            "refuse": self._refuse,
            "read_numbers": self._read_numbers,
            "step": self.bound.step,
            "place": self._place,
            "check": self._check,
            "run_parts": self._run_parts,
            "new": reader(*[scalar for _, scalar in self._updates]),
            "outputs": builder(program.outputs, self.bound),
        }
        bound |= {f"follow{i}": follow for i, follow in enumerate(self._looked_up)}
        bound |= {f"set{i}": setter for i, setter in enumerate(self._setters)}
        for i, (setter, get) in enumerate(self._replaced):
            bound |= {f"replace{i}": setter, f"get{i}": get}
        for i in inputs:
            bound |= {f"shape{i}": self._shapes[i], f"dtype{i}": self._inputs[i].dtype, f"put{i}": self._puts[i]}
        exec("\n".join([*lines, "  return given"]), bound)
        run: Callable[..., Any] = bound["run"]
        return run

    def _refuse(self, n: int, x: Array) -> None:
        """Raise an error for an argument of another shape or dtype; a dtype may be equal without being the same."""
        shape, dtype = self._shapes[n], self._inputs[n].dtype
        if x.shape != shape or x.dtype != dtype:
            raise ValueError(f"the program was made for an argument of {dtype} {shape}, got {x.dtype} {x.shape}")

    def _read_numbers(self) -> None:
        numbers = self._numbers
        for n, number in enumerate(self._read()):
            numbers[n] = number

    def _run_parts(self) -> None:
        """Run native code and what NumPy does between, while nobody else draws from its generators."""
        with ExitStack() as stack:
            for lock in self.bound.locks:
                stack.enter_context(lock)
            for part in self.bound.parts:
                self._check(part())

    def _check(self, code: int, done: int = 0) -> None:
        if code:
            raise CheckError(self.bound.checks[code - 1], done, code in self.bound.clean, code in self.bound.guards)

    def _pointer(self, n: int) -> Callable[[Any, Array], bool]:
        """What makes an array known: where it is (True), if it is laid out as the program's, else a copy (False)."""
        slot, buffer, table = self.bound.layout.slots[self.bound.inputs[n]], self._inputs[n], self._table

        layout = buffer.strides, buffer.dtype, buffer.shape

        def point(_: Any, x: Array) -> bool:
            if x.__class__ is np.ndarray and (x.strides, x.dtype, x.shape) == layout:
                table[slot] = address(x)
                return True
            buffer[...] = x
            table[slot] = address(buffer)
            return False

        return point

    def _follower(self, n: int, memory: Value) -> Callable[[], None]:
        """What makes an array known that may be another at each step; one that a scan itself replaces is copied."""
        reading, buffer, point = memory.reading, self._inputs[n], self._pointer(n)
        assert reading is not None
        if memory in self._handed or any(memory is carried for carried, _ in self.bound.carried):
            return lambda: buffer.__setitem__(..., reading())
        last: Array | None = None

        def follow() -> None:
            nonlocal last
            array = reading()
            if array is not last:
                last = array if point(..., array) else None

        return follow

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
        for n, (shape, x, b) in enumerate(zip(self._shapes, arguments, batched)):
            self._refuse(n, x[: shape[0]] if b else x)
            if b and (x.shape[0] < steps * shape[0] or x.shape[1:] != shape[1:]):
                raise ValueError(f"{steps} minibatches of {shape[0]} rows are more than the {len(x)} rows of {x.shape}")
        if not self.scans or steps * epochs < 1:
            return self._scan_by_steps(arguments, steps, batched, epochs)
        with self.lock, ExitStack() as stack:
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
        bound, table, slots = self.bound, self._table, self.bound.layout.slots
        stacks = {m: stacked_memory(m, steps * epochs) for m in self._stackable}
        data = [self._rows(m, x, steps, b) for m, x, b in zip(bound.inputs, arguments, batched)]
        arrays = [*zip(bound.inputs, data), *stacks.items()]
        before = [(slots[m], table[slots[m]]) for m, _ in arrays]
        for memory, array in arrays:
            table[slots[memory]] = address(array)
        for follow in self._looked_up:
            follow()
        self._read_numbers()
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
            setter(kind(self._numbers[leaf]))
        for setter, number in bound.numbers.constants:
            setter(number)
        carried = {id(value): memory for memory, value in bound.carried}
        for (setter, get), (_, value) in zip(self._replaced, bound.replaced):
            memory = carried.get(id(value))
            if memory is not None:
                setter(bound.buffers[memory].copy())
            elif value.memory in stacks:
                setter(stack_of(value, stacks, bound)[self._done - 1].copy())
            else:
                setter(get())

    def _moves(self, batched: tuple[bool, ...], steps: int) -> Array:
        """By how many bytes each pointer moves from minibatch to minibatch, and from an epoch's last to its first."""
        if (batched, steps) != self._moved:
            slots = self.bound.layout.slots
            moves = np.zeros((2, len(self.bound.table)), np.int64)
            for memory in self._stackable:
                moves[:, slots[memory]] = nbytes(memory)
            for memory, b in zip(self.bound.inputs, batched):
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
        place, slots, forward = self._place, len(self.bound.table), address(moves)
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
            self._check(code, self._done)
            self._pace = (time.perf_counter() - start) / count
