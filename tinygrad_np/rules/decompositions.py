"""Decompositions of matrices (…, n, n) or (…, m, n) into factors."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np

from tinygrad_np.numerics import through_single
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array

Triangle = Literal["L", "U", "l", "u"]  # the one that is read

REPEATED = (
    "two eigenvalues or singular values are equal: their vectors are any that span the same space, so that a gradient "
    "through these vectors, or a second derivative that needs them, is not determined; take a first derivative of "
    "np.linalg.eigvalsh or np.linalg.svdvals, or move the values apart"
)


@operation(np.linalg.cholesky, hint="A symmetric positive definite matrix is expected")
@through_single
def cholesky(x: Array, *, upper: bool = False) -> Result:
    """Lower triangular y with y yᵀ = x, read from x's lower triangle; or upper with yᵀ y = x, from the upper one.

    ∂L/∂x = y⁻ᵀ Φ(yᵀ g) y⁻¹, made symmetric, where Φ takes the lower triangle and half the diagonal.
    The gradient is that among symmetric matrices: half of it stands in the triangle that is not read.
    Murray (2016), "Differentiation of the Cholesky decomposition".
    """
    y = np.linalg.cholesky(x, upper=upper)

    def gx(g: Array) -> Array:
        lower, g = (y.swapaxes(-1, -2), g.swapaxes(-1, -2)) if upper else (y, g)
        inverse = np.linalg.inv(lower)
        middle = np.matmul(lower.swapaxes(-1, -2), g) * _lower_half(g.shape[-1], g.dtype)
        return _symmetric(np.matmul(np.matmul(inverse.swapaxes(-1, -2), middle), inverse))

    return y, (gx,)


@operation(np.linalg.eigvalsh)
@through_single
def eigvalsh(x: Array, UPLO: Triangle = "L") -> Result:  # noqa: N803 - NumPy's name
    """y = eigenvalues of a symmetric x, ascending;  ∂L/∂x = v diag(g) vᵀ with the eigenvectors v as columns.

    Magnus (1985), "On differentiating eigenvalues and eigenvectors". Where eigenvalues are equal, this is
    right for functions that treat them alike. For the triangle that is not read see eigh.
    """

    def gx(g: Array) -> Array:
        v = np.linalg.eigh(x, UPLO)[1]
        return np.matmul(v * g[..., None, :], v.swapaxes(-1, -2))

    return np.linalg.eigvalsh(x, UPLO), (gx,)


EighResult = type(np.linalg.eigh(np.eye(1)))


@composition(np.linalg.eigh)
def eigh(x: Array, UPLO: Triangle = "L") -> Any:  # noqa: N803 - NumPy's name
    """Eigenvalues (…, n), ascending, and eigenvectors (…, n, n), as columns, of a symmetric matrix.

    Where eigenvalues are equal, their own vectors are no function of x, and what is made of these and the
    values, as v f(w) vᵀ, has a gradient that cannot be found from theirs: LinAlgError is raised if the
    gradient of one of these vectors is not 0. It may be 0 by a factor that is 0 just there, as ln w is
    at w = 1; then the gradient lacks that part without a word. Functions of the values alone, and of the
    vectors of the others, are not concerned. The same holds of svd.
    """
    y = eigenpairs(x, UPLO=UPLO)
    return EighResult(y[..., 0, :], y[..., 1:, :])


@operation()
@through_single
def eigenpairs(x: Array, UPLO: Triangle = "L") -> Result:  # noqa: N803 - NumPy's name
    """y = the eigenvalues w of a symmetric x in a first row, and the eigenvectors v in the n rows below it.

    ∂L/∂x = v (diag(gw) + F∘(vᵀ gv)) vᵀ, made symmetric, with Fᵢⱼ = 1 / (wⱼ − wᵢ), and 0 on the diagonal: Giles (2008),
    3.1. NumPy reads one triangle of x only; the gradient is that among symmetric matrices, so that a
    step along it leaves x symmetric. Where wᵢ = wⱼ the eigenvectors are no function of x: LinAlgError is
    raised if they take part.
    """
    w, v = np.linalg.eigh(x, UPLO)
    transposed = v.swapaxes(-1, -2)

    def gx(g: Array) -> Array:
        gw, gv = g[..., 0, :], g[..., 1:, :]
        one = _identity(w.shape[-1], w.dtype)
        gaps = w[..., None, :] - w[..., :, None] + one
        turned = _over_gaps(np.matmul(transposed, gv) * (1 - one), gaps, w)
        return np.matmul(np.matmul(v, _symmetric(turned) + gw[..., None, :] * one), transposed)

    return np.concatenate([w[..., None, :], v], -2), (gx,)


@operation(np.linalg.svdvals)
@through_single
def svdvals(x: Array) -> Result:
    """y = singular values of x, descending;  ∂L/∂x = u diag(g) v with x = u diag(y) v.

    Right also where singular values are equal, for functions that treat them alike.
    """

    def gx(g: Array) -> Array:
        u, _, v = np.linalg.svd(x, full_matrices=False)
        return np.matmul(u * g[..., None, :], v)

    return np.linalg.svdvals(x), (gx,)


SVDResult = type(np.linalg.svd(np.eye(1)))


@composition(np.linalg.svd)
def svd(x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition x = u diag(s) vh; only s without ``compute_uv``.

    For matrices that are not square, ``full_matrices`` adds vectors that are no function of x: it is refused.
    For equal singular values see eigh.
    """
    x = as_array(x)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(f"an array of {x.ndim} axes is no matrix; give x[:, None] or x[None, :]")
    if not compute_uv:
        return svdvals(x)
    m, n = x.shape[-2:]
    if full_matrices and m != n:
        raise ValueError(
            f"with full_matrices=True {abs(m - n)} of the vectors of a matrix {m} × {n} are any that complete a basis, "
            "which have no gradient; pass full_matrices=False"
        )
    y = singular_triplets(x)
    return SVDResult(y[..., 1 : m + 1, :], y[..., 0, :], y[..., m + 1 :, :].swapaxes(-1, -2))


