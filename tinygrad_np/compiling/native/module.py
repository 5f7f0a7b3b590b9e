"""A program's kernels as one LLVM module: functions for its parts, for one step, and for a scan over minibatches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_np.compiling.native.builder import Builder
from tinygrad_np.compiling.native.instructions import Draw, Guard, Kernel, Map, Opaque, Product, Reduce
from tinygrad_np.compiling.native.kernel_function import Address, KernelFunction
from tinygrad_np.compiling.native.loop_nest import LoopNest
from tinygrad_np.compiling.native.products import emit_product
from tinygrad_np.compiling.native.scan_loop import Layout, Moving, loop
from tinygrad_np.compiling.native.views import view
from tinygrad_np.compiling.values import Scalar, Value


class StepFunction(Builder):
    """A function over the table of pointers that calls kernels, one after the other, until a check fails."""

    def __init__(self, layout: Layout) -> None:
        super().__init__({})
        self.layout, self.block = layout, "start"
        self.pointers: dict[Any, str] = {}

    def call(self, name: str, parameters: Iterable[Any], may_fail: bool) -> None:
        """Call the kernel ``name`` with pointers to what its parameters are to point to."""
        pointers = ", ".join([f"ptr {self._pointer(to)}" for to in parameters])
        code = self.value(f"call i64 @{name}({pointers})", "i64")
        if may_fail:
            self.leave_if(code.to("i1"), code.name)

    def _pointer(self, to: Any) -> str:
        if not isinstance(to, Address):
            return self._slot(to)
        start = self.layout.scratch.get(to.memory)
        base, offset = (to.memory, to.offset) if start is None else ("scratch", start + to.offset)
        return self.value(f"getelementptr i8, ptr {self._slot(base)}, i64 {offset}", "ptr").name

    def _slot(self, key: Any) -> str:
        if key not in self.pointers:
            place = self.at_top(f"getelementptr i8, ptr %table, i64 {8 * self.layout.slots[key]}")
            self.pointers[key] = self.at_top(f"load ptr, ptr {place}")
        return self.pointers[key]

    def text(self, name: str) -> str:
        """The whole function; it is compiled once, and not again where it is called."""
        body = "\n".join([*self.head, "  br label %start", "start:", *self.lines, "  ret i64 0"])
        return f"define i64 @{name}(ptr noalias %table) noinline #0 {{\nentry:\n{body}\n}}\n"


class Module:
    """The text of a module. ``parts`` are functions, and calls that Python makes between them.

    Each kernel is a function. Kernels of the same text, such as those of a deep network's like layers, are the same
    one: what takes time is LLVM.
    """

    def __init__(
        self, kernels: Sequence[Kernel], layout: Layout, leaves: dict[Scalar, int], stored: set[Value], width: int
    ) -> None:
        self.layout, self.leaves, self.stored, self.width = layout, leaves, stored, width
        self.moving: Sequence[Moving] = ()
        self.declarations: dict[str, None] = {}
        self.kernels: dict[str, str] = {}  # names by text
        self.parts: list[StepFunction | Opaque] = []
        self.uses_numbers = False  # whether a step, and not only what follows it, needs Python's numbers
        for kernel in kernels:
            first = kernel.instructions[0]
            if isinstance(first, Opaque):
                self.parts.append(first)
                continue
            frame = self._frame()
            self._emit(frame, kernel)
            self.uses_numbers |= bool(frame.scalars)
            step = self.parts[-1] if self.parts else None
            if not isinstance(step, StepFunction):
                step = StepFunction(layout)
                self.parts.append(step)
            self._call(step, frame, any(i.may_fail() for i in kernel.instructions))

    def _frame(self) -> KernelFunction:
        return KernelFunction(self.leaves, self.declarations, self.width)

    def _call(self, step: StepFunction, frame: KernelFunction, may_fail: bool) -> None:
        """Let ``step`` call the kernel of ``frame``, or the one that is the same."""
        step.call(self.kernels.setdefault(frame.text(), f"kernel{len(self.kernels)}"), frame.parameters, may_fail)

    def _emit(self, frame: KernelFunction, kernel: Kernel) -> None:
        first = kernel.instructions[0]
        if isinstance(first, (Map, Reduce)):
            if 0 not in kernel.shape or any(isinstance(i, Reduce) for i in kernel.instructions):
                LoopNest(frame, kernel, self.stored).emit()
        elif isinstance(first, Product):
            emit_product(frame, first)
        elif isinstance(first, Draw):
            _draw(frame, first)
        elif isinstance(first, Guard):
            if isinstance(first.value, Value):
                flag = frame.load(first.value.dtype, frame.address(first.value, []), 0, 1, 1)
            else:
                flag = frame.scalar(first.value).to("i1", signed=False)
            frame.leave_if(flag ^ int(first.expected), first.check)

    def update(
        self,
        updates: Sequence[tuple[int, Any]],
        arrays: Sequence[tuple[Value, Value]],
        moving: Sequence[Moving],
    ) -> None:
        """What is done between two steps of a scan: it sets leaves (by number), and arrays to what replaces them.

        All scalars are computed before one is set. Then pointers move on.
        """
        self.moving = moving
        frame = self._frame()
        for old, new in arrays:
            copy = Map(new.shape, lambda x: x, [new], [new.dtype], view(old, old.shape, old.strides), True)
            if 0 not in new.shape:
                LoopNest(frame, Kernel(new.shape, [copy]), {old}).emit()
        numbers = [(leaf, frame.scalar(scalar)) for leaf, scalar in updates]
        for leaf, number in numbers:
            frame.lines.append(f"  store double {number.name}, ptr {frame.leaf(leaf).name}")
        self.between = StepFunction(self.layout)
        self._call(self.between, frame, may_fail=False)

    def text(self) -> str:
        """The module as LLVM reads it. Its entry is @step, or @step0, @step1 ... around Python's calls."""
        kernels = [f"define internal i64 @{name}{text}" for text, name in self.kernels.items()]
        steps = [part for part in self.parts if isinstance(part, StepFunction)]
        whole = len(self.parts) == 1 and len(steps) == 1
        texts = [step.text("step" if whole else f"step{i}") for i, step in enumerate(steps)]
        bits = 8 * self.width
        attributes = (
            'attributes #0 = { nounwind "no-trapping-math"="true" '
            f'"min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}" }}\n'
        )
        scan = [self.between.text("update"), loop(self.layout, self.moving)] if whole else []
        return "\n".join([*self.declarations, *kernels, *texts, *scan, attributes])


def _draw(frame: KernelFunction, draw: Draw) -> None:
    """Fill memory in order: float64 from next_double, float32 from 24 bits of next_uint32, as NumPy does."""
    key = draw.generator.bit_generator
    state, dtype = frame.pointer(("state", id(key))), draw.output.dtype
    double = dtype.itemsize == 8
    function = frame.pointer(("next_double" if double else "next_uint32", id(key)))

    def one(i: Any) -> None:
        kind = "double" if double else "i32"
        number = frame.value(f"call {kind} {function}(ptr {state})", kind, 1, double)
        if not double:
            bits = frame.value(f"lshr i32 {number.name}, 8", "i32", 1, signed=False)
            number = bits.to("float") * 2.0**-24
        frame.store(number, dtype, frame.address(draw.output, [(i, dtype.itemsize)]), 0, 1)

    frame.loop(math.prod(draw.output.shape), one)
