"""Inverses, determinants and solutions of linear systems, of square matrices (…, n, n) if nothing else is said."""

from __future__ import annotations

from functools import partial
from itertools import combinations, permutations
from math import prod
from operator import index
from string import ascii_lowercase
from typing import Any

import numpy as np

from tinygrad_np.numerics import all_normal, has_zero, is_plain, through_single
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array, normalize_axes
from tinygrad_np.tape import Array, Variable

SQUARE = "The last two axes must be equally long; for other matrices there is np.linalg.pinv"
FIT = "The matrices (..., n, n) go with one vector (n,), or with (..., n, k), whose columns are the vectors"


@operation(np.linalg.inv, hint=SQUARE)
@through_single
def inv(x: Array) -> Result:
    """y = x⁻¹;  ∂L/∂x = −yᵀ g yᵀ. Giles (2008), "Collected matrix derivative results", 2.2.3."""
    y = np.linalg.inv(x)
    transposed = y.swapaxes(-1, -2)
    return y, (lambda g: -np.matmul(np.matmul(transposed, g), transposed),)


@operation(np.linalg.solve, hint=FIT)
@through_single
def solve(x1: Array, x2: Array) -> Result:
    """y = x1⁻¹ x2 for (…, n, n) and (…, n, k) or (n,);  ∂L/∂x2 = x1⁻ᵀ g, ∂L/∂x1 = −(x1⁻ᵀ g) yᵀ. Giles (2008), 2.3.1."""
    x1, x2 = as_array(x1), as_array(x2)
    vector = x2.ndim == 1
    y = np.linalg.solve(x1, x2)

    def gx2(g: Array) -> Array:
        transposed = x1.swapaxes(-1, -2)
        return np.linalg.solve(transposed, g[..., None])[..., 0] if vector else np.linalg.solve(transposed, g)

    def gx1(g: Array) -> Array:
        if vector:
            return -gx2(g)[..., :, None] * y[..., None, :]
        return -np.matmul(gx2(g), y.swapaxes(-1, -2))

    return y, (gx1, gx2)


@operation(np.linalg.det, hint=SQUARE)
@through_single
def det(x: Array) -> Result:
    """y = det x;  ∂L/∂x = g·cofactors(x), which is g·y·x⁻ᵀ, and exact where x⁻¹ does not exist or y is out of range."""
    y = np.linalg.det(x)
    return y, (lambda g: g[..., None, None] * _cofactors(x, (), y),)


@operation(symmetric=True)
@through_single
def cofactors(x: Array, *directions: Array) -> Result:
    """Cofactors, yᵢⱼ = (−1)^(i+j) det(x without row i and column j), or their derivative along k ``directions`` h.

    y = ∂ᵏ/∂t₁…∂tₖ cof(x + Σ tᵢhᵢ) at t = 0;  ∂L/∂x = cofactors(x, h₁, …, hₖ, g), and ∂L/∂hᵢ is y with g in the place
    of hᵢ: for ⟨g, y⟩ is the (k + 1)-th derivative of det, which is the same in any order of the directions.
    """
    y = _cofactors(x, directions, None if directions else np.linalg.det(x))

    def gh(g: Array, i: int) -> Array:
        return cofactors(x, *directions[:i], g, *directions[i + 1 :])

    return y, (lambda g: cofactors(x, *directions, g), *[partial(gh, i=i) for i in range(len(directions))])


def _cofactors(x: Array, directions: tuple[Array, ...], determinant: Array | None) -> Array:
    """The value of ``cofactors``, for x of any rank, and on Tensors, in the second run of a derivative, the operation.

    With x = U S V and orthogonal U and V, cof(x) = det(UV)·U cof(S) V, and the same holds of its derivatives
    with Uᵀ h Vᵀ for h. No term of those at a diagonal S is divided by a singular value. By Leibniz's formula

        ∂ᵏ det = Σ over distinct i₁ … iₖ of Π (s without sᵢ₁ … sᵢₖ) · Σ over permutations p of sgn(p) Π hₘ[iₘ, iₚ₍ₘ₎]
    """
    if not is_plain(x):
        return cofactors(x, *directions)
    if determinant is not None and (all_normal(determinant) or has_zero(np.isfinite(x))):
        return (as_array(determinant)[..., None, None] * np.linalg.inv(x)).swapaxes(-1, -2)
    u, s, v = np.linalg.svd(x)
    k = len(directions) + 1
    exponents = np.frexp(s[..., :1])[1]  # which brings s near 1, where no product that is to be 0 times ∞ is ∞
    factors = [np.matmul(np.matmul(u.swapaxes(-1, -2), h), v.swapaxes(-1, -2)) for h in directions]
    factors.append(np.eye(s.shape[-1], dtype=s.dtype))  # where the last direction would be, y is read off
    products = _products_without(np.ldexp(s, -exponents), k)
    rotated, letters = np.zeros_like(x), ascii_lowercase[: k + 1]
    for p in permutations(range(k)):
        sign = (-1) ** sum(i > j for i, j in combinations(p, 2))
        pairs = [letters[m] + letters[i] for m, i in enumerate(p[:-1])]
        terms = ["..." + term for term in (letters[:k], *pairs, letters[p[-1]] + letters[k])]
        rotated += sign * np.einsum(f"{','.join(terms)}->...{letters[k - 1 :]}", products, *factors)
    scaled = np.sign(np.linalg.det(np.matmul(u, v)))[..., None, None] * np.matmul(np.matmul(u, rotated), v)
    return np.ldexp(scaled, exponents[..., None] * (s.shape[-1] - k))


