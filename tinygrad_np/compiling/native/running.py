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

from tinygrad_np.compiling.native.binding import Binding, address, memory_for, part_of
from tinygrad_np.compiling.native.emit import nbytes
from tinygrad_np.compiling.native.linking import direct, evaluate, reader
from tinygrad_np.compiling.native.views import contiguous
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
        table: Any = bound.table  # NumPy's types do not say that these are buffers
        numbers: Any = bound.values
        self._table, self._numbers = memoryview(table), memoryview(numbers)
        large = [nbytes(m) > COPIED for m in bound.inputs]
        self._puts = [self._pointer(n) if far else b.__setitem__ for n, (b, far) in enumerate(zip(self._inputs, large))]
        self._read = reader(*bound.numbers.leaves)
        updates = [*bound.numbers.updates, *bound.numbers.constants]
        self._setters = [direct(setter) for setter, _ in updates]
        self._new = reader(*[scalar for _, scalar in updates])
        self._replaced = [(direct(setter), _getter(value, bound)) for setter, value in bound.replaced]
        self._count, self._shapes = len(program.arguments), [m.shape for m in bound.inputs]
        self._looked_up = [
            (put, direct(memory.reading)) for put, memory in zip(self._puts[len(program.arguments) :], bound.looked_up)
        ]
        self._outputs = _builder(program.outputs, bound)
        self._stackable = [m for m in bound.results if any(v.memory is m for v in bound.outputs)]
        self._whole = None if bound.locks else bound.step
        self._advances: dict[tuple[bool, ...], tuple[Array, int]] = {}
        self._counted = np.zeros(1, np.int64)
        self._counter = address(self._counted)
        _alive.add(self)

    def __call__(self, *arguments: Array) -> Any:
        """Run one step."""
        with self.lock:
            if len(arguments) != self._count:
                raise ValueError(f"the program takes {self._count} arguments, got {len(arguments)}")
            for put, shape, x in zip(self._puts, self._shapes, arguments):
                if x.shape != shape:
                    raise ValueError(f"the program was made for an argument of shape {shape}, got {x.shape}")
                put(..., x)
            for put, reading in self._looked_up:
                put(..., reading())
            self._read_numbers()
            if self._whole is None:
                self._run_parts()
            else:
                code = self._whole(self._place)
                if code:
                    self._check(code)
            for setter, number in zip(self._setters, self._new()):
                setter(number)
            for setter, get in self._replaced:
                setter(get())
            return self._outputs()

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
            raise CheckError(self.bound.checks[code - 1], done)

    def _pointer(self, n: int) -> Callable[[Any, Array], None]:
        """What makes a large argument known: where it is, if it is laid out as the program's, else a copy."""
        slot, buffer, table = self.bound.layout.slots[self.bound.inputs[n]], self._inputs[n], self._table

        def point(_: Any, x: Array) -> None:
            if x.__class__ is np.ndarray and (x.strides, x.dtype, x.shape) == (
                buffer.strides,
                buffer.dtype,
                buffer.shape,
            ):
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
        for shape, x, b in zip(self._shapes, arguments, batched, strict=False):
            if b and (x.shape[0] < steps * shape[0] or x.shape[1:] != shape[1:]):
                raise ValueError(f"{steps} minibatches of {shape[0]} rows are more than the {len(x)} rows of {x.shape}")
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
        bound, table = self.bound, self._table
        slots, advance = bound.layout.slots, self._advance(tuple(batched))
        stacks = {m: stacked_memory(m, steps) for m in self._stackable}
        data = [self._rows(m, x, steps, b) for m, x, b in zip(bound.inputs, arguments, batched)]
        arrays = [*zip(bound.inputs, data), *stacks.items()]
        before = [(slots[m], table[slots[m]]) for m, _ in arrays]
        for memory, array in arrays:
            table[slots[memory]] = address(array)
        for put, reading in self._looked_up:
            put(..., reading())
        self._read_numbers()
        self._done = 0
        try:
            self._chunks(bound.scan, advance[1], steps)
        finally:
            for slot, pointer in before:
                table[slot] = pointer
            if self._done:
                self._finish(stacks)
        results = [_stack_of(v, stacks, bound) for v in bound.outputs]
        return results[0] if isinstance(self.program.outputs, Value) else _built(self.program.outputs, results)

    def _finish(self, stacks: dict[Value, Array]) -> None:
        """Set what the steps of a scan have changed, to what the last one that was whole left there."""
        bound = self.bound
        for setter, leaf, kind in bound.numbers.setters:
            setter(kind(self._numbers[leaf]))
        for setter, number in bound.numbers.constants:
            setter(number)
        carried = {id(value): memory for memory, value in bound.carried}
        for setter, value in bound.replaced:
            memory = carried.get(id(value))
            if memory is not None:
                setter(bound.buffers[memory].copy())
            elif value.memory in stacks:
                setter(_stack_of(value, stacks, bound)[self._done - 1].copy())
            else:
                setter(_getter(value, bound)())

    def _advance(self, batched: tuple[bool, ...]) -> tuple[Array, int]:
        """By how many bytes each pointer moves from minibatch to minibatch."""
        if batched not in self._advances:
            advance = np.zeros(len(self.bound.table), np.int64)
            slots = self.bound.layout.slots
            for memory in self._stackable:
                advance[slots[memory]] = nbytes(memory)
            for memory, b in zip(self.bound.inputs, batched):
                advance[slots[memory]] = memory.strides[0] * memory.shape[0] if b else 0
            self._advances[batched] = advance, address(advance)
        return self._advances[batched]

    @staticmethod
    def _rows(memory: Value, x: Array, steps: int, batched: bool) -> Array:
        """The rows of all minibatches, laid out as the program's argument is: a copy if they are not."""
        if x.strides == memory.strides and x.dtype == memory.dtype:
            return x
        shape = (steps * memory.shape[0], *memory.shape[1:]) if batched else memory.shape
        data = memory_for(Value(shape, memory.dtype, memory.strides))
        data[...] = x[: shape[0]] if batched else x
        return data

    def _chunks(self, scan: Any, by: int, steps: int) -> None:
        """Native code for some milliseconds at a time; Python looks at signals between."""
        counted = self._counted
        place, slots = self._place, len(self.bound.table)
        while self._done < steps:
            count = min(max(1, int(CHUNK / self._pace)), steps - self._done)
            start = time.perf_counter()
            counted[0] = 0
            try:
                code = scan(place, by, slots, count, self._counter)
            finally:
                self._done += int(counted[0])
            self._check(code, self._done)
            self._pace = (time.perf_counter() - start) / count


