"""Nests of loops: one vector of elements at a time through all instructions of a kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_np.compiling.native.builder import Number, llvm_type
from tinygrad_np.compiling.native.functions import FUNCTIONS, identity
from tinygrad_np.compiling.native.fusion import operand_strides
from tinygrad_np.compiling.native.instructions import Flatten, Gather, Indexed, Kernel, Map, Reduce, Scatter
from tinygrad_np.compiling.native.kernel_function import Index, KernelFunction, is_signed
from tinygrad_np.compiling.native.views import broadcast, loops
from tinygrad_np.compiling.values import Scalar, Value

GATHER_COST = 2  # what an element that is not beside the one before costs, in loads of whole vectors
INSTRUCTION_COST = 4  # and what an instruction costs
UNROLLED = 24  # instructions, over all turns, up to which a loop is written out


class LoopNest:
    """The loops of one kernel. ``stored`` is the memory that others read."""

    def __init__(self, builder: KernelFunction, kernel: Kernel, stored: set[Value]) -> None:
        self.builder, self.kernel, self.stored = builder, kernel, stored
        instructions = kernel.instructions
        self.groups = loops(kernel.shape, [s for i in instructions for s in operand_strides(i)])
        self.sizes = [math.prod(kernel.shape[a] for a in group) for group in self.groups]
        self.reduced = [group[0] in kernel.axes for group in self.groups]
        size = max(d.itemsize for i in instructions for d in (*_dtypes(i), i.output.dtype))
        self.widest = max(1, builder.vector_bytes // size)
        self.vector_group = self._cheapest_group()
        self.fixed = self._loaded_once()
        self.slots: dict[Any, tuple[str, Number]] = {}
        self.errors: dict[int, str] = {}

    def emit(self) -> None:
        """Write the loops."""
        for instruction in self.kernel.instructions:
            if isinstance(instruction, Indexed) and instruction.check:
                self.errors[instruction.check] = self.builder.slot(self.builder.constant("i1", 0))
        outer = [g for g in range(len(self.groups)) if not self.reduced[g] and g != self.vector_group]
        self._loops(outer, {}, self._across_kept)
        for check, slot in self.errors.items():
            bit = self.builder.load_slot(slot, self.builder.constant("i1", 0))
            self.builder.leave_if(bit, check)

    # The order of the loops

    def _cheapest_group(self) -> int | None:
        """The group of axes along which vectors lie: that which costs least for an element."""
        instructions = self.kernel.instructions

        def cost(group: int) -> float:
            lanes = max(1, min(self.sizes[group], self.widest))
            axis = self.groups[group][-1]
            total = float(INSTRUCTION_COST * len(instructions))
            for i in instructions:
                size = i.output.dtype.itemsize
                total += sum(1 if s[axis] in (0, size, 1) else GATHER_COST * lanes for s in operand_strides(i))
            if self.reduced[group] and self.sizes[group] < 4 * self.widest:
                total *= 2  # the lanes are combined in the end
            return float(total / lanes)

        return min(reversed(range(len(self.groups))), key=cost) if self.groups else None

    def _unroll_count(self, lanes: int = 1) -> int:
        """How many turns of a loop are written out."""
        return max(1, UNROLLED // len(self.kernel.instructions) // lanes)

    def _loops(self, groups: Sequence[int], at: dict[int, Index], body: Callable[[dict[int, Index]], None]) -> None:
        """Loops over ``groups``, one within the other, around ``body``."""
        if not groups:
            return body(at)
        first, *rest = groups
        self.builder.loop(
            self.sizes[first],
            lambda i: self._loops(rest, {**at, first: i}, body),
            unrolled=min(4, self._unroll_count()),
        )
        return None

    def _vectors(self, group: int, body: Callable[[Index, int, int], None], whole: bool = False) -> None:
        """``body(index, lanes, active)`` along a group; the rest is a shorter vector, or a ``whole`` one too."""
        size, widest = self.sizes[group], self.widest
        full = size - size % widest
        self.builder.loop(full, lambda i: body(i, widest, widest), unrolled=self._unroll_count(), step=widest)
        if size > full:
            rest = size - full
            body(full, widest if whole and full else next_power(rest), rest)

    def _across_kept(self, at: dict[int, Index]) -> None:
        """The vectors, if they lie along an axis that is kept; then the loops of the reductions."""
        inner = [g for g in range(len(self.groups)) if self.reduced[g] and g != self.vector_group]
        vector_group = self.vector_group
        if vector_group is None or self.reduced[vector_group]:
            lanes = 1 if vector_group is None else min(self.widest, next_power(self.sizes[vector_group]))
            self._reductions(inner, at, lanes, lanes, vector_group)
        else:
            self._vectors(
                vector_group,
                lambda i, lanes, active: self._reductions(inner, {**at, vector_group: i}, lanes, active, None),
            )

    def _reductions(
        self, inner: Sequence[int], at: dict[int, Index], lanes: int, active: int, vector_group: int | None
    ) -> None:
        """Start the reductions, go through what they combine, and write them."""
        builder = self.builder
        reductions = [i for i in self.kernel.instructions if isinstance(i, Reduce)]
        for r in reductions:
            kind = llvm_type(r.dtype)
            start = builder.constant(kind, identity(r.function, r.dtype), lanes, is_signed(r.dtype))
            self.slots[r] = builder.slot(start), start

        def body(here: dict[int, Index]) -> None:
            if vector_group is None:
                self._body(here, lanes, active, along_reduced=False)
            else:
                self._vectors(
                    vector_group, lambda i, n, m: self._body({**here, vector_group: i}, n, m, True), whole=True
                )

        if 0 not in self.kernel.shape:
            self._loops(inner, at, body)
        for r in reductions:
            total = builder.load_slot(*self.slots[r])
            combine = FUNCTIONS[r.function]
            while vector_group is not None and total.lanes > 1:
                total = combine(*halves(total))
            self._write(broadcast(r.output, self.kernel.shape), total, at, active)

    # One vector of elements

    def _body(self, at: dict[int, Index], lanes: int, active: int, along_reduced: bool) -> None:
        registers: dict[Any, Number] = {}
        written: dict[Any, tuple[Value, Number]] = {}
        for i in self.kernel.instructions:
            operands = i.inputs if isinstance(i, Map) else [i.input]
            numbers = [self._operand(x, d, at, lanes, active, registers) for x, d in zip(operands, _dtypes(i))]
            if isinstance(i, Reduce):
                self._combine(i, numbers[0], lanes, active, along_reduced)
                continue
            if isinstance(i, Scatter):
                self._scatter(i, numbers, at, lanes, active)
                continue
            result = self._indexed(i, numbers, at, lanes, active) if isinstance(i, Indexed) else i.function(*numbers)
            result = self.builder.converted(result, i.output.dtype)
            registers[_key(i.output)] = result
            written[_key(i.output)] = i.output, result
        for value, number in written.values():
            if value.memory in self.stored:
                self._write(value, number, at, active)

    def _operand(
        self, x: Any, dtype: Any, at: dict[int, Index], lanes: int, active: int, registers: dict[Any, Number]
    ) -> Number:
        """An operand's elements here, as numbers of ``dtype``."""
        builder = self.builder
        if not isinstance(x, Value):
            number = builder.scalar(x) if isinstance(x, Scalar) else builder.constant(llvm_type(dtype), x)
            return builder.splat(builder.converted(number, dtype), lanes)
        key = _key(x)
        if key in self.fixed:
            return builder.splat(builder.converted(self.fixed[key], dtype), lanes)
        if key not in registers:
            stride = 0 if self.vector_group is None else self._stride(x, self.vector_group)
            registers[key] = builder.load(x.dtype, self._address(x, at), stride, lanes, active)
        return builder.converted(registers[key], dtype)

    def _loaded_once(self) -> dict[Any, Number]:
        """Single numbers that the kernel only reads, loaded before the loops."""
        instructions = self.kernel.instructions
        changed = {v.memory for i in instructions for v in i.writes()}
        reads = [v for i in instructions for v in i.reads() if not isinstance(i, Gather) or v in i.inputs]
        single = [v for v in reads if not any(self._stride(v, g) for g in range(len(self.groups)))]
        builder = self.builder
        return {
            _key(v): builder.load(v.dtype, builder.address(v, []), 0, 1, 1)
            for v in single
            if v.memory not in changed and 0 not in self.kernel.shape
        }

    def _stride(self, value: Value, group: int) -> int:
        return value.strides[self.groups[group][-1]]

    def _address(self, value: Value, at: dict[int, Index]) -> str:
        return self.builder.address(value, [(index, self._stride(value, g)) for g, index in at.items()])

    def _write(self, value: Value, number: Number, at: dict[int, Index], active: int) -> None:
        stride = 0 if self.vector_group is None else self._stride(value, self.vector_group)
        self.builder.store(number, value.dtype, self._address(value, at), stride, active)

    def _combine(self, r: Reduce, number: Number, lanes: int, active: int, along_reduced: bool) -> None:
        """Take elements into a reduction; lanes that hold none must not change it."""
        builder = self.builder
        slot, start = self.slots[r]
        if along_reduced and active < lanes:
            number = builder.mask(lanes, active).where(number, identity(r.function, r.dtype))
        combine = FUNCTIONS[r.function]
        builder.store_slot(slot, combine(builder.load_slot(slot, start), number))

    # Arrays of indices

    def _offset(self, i: Indexed, numbers: Sequence[Number], lanes: int, active: int) -> Number:
        """Σ index·stride; where there is a check, an index out of range is noted, and replaced by 0."""
        builder = self.builder
        total = builder.constant("i64", 0, lanes)
        bad = builder.constant("i1", 0, lanes, signed=False)
        for number, size, stride in zip(numbers, i.sizes, i.strides):
            index = number.to("i64")
            if not i.check:
                total = total + index * stride
                continue
            if i.wraps:
                index = (index < 0).where(index + size, index)
            outside = (index < 0) | (index >= size)
            bad = bad | outside
            total = total + outside.where(0, index) * stride
        if not i.check:
            return total
        if lanes > 1:
            bad = builder.mask(lanes, active) & bad
            while bad.lanes > 1:
                low, high = halves(bad)
                bad = low | high
        slot = self.errors[i.check]
        builder.store_slot(slot, builder.load_slot(slot, bad) | bad)
        return total

    def _pointers(self, i: Indexed, offset: Number, at: dict[int, Index], lanes: int) -> str:
        assert i.source is not None
        stride = 0 if self.vector_group is None else self._stride(i.source, self.vector_group)
        if stride and lanes > 1:
            offset = offset + self.builder.constants("i64", [stride * lane for lane in range(lanes)])
        base = self._address(i.source, at)
        return self.builder.value(f"getelementptr i8, ptr {base}, {offset.type} {offset.name}", "ptr").name

    def _indexed(self, i: Indexed, numbers: Sequence[Number], at: dict[int, Index], lanes: int, active: int) -> Number:
        offset = self._offset(i, numbers, lanes, active)
        if isinstance(i, Flatten):
            return offset
        assert i.source is not None
        pointers = self._pointers(i, offset, at, lanes)
        if lanes == 1:
            return self.builder.load(i.source.dtype, pointers, 0, 1, 1)
        return self.builder.gather(i.source.dtype, pointers, self.builder.mask(lanes, active))

    def _scatter(self, i: Scatter, numbers: Sequence[Number], at: dict[int, Index], lanes: int, active: int) -> None:
        assert i.source is not None
        builder, dtype = self.builder, i.source.dtype
        pointers = self._pointers(i, self._offset(i, numbers[:-1], lanes, active), at, lanes)
        value = builder.converted(numbers[-1], dtype)
        if lanes == 1:
            builder.store(value, dtype, pointers, 0, 1)
        else:
            builder.scatter(value, dtype, pointers, builder.mask(lanes, active))


def halves(x: Number) -> tuple[Number, Number]:
    """The lower and the upper half of a vector's lanes."""
    half = x.lanes // 2
    parts = []
    for start in (0, half):
        if half == 1:
            parts.append(x.lane(start))
            continue
        lanes = ", ".join(f"i32 {start + i}" for i in range(half))
        text = f"shufflevector {x.type} {x.name}, {x.type} undef, <{half} x i32> <{lanes}>"
        parts.append(x.builder.value(text, x.kind, half, x.signed))
    return parts[0], parts[1]


def next_power(n: int) -> int:
    """The least power of two that is at least n, and 1."""
    return 1 << max(0, n - 1).bit_length()


def _key(value: Value) -> Any:
    """Views of one shape with equal keys are the same elements."""
    strides = tuple(0 if n == 1 else s for n, s in zip(value.shape, value.strides))
    return value.memory, value.offset, strides, value.dtype


def _dtypes(instruction: Any) -> Sequence[Any]:
    return instruction.dtypes if isinstance(instruction, Map) else [instruction.dtype]