def _products_without(s: Array, k: int) -> Array:
    """[…, i₁, …, iₖ]: the product of the elements of s other than those, and 0 where two of the indices are equal."""
    n = s.shape[-1]
    for _ in range(k):
        s = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
    products = np.prod(s, axis=-1)
    for i, j in combinations(np.indices((n,) * k), 2):
        products *= i != j
    return products


@operation()
@through_single
def sign_and_logarithm(x: Array) -> Result:
    """y = (sign of det x, ln |det x|) in a first axis of two;  ∂L/∂x = g₁·x⁻ᵀ, for the sign is constant.

    Raises LinAlgError for the gradient of a singular matrix.
    """
    sign, logarithm = np.linalg.slogdet(x)
    return np.concatenate([sign[None], logarithm[None]]), (
        lambda g: g[1][..., None, None] * np.linalg.inv(x).swapaxes(-1, -2),
    )


SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


@composition(np.linalg.slogdet, hint=SQUARE)
def slogdet(x: Array) -> Any:
    """Sign of the determinant, a plain array, and logarithm of its absolute value; 0 and −inf of a singular matrix."""
    both = sign_and_logarithm(x)
    return SlogdetResult(np.sign(both[0]), both[1])


@operation(np.linalg.pinv)
@through_single
def pinv(x: Array, rcond: Any = None, *, rtol: Any = np._NoValue) -> Result:
    """y = x⁺, the Moore-Penrose inverse (…, n, m) of (…, m, n), where the rank does not change with x.

    Singular values that ``rcond`` or ``rtol`` cut off are taken for 0: LinAlgError is raised for the gradient where
    one is above √ε beside the largest.

    ∂L/∂x = −yᵀ g yᵀ + (1 − x y) gᵀ y yᵀ + yᵀ y gᵀ (1 − y x). Golub & Pereyra (1973), "The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10(2).
    """
    y = np.linalg.pinv(x, rcond, rtol=rtol)
    given = rcond if rtol is np._NoValue else rtol

    def gx(g: Array) -> Array:
        if given is not None:
            _check_cut(x, given)
        yt, gt = y.swapaxes(-1, -2), g.swapaxes(-1, -2)
        left, right = np.matmul(np.matmul(gt, y), yt), np.matmul(yt, np.matmul(y, gt))
        projected = left - np.matmul(x, np.matmul(y, left)) + right - np.matmul(np.matmul(right, y), x)
        return projected - np.matmul(np.matmul(yt, g), yt)

    return y, (gx,)


@operation()
@through_single
def least_squares(x1: Array, x2: Array, rcond: float | None = None) -> Result:
    """y = x1⁺ x2, which minimises ‖x1 y − x2‖, for (m, n) and (m,) or (m, k), where the rank does not change with x1.

    With u = x1⁺ᵀ g and r = x2 − x1 y:  ∂L/∂x2 = u, ∂L/∂x1 = r (x1⁺ u)ᵀ − u yᵀ + (x1⁺ᵀ y)(g − x1ᵀ u)ᵀ, from pinv's.
    """
    x1, x2 = as_array(x1), as_array(x2)
    y = np.linalg.lstsq(x1, x2, rcond)[0]
    rtol = _cutoff(x1.shape, rcond)

    def inverse_of(x1: Array) -> Array:
        """In double precision, in which NumPy solves for the value."""
        if rcond is not None:
            _check_cut(x1, rtol)
        return np.linalg.pinv(x1.astype(np.float64), rtol=rtol)

    def gx2(g: Array) -> Array:
        return np.matmul(inverse_of(x1).T, g).astype(x2.dtype)

    def gx1(g: Array) -> Array:
        inverse, residual, solution = inverse_of(x1), x2 - np.matmul(x1, y), y
        if x2.ndim == 1:
            residual, solution, g = residual[:, None], solution[:, None], g[:, None]
        u = np.matmul(inverse.T, g)
        rest = g - np.matmul(x1.T, u)
        gx = np.matmul(residual, np.matmul(inverse, u).T) - np.matmul(u, solution.T)
        return (gx + np.matmul(np.matmul(inverse.T, solution), rest.T)).astype(x1.dtype)

    return y, (gx1, gx2)


