"""What a program is lowered to: loops over views of memory, products, draws, guards, and calls left to NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_np.compiling.values import Call, Scalar, Value

Operand = Value | Scalar | float  # a number is a constant


class Instruction:
    """Base: which memory it reads and writes."""

    shape: tuple[int, ...]  # of its loops

    def reads(self) -> Iterator[Value]:
        yield from ()

    def writes(self) -> Iterator[Value]:
        yield from ()

    def may_fail(self) -> bool:
        """Whether it is a check."""
        return False

    def irregular(self) -> Iterator[Value]:
        """Of what it reads or writes, that which it does not go through element by element."""
        yield from ()


@dataclass(eq=False)
class Map(Instruction):
    """``output[i] = function(inputs[i]...)`` for all i of a shape; the inputs are converted to ``dtypes`` first."""

    shape: tuple[int, ...]
    function: Callable[..., Any]
    inputs: list[Operand]
    dtypes: Sequence[np.dtype[Any]]
    output: Value
    copies: bool = False  # whether it only copies its input

    def reads(self) -> Iterator[Value]:
        yield from (x for x in self.inputs if isinstance(x, Value))

    def writes(self) -> Iterator[Value]:
        yield self.output


@dataclass(eq=False)
class Indexed(Map):
    """Arrays of indices into the first axes of ``source``, of these ``sizes`` and ``strides``: the base of three.

    An index below 0 counts from the end if ``wraps``. One out of range is the error of number ``check``; where that is
    0, they are known to be in range.
    """

    source: Value | None = None
    sizes: Sequence[int] = ()
    strides: Sequence[int] = ()
    wraps: bool = True
    check: int = 0

    def may_fail(self) -> bool:
        return self.check > 0


class Flatten(Indexed):
    """``output[i]`` = Σ index·stride, as np.ravel_multi_index."""


class Gather(Indexed):
    """``output[i] = source[indices[i]]``."""

    def reads(self) -> Iterator[Value]:
        yield from super().reads()
        yield from self.irregular()

    def irregular(self) -> Iterator[Value]:
        assert self.source is not None
        yield self.source.memory


class Scatter(Indexed):
    """``source[indices[i]] = inputs[-1][i]``; of equal indices the last counts."""

    def writes(self) -> Iterator[Value]:
        yield from self.irregular()

    def irregular(self) -> Iterator[Value]:
        assert self.source is not None
        yield self.source.memory


@dataclass(eq=False)
class Reduce(Instruction):
    """``output`` = the input's elements along ``axes`` combined by a ufunc; the output has length 1 along them."""

    shape: tuple[int, ...]
    function: Callable[..., Any]
    input: Operand
    dtype: np.dtype[Any]
    axes: tuple[int, ...]
    output: Value

    def reads(self) -> Iterator[Value]:
        if isinstance(self.input, Value):
            yield self.input

    def writes(self) -> Iterator[Value]:
        yield self.output


@dataclass(eq=False)
class Product(Instruction):
    """``output`` (n, m) = ``left`` (n, k) times ``right`` (k, m)."""

    shape = ()
    left: Value
    right: Value
    output: Value

    def reads(self) -> Iterator[Value]:
        yield from (self.left, self.right)

    def writes(self) -> Iterator[Value]:
        yield self.output


@dataclass(eq=False)
class Draw(Instruction):
    """Uniform numbers of [0, 1) into contiguous memory, in order, from a NumPy Generator."""

    shape = ()
    generator: Any
    output: Value

    def writes(self) -> Iterator[Value]:
        yield self.output


@dataclass(eq=False)
class Guard(Instruction):
    """The error of number ``check`` unless the value is as expected."""

    shape = ()
    value: Value | Scalar
    expected: bool
    check: int

    def may_fail(self) -> bool:
        return True

    def reads(self) -> Iterator[Value]:
        if isinstance(self.value, Value):
            yield self.value


@dataclass(eq=False)
class Opaque(Instruction):
    """A call that NumPy runs."""

    shape = ()
    call: Call

    def reads(self) -> Iterator[Value]:
        yield from (x for x in self.call.operands() if isinstance(x, Value))

    def writes(self) -> Iterator[Value]:
        yield from (x for x in (self.call.result, self.call.writes) if x is not None)


@dataclass(eq=False)
class Kernel:
    """Instructions that run in one nest of loops; any but Map and Reduce is alone in its kernel."""

    shape: tuple[int, ...]
    instructions: list[Any] = field(default_factory=list)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that it reduces over."""
        return next((i.axes for i in self.instructions if isinstance(i, Reduce)), ())

    @property
    def loops(self) -> bool:
        return isinstance(self.instructions[0], (Map, Reduce))
