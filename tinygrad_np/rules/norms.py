"""Norms of vectors and of matrices."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np

from tinygrad_np.numerics import is_plain, sum_over, zero_to_infinity
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import Axis, as_array, floating, normalize_axes, reduced_shape, remaining_shape
from tinygrad_np.tape import Array

Order = float | Literal["fro", "nuc"] | None

PLACES = "ord is for vectors, along one axis, and for matrices, along two; say which with axis="


@operation()
def euclidean_norm(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = √Σ x² over ``axis``;  ∂L/∂x = g·x / y, and 0 where all of x is 0, the least of the subgradients.

    Where y is ∞, the elements that are infinite share the gradient, and beside them all others have 0.
    """
    x = floating(x)
    # On Tensors, in the second run of a higher derivative, it is the operation itself, whose slope at 0 is known.
    if is_plain(x):
        y = np.sqrt(sum_over(np.square(x), axis, keepdims=True))
    else:
        y = euclidean_norm(x, axis=axis, keepdims=True)

    def gx(g: Array) -> Array:
        if y.__class__ is np.ndarray and y.size == 1 and 0 < y.item() < np.inf:  # quick, and the commonest
            return x / y * g.reshape(y.shape)
        part, length = _beside_infinity(x, y, euclidean_norm, axis)
        return part / zero_to_infinity(length) * g.reshape(y.shape)

    return y if keepdims else y.reshape(remaining_shape(x.shape, axis)), (gx,)


@operation()
def power_norm(x: Array, p: float, axis: Axis = None, *, keepdims: bool = False) -> Result:
    """y = (Σ |x|ᵖ)^(1/p) over ``axis``;  ∂L/∂x = g·sign(x)·(|x| / y)^(p−1), and 0 where x or y is 0.

    For p < 1, where y is no norm, the slope at x = 0 is infinite; it is given as 0. Where y is ∞ as for p = 2.
    """
    p, kept = float(p), reduced_shape(x.shape, axis)
    if is_plain(x):
        with np.errstate(divide="ignore"):  # 0 to a negative power is ∞, and y then 0
            y = sum_over(np.absolute(x) ** p, axis, keepdims=keepdims) ** (1 / p)
    else:
        y = power_norm(x, p=p, axis=axis, keepdims=keepdims)

    def gx(g: Array) -> Array:
        part, length = _beside_infinity(x, y.reshape(kept), partial(power_norm, p=p), axis)
        ratio = part / np.where(length == 0, 1, length)
        if p % 2 == 0 and p > 0:  # a polynomial, with derivatives of all orders at 0 too
            return ratio ** (p - 1) * g.reshape(kept)
        size = np.where(part == 0, 1, np.absolute(ratio))
        return np.sign(part) * (length != 0) * size ** (p - 1) * g.reshape(kept)

    return y, (gx,)


def _beside_infinity(x: Array, y: Array, norm: Any, axis: Axis) -> tuple[Array, Array]:
    """x and its norm y, or where that is ∞ those of x with ±1 for its infinite elements and 0 for the others."""
    infinite = np.isinf(y)
    if np.count_nonzero(infinite):
        x = np.where(infinite, np.sign(x) * np.isinf(x), x)
        y = norm(x, axis=axis, keepdims=True)
    return x, y


@composition(np.linalg.norm, hint=PLACES)
def norm(x: Array, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002 - NumPy's name
    """Norm of vectors, of matrices, or without ``ord`` and ``axis`` of all elements. At 0 its gradient is 0.

    ``ord`` of a vector: None or 2 √Σ x², p (Σ |x|ᵖ)^(1/p), inf and -inf the largest and the smallest |x|, 0 how
    many are not 0, as a plain array. Of a matrix: None or "fro" √Σ x², 1 and -1 the largest and smallest sum of |x| in
    a column, inf and -inf in a row, 2 and -2 the largest and smallest singular value, "nuc" their sum.
    Those that attain a maximum or minimum share the gradient evenly.
    """
    if axis is None and ord is None:
        return euclidean_norm(x, keepdims=keepdims)
    x = floating(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axes(axis, x.ndim)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError(f"{len(axes)} axes are those of no vector and no matrix")


@composition(np.linalg.vector_norm)
def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Any:  # noqa: A002 - NumPy's names
    """Norm of all elements along ``axis``, one or many, as one vector."""
    x = floating(x)
    return _of_vectors(x, ord, tuple(range(x.ndim)) if axis is None else normalize_axes(axis, x.ndim), keepdims)


@composition(np.linalg.matrix_norm)
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Order = "fro") -> Any:  # noqa: A002 - NumPy's name
    """Norm of the matrices in the last two axes."""
    x = floating(x)
    return _of_matrices(x, ord, normalize_axes((-2, -1), x.ndim), keepdims)


@composition(np.linalg.cond)
def cond(x: Array, p: Order = None) -> Any:
    """Condition number ‖x‖·‖x⁻¹‖ in the norm ``p``: for None, 2 and -2 a ratio of singular values, of any matrix.

    Of a singular matrix it is ∞ with gradient 0: where it would be divided by a singular value of 0, or the inverse
    does not exist.
    """
    x = as_array(x)
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        y, length = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        return np.where(length == 0, np.inf, y / np.where(length == 0, 1, length))
    with np.errstate(invalid="ignore"):  # of NaN
        singular = np.linalg.slogdet(x).sign == 0  # as for inv, when an element that LAPACK divides by is exactly 0
    regular = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
    product = np.linalg.matrix_norm(regular, ord=p) * np.linalg.matrix_norm(np.linalg.inv(regular), ord=p)
    return np.where(singular, np.inf, product)


def _of_vectors(x: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The norm of all elements along ``axes``, taken for a vector."""
    if order is None or order == 2:
        return euclidean_norm(x, axes, keepdims=keepdims)
    if isinstance(order, str):
        raise ValueError(f"a vector has no norm {order!r}")
    if order == 0:
        return np.sum(x != 0, axis=axes, keepdims=keepdims, dtype=x.dtype)
    if abs(order) not in (1, np.inf) or order == -1:
        return power_norm(x, order, axes, keepdims=keepdims)
    reduce = {1: np.sum, np.inf: np.max if x.size else np.sum, -np.inf: np.min}[order]
    return reduce(np.absolute(x), axis=axes, keepdims=keepdims)


def _of_matrices(x: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The norm of the matrices whose rows are numbered by the first of two axes, and columns by the second."""
    row, column = axes
    shape = (reduced_shape if keepdims else remaining_shape)(x.shape, axes)
    if order in (None, "fro", "f"):
        return euclidean_norm(x, axes, keepdims=keepdims)
    if order in (1, -1, np.inf, -np.inf):
        summed, compared = (row, column) if abs(order) == 1 else (column, row)
        sizes = np.sum(np.absolute(x), axis=summed, keepdims=True)
    elif order in (2, -2, "nuc"):
        if axes != (x.ndim - 2, x.ndim - 1):
            x = np.transpose(x, (*[i for i in range(x.ndim) if i not in axes], row, column))
        # The absolute value, for its slope at 0, which is 0.
        sizes, compared = np.absolute(np.linalg.svdvals(x)), -1
    else:
        raise ValueError(f"a matrix has no norm {order!r}")
    reduce = np.sum if order == "nuc" else np.min if order < 0 else np.max if x.size else np.sum
    y = reduce(sizes, axis=compared)
    return y if y.shape == shape else y.reshape(shape)