@composition(np.linalg.lstsq, hint="One matrix (m, n) goes with (m,) or (m, k)")
def lstsq(x1: Array, x2: Array, rcond: float | None = None) -> tuple[Any, Any, int, Any]:
    """Least-squares solution, sums of squared residuals (none where x1 has no full rank), rank, singular values."""
    x1, x2 = as_array(x1), as_array(x2)
    y, s = least_squares(x1, x2, rcond=rcond), np.linalg.svdvals(x1)
    m, n = x1.shape
    rank = int(np.count_nonzero(s > _cutoff(x1.shape, rcond) * s[:1]))
    residuals = s[:0]
    if rank == n < m:
        rest = (x2 - np.matmul(x1, y)).reshape(m, -1)
        residuals = np.sum(rest * rest, axis=0)
    return y, residuals, rank, s


def _check_cut(x: Array, rtol: Any) -> None:
    """Refuse the gradient where what is cut off is not negligible: the rules take it for 0, and err by its share."""
    s = np.linalg.svdvals(x._array if isinstance(x, Variable) else x)
    shares = s / np.where(s[..., :1] == 0, 1, s[..., :1])
    if np.any((shares <= np.asarray(rtol)[..., None]) & (shares > np.sqrt(np.finfo(s.dtype).eps))):
        raise np.linalg.LinAlgError(
            f"a cut at {rtol} drops singular values that are not near 0, where the gradient of the inverse is another; "
            "take a smaller one, or compute the inverse from np.linalg.svd"
        )


def _cutoff(shape: tuple[int, ...], rcond: float | None) -> float:
    """The size beside the largest singular value at which LAPACK takes one for 0."""
    if rcond is not None and rcond >= 0:
        return rcond
    return float(np.finfo(np.float64).eps) * (max(shape) if rcond is None else 1)


@composition(np.linalg.matrix_power, hint=SQUARE)
def matrix_power(x: Array, n: int) -> Any:
    """The product of n matrices x by repeated squaring; of −n inverses if n is negative, and 1 if n is 0."""
    x = as_array(x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("the matrices are not square")
    n = index(n)
    if n == 0:
        return np.where(False, x, np.eye(x.shape[-1], dtype=x.dtype))
    if n == 1:
        return x.astype(x.dtype)  # not x itself, which may be a leaf
    square, power = np.linalg.inv(x) if n < 0 else x, None
    n = abs(n)
    while n:
        if n & 1:
            power = square if power is None else np.matmul(power, square)
        n >>= 1
        if n:
            square = np.matmul(square, square)
    return power


@composition(np.linalg.tensorinv)
def tensorinv(x: Array, ind: int = 2) -> Any:
    """The inverse of x as a matrix whose row is the first ``ind`` axes and whose column is the others."""
    if ind <= 0:
        raise ValueError(f"ind must be 1 or more, got {ind}")
    x = as_array(x)
    inverse = np.linalg.inv(x.reshape(prod(x.shape[:ind]), -1))
    return inverse.reshape(x.shape[ind:] + x.shape[:ind])


@composition(np.linalg.tensorsolve)
def tensorsolve(x1: Array, x2: Array, axes: Any = None) -> Any:
    """The y with Σ x1·y = x2, summed over the last axes of x1, or ``axes``, which are all those that x2 has not."""
    x1, x2 = as_array(x1), as_array(x2)
    if axes is not None:
        last = normalize_axes(axes, x1.ndim)
        x1 = np.transpose(x1, (*[i for i in range(x1.ndim) if i not in last], *last))
    shape = x1.shape[x2.ndim :]
    if prod(shape) != x2.size or x1.size != x2.size**2:
        raise np.linalg.LinAlgError(f"the axes {shape} that are summed over hold {prod(shape)} elements, not {x2.size}")
    return np.linalg.solve(x1.reshape(x2.size, -1), x2.reshape(-1)).reshape(shape)
