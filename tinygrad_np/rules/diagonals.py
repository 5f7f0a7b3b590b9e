"""Diagonals of matrices, matrices made of a diagonal, and triangles."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tinygrad_np.numerics import SMALL, is_plain, scalar, speaking, sum_over
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array

_tri = lru_cache(maxsize=8)(np.tri)


@operation(np.diagonal, linear=1)
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """yᵢ = the element of x at i in ``axis1`` and i + offset in ``axis2``;  ∂L/∂x = g there and 0 elsewhere."""
    shape = x.shape
    return x.diagonal(offset, axis1, axis2), (lambda g: _put_diagonal(g, shape, offset, axis1, axis2),)


@operation(linear=1)
def put_diagonal(x: Array, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """y = zeros of ``shape`` with x on a diagonal;  ∂L/∂x = the diagonal of g. The transpose of diagonal."""
    return _put_diagonal(x, shape, offset, axis1, axis2), (lambda g: g.diagonal(offset, axis1, axis2),)


def _put_diagonal(x: Array, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Array:
    """The value of ``put_diagonal``; on Tensors, in the second run of a higher derivative, the operation itself."""
    if not is_plain(x):
        return put_diagonal(x, shape, offset, axis1, axis2)
    y = np.zeros(shape, x.dtype, like=speaking(x))
    place = y.diagonal(offset, axis1, axis2)
    place.flags.writeable = True
    place[...] = x
    return y


@composition(np.diag)
def diag(x: Array, k: int = 0) -> Array:
    """The k-th diagonal of a matrix; or of a vector, the matrix that has it there and 0 elsewhere."""
    x = as_array(x)
    if x.ndim == 1:
        n = len(x) + abs(k)
        return put_diagonal(x, (n, n), k)
    if x.ndim != 2:
        raise ValueError(f"it takes a vector or a matrix, got {x.ndim} axes; np.diagonal takes any number of them")
    return diagonal(x, k)


@composition(np.diagflat)
def diagflat(x: Array, k: int = 0) -> Array:
    """The matrix that has all elements of x on its k-th diagonal and 0 elsewhere."""
    return diag(np.ravel(x), k)


@operation(np.trace, linear=1)
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """y = Σ of the diagonal that ``diagonal`` gives;  ∂L/∂x = g on it and 0 elsewhere."""
    shape = x.shape
    return sum_over(x.diagonal(offset, axis1, axis2), -1), (
        lambda g: _put_diagonal(g.reshape((*g.shape, 1)), shape, offset, axis1, axis2),
    )


@composition(np.linalg.diagonal)
def matrix_diagonal(x: Array, *, offset: int = 0) -> Array:
    """A diagonal of each matrix of a stack."""
    return diagonal(x, offset, -2, -1)


@composition(np.linalg.trace)
def matrix_trace(x: Array, *, offset: int = 0) -> Array:
    """The sum of a diagonal of each matrix of a stack."""
    return trace(x, offset, -2, -1)


@operation(np.tril, linear=1)
def tril(x: Array, k: int = 0) -> Result:
    """y = x on and below the k-th diagonal, 0 above;  ∂L/∂x = g there, 0 above."""
    return _where(_lower(x.shape, k), x), (lambda g: _where(_lower(g.shape, k), g),)


@operation(np.triu, linear=1)
def triu(x: Array, k: int = 0) -> Result:
    """y = x on and above the k-th diagonal, 0 below;  ∂L/∂x = g there, 0 below."""
    return _where(~_lower(x.shape, k - 1), x), (lambda g: _where(~_lower(g.shape, k - 1), g),)


def _where(kept: Array, x: Array) -> Array:
    """x where it is ``kept``, and 0 elsewhere."""
    return np.where(kept, x, scalar(0, x.dtype))


def _lower(shape: tuple[int, ...], k: int) -> Array:
    """Which elements of matrices are on or below the k-th diagonal; a vector stands for as many equal rows."""
    rows, columns = shape[-2:] if len(shape) > 1 else shape * 2
    return (_tri if rows * columns <= SMALL else np.tri)(rows, columns, k, bool)
