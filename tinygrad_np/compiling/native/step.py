"""A native program at work, step by step.

A step of 300 ns is called from Python, where each look-up takes 30. So all that surrounds it, such as reading learning
rates and putting gradients into place, is written out as one Python function for this program, without a loop.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.binding import Binding
from tinygrad_np.compiling.native.buffers import address, buffer_for
from tinygrad_np.compiling.native.results import builder, getter, stack_of
from tinygrad_np.compiling.native.script import Script
from tinygrad_np.compiling.native.views import contiguous
from tinygrad_np.compiling.places import Access
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import GuardError, Scalar, Value, operands_in

Array = NDArray[Any]
Also = Callable[[Script, Callable[[Script], None]], None]  # writes another function, with what writes the step


class CheckError(GuardError):
    """An index was out of range, a guard's answer changed, or an argument shares memory with what is written.

    ``guard`` says whether it was a guard; ``results`` are those of the steps of a scan that were whole.
    """

    results: Any = ()

    def __init__(self, message: str, guard: bool = False) -> None:
        super().__init__(message)
        self.guard = guard


class MisfitError(ValueError):
    """An argument that a program was not made for; put into words only where somebody asks, for that takes long."""

    def __init__(self, memory: Value, x: Any) -> None:
        super().__init__(memory, x)
        self.memory, self.x = memory, x

    def __str__(self) -> str:
        wanted, x = self.memory, self.x
        came = f"{x.dtype} {x.shape}" if type(x) is np.ndarray else type(x).__name__
        return f"the program was made for an argument of {wanted.dtype} {wanted.shape}, got {came}"


class NativeStep:
    """Native code of a program; ``run(arguments)`` runs one step, gives its outputs and sets its updates.

    Arrays that a step puts into the state, such as gradients, are reused: the next step writes into them again, unless
    somebody else holds one by then, who keeps it.
    """

    run: Callable[[Any], Any]

    def __init__(self, program: Program, also: Also | None = None) -> None:
        self.program = program
        self.bound = bound = Binding(program)
        self.place, self.step = address(bound.table), bound.step
        table: Any = bound.table  # NumPy's types do not say that these are buffers
        numbers: Any = bound.values
        self.table, self.numbers = memoryview(table), memoryview(numbers)
        self.replaced = [(setter, getter(value, bound)) for setter, value in bound.replaced]
        for value in bound.reused.values():
            self._new_buffer(value)
        self.run, self.begin, self.finish, count, *self.shortcut = self._written(also)
        count()

    # What is called from the functions that are written out

    def check(self, code: int) -> None:
        """Raise the error that a step ended with, if it did not end well."""
        if code:
            raise CheckError(self.bound.checks[code - 1], code in self.bound.guards)

    def check_headers(self) -> None:
        """Raise the error of a guard where a live array was changed in place."""
        try:
            self.bound.headers.check()
        except GuardError as error:
            raise CheckError(str(error), guard=True) from None

    def check_fits(self, n: int, x: Array) -> None:
        """Raise MisfitError for an argument of another shape or dtype."""
        memory = self.bound.inputs[n]
        if x.__class__ is not np.ndarray or x.shape != memory.shape or x.dtype != memory.dtype:
            raise MisfitError(memory, x)

    def _after_refusal(self, code: int, arguments: Any) -> None:
        """What is left to do where the step did not run, or not well."""
        if code < 0:
            self._copy_arguments(arguments)
            code = self.step(self.place)
        self.check(code)

    def _copy_arguments(self, arguments: Any) -> None:
        """Copy arguments in another layout than the program's, if they are why it was refused."""
        self.check_headers()
        if len(arguments) != len(self.bound.arguments):
            raise CheckError(f"the program takes {len(self.bound.arguments)} arguments, got {len(arguments)}")
        for n, x in enumerate(arguments):
            self.check_fits(n, x)
            self.check_apart(x)
            self._copy_into_buffer(n, x)

    def check_apart(self, x: Array) -> None:
        """Raise CheckError for an argument that shares memory with what the step writes."""
        if any(np.may_share_memory(x, memory.array) for memory in self.bound.written):
            raise CheckError("an argument shares memory with an array that the step changes")

    def _copy_into_buffer(self, n: int, x: Array) -> None:
        memory = self.bound.inputs[n]
        buffer = self.bound.buffers[memory]
        buffer[...] = x
        self.bound.seen.pop(memory, None)
        self.table[self.bound.layout.slots[memory]] = address(buffer)

    def _take_address(self, n: int, x: Array) -> Array | None:
        """Note where a live array is that may be another at each step; None if it had to be copied."""
        memory = self.bound.inputs[n]
        if (x.strides, x.dtype, x.shape) == (memory.strides, memory.dtype, memory.shape):
            self.table[self.bound.layout.slots[memory]] = address(x)
            self.bound.seen[memory] = x
            return x
        self._copy_into_buffer(n, x)
        return None

    def _new_buffer(self, value: Value) -> Array:
        """New memory to be reused."""
        usual = value.strides == contiguous(value.shape, value.dtype.itemsize)
        array = np.empty(value.shape, value.dtype) if usual else buffer_for(value)
        self.bound.buffers[value] = array
        self.table[self.bound.layout.slots[value]] = address(array)
        return array

    def _run_parts(self, code: int, arguments: Any) -> None:
        """Run native code and what NumPy does between, while nobody else draws from its generators."""
        bound = self.bound
        if code < 0:
            self._copy_arguments(arguments)
        else:
            bound.seen.update(zip(bound.arguments, arguments))
        with ExitStack() as stack:
            for lock in bound.locks:
                stack.enter_context(lock)
            for part in bound.parts:
                self.check(part())
        for memory in bound.arguments:
            bound.seen.pop(memory, None)

    # The functions, written out for this program: loops over what there is to do would take most of the time

    def _written(self, also: Also | None) -> list[Callable[..., Any]]:
        """What runs a step; what is to be done before many, and after them; and what counts references."""
        script = Script()
        script.begin("run(arguments)")
        self._running(script)
        script.add("return given")
        script.begin("begin()")
        self._lending(script)
        self._looking(script)
        self._reading(script)
        script.begin("finish(stacks, done)")
        self._finishing(script)
        script.begin("count()")
        refs = script.named(sys.getrefcount)
        script.variables["alone"] = 0
        for n in [*self.bound.reused][:1]:
            script.add(f"alone = {refs}(reused{n})")
        if also is not None:
            also(script, self._running)
        return script.compiled()

    def _running(self, script: Script) -> None:
        """One step of ``arguments``, and what is ``given``."""
        self._lending(script)
        self._looking(script)
        if self.bound.uses_numbers:
            self._reading(script)
        self._entering(script)
        self._ending(script)

    def _lending(self, script: Script) -> None:
        """A new array for each that somebody holds beside its place in the state: it is theirs from now on.

        Who holds it is told by its count of references. With nobody else that is ``alone``, which is measured once and
        counts what this object itself holds, and one more where the array is still in its place, such as ``p.grad``.
        The first line asks for just that, for it is nearly always so.
        """
        refs = script.named(sys.getrefcount)
        for n, value in self.bound.reused.items():
            name, setter = f"reused{n}", cast(Access, self.bound.replaced[n][0])  # of what is reused the place is known
            script.variables[name] = self.bound.buffers[value]
            place = script.place(setter)
            script.add(f"if {place} is not {name} or {refs}({name}) != alone + 1:")
            renewed = f"{name} = {script.named(self._new_buffer)}({script.named(value)})"
            script.add(f" if {refs}({name}) - ({place} is {name}) > alone: {renewed}")

    def _looking(self, script: Script) -> None:
        """Where the live arrays are that may be others at each step; those that the step replaces are copied."""
        loop_carried = {memory for memory, _ in self.bound.loop_carried}
        for n, memory in enumerate(self.bound.rebound, len(self.bound.arguments)):
            reading = script.reading(memory.reading)
            if memory in self.bound.returned or memory in loop_carried or memory.number:
                script.add(f"{script.named(self._copy_into_buffer)}({n}, {reading})")
                continue
            script.variables[f"seen{n}"] = None
            script.add(f"now = {reading}")
            script.add(f"if now is not seen{n}: seen{n} = {script.named(self._take_address)}({n}, now)")

    def _reading(self, script: Script) -> None:
        """Python's numbers, for native code."""
        numbers = script.named(self.numbers)
        for scalar, n in self.bound.numbers.leaves.items():
            script.add(f"{numbers}[{n}] = {script.scalar(scalar)}")

    def _entering(self, script: Script) -> None:
        """The step itself."""
        enter = f"{script.named(self.bound.enter)}(*arguments)"
        if self.bound.enters:
            indent = ""
            for lock in self.bound.locks:  # nobody else draws from a Generator meanwhile
                script.add(f"{indent}with {script.named(lock)}:")
                indent += " "
            script.add(f"{indent}code = {enter}")
            script.add(f"{indent}if code: {script.named(self._after_refusal)}(code, arguments)")
        else:
            script.add(f"{script.named(self._run_parts)}({enter}, arguments)")

    def _ending(self, script: Script) -> None:
        """What the step gives, and what it leaves in the state."""
        bound, outputs = self.bound, self.program.outputs
        scalars = [script.scalar(s) for s in operands_in(outputs) if isinstance(s, Scalar)]
        numbers = [(setter, script.scalar(s)) for setter, s in (*bound.numbers.updates, *bound.numbers.constants)]
        gets = [f"{script.named(getter(v, bound))}()" for v in bound.outputs]
        if gets and isinstance(outputs, tuple) and len(outputs) == len(gets):
            script.add(f"given = ({', '.join(gets)},)")
        elif isinstance(outputs, Value):
            script.add(f"given = {gets[0]}")
        else:
            script.add(f"given = {script.named(builder(outputs, bound))}({', '.join(scalars)})")
        for setter, number in numbers:
            script.set(setter, number)
        self._leaving(script, lambda n, value, get: f"reused{n}" if n in bound.reused else f"{script.named(get)}()")

    def _finishing(self, script: Script) -> None:
        """What the steps of a scan leave in the state: what the last one that was whole has left there."""
        bound, loop_carried = self.bound, {id(value): memory for memory, value in self.bound.loop_carried}
        numbers = script.named(self.numbers)
        for setter, leaf, kind in bound.numbers.setters:
            script.set(setter, f"{script.named(kind)}({numbers}[{leaf}])")
        for setter, number in bound.numbers.constants:
            script.set(setter, script.named(number))

        def left(n: int, value: Value, get: Any) -> str:
            copied = "[()]" if value.number else ".copy()"
            if n in bound.reused:
                return f"reused{n}"
            if id(value) in loop_carried:
                return f"{script.named(bound.buffers[loop_carried[id(value)]])}{copied}"
            if value.memory in bound.stackable:
                return f"{script.named(partial(stack_of, value, bound))}(stacks)[done - 1, ...]{copied}"
            return f"{script.named(get)}()"

        self._leaving(script, left)

    def _leaving(self, script: Script, left: Callable[[int, Value, Any], str]) -> None:
        """Put into the state what is ``left`` there: one array where it is at several places, such as a Tensor's."""
        shared: dict[Value, str] = {}
        times = Counter(value for _, value in self.bound.replaced)
        for n, ((setter, value), (_, get)) in enumerate(zip(self.bound.replaced, self.replaced)):
            if times[value] > 1 and value not in shared:
                shared[value] = f"shared{n}"
                script.add(f"shared{n} = {left(n, value, get)}")
            script.set(setter, shared.get(value) or left(n, value, get))
