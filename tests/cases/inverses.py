"""Cases of inverses, determinants and linear systems."""

import numpy as np

from tests.cases.rows import LAPACK, Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import inverses


def regular(*shape):
    """Square matrices far from singular ones: eigenvalues near 2."""
    return uniform(*shape, low=-0.5, high=0.5) + 2 * np.eye(shape[-1])


def small(*shape):
    """Square matrices with eigenvalues near 1, whose powers stay there."""
    return regular(*shape) / 2


def stacks(draw=regular, **options):
    return [Variant((draw(*s),), options) for s in [(3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 2, 2), (0, 0)]]


def tall_or_wide(*shape):
    """Matrices of full rank with singular values near 2."""
    return uniform(*shape, low=-0.4, high=0.4) + 2 * np.eye(*shape[-2:])


SYSTEMS = [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 1)), ((2, 1, 3, 3), (2, 3, 2))]
SYSTEMS += [((3, 3), (2, 3, 2)), ((1, 3, 3), (0, 3, 2)), ((2, 2), (2, 0))]
FITS = [((4, 3), (4,)), ((4, 3), (4, 2)), ((3, 3), (3,)), ((2, 3), (2,)), ((2, 3), (2, 2))]


def minors(x, *directions):
    """Cofactors by their definition; along directions, the mixed differences of these polynomials."""
    if directions:
        *others, h = directions
        # For matrices no larger than 3 × 3 they are quadratic, so that a central difference is exact.
        return minors(x + h / 2, *others) - minors(x - h / 2, *others)
    n = x.shape[-1]
    y = np.empty_like(x)
    for i, j in np.ndindex(n, n):
        y[..., i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, -2), j, -1))
    return y


ALONG = [((3, 3), (3, 3)), ((2, 3, 3), (2, 3, 3)), ((3, 3), (3, 3), (3, 3)), ((2, 2), (2, 2)), ((1, 1), (1, 1))]

ROWS = [
    Row(inverses.inv, stacks(), dtypes=LAPACK),
    Row(
        inverses.solve,
        [Variant((regular(*a), uniform(*b))) for a, b in SYSTEMS],
        dtypes=LAPACK,
    ),
    Row(inverses.det, stacks(), dtypes=LAPACK),
    Row(inverses.cofactors, stacks() + of_shapes(*ALONG), formula=minors, dtypes=LAPACK),
    Row(
        inverses.sign_and_logarithm,
        stacks(),
        formula=lambda x: np.stack(np.linalg.slogdet(x)),
        dtypes=LAPACK,
    ),
    Row(
        inverses.slogdet,
        stacks(),
        call=lambda operation, x: (lambda y: y.sign + y.logabsdet)(operation(x)),
        dtypes=LAPACK,
    ),
    Row(
        inverses.pinv,
        [Variant((tall_or_wide(*s),)) for s in [(3, 3), (4, 2), (2, 3), (2, 3, 2), (1, 1), (0, 2, 3)]]
        + over("rtol", [1e-3], 3, 2, draw=tall_or_wide)
        + over("rcond", [1e-3], 2, 3, draw=tall_or_wide),
        dtypes=LAPACK,
    ),
    Row(
        inverses.least_squares,
        [Variant((tall_or_wide(*a), uniform(*b))) for a, b in FITS],
        formula=lambda x1, x2: np.linalg.lstsq(x1, x2)[0],
        dtypes=LAPACK,
    ),
    Row(
        inverses.lstsq,
        [Variant((tall_or_wide(*a), uniform(*b))) for a, b in FITS],
        call=lambda operation, x1, x2: np.concatenate([np.reshape(operation(x1, x2)[i], -1) for i in (0, 1, 3)]),
        dtypes=LAPACK,
    ),
    Row(
        inverses.matrix_power,
        over("n", [-3, -1, 1, 2, 3, 5], 3, 3, draw=small) + over("n", [2], 2, 2, 2, draw=small),
        dtypes=LAPACK,
    ),
    Row(
        inverses.tensorinv,
        [
            Variant((regular(4, 4).reshape(s),), {"ind": i})
            for s, i in [((2, 2, 4), 2), ((4, 2, 2), 1), ((2, 2, 2, 2), 2)]
        ],
        dtypes=LAPACK,
    ),
    Row(
        inverses.tensorsolve,
        [
            Variant((regular(4, 4).reshape(2, 2, 4), uniform(2, 2))),
            Variant((regular(4, 4).reshape(4, 2, 2), uniform(4))),
            Variant((regular(4, 4).reshape(2, 4, 2), uniform(4)), {"axes": (0, 2)}),
        ],
        dtypes=LAPACK,
    ),
]
