"""np.dot and np.matmul in terms of Product, which takes matrices alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.compiling.native.blas import by_blas
from tinygrad_np.compiling.native.instruction_list import InstructionList, UnsupportedError
from tinygrad_np.compiling.native.instructions import Product
from tinygrad_np.compiling.native.views import contiguous, fresh, reshaped, view
from tinygrad_np.compiling.values import Call, Value

PACKED = 64  # elements from which a factor whose rows are not side by side is copied before a product


def lower_dot(instructions: InstructionList, call: Call) -> None:
    """Products of vectors and matrices; of more axes, the rows of the first with a matrix."""
    left, right = (instructions.value(x) for x in call.arguments[:2])
    result = call.result
    ends = result is None or not left.shape or not right.shape or len(right.shape) > 2
    if ends or call.keywords.keys() - {"out"}:
        raise UnsupportedError
    assert result is not None
    if result.dtype.kind != "f":
        raise UnsupportedError
    left, right = (_converted(instructions, x, result.dtype) for x in (left, right))
    k = left.shape[-1]
    rows = int(np.prod(left.shape[:-1], dtype=int))
    columns = right.shape[1] if len(right.shape) == 2 else 1
    a, out = reshaped(left, (rows, k)), reshaped(result, (rows, columns))
    if a is None:
        a = fresh((rows, k), left.dtype)
        instructions.copy(left, view(a, left.shape, contiguous(left.shape, left.dtype.itemsize)))
    if out is None:
        raise UnsupportedError
    b = right if len(right.shape) == 2 else view(right, (k, 1), (*right.strides, 0))
    _product(instructions, a, b, out)


def _converted(instructions: InstructionList, value: Value, dtype: np.dtype[Any]) -> Value:
    """``value``, or a copy of it in another dtype."""
    if value.dtype == dtype:
        return value
    copy = fresh(value.shape, dtype)
    instructions.copy(value, copy)
    return copy


def _product(instructions: InstructionList, a: Value, b: Value, out: Value) -> None:
    """Add a product, transposed if that makes rows of what is read and written side by side."""
    size = out.dtype.itemsize
    if out.strides[1] != size and out.shape[0] > out.shape[1]:
        a, b, out = _transposed(b), _transposed(a), _transposed(out)
    product = Product(a, b, out)
    rows_are_apart = b.shape[1] > 1 and b.strides[1] != size
    if (
        rows_are_apart and b.shape[0] * b.shape[1] > PACKED and not by_blas(product)
    ):  # BLAS takes transposes as they are
        product.right = fresh(b.shape, b.dtype)
        instructions.copy(b, product.right)
    instructions.append(product)


def _transposed(value: Value) -> Value:
    """A matrix's transpose."""
    return view(value, value.shape[::-1], value.strides[::-1])
