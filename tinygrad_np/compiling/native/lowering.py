"""From a program's calls to instructions: each NumPy function in terms of a few kinds of loops."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_np.compiling.native.builder import supported
from tinygrad_np.compiling.native.dot import lower_dot
from tinygrad_np.compiling.native.functions import FLOATS_ONLY, FUNCTIONS, WITHOUT_BOOLS
from tinygrad_np.compiling.native.indexing import lower_getitem, lower_ravel_index, lower_setitem, lower_take
from tinygrad_np.compiling.native.instruction_list import BOOL, InstructionList, NotNativeError, UnsupportedError
from tinygrad_np.compiling.native.instructions import Draw, Guard, Opaque, Operand
from tinygrad_np.compiling.native.reductions import lower_allclose, lower_count, lower_reduction
from tinygrad_np.compiling.native.scalars import evaluate
from tinygrad_np.compiling.native.views import contiguous, fresh, indexed, reshaped, view
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Call, Scalar, Value, cast, guard, has_shape, operands_in


class Lowering(InstructionList):
    """The instructions of a program, in order, and what its checks say when they fail."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.computes = False  # whether native code does more than to check what NumPy gave
        for call in program.calls:
            if call.writes is not None:
                self.bounds.pop(call.writes.memory, None)
            length, checks = len(self.instructions), len(self.checks)
            try:
                self._lower(call)
                self.computes |= len(self.instructions) > length and call.function not in (guard, has_shape)
            except UnsupportedError:
                del self.instructions[length:], self.checks[checks:]
                self.append(Opaque(call))

    def _lower(self, call: Call) -> None:
        if call.writes is None and call.result is not None and call.result.root is not None:
            if call.function is operator.getitem and any(operands_in(call.arguments[1])):
                raise NotNativeError("a part of an array moves with numbers that are computed")
            return  # a view: it is where its memory is
        if getattr(call.function, "__name__", "") == "setflags":
            return  # native memory may always be written
        values = [x for x in (*call.operands(), call.result) if isinstance(x, Value)]
        if not all(supported(v.dtype) for v in values):
            raise UnsupportedError
        function = call.function
        if function in LOWER:
            LOWER[function](self, call)
        elif isinstance(function, np.ufunc):
            self._ufunc(call)
        elif isinstance(getattr(function, "__self__", None), np.ufunc) and function.__name__ == "reduce":
            lower_reduction(self, call)
        elif isinstance(getattr(function, "__self__", None), np.random.Generator):
            self._draw(call)
        else:
            raise UnsupportedError

    # Elementwise

    def _ufunc(self, call: Call) -> None:
        ufunc: Any = call.function
        result = call.result
        keywords = dict(call.keywords)
        keywords.pop("out", None)
        dtype = keywords.pop("dtype", None)
        if ufunc not in FUNCTIONS or keywords or result is None:
            raise UnsupportedError
        inputs = [self.operand(x) for x in call.arguments[: ufunc.nin]]
        weak = [x.dtype if isinstance(x, Value) else weak_type(x) for x in inputs]
        signature = {} if dtype is None else {"signature": (*[None] * ufunc.nin, np.dtype(dtype))}
        types = ufunc.resolve_dtypes((*weak, None), **signature)
        if not all(supported(t) for t in types):
            raise UnsupportedError
        kinds = {t.kind for t in types[: ufunc.nin]}
        if kinds == {"i", "u"}:
            raise UnsupportedError  # NumPy compares such numbers exactly
        if (ufunc in FLOATS_ONLY and kinds != {"f"}) or (ufunc in WITHOUT_BOOLS and "b" in kinds):
            raise UnsupportedError
        function = BITWISE.get(ufunc, ufunc) if kinds == {"b"} else ufunc
        self.map(FUNCTIONS[simplified(function, inputs)], operands_of(function, inputs), types[: ufunc.nin], result)

    def _where(self, call: Call) -> None:
        condition, yes, no = call.arguments
        assert call.result is not None
        dtype = call.result.dtype
        self.map(lambda c, a, b: c.where(a, b), [condition, yes, no], [BOOL, dtype, dtype], call.result)

    def _fill(self, call: Call) -> None:
        assert call.result is not None
        first = {np.zeros_like: 0, np.ones_like: 1, np.zeros: 0, np.ones: 1}.get(call.function)
        self.copy(call.arguments[1] if first is None else first, call.result)

    def _copied(self, call: Call) -> None:
        assert call.result is not None
        source = self.value(call.arguments[0])
        if call.function is np.reshape:
            if call.keywords.get("order", call.arguments[2] if len(call.arguments) > 2 else "C") != "C":
                raise UnsupportedError
            again = reshaped(source, call.result.shape)
            if again is None:  # NumPy copies in C order, whatever the order of the memory
                whole = fresh(source.shape, source.dtype)
                self.copy(source, whole)
                again = view(whole, call.result.shape, contiguous(call.result.shape, source.dtype.itemsize))
            source = again
        self.copy(source, call.result)

    def _concatenate(self, call: Call) -> None:
        assert call.result is not None
        arrays = [self.value(x) for x in call.arguments[0]]
        axis = call.arguments[1] if len(call.arguments) > 1 else call.keywords.get("axis", 0)
        if axis is None or len(call.arguments) > 2 or call.keywords.keys() - {"axis"}:
            raise UnsupportedError
        start = 0
        for array in arrays:
            n = array.shape[axis]
            index = [slice(None)] * len(array.shape)
            index[axis] = slice(start, start + n)
            self.copy(array, indexed(call.result, tuple(index)))
            start += n

    # Draws and guards

    def _draw(self, call: Call) -> None:
        """Uniform numbers, as Generator.random gives them."""
        result = call.result
        if call.function.__name__ != "random" or result is None or result.dtype.char not in "fd" or call.writes:
            raise UnsupportedError
        bound: Any = call.function
        self.append(Draw(bound.__self__, result))

    def _shaped(self, call: Call) -> None:
        """Shapes are what they were: whatever NumPy gives is compared with its shape before it is stored."""
        assert call.result is not None
        self.copy(True, call.result)

    def _guard(self, call: Call) -> None:
        value, expected = call.arguments
        message = f"an answer that was {expected} when the step was recorded is {not expected}"
        if not isinstance(value, Scalar):
            value = self._truth(self.value(value))
        self.append(Guard(value, bool(expected), self.check(message)))

    def _truth(self, value: Value) -> Value:
        """Whether the one element of an array is not 0."""
        flag, one = fresh((1,), bool), reshaped(value, (1,))
        if one is None:
            raise UnsupportedError
        self.map(lambda x: x.to("i1"), [one], [value.dtype], flag)
        return flag


