"""What combines all elements along some axes into one, in terms of Map and Reduce.

Those of several parts, such as a log of a sum of exponentials, are written as simple loops: fusion puts them together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.compiling.native.functions import FUNCTIONS, IDENTITIES, identity
from tinygrad_np.compiling.native.instruction_list import BOOL, InstructionList, UnsupportedError, with_axes
from tinygrad_np.compiling.native.views import fresh
from tinygrad_np.compiling.values import Call, Value


def lower_reduction(instructions: InstructionList, call: Call) -> None:
    """The method reduce of a ufunc, over any axes."""
    bound: Any = call.function
    ufunc, result = bound.__self__, call.result
    known = {"axis", "keepdims", "dtype", "out", "where", "initial"}
    if result is None or len(call.arguments) != 1 or not call.keywords.keys() <= known:
        raise UnsupportedError
    source = instructions.value(call.arguments[0])
    axis = call.keywords.get("axis", 0)
    axes = range(len(source.shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    normal = tuple(a % len(source.shape) for a in axes)
    if call.keywords.keys() & {"where", "initial"}:
        _partial_reduction(instructions, call, source, normal)
    elif ufunc is np.logaddexp:
        _log_of_sum(instructions, source, normal, result)
    elif ufunc in IDENTITIES:
        if ufunc in (np.maximum, np.minimum) and 0 in source.shape:
            raise UnsupportedError  # NumPy's error
        instructions.reduce(ufunc, source, normal, result)
    else:
        raise UnsupportedError


def _partial_reduction(instructions: InstructionList, call: Call, source: Value, axes: tuple[int, ...]) -> None:
    """A reduction of the elements where there is a True, which starts with a number."""
    bound: Any = call.function
    ufunc, result, where = bound.__self__, call.result, call.keywords.get("where", True)
    if result is None or ufunc not in (np.add, np.multiply, np.maximum, np.minimum) or source.dtype != result.dtype:
        raise UnsupportedError
    neutral = identity(ufunc, source.dtype)
    initial = call.keywords.get("initial", neutral)
    if initial is None or (ufunc in (np.maximum, np.minimum) and "initial" not in call.keywords):
        raise UnsupportedError
    dtype = source.dtype
    shape = np.broadcast_shapes(source.shape, getattr(where, "shape", ()))
    if shape != source.shape:
        raise UnsupportedError
    chosen, reduced = fresh(shape, dtype), fresh(result.shape, dtype)
    instructions.map(lambda c, x, n: c.where(x, n), [where, source, neutral], [BOOL, dtype, dtype], chosen)
    instructions.reduce(ufunc, chosen, axes, reduced)
    instructions.map(FUNCTIONS[ufunc], [reduced, initial], [dtype] * 2, result)


def lower_allclose(instructions: InstructionList, call: Call) -> None:
    """Whether all |x − y| ≤ atol + rtol·|y|, or x = y, or both are NaN and that counts as equal."""
    names = ("rtol", "atol", "equal_nan")
    given = {"rtol": 1e-5, "atol": 1e-8, "equal_nan": False} | dict(zip(names, call.arguments[2:])) | call.keywords
    x, y = (instructions.value(a) for a in call.arguments[:2])
    numbers = [instructions.operand(given[name]) for name in names[:2]]
    if call.result is None or x.dtype != y.dtype or x.dtype.kind != "f" or not isinstance(given["equal_nan"], bool):
        raise UnsupportedError
    shape = np.broadcast_shapes(x.shape, y.shape)
    if any(getattr(n, "shape", ()) for n in numbers):
        raise UnsupportedError

    def near(x: Any, y: Any, rtol: Any, atol: Any) -> Any:
        size = y.intrinsic("fabs")
        found = ((x - y).intrinsic("fabs") <= atol + rtol * size) & (size < np.inf) | x.equals(y)
        return found | (x.is_nan() & y.is_nan()) if given["equal_nan"] else found

    flags = fresh(shape, bool)
    instructions.map(near, [x, y, *numbers], [np.float64] * 4, flags)
    instructions.reduce(np.logical_and, flags, tuple(range(len(shape))), call.result)


def _log_of_sum(instructions: InstructionList, source: Value, axes: tuple[int, ...], result: Value) -> None:
    """ln Σ eˣ as m + ln Σ e^(x − m) with the largest m, or 0 if that is infinite."""
    dtype = source.dtype
    if dtype.kind != "f":
        raise UnsupportedError
    kept = tuple(1 if a in axes else n for a, n in enumerate(source.shape))
    most, shift, shifted, powers = (fresh(s, dtype) for s in (kept, kept, source.shape, source.shape))
    total = fresh(kept, dtype)
    instructions.reduce(np.maximum, source, axes, most)
    instructions.map(lambda m: (m.intrinsic("fabs") < np.inf).where(m, 0), [most], [dtype], shift)
    instructions.map(FUNCTIONS[np.subtract], [source, shift], [dtype] * 2, shifted)
    instructions.map(FUNCTIONS[np.exp], [shifted], [dtype], powers)
    instructions.reduce(np.add, powers, axes, total)
    output = with_axes(result, source.shape, axes)
    instructions.map(lambda t, m: FUNCTIONS[np.log](t) + m, [total, shift], [dtype] * 2, output)


def lower_count(instructions: InstructionList, call: Call) -> None:
    """How many elements of a whole array are not 0."""
    assert call.result is not None
    if len(call.arguments) != 1 or call.keywords:
        raise UnsupportedError
    source = instructions.value(call.arguments[0])
    flags = fresh(source.shape, bool)
    instructions.map(lambda x: x.to("i1"), [source], [source.dtype], flags)
    instructions.reduce(np.add, flags, tuple(range(len(source.shape))), call.result)
