"""A native program at work: one step at a time, or a scan over minibatches."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.binding import Binding, address, memory_for, part_of
from tinygrad_np.compiling.native.emit import nbytes
from tinygrad_np.compiling.native.linking import evaluate
from tinygrad_np.compiling.program import GuardError, Program, Scalar, Value

Array = NDArray[Any]
COPIED = 1 << 14  # bytes of an argument up to which copying it takes less time than asking where it is
CHUNK = 0.005  # seconds of native steps between looks at signals


class CheckError(GuardError):
    """An index was out of range, or a guard's answer changed, at run time; ``done`` steps of a scan were whole."""

    def __init__(self, message: str, done: int = 0) -> None:
        super().__init__(message)
        self.done = done


_alive: weakref.WeakSet[Native] = weakref.WeakSet()


def _unlock() -> None:
    """In a forked child no other thread is left that could hold a lock."""
    for native in list(_alive):
        native.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


class Native:
    """Native code of ``program``: ``native(*arguments)`` runs one step, gives its outputs and sets its updates.

    The arguments must have the shapes and dtypes of the program's. Raises ImportError without llvmlite; CheckError,
    a GuardError, where a guard or a check of an index fails, before that or any later call has written anything.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bound = bound = Binding(program)
        self.note = bound.code.note
        self.lock = threading.Lock()
        self._place = address(bound.table)
        self._pace = CHUNK  # seconds a step of a scan takes
        self._inputs = [bound.buffers[m] for m in bound.inputs]
        large = [nbytes(m) > COPIED for m in bound.inputs]
        self._puts = [self._pointer(n) if far else b.__setitem__ for n, (b, far) in enumerate(zip(self._inputs, large))]
        self._numbers = memoryview(bound.values)
        self._readings = [
            (n, partial(evaluate, s) if s.arguments else s.function) for s, n in bound.numbers.leaves.items()
        ]
        self._updates = list(program.updates)
        self._outputs = _builder(program.outputs, bound)
        self._run = self._run_whole if bound.step and not bound.locks else self._run_parts
        _alive.add(self)

    def __call__(self, *arguments: Array) -> Any:
        """Run one step."""
        with self.lock:
            for put, x in zip(self._puts, arguments):
                put(..., x)
            numbers = self._numbers
            for n, reading in self._readings:
                numbers[n] = reading()
            self._run()
            if self._updates:
                for setter, number in [(setter, evaluate(scalar)) for setter, scalar in self._updates]:
                    setter(number)
            return self._outputs()

    def _run_parts(self) -> None:
        """Run native code and what NumPy does between, while nobody else draws from its generators."""
        with ExitStack() as stack:
            for lock in self.bound.locks:
                stack.enter_context(lock)
            for part in self.bound.parts:
                self._check(part())

    def _run_whole(self) -> None:
        code = self.bound.step(self._place)
        if code:
            self._check(code)

    def _check(self, code: int, done: int = 0) -> None:
        if code:
            raise CheckError(self.bound.checks[code - 1], done)

    def _pointer(self, n: int) -> Callable[[Any, Array], None]:
        """What makes a large argument known: where it is, if it is laid out as the program's, else a copy."""
        slot, buffer, table = self.bound.layout.slots[self.bound.inputs[n]], self._inputs[n], self.bound.table

        def point(_: Any, x: Array) -> None:
            if x.__class__ is np.ndarray and (x.strides, x.dtype, x.shape) == (buffer.strides, buffer.dtype, buffer.shape):
                table[slot] = address(x)
            else:
                buffer[...] = x
                table[slot] = address(buffer)

        return point

    def scan(self, arguments: Sequence[Array], steps: int, batched: Sequence[bool] | None = None) -> Any:
        """Run ``steps`` minibatches, and give the outputs of each along a new first axis.

        The ``batched`` arguments (all of them by default) hold the minibatches' rows one after the other. Python's
        signals are looked at every few milliseconds: whatever is raised leaves the state as after a whole minibatch.
        """
        batched = [True] * len(arguments) if batched is None else list(batched)
        if self.bound.scan is None or not self.bound.numbers.linked or steps < 1:
            return self._scan_by_steps(arguments, steps, batched)
        with self.lock, ExitStack() as stack:
            for lock in self.bound.locks:
                stack.enter_context(lock)
            return self._scan(arguments, steps, batched)

    def _scan_by_steps(self, arguments: Sequence[Array], steps: int, batched: Sequence[bool]) -> Any:
        """The same, called from Python step by step: where only Python can do a part of it."""
        rows = [m.shape[0] if b else 0 for m, b in zip(self.bound.inputs, batched)]
        results = []
        for i in range(steps):
            parts = [x[i * n : (i + 1) * n] if n else x for x, n in zip(arguments, rows)]
            try:
                results.append(self(*parts))
            except CheckError as error:
                error.done = i
                raise
        return _stacked(results)

    def _scan(self, arguments: Sequence[Array], steps: int, batched: Sequence[bool]) -> Any:
        bound, table = self.bound, self.bound.table
        before, advance = table.copy(), np.zeros(len(table), np.int64)
        stacks = {}
        for memory in bound.results:
            stacks[memory] = memory_for(Value((steps, *memory.shape), memory.dtype, (nbytes(memory), *memory.strides)))
            slot = bound.layout.slots[memory]
            table[slot], advance[slot] = address(stacks[memory]), nbytes(memory)
        kept = []
        for memory, x, b in zip(bound.inputs, arguments, batched):
            shape = (steps * memory.shape[0], *memory.shape[1:]) if b else memory.shape
            data = memory_for(Value(shape, memory.dtype, memory.strides)) if x.strides != memory.strides else x
            if data is not x:
                data[...] = x[: shape[0]] if b else x
            slot = bound.layout.slots[memory]
            table[slot], advance[slot] = address(data), memory.strides[0] * memory.shape[0] if b else 0
            kept.append(data)
        for n, reading in self._readings:
            self._numbers[n] = reading()
        try:
            self._chunks(advance, steps)
        finally:
            table[:] = before
            for setter, leaf, kind in bound.numbers.setters:
                setter(kind(self._numbers[leaf]))
        return _built(self.program.outputs, [_stack_of(v, stacks, bound) for v in bound.outputs])

    def _chunks(self, advance: Array, steps: int) -> None:
        """Native code for some milliseconds at a time; Python looks at signals between."""
        done, counted = 0, np.zeros(1, np.int64)
        place, by, counter = self._place, address(advance), address(counted)
        while done < steps:
            count = min(max(1, int(CHUNK / self._pace)), steps - done)
            start = time.perf_counter()
            counted[0] = 0
            code = self.bound.scan(place, by, len(advance), count, counter)
            done += int(counted[0])
            self._check(code, done)
            self._pace = (time.perf_counter() - start) / count