@operation()
@through_single
def singular_triplets(x: Array) -> Result:
    """y = the singular values s of x in a first row, the left vectors u in m rows below it, the right ones v in n.

    ∂L/∂x = u (diag(gs) + ½ (A + B)) vᵀ + (1 − u uᵀ) gu s⁻¹ vᵀ + u s⁻¹ gvᵀ (1 − v vᵀ), where P = uᵀ gu and
    Q = vᵀ gv, Aᵢⱼ = (P + Q − Pᵀ − Qᵀ)ᵢⱼ / (sⱼ − sᵢ) and Bᵢⱼ = (P − Q − Pᵀ + Qᵀ)ᵢⱼ / (sⱼ + sᵢ). Townsend (2016),
    "Differentiating the singular value decomposition", with F split so that only A is without limit
    where sᵢ = sⱼ: there LinAlgError is raised if the vectors take part.
    """
    m, n = x.shape[-2:]
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    one = _identity(s.shape[-1], s.dtype)
    gaps = s[..., None, :] - s[..., :, None] + one
    ut, v = u.swapaxes(-1, -2), vh.swapaxes(-1, -2)

    def gx(g: Array) -> Array:
        gs, gu, gv = g[..., 0, :], g[..., 1 : m + 1, :], g[..., m + 1 :, :]
        p, q = np.matmul(ut, gu), np.matmul(vh, gv)
        alike = _over_gaps((p + q) * (1 - one), gaps, s)
        opposed = _over_gaps(_antisymmetric(p - q), s[..., None, :] + s[..., :, None] + one, s)
        middle = gs[..., None, :] * one + _symmetric(alike) + 0.5 * opposed
        left = np.matmul(u, middle)
        if m > n:
            left = left + _over_gaps(gu - np.matmul(u, p), s[..., None, :], s)
        y = np.matmul(left, vh)
        if m < n:
            y = y + np.matmul(u, _over_gaps(gv - np.matmul(v, q), s[..., None, :], s).swapaxes(-1, -2))
        return y

    return np.concatenate([s[..., None, :], u, v], -2), (gx,)


def _over_gaps(x: Array, gaps: Array, values: Array) -> Array:
    """x / gaps between ``values``, 0 where a gap is closed: no larger than rounding of the values makes it."""
    closed = np.absolute(gaps) <= _rounding(values, -1)[..., None]
    return over_gaps(x, gaps, closed=closed) if closed.any() else x / gaps


