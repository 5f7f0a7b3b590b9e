"""LLVM IR as text: a builder of one function, and numbers (or vectors of them) in its registers.

Text is quicker to make than llvmlite's IR objects, and LLVM parses it in next to no time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# LLVM's names of the types of elements; a bool is a byte in memory and a bit in a register.
TYPES = {"d": "double", "f": "float", "?": "i1"}
SUFFIXES = {"double": "f64", "float": "f32"}
CONTRACT = {"fadd", "fsub", "fmul", "fdiv"}  # may be fused into one rounding, as compilers of C do


def llvm_type(dtype: np.dtype[Any]) -> str:
    """The type of an element of ``dtype`` in a register."""
    return TYPES.get(dtype.char) or f"i{8 * dtype.itemsize}"


def supported(dtype: np.dtype[Any]) -> bool:
    """Whether native code computes with ``dtype``: bool, integers, float32 and float64 of the machine's byte order."""
    return dtype.isnative and (dtype.char in TYPES or dtype.kind in "iu")


def literal(kind: str, value: Any) -> str:
    """``value`` as a constant of the type ``kind``."""
    if kind == "double":
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"
    if kind == "float":
        with np.errstate(over="ignore"):  # NumPy has warned of it while the step was recorded
            return literal("double", np.float32(value))
    return str(int(bool(value) if kind == "i1" else value))