def _built(tree: Any, leaves: Sequence[Any]) -> Any:
    """``tree`` with its Values replaced by ``leaves``, in order."""
    rest = iter(leaves)

    def fill(node: Any) -> Any:
        if isinstance(node, Value):
            return next(rest)
        if isinstance(node, Scalar):
            return evaluate(node)
        if isinstance(node, (tuple, list)):
            return type(node)(map(fill, node))
        return node

    return fill(tree)


def _builder(tree: Any, bound: Binding) -> Callable[[], Any]:
    """A function that gives the outputs of the step that has just run: copies, but of live arrays the arrays."""
    gets = []
    for value in bound.outputs:
        memory = value.memory
        if memory.array is not None:
            array = memory.array if value is memory else part_of(memory.array, value)
            gets.append(lambda array=array: array)
        else:
            gets.append(part_of(bound.buffers[memory], value).copy)
    if isinstance(tree, Value):
        return gets[0]
    return lambda: _built(tree, [get() for get in gets])


def _stack_of(value: Value, stacks: dict[Value, Array], bound: Binding) -> Array:
    """An output of every step of a scan: a view of what they wrote; what they share is what it is now."""
    memory = value.memory
    if memory not in stacks:
        source = bound.buffers[memory] if memory.array is None else memory.array
        return part_of(source, value)
    steps = stacks[memory].shape[0]
    return part_of(stacks[memory], Value((steps, *value.shape), value.dtype, (nbytes(memory), *value.strides), None, value.offset))


def _stacked(results: Sequence[Any]) -> Any:
    """Outputs of steps, along a new first axis."""
    if results and isinstance(results[0], (tuple, list)):
        return type(results[0])(map(_stacked, zip(*results)))
    return np.stack(results) if results and isinstance(results[0], np.ndarray) else list(results)
