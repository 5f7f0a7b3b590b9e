"""A program's kernels as one LLVM module: functions for its parts, for one step, and for a scan over minibatches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_np.compiling.native.frame import Frame, Layout
from tinygrad_np.compiling.native.instructions import Draw, Guard, Kernel, Map, Opaque, Product, Reduce
from tinygrad_np.compiling.native.kernels import Nest
from tinygrad_np.compiling.native.products import emit_product
from tinygrad_np.compiling.native.views import view
from tinygrad_np.compiling.program import Value

ON_STACK = 2048  # bytes of a temporary up to which it is a variable of the function
FUNCTION = 3000  # lines of a function after which another is started

# After each step the pointers in the table advance, each by its bytes; after an epoch they go back, each by its bytes.
# %counts holds how many steps are done, and how many of this epoch.
SCAN = """define i64 @scan(
  ptr noalias %table, ptr noalias %advance, ptr noalias %back, i64 %slots, i64 %steps, i64 %epoch, ptr noalias %counts
) #0 {
entry:
  %within = getelementptr i64, ptr %counts, i64 1
  br label %step
step:
  %i = phi i64 [ 0, %entry ], [ %following, %next ]
  %code = call i64 @step(ptr %table)
  %failed = icmp ne i64 %code, 0
  br i1 %failed, label %leave, label %update
update:
  %ignored = call i64 @update(ptr %table)
  %following = add i64 %i, 1
  store i64 %following, ptr %counts
  %before = load i64, ptr %within
  %count = add i64 %before, 1
  %ends = icmp eq i64 %count, %epoch
  %rest = select i1 %ends, i64 0, i64 %count
  store i64 %rest, ptr %within
  %moves = select i1 %ends, ptr %back, ptr %advance
  br label %slot
slot:
  %s = phi i64 [ 0, %update ], [ %t, %slot ]
  %place = getelementptr i64, ptr %table, i64 %s
  %by = getelementptr i64, ptr %moves, i64 %s
  %old = load i64, ptr %place
  %bytes = load i64, ptr %by
  %new = add i64 %old, %bytes
  store i64 %new, ptr %place
  %t = add i64 %s, 1
  %more = icmp ult i64 %t, %slots
  br i1 %more, label %slot, label %next
next:
  %again = icmp ult i64 %following, %steps
  br i1 %again, label %step, label %leave
leave:
  %result = phi i64 [ %code, %step ], [ 0, %next ]
  ret i64 %result
}
"""


def plan_scratch(kernels: Sequence[Kernel], temporaries: Iterable[Value], align: int) -> tuple[dict[Value, int], int]:
    """An offset for each temporary, such that those in use at the same time do not overlap; and the bytes in all."""
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    for at, kernel in enumerate(kernels):
        for value in accessed(kernel):
            first.setdefault(value.memory, at)
            last[value.memory] = at
    offsets: dict[Value, int] = {}
    total = 0
    for memory in sorted(temporaries, key=lambda v: -nbytes(v)):
        taken = sorted(
            (offsets[o], offsets[o] + nbytes(o))
            for o in offsets
            if first[o] <= last[memory] and first[memory] <= last[o]
        )
        place = 0
        for start, end in taken:
            if place + nbytes(memory) <= start:
                break
            place = max(place, -(-end // align) * align)
        offsets[memory] = place
        total = max(total, place + nbytes(memory))
    return offsets, total


def nbytes(value: Value) -> int:
    """The bytes of a value's memory."""
    return max(1, math.prod(value.shape) * value.dtype.itemsize)


def accessed(kernel: Kernel) -> list[Value]:
    """The views that a kernel reads and writes."""
    return [v for i in kernel.instructions for v in (*i.reads(), *i.writes())]


