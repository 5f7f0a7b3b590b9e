"""A program as native code, bound to the memory that it works on.

Native code finds everything by a *table* of pointers, each of which has its *slot*: only so does compiled code hold for
another process, can arguments be others at each step, and does a scan move on by adding to a pointer.

    arguments       others at each step
    references      live arrays that stay where they are, such as parameters
    rebound         live arrays in whose place another may be at the next step: they are looked up at each
    results         what is given, or put into the state; ``stackable`` are those that a scan gives for every step
    reused          of what is put into the state, what native code may write again if nobody else holds it: gradients
    loop-carried    what a step reads where the step before has put it; within a scan, native code copies it there
    temporaries     the rest, in one buffer, ``scratch``, where those that are needed at different times overlap
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.headers import Headers
from tinygrad_np.compiling.native.blas import blas, by_blas
from tinygrad_np.compiling.native.buffers import accessed, address, buffer_for, nbytes, plan_scratch, view_of
from tinygrad_np.compiling.native.engine import load, machine
from tinygrad_np.compiling.native.entry_point import REFUSED, entry, finding
from tinygrad_np.compiling.native.fusion import Fusion, changes, checks_first, forward_copies, remove_unused
from tinygrad_np.compiling.native.instruction_list import NotNativeError
from tinygrad_np.compiling.native.instructions import Draw, Guard, Kernel, Opaque, Product
from tinygrad_np.compiling.native.live_headers import comparison, copies
from tinygrad_np.compiling.native.lowering import Lowering
from tinygrad_np.compiling.native.module import Module, StepFunction
from tinygrad_np.compiling.native.object_layout import DEFINITION, are_known, function_at, python_function
from tinygrad_np.compiling.native.scalars import Scalars, evaluate, place_of
from tinygrad_np.compiling.native.scan_loop import COUNTS, Layout, Moving
from tinygrad_np.compiling.places import Access
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import GuardError, Scalar, Value, operands_in

Array = NDArray[Any]
Short: Any = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
Long: Any = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
LONG = 1 << 16  # elements gone through from which other threads may run during a step


class Binding:
    """Native code of a program, with the addresses of what it works on."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.numbers = Scalars(program)
        self.headers = Headers(program, by_address=True)
        if self.headers.have_changed():
            raise NotNativeError("an array was changed in place since it was recorded")
        lowering = Lowering(program)
        if not lowering.computes:
            raise NotNativeError("all of its calls are NumPy's alone")
        self.checks = lowering.checks
        self.kernels = self._fused(lowering)
        self._lay_out()
        module = Module(self.kernels, self.layout, self.numbers.leaves, self._stored(), machine().vector_bytes)
        self.loop_carried = self._loop_carried()
        module.update(self.numbers.links, self.loop_carried, self._moving())
        self.uses_numbers = module.uses_numbers
        self.runs = len(module.parts) == 1 and isinstance(module.parts[0], StepFunction)  # native code is all there is
        self.long = sum(math.prod(i.shape) for kernel in self.kernels for i in kernel.instructions) > LONG
        self.enters = self.runs and not self.long  # and takes a moment, so that nobody need wait
        known = self.numbers.linked and all(m.shape for m in self.arguments)
        self.scannable = self.runs and known and not self.returned.intersection(self.inputs)
        self.text = module.text()
        if are_known():
            self.text += comparison(self.headers.arrays, self.layout.slots["headers"])
            self.text += entry(self.layout, self.arguments, self.written, self.enters)
        if are_known() and self.scannable:
            self.text += finding(self.layout, self.arguments, self.stackable, self.written)
        self.code = load(self.text)
        self.parts = self._bind(module)

    # Compilation

    def _fused(self, lowering: Lowering) -> list[Kernel]:
        """The kernels; and which memory is of which kind, of those that the module explains."""
        program = self.program
        self.outputs = [v for v in operands_in(program.outputs) if isinstance(v, Value)]
        self.replaced = [(setter, v) for setter, v in program.updates if isinstance(v, Value)]
        lasting = [*self.outputs, *[v for _, v in self.replaced]]
        self.returned = {v.memory for v in lasting}
        seen = [v for i in lowering.instructions for v in (*i.reads(), *i.writes())]
        memories = dict.fromkeys([v.memory for v in (*seen, *lasting)])
        self.rebound = [m for m in memories if m.reading is not None]
        self.arguments = [v.memory for v in program.arguments]
        self.inputs = [*self.arguments, *self.rebound]
        self.references = [m for m in memories if m.array is not None and m.reading is None]
        given = {*self.inputs, *self.references}
        self.results = list(dict.fromkeys(v.memory for v in lasting if v.memory not in given))
        self.stackable = [m for m in self.results if any(v.memory is m for v in self.outputs)]
        self.reused = self._reused()
        live = {*given, *self.reused.values()}
        self.temporaries = [m for m in memories if m not in given and m not in set(self.results)]
        kept = {*given, *self.results}
        instructions = remove_unused(forward_copies(checks_first(lowering.instructions, live), kept), kept)
        kernels = Fusion(instructions, live).kernels
        order: list[Any] = [i for kernel in kernels for i in kernel.instructions]
        self.fails_late = self._fails_late(order, live)
        self.written = [m for m in self.references if any(v.memory is m for i in order for v in i.writes())]
        self.guards = {i.check for i in order if isinstance(i, Guard)}
        return kernels

    @staticmethod
    def _fails_late(order: list[Any], live: set[Value]) -> bool:
        """Whether a check, or a call of NumPy's, comes after something has changed."""
        changed = False
        for i in order:
            if changed and (i.may_fail() or isinstance(i, Opaque)):
                return True
            if isinstance(i, Opaque):
                owner = getattr(i.call.function, "__self__", None)
                changed |= isinstance(owner, np.random.Generator) or (
                    i.call.writes is not None and i.call.writes.memory in live
                )
            else:
                changed |= changes(i, live)
        return False

    def _reused(self) -> dict[int, Value]:
        """Of what is put into the state, by number, the memory that is returned out itself: nobody else has it."""
        counts = Counter(v.memory for v in (*self.outputs, *[v for _, v in self.replaced]))
        read = {place_of(m.reading) for m in self.rebound}
        return {
            n: value
            for n, (setter, value) in enumerate(self.replaced)
            if value in self.results and counts[value] == 1 and not value.number
            if isinstance(setter, Access) and setter.place not in read
        }

    def _loop_carried(self) -> list[tuple[Value, Value]]:
        """Memory that is looked up at each step, and what a step puts in its place."""
        by_place = {place_of(setter): value for setter, value in self.replaced if place_of(setter) is not None}
        return [(m, by_place[place_of(m.reading)]) for m in self.rebound if place_of(m.reading) in by_place]

    def _moving(self) -> list[Moving]:
        """What is elsewhere at each minibatch of a scan: arguments, and where results go, one behind the other."""
        arguments = [Moving(m, m.strides[0] * m.shape[0], True) for m in self.arguments if m.shape]
        return [*arguments, *[Moving(m, nbytes(m), False) for m in self.stackable]]

    def _stored(self) -> set[Value]:
        """Memory that more than one kernel uses, or others see."""
        users: dict[Value, set[int]] = {}
        for at, kernel in enumerate(self.kernels):
            for value in accessed(kernel):
                users.setdefault(value.memory, set()).add(at)
        visible = {*self.inputs, *self.references, *self.results}
        return {memory for memory, kernels in users.items() if len(kernels) > 1 or memory in visible}

    def _lay_out(self) -> None:
        """Give everything a slot of the table, and temporaries a place."""
        instructions = [i for kernel in self.kernels for i in kernel.instructions]
        used = {v.memory for kernel in self.kernels for v in accessed(kernel)}
        offsets, size = plan_scratch(self.kernels, [m for m in self.temporaries if m in used])
        self.scratch = buffer_for(Value((size,), np.dtype(np.uint8), (1,)))
        keys: list[Any] = ["scratch", "scalars", "headers", *COUNTS, *self.inputs, *self.references, *self.results]
        pointers: dict[Any, int] = {"ndarray": id(np.ndarray), "long": python_function("PyLong_FromLong")}
        pointers |= {("dtype", m): id(m.dtype) for m in self.arguments}
        for i in instructions:
            if isinstance(i, Draw):
                bits = i.generator.bit_generator
                interface = bits.ctypes
                pointers["state", id(bits)] = interface.state_address
                for name in ("next_double", "next_uint32"):
                    pointers[name, id(bits)] = ctypes.cast(getattr(interface, name), ctypes.c_void_p).value or 0
            if isinstance(i, Product) and by_blas(i):
                name = "dgemm" if i.output.dtype.itemsize == 8 else "sgemm"
                pointers[name] = blas(name)
        self.locks = list(
            {id(i.generator): i.generator.bit_generator.lock for i in instructions if isinstance(i, Draw)}.values()
        )
        keys = list(dict.fromkeys([*keys, *pointers]))
        self.layout = Layout({key: n for n, key in enumerate(keys)}, offsets)
        self.table = np.zeros(len(keys) + 2 * DEFINITION, np.uint64)
        self.values = np.zeros(max(1, len(self.numbers.leaves)))
        self.copies = copies(self.headers.arrays) if are_known() else np.zeros(1, np.uint64)
        self.table[:3] = address(self.scratch), address(self.values), address(self.copies)
        for key, pointer in pointers.items():
            self._set(key, pointer)

    def _set(self, key: Any, pointer: int) -> None:
        self.table[self.layout.slots[key]] = pointer

    def _bind(self, module: Module) -> list[Callable[[], int]]:
        """Functions to call one after the other: native code, and Python's calls between."""
        self.seen: dict[Value, Array] = {}  # what is read where it is, and not from its buffer
        self.buffers = {m: buffer_for(m) for m in (*self.inputs, *self.results)}
        for memory in self.references:
            assert memory.array is not None
            self._set(memory, address(memory.array))
        for memory, array in self.buffers.items():
            self._set(memory, address(array))
        place, native = address(self.table), 0
        parts: list[Callable[[], int]] = []
        objects: dict[Value, Any] = {}
        prototype = Long if self.long else Short
        for part in module.parts:
            if isinstance(part, StepFunction):
                function = prototype(self.code.address("step" if self.runs else f"step{native}"))
                parts.append(partial(function, place))
                native += 1
            else:
                parts.append(OpaqueCall(part, self._array, objects))
        self.step: Any = function if self.runs else None
        self.scan: Any = Long(self.code.address("scan")) if self.runs else None
        self.enter: Callable[..., int] = lambda *_: REFUSED
        self.find: Callable[..., int] = lambda *_: REFUSED
        if are_known() and not self.returned.intersection(self.arguments):  # else what is returned out is a copy
            definitions = self.table[-2 * DEFINITION :].reshape(2, -1)
            self.enter = function_at(self.code.address("enter"), self.table, definitions[0])
            if self.scannable:
                self.find = function_at(self.code.address("find"), self.table, definitions[1])
        return parts

    def _array(self, value: Value) -> Array:
        """The view of memory that ``value`` is."""
        memory = value.memory
        if memory in self.buffers:  # a live array too, where another may be in its place at each step
            return view_of(self.seen.get(memory, self.buffers[memory]), value)
        if memory.array is not None:
            return view_of(memory.array, value)
        place = Value(value.shape, value.dtype, value.strides, None, self.layout.scratch[memory] + value.offset)
        return view_of(self.scratch, place)


