"""From a program's calls to instructions: each NumPy function in terms of a few kinds of loops."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.native.builder import supported
from tinygrad_np.compiling.native.functions import FLOATS_ONLY, FUNCTIONS, REDUCTIONS, WITHOUT_BOOLS
from tinygrad_np.compiling.native.instructions import (
    Draw,
    Flatten,
    Gather,
    Guard,
    Instruction,
    Map,
    Opaque,
    Operand,
    Product,
    Reduce,
    Scatter,
)
from tinygrad_np.compiling.native.views import broadcast, contiguous, fresh, indexed, reshaped, view
from tinygrad_np.compiling.program import Call, Program, Scalar, Value, cast, guard, operands_in

INDEX = np.dtype(np.intp)
BOOL = np.dtype(bool)
PACKED = 64  # elements from which a factor without unit strides is copied before a product


class UnsupportedError(Exception):
    """Native code has no way to do a call: NumPy does it."""


class Lowering:
    """The instructions of a program, in order, and what its checks say when they fail."""

    def __init__(self, program: Program) -> None:
        self.instructions: list[Instruction] = []
        self.checks: list[str] = []
        self.references: dict[int, Value] = {}  # arrays among the arguments of calls, by id
        for call in program.calls:
            length, checks = len(self.instructions), len(self.checks)
            try:
                self._lower(call)
            except UnsupportedError:
                del self.instructions[length:], self.checks[checks:]
                self.instructions.append(Opaque(call))

    def _lower(self, call: Call) -> None:
        if call.writes is None and call.result is not None and call.result.root is not None:
            return  # a view: it is where its memory is
        values = [x for x in (*call.operands(), call.result) if isinstance(x, Value)]
        if not all(supported(v.dtype) for v in values):
            raise UnsupportedError
        function = call.function
        if isinstance(function, np.ufunc):
            self._ufunc(call)
        elif isinstance(getattr(function, "__self__", None), np.ufunc) and function.__name__ == "reduce":
            self._reduce(call)
        elif isinstance(getattr(function, "__self__", None), np.random.Generator):
            self._draw(call)
        elif function in LOWER:
            LOWER[function](self, call)
        else:
            raise UnsupportedError

    # Elementwise

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
        self.instructions.append(Map(output.shape, function, operands, dtypes, output, copies))

    def copy(self, x: Any, output: Value, dtype: Any = None) -> None:
        """Add a loop that copies, and converts if the dtypes differ."""
        operand = self.operand(x)
        own = operand.dtype if isinstance(operand, Value) else output.dtype
        if own.kind == "f" and output.dtype.kind in "iu":
            raise UnsupportedError  # NumPy warns of what is out of range
        self.map(lambda v: v, [x], [own], output, copies=own == output.dtype)

    def _ufunc(self, call: Call) -> None:
        ufunc, result = call.function, call.result
        keywords = dict(call.keywords)
        keywords.pop("out", None)
        dtype = keywords.pop("dtype", None)
        if ufunc not in FUNCTIONS and ufunc is not np.matmul or keywords or result is None:
            raise UnsupportedError
        if ufunc is np.matmul:
            return self._dot(call)
        inputs = [self.operand(x) for x in call.arguments[: ufunc.nin]]
        weak = [x.dtype if isinstance(x, Value) else weak_type(x) for x in inputs]
        signature = {} if dtype is None else {"signature": (*[None] * ufunc.nin, np.dtype(dtype))}
        types = ufunc.resolve_dtypes((*weak, None), **signature)
        if not all(supported(t) for t in types):
            raise UnsupportedError
        kinds = {t.kind for t in types[: ufunc.nin]}
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
            again = reshaped(source, call.result.shape)
            if again is None:  # NumPy copies in C order, whatever the order of the memory
                whole = fresh(source.shape, source.dtype)
                self.copy(source, whole)
                again = view(whole, call.result.shape, contiguous(call.result.shape, source.dtype.itemsize))
            source = again
        self.copy(source, call.result)

    def _concatenate(self, call: Call) -> None:
        assert call.result is not None
        arrays, axis = [self.value(x) for x in call.arguments[0]], call.keywords.get("axis", 0)
        if axis is None:
            raise UnsupportedError
        start = 0
        for array in arrays:
            n = array.shape[axis]
            index = [slice(None)] * len(array.shape)
            index[axis] = slice(start, start + n)
            self.copy(array, indexed(call.result, tuple(index)))
            start += n

    # Reductions

    def _reduce(self, call: Call) -> None:
        ufunc, result = call.function.__self__, call.result
        known = {"axis", "keepdims", "dtype", "out"}
        if result is None or len(call.arguments) != 1 or not call.keywords.keys() <= known:
            raise UnsupportedError
        source = self.value(call.arguments[0])
        axis = call.keywords.get("axis", 0)
        axes = range(len(source.shape)) if axis is None else [axis] if isinstance(axis, int) else axis
        normal = tuple(a % len(source.shape) for a in axes)
        if ufunc is np.logaddexp:
            self._logaddexp(source, normal, result)
        elif ufunc in REDUCTIONS:
            if ufunc in (np.maximum, np.minimum) and 0 in source.shape:
                raise UnsupportedError  # NumPy's error
            self.reduce(ufunc, source, normal, result)
        else:
            raise UnsupportedError

    def reduce(self, ufunc: Any, source: Value, axes: tuple[int, ...], result: Value) -> None:
        """Add a reduction; the result may have lost the ``axes``."""
        output = with_axes(result, source.shape, axes)
        logical = ufunc in (np.logical_and, np.logical_or)
        self.instructions.append(Reduce(source.shape, ufunc, source, BOOL if logical else result.dtype, axes, output))

    def _logaddexp(self, source: Value, axes: tuple[int, ...], result: Value) -> None:
        """ln Σ eˣ as m + ln Σ e^(x − m) with the largest m, or 0 if that is infinite."""
        dtype = source.dtype
        if dtype.kind != "f":
            raise UnsupportedError
        kept = tuple(1 if a in axes else n for a, n in enumerate(source.shape))
        most, shift, shifted, powers = (fresh(s, dtype) for s in (kept, kept, source.shape, source.shape))
        total = fresh(kept, dtype)
        self.reduce(np.maximum, source, axes, most)
        self.map(lambda m: (m.intrinsic("fabs") < np.inf).where(m, 0), [most], [dtype], shift)
        self.map(FUNCTIONS[np.subtract], [source, shift], [dtype] * 2, shifted)
        self.map(FUNCTIONS[np.exp], [shifted], [dtype], powers)
        self.reduce(np.add, powers, axes, total)
        output = with_axes(result, source.shape, axes)
        self.map(lambda t, m: FUNCTIONS[np.log](t) + m, [total, shift], [dtype] * 2, output)

    def _count(self, call: Call) -> None:
        assert call.result is not None
        if len(call.arguments) != 1 or call.keywords:
            raise UnsupportedError
        source = self.value(call.arguments[0])
        flags = fresh(source.shape, bool)
        self.map(lambda x: x.to("i1"), [source], [source.dtype], flags)
        self.reduce(np.add, flags, tuple(range(len(source.shape))), call.result)

    # Products

    def _dot(self, call: Call) -> None:
        """Products of vectors and matrices; of more axes, the rows of the first with a matrix."""
        left, right = (self.value(x) for x in call.arguments[:2])
        result = call.result
        ends = result is None or not left.shape or not right.shape or len(right.shape) > 2
        if ends or call.keywords.keys() - {"out"} or left.dtype != right.dtype or left.dtype.kind != "f":
            raise UnsupportedError
        assert result is not None
        if result.dtype != left.dtype:
            raise UnsupportedError
        k = left.shape[-1]
        rows = int(np.prod(left.shape[:-1], dtype=int))
        columns = right.shape[1] if len(right.shape) == 2 else 1
        a, out = reshaped(left, (rows, k)), reshaped(result, (rows, columns))
        if a is None:
            a = fresh((rows, k), left.dtype)
            self.copy(left, view(a, left.shape, contiguous(left.shape, left.dtype.itemsize)))
        if out is None:
            raise UnsupportedError
        b = right if len(right.shape) == 2 else view(right, (k, 1), (*right.strides, 0))
        self.product(a, b, out)

    def product(self, a: Value, b: Value, out: Value) -> None:
        """Add a product, transposed if that makes rows of what is read and written side by side."""
        if out.strides[1] != out.dtype.itemsize and out.shape[0] > out.shape[1]:
            a, b, out = transposed(b), transposed(a), transposed(out)
        if b.shape[1] > 1 and b.strides[1] != b.dtype.itemsize and b.shape[0] * b.shape[1] > PACKED:
            packed = fresh(b.shape, b.dtype)
            self.copy(b, packed)
            b = packed
        self.instructions.append(Product(a, b, out))

    # Indices

    def _getitem(self, call: Call) -> None:
        assert call.result is not None
        source, index = self.value(call.arguments[0]), call.arguments[1]
        if not is_advanced(index):
            return self.copy(indexed(source, index), call.result)
        self._gather(source, [self.value(i) for i in as_tuple(index)], call.result)

    def _take(self, call: Call) -> None:
        assert call.result is not None
        source, index, *_ = call.arguments
        source, axis = self.value(source), call.keywords.get("axis", None)
        if len(call.arguments) > 2 or call.keywords.keys() - {"axis"} or axis is None or axis % len(source.shape):
            raise UnsupportedError
        self._gather(source, [self.value(index)], call.result)

    def _gather(self, source: Value, indices: list[Value], result: Value) -> None:
        shape, views, sizes, strides = self._indices(source, indices)
        rest = len(shape)
        base = view(source, result.shape, (0,) * rest + source.strides[len(indices) :])
        inputs: list[Operand] = [broadcast(i, result.shape) for i in self._trailing(views, result, rest)]
        message = f"an index into an array of shape {source.shape} is out of range"
        self.instructions.append(
            Gather(
                result.shape,
                flat_offset,
                inputs,
                [i.dtype for i in views],
                result,
                source=base,
                sizes=sizes,
                strides=strides,
                check=self.check(message),
            )
        )

    def _indices(self, source: Value, indices: list[Value]) -> tuple[Any, list[Value], list[int], list[int]]:
        """Arrays of indices, broadcast to each other, with the sizes and strides of the axes that they are for."""
        if any(i.dtype.kind not in "iu" for i in indices) or len(indices) > len(source.shape):
            raise UnsupportedError
        shape = np.broadcast_shapes(*[i.shape for i in indices])
        count = len(indices)
        return shape, [broadcast(i, shape) for i in indices], list(source.shape[:count]), list(source.strides[:count])

    @staticmethod
    def _trailing(indices: list[Value], result: Value, rest: int) -> list[Value]:
        """The indices with an axis of length 1 for each axis of the result that they leave alone."""
        more = len(result.shape) - rest
        return [view(i, (*i.shape, *[1] * more), (*i.strides, *[0] * more)) for i in indices]

    def _setitem(self, call: Call) -> None:
        target, index, item = call.arguments
        target = self.value(target)
        if not is_advanced(index):
            return self.copy(item, indexed(target, index))
        indices = [self.value(i) for i in as_tuple(index)]
        shape, views, sizes, strides = self._indices(target, indices)
        rest = target.shape[len(indices) :]
        whole = (*shape, *rest)
        base = view(target, whole, (0,) * len(shape) + target.strides[len(indices) :])
        inputs: list[Operand] = [broadcast(i, whole) for i in self._trailing(views, base, len(shape))]
        operand = self.operand(item)
        own = operand.dtype if isinstance(operand, Value) else target.dtype
        inputs.append(broadcast(operand, whole) if isinstance(operand, Value) else operand)
        message = f"an index into an array of shape {target.shape} is out of range"
        self.instructions.append(
            Scatter(
                whole,
                flat_offset,
                inputs,
                [*[i.dtype for i in views], own],
                base,
                source=base,
                sizes=sizes,
                strides=strides,
                check=self.check(message),
            )
        )
        return None

    def _ravel_index(self, call: Call) -> None:
        assert call.result is not None
        indices, dims = call.arguments[:2]
        if len(call.arguments) > 2 or call.keywords:
            raise UnsupportedError
        result = call.result
        views = [broadcast(self.value(i), result.shape) for i in indices]
        if any(i.dtype.kind not in "iu" for i in views):
            raise UnsupportedError
        self.instructions.append(
            Flatten(
                result.shape,
                flat_offset,
                list(views),
                [i.dtype for i in views],
                result,
                sizes=list(dims),
                strides=contiguous(dims, 1),
                wraps=False,
                check=self.check(f"an index is outside an array of shape {tuple(dims)}"),
            )
        )

    # Draws and guards

    def check(self, message: str) -> int:
        """The number of a new check."""
        self.checks.append(message)
        return len(self.checks)

    def _draw(self, call: Call) -> None:
        """Uniform numbers, as Generator.random gives them."""
        result = call.result
        if call.function.__name__ != "random" or result is None or result.dtype.char not in "fd" or call.writes:
            raise UnsupportedError
        self.instructions.append(Draw(call.function.__self__, result))

    def _guard(self, call: Call) -> None:
        value, expected = call.arguments
        message = f"an answer that was {expected} when the step was recorded is {not expected}"
        if not isinstance(value, Scalar):
            value = self._truth(self.value(value))
        self.instructions.append(Guard(value, bool(expected), self.check(message)))

    def _truth(self, value: Value) -> Value:
        """Whether the one element of an array is not 0."""
        flag, one = fresh((1,), bool), reshaped(value, (1,))
        if one is None:
            raise UnsupportedError
        self.map(lambda x: x.to("i1"), [one], [value.dtype], flag)
        return flag


BITWISE = {np.add: np.logical_or, np.multiply: np.logical_and}  # of bools
LOWER: dict[Any, Callable[[Lowering, Call], None]] = {
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
    np.count_nonzero: Lowering._count,
    np.dot: Lowering._dot,
    operator.getitem: Lowering._getitem,
    operator.setitem: Lowering._setitem,
    np.take: Lowering._take,
    np.ravel_multi_index: Lowering._ravel_index,
    guard: Lowering._guard,
}


def flat_offset() -> None:
    """An instruction that computes where its indices point has code of its own."""


def weak_type(x: Any) -> Any:
    """What a Python number is to NumPy: a float or an int of no dtype of its own."""
    return BOOL if isinstance(x, bool) else int if isinstance(x, int) else float


def simplified(ufunc: Any, inputs: list[Operand]) -> Any:
    """``ufunc``, or one that is quicker for a constant exponent."""
    if ufunc is np.power and isinstance(inputs[1], (int, float)):
        return {2: np.square, 0.5: np.sqrt, 1: np.positive, -1: np.reciprocal}.get(inputs[1], ufunc)
    return ufunc


def operands_of(ufunc: Any, inputs: list[Operand]) -> list[Operand]:
    """The inputs that the simplified ufunc takes."""
    return inputs[:1] if simplified(ufunc, inputs) is not ufunc else inputs


def with_axes(result: Value, shape: tuple[int, ...], axes: tuple[int, ...]) -> Value:
    """The result of a reduction with the axes of length 1 that it may have lost, so that it broadcasts to ``shape``."""
    if len(result.shape) == len(shape):
        return result
    strides = iter(result.strides)
    kept = [(1, 0) if a in axes else (n, next(strides)) for a, n in enumerate(shape)]
    return view(result, [n for n, _ in kept], [s for _, s in kept])


def transposed(value: Value) -> Value:
    """A matrix's transpose."""
    return view(value, value.shape[::-1], value.strides[::-1])


def is_advanced(index: Any) -> bool:
    """Whether an index has arrays in it."""
    return any(isinstance(i, (Value, np.ndarray, list)) for i in as_tuple(index))


def as_tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)