@operation()
def over_gaps(x: Array, gaps: Array, closed: Array) -> Result:
    """y = x / gaps, and 0 where a gap is ``closed``;  ∂L/∂x = g / gaps, ∂L/∂gaps = −g·y / gaps, and 0 there.

    Raises LinAlgError where a gap is closed and x is not 0: there is no limit.
    """
    _refuse_at(closed, x)
    gaps = np.where(closed, 1, gaps)
    y = np.where(closed, 0, x / gaps)

    def gx(g: Array) -> Array:
        if not np.any(x):  # as in forward mode, which asks for the transpose: all that a gap refuses is still to come
            _refuse_at(closed, g)
        return np.where(closed, 0, g / gaps)

    return y, (gx, lambda g: -g * y / gaps)


def _refuse_at(closed: Array, x: Array) -> None:
    """Raise unless x is 0, but for rounding, wherever ``closed``."""
    if np.any(closed & (np.absolute(x) > _rounding(x, (-1, -2)))):
        raise np.linalg.LinAlgError(REPEATED)


def _rounding(x: Array, axis: Any) -> Array:
    """How far rounding may move elements of x, beside the others along ``axis``."""
    return np.add.reduce(np.absolute(x), axis=axis, keepdims=True) * (8 * float(np.finfo(x.dtype).eps))


@operation()
@through_single
def orthogonal_triangular(x: Array) -> Result:
    """y = q (m, k) above rᵀ (n, k), where x = q r, q has orthonormal columns, r is upper triangular, k = min(m, n).

    With r = (r₁ r₂), r₁ square, and x = (x₁ x₂) likewise:  ∂L/∂x₂ = q g₂ and ∂L/∂x₁ = (h + q M) r₁⁻ᵀ, where
    h = gq + x₂ g₂ᵀ and M is r₁ g₁ᵀ − hᵀ q with its lower triangle mirrored into the upper. Walter &
    Lehmann (2010), "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design"; wide x as in Roberts & Roberts (2020), "QR and LQ decomposition matrix
    backpropagation algorithms". Raises LinAlgError for the gradient where the first k columns depend on each other.
    """
    q, r = np.linalg.qr(x)
    m, k = q.shape[-2:]

    def gx(g: Array) -> Array:
        g1, g2 = g[..., m : m + k, :].swapaxes(-1, -2), g[..., m + k :, :].swapaxes(-1, -2)
        first = r[..., :k]
        h = g[..., :m, :] + np.matmul(x[..., k:], g2.swapaxes(-1, -2))
        mirrored = np.matmul(first, g1.swapaxes(-1, -2)) - np.matmul(h.swapaxes(-1, -2), q)
        half = mirrored * _lower_half(k, mirrored.dtype)
        total = h + np.matmul(q, half + half.swapaxes(-1, -2))
        gx1 = np.linalg.solve(first, total.swapaxes(-1, -2)).swapaxes(-1, -2)
        return np.concatenate([gx1, np.matmul(q, g2)], -1)

    return np.concatenate([q, r.swapaxes(-1, -2)], -2), (gx,)


QRResult = type(np.linalg.qr(np.eye(1)))


@composition(np.linalg.qr)
def qr(x: Array, mode: str = "reduced") -> Any:
    """QR decomposition x = q r into orthonormal columns and an upper triangle; only r for the mode "r".

    Raises ValueError for the modes "raw" and, where x has more rows than columns, "complete": the columns
    that complete q are no function of x.
    """
    x = as_array(x)
    m, n = x.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise ValueError(f"the mode {mode!r} has no gradient for a matrix {m} × {n}; use 'reduced' or 'r'")
    y = orthogonal_triangular(x)
    r = y[..., m:, :].swapaxes(-1, -2)
    return r if mode == "r" else QRResult(y[..., :m, :], r)


def _symmetric(x: Array) -> Array:
    """(x + xᵀ) / 2."""
    return 0.5 * (x + x.swapaxes(-1, -2))


def _antisymmetric(x: Array) -> Array:
    """x − xᵀ."""
    return x - x.swapaxes(-1, -2)


@lru_cache(maxsize=8)
def _lower_half(n: int, dtype: Any) -> Array:
    """1 below the diagonal, ½ on it, 0 above: what a symmetric matrix is the sum of, with its transpose."""
    return np.tri(n, dtype=dtype) - 0.5 * _identity(n, dtype)


@lru_cache(maxsize=8)
def _identity(n: int, dtype: Any) -> Array:
    """1 on the diagonal."""
    return np.eye(n, dtype=dtype)