class OpaqueCall:
    """A call that NumPy runs, on views of native memory; what is no array, such as a tuple, is among ``objects``."""

    def __init__(self, instruction: Opaque, array: Callable[[Value], Array], objects: dict[Value, Any]) -> None:
        self.call, self.array, self.objects = instruction.call, array, objects

    def __call__(self) -> int:
        call = self.call
        arguments = self._filled(call.arguments)
        keywords = {name: self._filled(v) for name, v in call.keywords.items()}
        result = call.function(*arguments, **keywords)
        if call.result is not None and call.result.dtype == object:
            self.objects[call.result] = result
            return 0
        if call.result is not None and np.shape(result) != call.result.shape:
            raise GuardError(f"a shape that was {call.result.shape} when the step was recorded is {np.shape(result)}")
        if call.result is not None and call.writes is None:
            self.array(call.result)[...] = result
        return 0

    def _filled(self, tree: Any) -> Any:
        if isinstance(tree, Value):
            return self.objects[tree] if tree.dtype == object else self.array(tree)
        if isinstance(tree, Scalar):
            return evaluate(tree)
        if isinstance(tree, (tuple, list)):
            return type(tree)(map(self._filled, tree))
        if isinstance(tree, slice):
            return slice(*map(self._filled, (tree.start, tree.stop, tree.step)))
        return tree