class Module:
    """The text of a module. ``parts`` are names of functions, and calls that Python makes between them."""

    def __init__(self, kernels: Sequence[Kernel], layout: Layout, stored: set[Value], vector_bytes: int) -> None:
        self.layout, self.stored, self.vector_bytes = layout, stored, vector_bytes
        self.declarations: dict[str, None] = {}
        self.functions: list[str] = []
        self.parts: list[list[str] | Opaque] = []
        self.frame: Frame | None = None
        self.uses_numbers = False  # whether a step, and not only what follows it, needs Python's numbers
        for kernel in kernels:
            first = kernel.instructions[0]
            if isinstance(first, Opaque):
                self._close()
                self.parts.append(first)
                continue
            if self.frame is None:
                self.frame = Frame(layout, self.declarations, vector_bytes)
            self._emit(self.frame, kernel)
            if len(self.frame.lines) > FUNCTION and not layout.local:
                self._close()
        self._close()

    def _emit(self, frame: Frame, kernel: Kernel) -> None:
        first = kernel.instructions[0]
        if isinstance(first, (Map, Reduce)):
            if 0 not in kernel.shape or any(isinstance(i, Reduce) for i in kernel.instructions):
                Nest(frame, kernel, self.stored).emit()
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

    def _close(self) -> None:
        """End the function."""
        if self.frame is None:
            return
        name = f"part{len(self.functions)}"
        self.uses_numbers |= bool(self.frame.scalars)
        self.functions.append(self.frame.text(name))
        if self.parts and isinstance(self.parts[-1], list):
            self.parts[-1].append(name)
        else:
            self.parts.append([name])
        self.frame = None

    def update(self, updates: Sequence[tuple[int, Any]], arrays: Sequence[tuple[Value, Value]]) -> None:
        """The function between two steps of a scan: it sets leaves (by number), and arrays to what replaces them.

        All scalars are computed before one is set.
        """
        frame = Frame(self.layout, self.declarations, self.vector_bytes)
        for old, new in arrays:
            copy = Map(new.shape, lambda x: x, [new], [new.dtype], view(old, old.shape, old.strides), True)
            if 0 not in new.shape:
                Nest(frame, Kernel(new.shape, [copy]), {old}).emit()
        numbers = [(leaf, frame.scalar(scalar)) for leaf, scalar in updates]
        for leaf, number in numbers:
            place = frame.value(f"getelementptr i8, ptr {frame.slot_pointer('scalars')}, i64 {8 * leaf}", "ptr")
            frame.lines.append(f"  store double {number.name}, ptr {place.name}")
        self.functions.append(frame.text("update"))

    def text(self) -> str:
        """The module as LLVM reads it. Its entry is @step, or @step0, @step1 ... around Python's calls."""
        runs = [part for part in self.parts if isinstance(part, list)]
        whole = len(self.parts) == 1 and len(runs) == 1
        names = ["step"] if whole else [f"step{i}" for i in range(len(runs))]
        chains = [_chain(name, run) for name, run in zip(names, runs)]
        width = 8 * self.vector_bytes
        attributes = (
            'attributes #0 = { nounwind "no-trapping-math"="true" '
            f'"min-legal-vector-width"="{width}" "prefer-vector-width"="{width}" }}\n'
        )
        tail = [SCAN] if whole else []
        return "\n".join([*self.declarations, *self.functions, *chains, *tail, attributes])


def _chain(name: str, functions: Sequence[str]) -> str:
    """A function that calls others until one fails. It is compiled once, and not again where it is called."""
    lines = []
    for i, function in enumerate(functions):
        lines.append(f"  %c{i} = call i64 @{function}(ptr %table)")
        lines.append(f"  %f{i} = icmp ne i64 %c{i}, 0")
        lines.append(f"  br i1 %f{i}, label %leave{i}, label %go{i}\nleave{i}:\n  ret i64 %c{i}\ngo{i}:")
    body = "\n".join(lines)
    return f"define i64 @{name}(ptr noalias %table) noinline #0 {{\n{body}\n  ret i64 0\n}}\n"


def _draw(frame: Frame, draw: Draw) -> None:
    """Fill memory in order: float64 from next_double, float32 from 24 bits of next_uint32, as NumPy does."""
    key = draw.generator.bit_generator
    state, dtype = frame.slot_pointer(("state", id(key))), draw.output.dtype
    double = dtype.itemsize == 8
    function = frame.slot_pointer(("next_double" if double else "next_uint32", id(key)))

    def one(i: Any) -> None:
        kind = "double" if double else "i32"
        number = frame.value(f"call {kind} {function}(ptr {state})", kind, 1, double)
        if not double:
            bits = frame.value(f"lshr i32 {number.name}, 8", "i32", 1, signed=False)
            number = bits.to("float") * 2.0**-24
        frame.store(number, dtype, frame.address(draw.output, [(i, dtype.itemsize)]), 0, 1)

    frame.loop(math.prod(draw.output.shape), one)