class Number:
    """A register: a number, or a vector of ``lanes`` of them. Python numbers in formulas become constants."""

    __slots__ = ("builder", "kind", "lanes", "name", "signed")

    def __init__(self, builder: Builder, name: str, kind: str, lanes: int = 1, signed: bool = True) -> None:
        self.builder, self.name, self.kind, self.lanes, self.signed = builder, name, kind, lanes, signed

    @property
    def type(self) -> str:
        return vector(self.kind, self.lanes)

    @property
    def floats(self) -> bool:
        return self.kind in SUFFIXES

    def like(self, value: Any) -> Number:
        """``value`` in every lane, as a register of the same type."""
        return value if isinstance(value, Number) else self.builder.constant(self.kind, value, self.lanes, self.signed)

    def _binary(self, real: str, whole: str, other: Any) -> Number:
        name = real if self.floats else whole
        flags = " contract" if name in CONTRACT else ""
        text = f"{name}{flags} {self.type} {self.name}, {self.like(other).name}"
        return self.builder.value(text, self.kind, self.lanes, self.signed)

    def __add__(self, other: Any) -> Number:
        return self._binary("fadd", "add", other)

    def __sub__(self, other: Any) -> Number:
        return self._binary("fsub", "sub", other)

    def __mul__(self, other: Any) -> Number:
        return self._binary("fmul", "mul", other)

    def __truediv__(self, other: Any) -> Number:
        return self._binary("fdiv", "sdiv", other)

    def __and__(self, other: Any) -> Number:
        return self._binary("and", "and", other)

    def __or__(self, other: Any) -> Number:
        return self._binary("or", "or", other)

    def __xor__(self, other: Any) -> Number:
        return self._binary("xor", "xor", other)

    def __lshift__(self, other: Any) -> Number:
        return self._binary("shl", "shl", other)

    def __rshift__(self, other: Any) -> Number:
        return self._binary("ashr", "ashr", other)

    def __radd__(self, other: Any) -> Number:
        return self.like(other) + self

    def __rsub__(self, other: Any) -> Number:
        return self.like(other) - self

    def __rmul__(self, other: Any) -> Number:
        return self.like(other) * self

    def __rtruediv__(self, other: Any) -> Number:
        return self.like(other) / self

    def __neg__(self) -> Number:
        if self.floats:
            return self.builder.value(f"fneg {self.type} {self.name}", self.kind, self.lanes)
        return self.like(0) - self

    def compare(self, ordered: str, other: Any) -> Number:
        """Bits that say where it holds: "oeq", "une", "olt" ... for floats, the like of them for integers."""
        if self.floats:
            text = f"fcmp {ordered}"
        else:
            relation = ordered[1:]
            text = f"icmp {relation if relation in ('eq', 'ne') else ('s' if self.signed else 'u') + relation}"
        return self.builder.value(f"{text} {self.type} {self.name}, {self.like(other).name}", "i1", self.lanes, False)

    def __lt__(self, other: Any) -> Number:
        return self.compare("olt", other)

    def __gt__(self, other: Any) -> Number:
        return self.compare("ogt", other)

    def __le__(self, other: Any) -> Number:
        return self.compare("ole", other)

    def __ge__(self, other: Any) -> Number:
        return self.compare("oge", other)

    def equals(self, other: Any) -> Number:
        return self.compare("oeq", other)

    def is_nan(self) -> Number:
        return self.compare("uno", self)

    def where(self, yes: Any, no: Any) -> Number:
        """Of these bits: ``yes`` where 1, else ``no``; one of them is a register."""
        model = yes if isinstance(yes, Number) else no
        yes, no = model.like(yes), model.like(no)
        text = f"select {self.type} {self.name}, {yes.type} {yes.name}, {no.type} {no.name}"
        return self.builder.value(text, yes.kind, yes.lanes, yes.signed)

    def intrinsic(self, name: str, *others: Any) -> Number:
        """LLVM's function of this register and others of its type."""
        values = [self, *map(self.like, others)]
        suffix = SUFFIXES.get(self.kind, self.kind)
        mangled = f"@llvm.{name}.{f'v{self.lanes}' if self.lanes > 1 else ''}{suffix}"
        types = ", ".join(v.type for v in values)
        self.builder.declare(f"declare {self.type} {mangled}({types})")
        arguments = ", ".join(f"{v.type} {v.name}" for v in values)
        return self.builder.value(f"call {self.type} {mangled}({arguments})", self.kind, self.lanes, self.signed)

    def times_plus(self, factor: Any, term: Any) -> Number:
        """self · factor + term, with one rounding where the machine has that."""
        return self.intrinsic("fmuladd", factor, term)

    def bits(self) -> Number:
        """The bits of a float as an integer of its size, and the other way round."""
        kind = {"double": "i64", "float": "i32", "i64": "double", "i32": "float"}[self.kind]
        return self.builder.value(f"bitcast {self.type} {self.name} to {vector(kind, self.lanes)}", kind, self.lanes)

    def to(self, kind: str, signed: bool = True) -> Number:
        """The same numbers in another type, as C converts them; as a bit: whether they are not 0."""
        if kind == self.kind:
            return self if signed == self.signed else Number(self.builder, self.name, kind, self.lanes, signed)
        if kind == "i1":
            return self.compare("une", 0)
        wide = vector(kind, self.lanes)
        number = self.builder.value(
            f"{self._conversion(kind, signed)} {self.type} {self.name} to {wide}", kind, self.lanes, signed
        )
        if self.floats and kind not in SUFFIXES:  # else LLVM takes all that is computed of a NaN's for anything
            number = self.builder.value(f"freeze {wide} {number.name}", kind, self.lanes, signed)
        return number

    def _conversion(self, kind: str, signed: bool) -> str:
        own = self.signed and self.kind != "i1"
        if self.floats:
            if kind in SUFFIXES:
                return "fpext" if kind == "double" else "fptrunc"
            return "fptosi" if signed else "fptoui"
        if kind in SUFFIXES:
            return "sitofp" if own else "uitofp"
        if int(kind[1:]) < int(self.kind[1:]):
            return "trunc"
        return "sext" if own else "zext"

    def lane(self, i: int) -> Number:
        """The number in one lane."""
        if self.lanes == 1:
            return self
        text = f"extractelement {self.type} {self.name}, i32 {i}"
        return self.builder.value(text, self.kind, 1, self.signed)

    def each(self, function: Callable[..., Number], *others: Any) -> Number:
        """``function`` of one lane at a time."""
        values = [self, *map(self.like, others)]
        return self.builder.gathered([function(*[v.lane(i) for v in values]) for i in range(self.lanes)])


