"""Products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

import numpy as np

from tinygrad_np.operations import Result, operation
from tinygrad_np.shapes import as_array, rows
from tinygrad_np.tape import Array

ALIGN = "The last axis of the first must be as long as the first of the second's last two; transpose one with .T"


@operation(np.matmul, hint=ALIGN)
def matmul(x1: Array, x2: Array) -> Result:
    """y = x1 x2 for (…, n, k) and (…, k, m);  ∂L/∂x1 = g x2ᵀ, ∂L/∂x2 = x1ᵀ g. A vector counts as one row or column."""
    x1, x2 = as_array(x1), as_array(x2)
    row, column = x1.ndim == 1, x2.ndim == 1

    def matrices(g: Array) -> tuple[Array, Array, Array]:
        if column:
            g = g[..., None]
        if row:
            g = g[..., None, :]
        return (x1[None, :] if row else x1), (x2[:, None] if column else x2), g

    def gx1(g: Array) -> Array:
        _, b, g = matrices(g)
        return np.matmul(g, np.swapaxes(b, -1, -2))

    def gx2(g: Array) -> Array:
        a, _, g = matrices(g)
        gx = np.matmul(np.swapaxes(a, -1, -2), g)
        return gx[..., 0] if column else gx

    return np.matmul(x1, x2), (gx1, gx2)


@operation(np.dot, hint=ALIGN)
def dot(x1: Array, x2: Array) -> Result:
    """y = Σ over x1's last axis and x2's first, x2 a vector (k,) or matrix (k, m);  ∂L/∂x1 = g x2ᵀ, ∂L/∂x2 = x1ᵀ g."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return x1 * x2, (lambda g: g * x2, lambda g: g * x1)
    if x2.ndim == 1:
        return np.dot(x1, x2), (lambda g: g[..., None] * x2, lambda g: np.dot(g.reshape(-1), rows(x1)))
    if x2.ndim > 2:
        raise ValueError("the second array has more than two axes; use np.matmul, which stacks matrices")
    return np.dot(x1, x2), (lambda g: np.dot(g, x2.T), lambda g: np.dot(rows(x1).T, rows(g)))
