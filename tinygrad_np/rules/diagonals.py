"""Diagonals of matrices, matrices made of a diagonal, and triangles."""

from __future__ import annotations

import numpy as np

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array


@operation(np.diagonal, linear=1)
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """yᵢ = the element of x at i in ``axis1`` and i + offset in ``axis2``;  ∂L/∂x = g there and 0 elsewhere."""
    shape = x.shape
    return np.diagonal(x, offset, axis1, axis2), (lambda g: put_diagonal(g, shape, offset, axis1, axis2),)


@operation(linear=1)
def put_diagonal(x: Array, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
    """y = zeros of ``shape`` with x on a diagonal;  ∂L/∂x = the diagonal of g. The transpose of diagonal."""
    if isinstance(x, (np.ndarray, np.generic)):
        y = np.zeros(shape, x.dtype)
        place = np.diagonal(y, offset, axis1, axis2)
        place.flags.writeable = True
        place[...] = x
    else:  # on Tensors, in the second run of a higher derivative, it is the operation itself
        y = put_diagonal(x, shape, offset, axis1, axis2)
    return y, (lambda g: np.diagonal(g, offset, axis1, axis2),)


@composition(np.diag)
def diag(x: Array, k: int = 0) -> Array:
    """The k-th diagonal of a matrix; or of a vector, the matrix that has it there and 0 elsewhere."""
    x = as_array(x)
    if x.ndim == 1:
        n = len(x) + abs(k)
        return put_diagonal(x, (n, n), k)
    if x.ndim != 2:
        raise ValueError(f"it takes a vector or a matrix, got {x.ndim} axes; np.diagonal takes any number of them")
    return np.diagonal(x, k)


@composition(np.diagflat)
def diagflat(x: Array, k: int = 0) -> Array:
    """The matrix that has all elements of x on its k-th diagonal and 0 elsewhere."""
    return np.diag(np.ravel(x), k)


@composition(np.trace)
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of a diagonal."""
    return np.diagonal(x, offset, axis1, axis2).sum(-1)


@composition(np.linalg.diagonal)
def matrix_diagonal(x: Array, *, offset: int = 0) -> Array:
    """A diagonal of each matrix of a stack."""
    return np.diagonal(x, offset, -2, -1)


@composition(np.linalg.trace)
def matrix_trace(x: Array, *, offset: int = 0) -> Array:
    """The sum of a diagonal of each matrix of a stack."""
    return np.trace(x, offset, -2, -1)


@operation(np.tril, linear=1)
def tril(x: Array, k: int = 0) -> Result:
    """y = x on and below the k-th diagonal, 0 above;  ∂L/∂x = g there, 0 above."""
    return np.tril(x, k), (lambda g: np.tril(g, k),)


@operation(np.triu, linear=1)
def triu(x: Array, k: int = 0) -> Result:
    """y = x on and above the k-th diagonal, 0 below;  ∂L/∂x = g there, 0 below."""
    return np.triu(x, k), (lambda g: np.triu(g, k),)