BITWISE = {np.add: np.logical_or, np.multiply: np.logical_and}  # of bools
LOWER: dict[Any, Callable[[Any, Call], None]] = {
    np.where: Lowering._where,
    np.copy: Lowering._copied,
    cast: Lowering._copied,
    np.reshape: Lowering._copied,
    np.zeros_like: Lowering._fill,
    np.ones_like: Lowering._fill,
    np.full_like: Lowering._fill,
    np.zeros: Lowering._fill,
    np.ones: Lowering._fill,
    np.full: Lowering._fill,
    np.concatenate: Lowering._concatenate,
    np.allclose: lower_allclose,
    np.count_nonzero: lower_count,
    np.dot: lower_dot,
    np.matmul: lower_dot,
    operator.getitem: lower_getitem,
    operator.setitem: lower_setitem,
    np.take: lower_take,
    np.ravel_multi_index: lower_ravel_index,
    guard: Lowering._guard,
    has_shape: Lowering._shaped,
}


def weak_type(x: Any) -> Any:
    """What a Python number is to NumPy: a float or an int of no dtype of its own."""
    now = evaluate(x)  # one that is read at each step stays of the kind that it is of
    return BOOL if isinstance(now, bool) else int if isinstance(now, int) else float


def simplified(ufunc: Any, inputs: list[Operand]) -> Any:
    """``ufunc``, or one that is quicker for a constant exponent."""
    if ufunc is np.power and isinstance(inputs[1], (int, float)):
        return {2: np.square, 0.5: np.sqrt, 1: np.positive, -1: np.reciprocal}.get(inputs[1], ufunc)
    return ufunc


def operands_of(ufunc: Any, inputs: list[Operand]) -> list[Operand]:
    """The inputs that the simplified ufunc takes."""
    return inputs[:1] if simplified(ufunc, inputs) is not ufunc else inputs
