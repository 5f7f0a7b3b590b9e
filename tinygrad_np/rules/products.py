"""Products of vectors, matrices and arrays of any number of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tinygrad_np.numerics import alike
from tinygrad_np.operations import Result, composition, operation, times
from tinygrad_np.shapes import alternating, as_array, inverse_order, normalize_axes, order_after_move, rows
from tinygrad_np.tape import Array

ALIGN = "The last axis of the first must be as long as the first of the second's last two; transpose one with .T"
EQUAL = "The axes that are summed over must be as long in one array as in the other"


@operation(np.dot, hint=ALIGN, linear=2)
def dot(x1: Array, x2: Array) -> Result:
    """y = Σ over x1's last axis and x2's last but one (or only one);  ∂L/∂x1 = g x2ᵀ, ∂L/∂x2 = x1ᵀ g."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.__class__ is not x2.__class__:
        x1, x2 = alike(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return x1 * x2, (times(x2), times(x1))
    if x2.ndim == 2:  # by the method, which takes two thirds of np.dot's time
        return x1.dot(x2), (lambda g: g.dot(x2.T), lambda g: rows(x1).T.dot(rows(g)))
    if x1.ndim == x2.ndim == 1:
        return x1.dot(x2), (times(x2), times(x1))
    if x2.ndim == 1:
        return x1.dot(x2), (lambda g: g[..., None] * x2, lambda g: g.reshape(-1).dot(rows(x1)))
    return tensordot.rule(x1, x2, (-1, -2))


@operation(np.matmul, np.linalg.matmul, hint=ALIGN, linear=2)
def matmul(x1: Array, x2: Array) -> Result:
    """y = x1 x2 for (…, n, k) and (…, k, m);  ∂L/∂x1 = g x2ᵀ, ∂L/∂x2 = x1ᵀ g. A vector counts as one row or column."""
    x1, x2 = as_array(x1), as_array(x2)
    if 0 < x1.ndim <= 2 and 0 < x2.ndim <= 2:  # no stacks: the same as dot, which is quicker
        return dot.rule(x1, x2)
    row, column = x1.ndim == 1, x2.ndim == 1

    def matrices(g: Array) -> tuple[Array, Array, Array]:
        if column:
            g = g[..., None]
        if row:
            g = g[..., None, :]
        return (x1[None, :] if row else x1), (x2[:, None] if column else x2), g

    def gx1(g: Array) -> Array:
        _, b, g = matrices(g)
        return np.matmul(g, b.swapaxes(-1, -2))

    def gx2(g: Array) -> Array:
        a, _, g = matrices(g)
        gx = np.matmul(a.swapaxes(-1, -2), g)
        return gx[..., 0] if column else gx

    return np.matmul(x1, x2), (gx1, gx2)


@operation(np.tensordot, np.linalg.tensordot, hint=EQUAL, linear=2)
def tensordot(x1: Array, x2: Array, axes: Any = 2) -> Result:
    """y = Σ x1·x2 over pairs of axes;  ∂L/∂x1 = Σ g·x2 over the axes that x2 keeps, ∂L/∂x2 = Σ g·x1 over those of x1.

    ``axes`` is how many of x1's last to pair with x2's first, or (axes of x1, axes of x2). It is the
    product of two matrices: x1 with the axes that are summed last, x2 with them first.
    """
    x1, x2 = as_array(x1), as_array(x2)
    x1, x2 = alike(x1, x2)
    first, second = axes if np.iterable(axes) else (tuple(range(-axes, 0)), tuple(range(axes)))
    summed1, summed2 = normalize_axes(first, x1.ndim), normalize_axes(second, x2.ndim)
    if [x1.shape[i] for i in summed1] != [x2.shape[i] for i in summed2]:
        raise ValueError(f"the axes {summed1} and {summed2} do not fit")
    order1 = (*_others(summed1, x1.ndim), *summed1)
    order2 = (*summed2, *_others(summed2, x2.ndim))
    aligned1, aligned2 = x1.transpose(order1), x2.transpose(order2)
    shape1, shape2 = aligned1.shape, aligned2.shape
    kept1, kept2 = shape1[: x1.ndim - len(summed1)], shape2[len(summed2) :]
    m, k, n = prod(kept1), prod(shape2[: len(summed2)]), prod(kept2)
    a, b = aligned1.reshape((m, k)), aligned2.reshape((k, n))
    return a.dot(b).reshape(kept1 + kept2), (
        lambda g: g.reshape((m, n)).dot(b.T).reshape(shape1).transpose(inverse_order(order1)),
        lambda g: a.T.dot(g.reshape((m, n))).reshape(shape2).transpose(inverse_order(order2)),
    )


def _others(axes: Sequence[int], ndim: int) -> list[int]:
    return [i for i in range(ndim) if i not in axes]


@composition(np.inner, hint="The last axes must be equally long")
def inner(x1: Array, x2: Array) -> Any:
    """Sum over the last axes of both."""
    x1, x2 = as_array(x1), as_array(x2)
    return dot(x1, x2.swapaxes(-1, -2) if x1.ndim and x2.ndim > 1 else x2)


@composition(np.vdot, hint="Both must have as many elements")
def vdot(x1: Array, x2: Array) -> Any:
    """Dot product of all elements."""
    return dot(_flat(x1), _flat(x2))


@operation(np.outer, linear=2)
def outer(x1: Array, x2: Array) -> Result:
    """y[i, j] = x1[i]·x2[j], of all elements of both;  ∂L/∂x1 = g x2, ∂L/∂x2 = gᵀ x1."""
    x1, x2 = as_array(x1), as_array(x2)
    x1, x2 = alike(x1, x2)
    shape1, shape2 = x1.shape, x2.shape
    x1, x2 = _flat(x1), _flat(x2)
    return x1.reshape((-1, 1)) * x2, (lambda g: g.dot(x2).reshape(shape1), lambda g: x1.dot(g).reshape(shape2))


@composition(np.linalg.outer)
def linalg_outer(x1: Array, x2: Array) -> Any:
    """The outer product of vectors only."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("the arrays must be vectors; np.outer flattens others")
    return outer(x1, x2)


def _flat(x: Any) -> Any:
    """All elements in one axis."""
    x = as_array(x)
    return x if x.ndim == 1 else x.reshape(-1)


def _of_numpy(name: str) -> tuple[Callable[..., Any], ...]:
    """NumPy's function of this name, where NumPy is new enough to have it."""
    return (getattr(np, name),) if hasattr(np, name) else ()


@composition(np.vecdot, np.linalg.vecdot, hint=EQUAL)
def vecdot(x1: Array, x2: Array, axis: int = -1) -> Any:
    """Dot products of the vectors along ``axis``, (…, n) and (…, n)."""
    y = matmul(_row(_last(x1, axis)), _column(_last(x2, axis)))
    return y.reshape(y.shape[:-2])


@composition(*_of_numpy("matvec"), hint=ALIGN)
def matvec(x1: Array, x2: Array) -> Any:
    """Products of matrices and vectors, (…, m, n) and (…, n)."""
    y = matmul(_with_axes(2, x1), _column(x2))
    return y.reshape(y.shape[:-1])


@composition(*_of_numpy("vecmat"), hint=ALIGN)
def vecmat(x1: Array, x2: Array) -> Any:
    """Products of vectors and matrices, (…, n) and (…, n, m)."""
    y = matmul(_row(x1), _with_axes(2, x2))
    return y.reshape((*y.shape[:-2], y.shape[-1]))


def _row(x: Any) -> Any:
    """Vectors (…, n) as matrices of one row, (…, 1, n)."""
    x = _with_axes(1, x)
    return x.reshape((*x.shape[:-1], 1, x.shape[-1]))


def _column(x: Any) -> Any:
    """Vectors (…, n) as matrices of one column, (…, n, 1)."""
    x = _with_axes(1, x)
    return x.reshape((*x.shape, 1))


def _with_axes(n: int, x: Any) -> Any:
    """``x`` if it has ``n`` axes or more; np.matmul would take fewer for something else."""
    x = as_array(x)
    if x.ndim < n:
        raise ValueError(f"an array of shape {x.shape} has fewer than {n} axes")
    return x


@operation(np.kron, linear=2)
def kron(x1: Array, x2: Array) -> Result:
    """Kronecker product, y = each element of x1 times the whole of x2, in x1's arrangement.

    ∂L/∂x1 = Σ g·x2 over x2's axes, which come first, where the walk sums; ∂L/∂x2 likewise.
    """
    x1, x2 = as_array(x1), as_array(x2)
    ndim = max(x1.ndim, x2.ndim)
    shape1, shape2 = ((1,) * (ndim - x.ndim) + x.shape for x in (x1, x2))
    ones = (1,) * ndim
    x1, x2 = x1.reshape(alternating(shape1, ones)), x2.reshape(alternating(ones, shape2))
    blocks = alternating(shape1, shape2)
    axes1, axes2 = range(0, 2 * ndim, 2), range(1, 2 * ndim, 2)
    return (x1 * x2).reshape([n * m for n, m in zip(shape1, shape2)]), (
        lambda g: (g.reshape(blocks) * x2).transpose((*axes2, *axes1)),
        lambda g: (g.reshape(blocks) * x1).transpose((*axes1, *axes2)),
    )


@composition(np.linalg.multi_dot, hint=ALIGN)
def multi_dot(arrays: Sequence[Array]) -> Any:
    """Product of many matrices in the order that costs least; the first and the last may be vectors."""
    xs = [as_array(x) for x in arrays]
    n = len(xs)
    if n < 2:
        raise ValueError(f"got {n} arrays for a product; give two or more")
    if any(x.ndim != 2 for x in xs[1:-1]) or any(x.ndim not in (1, 2) for x in xs):
        raise np.linalg.LinAlgError("all arrays must be matrices, but for vectors at the ends; np.matmul takes stacks")
    lengths = [xs[0].shape[0] if xs[0].ndim == 2 else 1, *[x.shape[0] for x in xs[1:]]]
    lengths.append(xs[-1].shape[1] if xs[-1].ndim == 2 else 1)
    split = _cheapest_splits(tuple(lengths))

    def product(i: int, j: int) -> Any:
        if i == j:
            return xs[i]
        k = split[i, j]
        return dot(product(i, k), product(k + 1, j))

    return product(0, n - 1)


@lru_cache(maxsize=256)
def _cheapest_splits(lengths: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """After which matrix to split the product of those from i to j, where k is lengths[k] × lengths[k + 1].

    Found by dynamic programming: Cormen et al., "Introduction to algorithms", on matrix chains.
    """
    n = len(lengths) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for j in range(n):
        for i in reversed(range(j)):
            choices = [
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], split[i, j] = min(choices)
    return split


CYCLE = [1, 2, 0]


@operation(linear=2)
def vector_product(x1: Array, x2: Array) -> Result:
    """y = x1 × x2 of the vectors (…, 3) in the last axes;  ∂L/∂x1 = x2 × g, ∂L/∂x2 = g × x1."""
    y = (x1 * x2[..., CYCLE] - x1[..., CYCLE] * x2)[..., CYCLE]
    return y, (lambda g: vector_product(x2, g), lambda g: vector_product(g, x1))


@composition(np.cross, hint="The vectors must have two or three components")
def cross(x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Cross product of vectors along ``axisa`` and ``axisb``, the result along ``axisc``, or all along ``axis``.

    A vector of two components has 0 for its third; where both have two, the result is the third
    component alone.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = _last(x1, axisa), _last(x2, axisb)
    components = x1.shape[-1], x2.shape[-1]
    if components == (2, 2):
        return x1[..., 0] * x2[..., 1] - x1[..., 1] * x2[..., 0]
    if not {2, 3}.issuperset(components):
        raise ValueError(f"the vectors have {components[0]} and {components[1]} components")
    y = vector_product(_three_dimensional(x1), _three_dimensional(x2))
    return y if axisc == -1 else y.transpose(order_after_move(-1, axisc, y.ndim))


@composition(np.linalg.cross)
def linalg_cross(x1: Array, x2: Array, axis: int = -1) -> Any:
    """The cross product of vectors of three components only."""
    x1, x2 = _last(x1, axis), _last(x2, axis)
    if x1.shape[-1] != 3 or x2.shape[-1] != 3:
        raise ValueError(f"the vectors have {x1.shape[-1]} and {x2.shape[-1]} components; they must have three")
    return cross(x1, x2, axisc=axis)


def _last(x: Any, axis: int) -> Any:
    """``x`` with ``axis`` moved to the end."""
    x = _with_axes(1, x)
    return x if axis == -1 else x.transpose(order_after_move(axis, -1, x.ndim))


def _three_dimensional(x: Array) -> Any:
    """Vectors (…, 2) with a third component of 0, or ``x`` if they have three."""
    return x if x.shape[-1] == 3 else np.concatenate([x, np.zeros((*x.shape[:-1], 1), x.dtype)], axis=-1)