def stacked_memory(memory: Value, steps: int) -> Array:
    """An array for what each step writes into ``memory``, one after the other."""
    if memory.strides == contiguous(memory.shape, memory.dtype.itemsize):
        return np.empty((steps, *memory.shape), memory.dtype)
    return memory_for(Value((steps, *memory.shape), memory.dtype, (nbytes(memory), *memory.strides)))


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
        if isinstance(node, dict):
            return {key: fill(item) for key, item in node.items()}
        return node

    return fill(tree)


def _builder(tree: Any, bound: Binding) -> Callable[[], Any]:
    """A function that gives the outputs of the step that has just run: copies, but of live arrays the arrays."""
    gets = [_getter(value, bound) for value in bound.outputs]
    if isinstance(tree, Value):
        return gets[0]
    if isinstance(tree, tuple) and all(isinstance(item, Value) for item in tree):
        return lambda: tuple([get() for get in gets])
    return lambda: _built(tree, [get() for get in gets])


def _getter(value: Value, bound: Binding) -> Callable[[], Array]:
    """A function that gives the value of the step that has just run: a copy, but of a live array itself."""
    memory = value.memory
    if memory in bound.buffers:
        copy: Callable[[], Array] = part_of(bound.buffers[memory], value).copy
        return copy
    assert memory.array is not None
    array = memory.array if value is memory else part_of(memory.array, value)
    return lambda: array


def _stack_of(value: Value, stacks: dict[Value, Array], bound: Binding) -> Array:
    """An output of every step of a scan: a view of what they wrote; what they share is what it is now."""
    memory = value.memory
    if memory not in stacks:
        source = bound.buffers[memory] if memory.array is None else memory.array
        return part_of(source, value)
    if value is memory:
        return stacks[memory]
    steps = stacks[memory].shape[0]
    return part_of(
        stacks[memory], Value((steps, *value.shape), value.dtype, (nbytes(memory), *value.strides), None, value.offset)
    )


def _stacked(results: Sequence[Any]) -> Any:
    """Outputs of steps, along a new first axis."""
    if results and isinstance(results[0], (tuple, list)):
        return type(results[0])(map(_stacked, zip(*results)))
    return np.stack(results) if results and isinstance(results[0], np.ndarray) else list(results)
