"""Cases of the decompositions.

Of vectors whose sign is arbitrary, only products enter in which it cancels.
"""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import LAPACK, Row, Variant, either_sign, uniform
from tinygrad_np.rules import decompositions


def separated(*shape):
    """Matrices whose eigenvalues and singular values lie near 1, 3, 5, ..."""
    return uniform(*shape, low=-0.3, high=0.3) + np.eye(*shape[-2:]) * (1 + 2 * np.arange(shape[-1]))


def transposed(x):
    return np.swapaxes(x, -1, -2)


def symmetric(x):
    return (x + transposed(x)) / 2


def joined(*parts):
    """Matrices of equally many columns in one array."""
    return np.concatenate(parts, -2)


def row_and_rotations(values, *vectors):
    """Values, and vectors in which the sign of each column cancels."""
    return joined(values[..., None, :], *[v * v[..., :1, :] for v in vectors])


def triplets(u, s, vh):
    """Singular values, left and right vectors in one array, where the sign of each pair of vectors cancels."""
    return signless(joined(s[..., None, :], u, transposed(vh)), vh.shape[-1])


def signless(y, n):
    """The packed triplets of matrices with n columns, multiplied by the first element of each right vector."""
    return joined(y[..., :1, :], y[..., 1:, :] * y[..., -n : -n + 1 or None, :])


def parts_of_svd(operation, x, **options):
    y = operation(x, **options)
    return triplets(*y) if isinstance(y, tuple) else y


def parts_of_qr(operation, x, **options):
    y = operation(x, **options)
    if not isinstance(y, tuple):
        return y * y
    q, r = y
    return joined(q * q, transposed(r * r))


SQUARE = [(3, 3), (2, 2, 2), (1, 1), (0, 2, 2)]
SHAPES = [(3, 3), (4, 2), (2, 3), (2, 3, 2), (1, 1), (0, 2, 3)]
HALVES = [{"UPLO": "U"}, {"UPLO": "L"}]


def over_shapes(shapes, *options):
    return [Variant((separated(*s),)) for s in shapes] + [Variant((separated(3, 3),), o) for o in options]


SYMMETRIC = domains.one(domains.separated, domains.square_shapes(1), UPLO=st.sampled_from("LU"))
RECTANGULAR = domains.one(domains.separated, domains.matrix_shapes(1))


def of_a_mode(variant):
    """One of the modes of QR that a matrix of this shape has."""
    m, n = variant.arrays[0].shape[-2:]
    modes = ["reduced", "r", "complete"] if m <= n else ["reduced", "r"]
    return st.sampled_from(modes).map(lambda mode: Variant(variant.arrays, {"mode": mode}))


ROWS = [
    Row(
        decompositions.cholesky,
        over_shapes(SQUARE, {"upper": True}),
        call=lambda operation, x, **options: operation(symmetric(x), **options),
        dtypes=LAPACK,
        drawn=domains.one(domains.separated, domains.square_shapes(), upper=st.booleans()),
    ),
    Row(
        decompositions.eigvalsh,
        over_shapes(SQUARE, *HALVES),
        call=lambda operation, x, **options: operation(symmetric(x), **options),
        dtypes=LAPACK,
        drawn=SYMMETRIC,
    ),
    Row(
        decompositions.eigh,
        over_shapes(SQUARE, *HALVES),
        call=lambda operation, x, **options: row_and_rotations(*operation(symmetric(x), **options)),
        dtypes=LAPACK,
        drawn=SYMMETRIC,
    ),
    Row(
        decompositions.eigenpairs,
        over_shapes(SQUARE, *HALVES),
        formula=lambda x, **options: row_and_rotations(*np.linalg.eigh(symmetric(x), **options)),
        call=lambda operation, x, **options: (lambda y: row_and_rotations(y[..., 0, :], y[..., 1:, :]))(
            operation(symmetric(x), **options)
        ),
        dtypes=LAPACK,
        drawn=SYMMETRIC,
    ),
    Row(decompositions.svdvals, over_shapes(SHAPES), dtypes=LAPACK, drawn=RECTANGULAR),
    Row(
        decompositions.svd,
        [Variant((separated(*s),), {"full_matrices": False}) for s in SHAPES]
        + over_shapes([(3, 3)], {"compute_uv": False}),
        call=parts_of_svd,
        dtypes=LAPACK,
        drawn=domains.one(
            domains.separated, domains.matrix_shapes(1), full_matrices=st.just(False), compute_uv=st.booleans()
        ),
    ),
    Row(
        decompositions.singular_triplets,
        over_shapes(SHAPES),
        formula=lambda x: triplets(*np.linalg.svd(x, full_matrices=False)),
        call=lambda operation, x: signless(operation(x), x.shape[-1]),
        dtypes=LAPACK,
        drawn=RECTANGULAR,
    ),
    Row(
        decompositions.over_gaps,
        [Variant((uniform(3, 3), either_sign(3, 3)), {"closed": np.zeros((3, 3), bool)})],
        formula=lambda x, gaps, closed: x / gaps,
        drawn=domains.matrix_shapes().flatmap(
            lambda shape: domains.variants(
                st.tuples(domains.numbers(shape), domains.nonzero(shape)), closed=st.just(np.zeros(shape, bool))
            )
        ),
    ),
    Row(
        decompositions.orthogonal_triangular,
        over_shapes(SHAPES),
        formula=lambda x: (lambda q, r: joined(q, transposed(r)) ** 2)(*np.linalg.qr(x)),
        call=lambda operation, x: operation(x) ** 2,
        dtypes=LAPACK,
        drawn=RECTANGULAR,
    ),
    Row(
        decompositions.qr,
        over_shapes([(3, 3), (4, 2), (2, 3)], {"mode": "r"}, {"mode": "complete"}),
        call=parts_of_qr,
        dtypes=LAPACK,
        drawn=RECTANGULAR.flatmap(of_a_mode),
    ),
]