def vector(kind: str, lanes: int) -> str:
    """The type of a vector, or of a number if it is one lane."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


class Builder:
    """The text of one function, line by line, and the declarations that it needs."""

    def __init__(self, declarations: dict[str, None]) -> None:
        self.lines: list[str] = []
        self.head: list[str] = []  # what stands at the top of the function, whatever the place of its use
        self.declarations = declarations
        self.count = 0
        self.block = "entry"

    def declare(self, text: str) -> None:
        self.declarations[text] = None

    def fresh(self) -> str:
        self.count += 1
        return f"%t{self.count}"

    def value(self, text: str, kind: str, lanes: int = 1, signed: bool = True) -> Number:
        """The register that an instruction fills."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return Number(self, name, kind, lanes, signed)

    def at_top(self, text: str) -> str:
        """The register of an instruction at the top of the function."""
        name = self.fresh()
        self.head.append(f"  {name} = {text}")
        return name

    def constant(self, kind: str, value: Any, lanes: int = 1, signed: bool = True) -> Number:
        """A constant in every lane."""
        return self.constants(kind, [value] * lanes, signed)

    def constants(self, kind: str, values: Sequence[Any], signed: bool = True) -> Number:
        """A constant in each lane."""
        texts = [literal(kind, v) for v in values]
        name = texts[0] if len(texts) == 1 else "<" + ", ".join(f"{kind} {t}" for t in texts) + ">"
        return Number(self, name, kind, len(values), signed)

    def splat(self, value: Number, lanes: int) -> Number:
        """A number in every lane of a vector."""
        if lanes == 1 or value.lanes == lanes:
            return value
        if not value.name.startswith("%"):
            return Number(
                self, "<" + ", ".join([f"{value.kind} {value.name}"] * lanes) + ">", value.kind, lanes, value.signed
            )
        wide = vector(value.kind, lanes)
        first = self.value(f"insertelement {wide} undef, {value.kind} {value.name}, i32 0", value.kind, lanes)
        text = f"shufflevector {wide} {first.name}, {wide} undef, <{lanes} x i32> zeroinitializer"
        return self.value(text, value.kind, lanes, value.signed)

    def gathered(self, values: Sequence[Number]) -> Number:
        """Numbers as the lanes of a vector."""
        if len(values) == 1:
            return values[0]
        kind, lanes, name = values[0].kind, len(values), "undef"
        for i, v in enumerate(values):
            text = f"insertelement {vector(kind, lanes)} {name}, {kind} {v.name}, i32 {i}"
            result = self.value(text, kind, lanes, v.signed)
            name = result.name
        return result

    def store_slot(self, slot: str, value: Number) -> None:
        """Keep a register in a variable of the function."""
        self.lines.append(f"  store {value.type} {value.name}, ptr {slot}")

    def load_slot(self, slot: str, like: Number) -> Number:
        """What a variable of the function holds."""
        return self.value(f"load {like.type}, ptr {slot}", like.kind, like.lanes, like.signed)

    def slot(self, first: Number) -> str:
        """A variable of the function; LLVM keeps it in a register."""
        name = self.at_top(f"alloca {first.type}")
        self.store_slot(name, first)
        return name

    def label(self, name: str) -> None:
        """Start the block ``name``."""
        self.lines.append(f"{name}:")
        self.block = name

    def loop(self, count: int, body: Callable[[Any], None], unrolled: int = 4, step: int = 1) -> None:
        """``body(i)`` for i = 0, step, 2·step ... below ``count``: written out where there are few."""
        if count <= unrolled * step:
            for i in range(0, count, step):
                body(i)
            return
        self.count += 1
        start, end, before = f"loop{self.count}", f"done{self.count}", self.block
        index, following = f"%i{self.count}", f"%n{self.count}"
        self.lines.append(f"  br label %{start}")
        self.label(start)
        at = len(self.lines)
        self.lines.append("")
        body(index)
        self.lines[at] = f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{self.block} ]"
        self.lines.append(f"  {following} = add nuw nsw i64 {index}, {step}")
        more = self.value(f"icmp ult i64 {following}, {count}", "i1")
        self.lines.append(f"  br i1 {more.name}, label %{start}, label %{end}")
        self.label(end)

    def leave_if(self, bit: Number, code: int | str) -> None:
        """Return ``code``, a number or a register, from the function where ``bit`` is 1."""
        self.count += 1
        leave, stay = f"leave{self.count}", f"stay{self.count}"
        self.lines.append(f"  br i1 {bit.name}, label %{leave}, label %{stay}")
        self.label(leave)
        self.lines.append(f"  ret i64 {code}")
        self.label(stay)
