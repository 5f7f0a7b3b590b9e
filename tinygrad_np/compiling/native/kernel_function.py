"""The function of a kernel: its pointers, scalars and addresses, and loads and stores of vectors.

Compilation is what costs. So a kernel does not know where its memory is: like layers of a network give the same text,
which is compiled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np.compiling.native.builder import Builder, Number, llvm_type, vector
from tinygrad_np.compiling.native.functions import SCALARS
from tinygrad_np.compiling.values import Scalar, Value

Index = int | str  # of a loop: known, or a register
NARROW = 4  # bytes of an element from which LLVM knows how to load a part of a vector


def memory_type(dtype: np.dtype[Any]) -> str:
    """The type of an element in memory: a bool is a byte there."""
    return "i8" if dtype.kind == "b" else llvm_type(dtype)


def is_signed(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of ``dtype`` may be below 0."""
    return dtype.kind not in "ub"


class Address(NamedTuple):
    """Somewhere in memory that kernels share: ``offset`` bytes behind where it begins."""

    memory: Value
    offset: int


class KernelFunction(Builder):
    """A function that takes pointers as parameters; it returns 0, or the number of the check that failed.

    It knows neither whose memory it works on nor where that is, so that kernels of like layers are the same text, and
    are compiled once. ``parameters`` has the name of each by what it points to: a Address, or a key of the table.
    """

    def __init__(self, leaves: dict[Scalar, int], declarations: dict[str, None], vector_bytes: int) -> None:
        super().__init__(declarations)
        self.block = "start"
        self.leaves, self.vector_bytes = leaves, vector_bytes
        self.parameters: dict[Any, str] = {}
        self.scalars: dict[Scalar, Number] = {}

    def text(self) -> str:
        """The function without its name: parameters and body."""
        parameters = ", ".join(f"ptr {name}" for name in self.parameters.values())
        body = "\n".join([*self.head, "  br label %start", "start:", *self.lines, "  ret i64 0"])
        return f"({parameters}) noinline #0 {{\nentry:\n{body}\n}}\n"

    def pointer(self, to: Any) -> str:
        """The parameter that points there."""
        return self.parameters.setdefault(to, f"%p{len(self.parameters)}")

    # Scalars

    def scalar(self, scalar: Any) -> Number:
        """A Python number of this step, as a double; computed at the top of the function."""
        if not isinstance(scalar, Scalar):
            return self.constant("double", scalar)
        if scalar not in self.scalars:
            lines, self.lines = self.lines, []
            if scalar in self.leaves:
                place = self.leaf(self.leaves[scalar])
                result = self.value(f"load double, ptr {place.name}", "double")
            else:
                result = SCALARS[scalar.function](*[self.scalar(a) for a in scalar.arguments])
            self.head += self.lines
            self.lines, self.scalars[scalar] = lines, result
        return self.scalars[scalar]

    def leaf(self, number: int) -> Number:
        """Where a Python number is."""
        return self.value(f"getelementptr i8, ptr {self.pointer('scalars')}, i64 {8 * number}", "ptr")

    # Addresses

    def address(self, value: Value, indices: Sequence[tuple[Index, int]]) -> str:
        """Of a view's element, from (index, stride in bytes) of each loop."""
        pointer = self.pointer(Address(value.memory, value.offset))
        fixed = sum(i * s for i, s in indices if isinstance(i, int))
        moving: Number | None = None
        for index, stride in indices:
            if isinstance(index, str) and stride:
                term = Number(self, index, "i64") * stride
                moving = term if moving is None else moving + term
        if moving is not None:
            pointer = self.value(f"getelementptr i8, ptr {pointer}, i64 {moving.name}", "ptr").name
        return self.value(f"getelementptr i8, ptr {pointer}, i64 {fixed}", "ptr").name if fixed else pointer

    def mask(self, lanes: int, active: int) -> Number:
        """Bits that are 1 in the first ``active`` lanes."""
        return self.constants("i1", [i < active for i in range(lanes)], signed=False)

    def _spread(self, pointer: str, stride: int, lanes: int) -> str:
        """The addresses of ``lanes`` elements, ``stride`` bytes apart."""
        steps = self.constants("i64", [stride * i for i in range(lanes)])
        return self.value(f"getelementptr i8, ptr {pointer}, {steps.type} {steps.name}", "ptr").name

    def load(self, dtype: np.dtype[Any], pointer: str, stride: int, lanes: int, active: int) -> Number:
        """The ``active`` elements from ``pointer`` on, ``stride`` bytes apart, in a register of ``lanes``."""
        kind, size = memory_type(dtype), dtype.itemsize
        signed = is_signed(dtype)
        if stride == 0 or lanes == 1:
            number = self.value(f"load {kind}, ptr {pointer}, align {size}", kind, 1, signed)
            return self.splat(self._read(number, dtype), lanes)
        if stride == size and active == lanes:
            wide = self.value(f"load {vector(kind, lanes)}, ptr {pointer}, align {size}", kind, lanes, signed)
        elif stride == size and size < NARROW:
            wide = self._one_by_one(kind, lanes, pointer, size, active, signed)
        elif stride == size:
            wide = self._masked("load", kind, lanes, pointer, size, self.mask(lanes, active), signed)
        else:
            return self.gather(dtype, self._spread(pointer, stride, lanes), self.mask(lanes, active))
        return self._read(wide, dtype)

    def _one_by_one(self, kind: str, lanes: int, pointer: str, size: int, active: int, signed: bool) -> Number:
        """The first ``active`` elements, each loaded alone."""
        wide = self.constants(kind, [0] * lanes, signed)
        for i in range(active):
            place = self.value(f"getelementptr i8, ptr {pointer}, i64 {i * size}", "ptr").name
            one = self.value(f"load {kind}, ptr {place}, align {size}", kind, 1, signed)
            wide = self.value(f"insertelement {wide.type} {wide.name}, {kind} {one.name}, i32 {i}", kind, lanes, signed)
        return wide

    def gather(self, dtype: np.dtype[Any], pointers: str, mask: Number) -> Number:
        """The elements that a vector of pointers points to, where the mask is 1."""
        kind = memory_type(dtype)
        wide = self._masked("gather", kind, mask.lanes, pointers, dtype.itemsize, mask, is_signed(dtype))
        return self._read(wide, dtype)

    def _masked(self, name: str, kind: str, lanes: int, pointer: str, align: int, mask: Number, signed: bool) -> Number:
        wide, short = vector(kind, lanes), f"v{lanes}{kind.replace('double', 'f64').replace('float', 'f32')}"
        pointers, suffix = ("ptr", "p0") if name == "load" else (f"<{lanes} x ptr>", f"v{lanes}p0")
        function = f"@llvm.masked.{name}.{short}.{suffix}"
        self.declare(f"declare {wide} {function}({pointers}, i32, {mask.type}, {wide})")
        arguments = f"{pointers} {pointer}, i32 {align}, {mask.type} {mask.name}, {wide} zeroinitializer"
        return self.value(f"call {wide} {function}({arguments})", kind, lanes, signed)

    @staticmethod
    def _read(number: Number, dtype: np.dtype[Any]) -> Number:
        return number.to("i1", signed=False) if dtype.kind == "b" else number

    def store(self, value: Number, dtype: np.dtype[Any], pointer: str, stride: int, active: int) -> None:
        """Write the first ``active`` lanes from ``pointer`` on, ``stride`` bytes apart."""
        size, lanes = dtype.itemsize, value.lanes
        value = self.converted(value, dtype)
        if dtype.kind == "b":
            value = value.to("i8", signed=False)
        if lanes == 1 or (stride == size and active == lanes):
            self.lines.append(f"  store {value.type} {value.name}, ptr {pointer}, align {size}")
        elif stride == size:
            self._masked_store("store", value, "ptr", pointer, size, self.mask(lanes, active))
        else:
            self.scatter(value, dtype, self._spread(pointer, stride, lanes), self.mask(lanes, active))

    def scatter(self, value: Number, dtype: np.dtype[Any], pointers: str, mask: Number) -> None:
        """Write to where a vector of pointers points, where the mask is 1; of equal ones the last counts."""
        if dtype.kind == "b" and value.kind == "i1":
            value = value.to("i8", signed=False)
        self._masked_store("scatter", value, f"<{value.lanes} x ptr>", pointers, dtype.itemsize, mask)

    def _masked_store(self, name: str, value: Number, pointers: str, pointer: str, align: int, mask: Number) -> None:
        short = f"v{value.lanes}{value.kind.replace('double', 'f64').replace('float', 'f32')}"
        function = f"@llvm.masked.{name}.{short}.{'p0' if name == 'store' else f'v{value.lanes}p0'}"
        self.declare(f"declare void {function}({value.type}, {pointers}, i32, {mask.type})")
        arguments = f"{value.type} {value.name}, {pointers} {pointer}, i32 {align}, {mask.type} {mask.name}"
        self.lines.append(f"  call void {function}({arguments})")

    @staticmethod
    def converted(number: Number, dtype: np.dtype[Any]) -> Number:
        """A register's numbers as those of a dtype."""
        return number.to(llvm_type(dtype), is_signed(dtype))
