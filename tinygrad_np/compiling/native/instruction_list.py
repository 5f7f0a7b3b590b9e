"""The instructions of a program as they are listed: the few ways to add one.

What a call becomes is decided while it is lowered, in one pass. Where there is no way, UnsupportedError takes back what
was added, and NumPy runs the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.native.builder import supported
from tinygrad_np.compiling.native.instructions import Instruction, Map, Operand, Reduce
from tinygrad_np.compiling.native.views import broadcast, view
from tinygrad_np.compiling.values import Scalar, Value

BOOL = np.dtype(bool)


class UnsupportedError(Exception):
    """Native code has no way to do a call: NumPy does it."""


class NotNativeError(Exception):
    """Native code has no way to run a program, not even with NumPy's help."""


class InstructionList:
    """Instructions in order, and what their checks say when they fail."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.checks: list[str] = []
        self.bounds: dict[Value, int] = {}  # of memory with indices: all are from 0 up to below this
        self.references: dict[int, Value] = {}  # arrays among the arguments of calls, by id

    def append(self, instruction: Instruction) -> None:
        """Add an instruction."""
        self.instructions.append(instruction)

    def operand(self, x: Any) -> Operand:
        """An argument as what an instruction reads: arrays are referred to, numbers are constants."""
        if isinstance(x, (Value, Scalar)):
            return x
        if isinstance(x, (bool, int, float)):
            return x
        if isinstance(x, np.generic):
            x = np.asarray(x)  # it keeps its dtype, unlike a Python number
        if isinstance(x, np.ndarray) and supported(x.dtype):
            known = self.references.get(id(x))
            if known is None:
                known = self.references[id(x)] = Value(x.shape, x.dtype, x.strides, array=x)
            return known
        raise UnsupportedError

    def value(self, x: Any) -> Value:
        """An argument that must be an array."""
        operand = self.operand(x)
        if not isinstance(operand, Value):
            raise UnsupportedError
        return operand

    def map(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        dtypes: Sequence[Any],
        output: Value,
        copies: bool = False,
    ) -> None:
        """Add a loop over the output's elements."""
        operands = [broadcast(x, output.shape) if isinstance(x, Value) else x for x in map(self.operand, inputs)]
        dtypes = [np.dtype(d) for d in dtypes]
        if not all(map(holds, dtypes, operands)):
            raise UnsupportedError  # NumPy compares with it exactly, wraps or warns
        self.append(Map(output.shape, function, operands, dtypes, output, copies))

    def copy(self, x: Any, output: Value) -> None:
        """Add a loop that copies, and converts if the dtypes differ."""
        operand = self.operand(x)
        own = operand.dtype if isinstance(operand, Value) else output.dtype
        if own.kind == "f" and output.dtype.kind in "iu":
            raise UnsupportedError  # NumPy warns of what is out of range
        self.map(lambda v: v, [x], [own], output, copies=own == output.dtype)

    def check(self, message: str) -> int:
        """The number of a new check."""
        self.checks.append(message)
        return len(self.checks)

    def reduce(self, ufunc: Any, source: Value, axes: tuple[int, ...], result: Value) -> None:
        """Add a reduction; the result may have lost the ``axes``."""
        output = with_axes(result, source.shape, axes)
        logical = ufunc in (np.logical_and, np.logical_or)
        self.append(Reduce(source.shape, ufunc, source, BOOL if logical else result.dtype, axes, output))


def holds(dtype: np.dtype[Any], x: Operand) -> bool:
    """Whether a ``dtype`` of integers has a Python number; one that is read anew may be another at each step."""
    if dtype.kind not in "iu" or isinstance(x, Value):
        return True
    return isinstance(x, int) and bool(np.iinfo(dtype).min <= x <= np.iinfo(dtype).max)


def with_axes(result: Value, shape: tuple[int, ...], axes: tuple[int, ...]) -> Value:
    """The result of a reduction with the axes of length 1 that it may have lost, so that it broadcasts to ``shape``."""
    if len(result.shape) == len(shape):
        return result
    strides = iter(result.strides)
    kept = [(1, 0) if a in axes else (n, next(strides)) for a, n in enumerate(shape)]
    return view(result, [n for n, _ in kept], [s for _, s in kept])
