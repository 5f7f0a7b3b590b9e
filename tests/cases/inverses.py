"""Cases of inverses, determinants and linear systems."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
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

STACKS = domains.one(domains.regular, domains.square_shapes())


@st.composite
def along_directions(draw):
    shape = draw(domains.square_shapes(1))
    arrays = st.lists(domains.numbers(shape), max_size=2)
    return Variant((draw(domains.regular(shape)), *draw(arrays)))


def systems():
    """Stacks of matrices and right-hand sides that broadcast; a vector is no stack."""
    vectors = domains.square_shapes().flatmap(lambda s: st.tuples(domains.regular(s), domains.numbers(s[-1:])))
    return domains.variants(vectors) | domains.together(
        domains.regular, domains.numbers, signature="(n,n),(n,m)->(n,m)"
    )


@st.composite
def fits(draw):
    m, n = draw(domains.shapes(1, 2, 2))
    right = draw(st.just((m,)) | st.integers(1, 3).map(lambda k: (m, k)))
    return Variant((draw(domains.separated((m, n))), draw(domains.numbers(right))))


@st.composite
def factors(draw):
    """Two shapes of equally many elements."""
    first = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    return tuple(first), tuple(draw(st.permutations(first) | st.just([int(np.prod(first))])))


@st.composite
def of_tensors(draw):
    left, right = draw(factors())
    n = int(np.prod(left))
    return Variant((draw(domains.regular((n, n))).reshape(left + right),), {"ind": len(left)})


@st.composite
def tensor_equations(draw):
    """x1 with the axes of the unknown last, or elsewhere, where ``axes`` says."""
    b, x = draw(factors())
    n = int(np.prod(b))
    x1 = draw(domains.regular((n, n))).reshape(b + x)
    x2 = draw(domains.numbers(b))
    if draw(st.booleans()):
        return Variant((x1, x2))
    axes = draw(st.permutations(range(x1.ndim)))[: len(x)]
    order = [i for i in range(x1.ndim) if i not in axes] + axes  # what tensorsolve brings x1 into
    return Variant((x1.transpose(np.argsort(order)), x2), {"axes": tuple(axes)})


ROWS = [
    Row(inverses.inv, stacks(), dtypes=LAPACK, drawn=STACKS),
    Row(inverses.solve, [Variant((regular(*a), uniform(*b))) for a, b in SYSTEMS], dtypes=LAPACK, drawn=systems()),
    Row(inverses.det, stacks(), dtypes=LAPACK, drawn=STACKS),
    Row(inverses.cofactors, stacks() + of_shapes(*ALONG), formula=minors, dtypes=LAPACK, drawn=along_directions()),
    Row(
        inverses.sign_and_logarithm,
        stacks(),
        formula=lambda x: np.stack(np.linalg.slogdet(x)),
        dtypes=LAPACK,
        drawn=STACKS,
    ),
    Row(
        inverses.slogdet,
        stacks(),
        call=lambda operation, x: (lambda y: y.sign + y.logabsdet)(operation(x)),
        dtypes=LAPACK,
        drawn=STACKS,
    ),
    Row(
        inverses.pinv,
        [Variant((tall_or_wide(*s),)) for s in [(3, 3), (4, 2), (2, 3), (2, 3, 2), (1, 1), (0, 2, 3)]]
        + over("rtol", [1e-3], 3, 2, draw=tall_or_wide)
        + over("rcond", [1e-3], 2, 3, draw=tall_or_wide),
        dtypes=LAPACK,
        drawn=domains.one(domains.regular, domains.matrix_shapes(1), rtol=st.sampled_from([None, 1e-3])),
    ),
    Row(
        inverses.least_squares,
        [Variant((tall_or_wide(*a), uniform(*b))) for a, b in FITS],
        formula=lambda x1, x2: np.linalg.lstsq(x1, x2)[0],
        dtypes=LAPACK,
        drawn=fits(),
    ),
    Row(
        inverses.lstsq,
        [Variant((tall_or_wide(*a), uniform(*b))) for a, b in FITS],
        call=lambda operation, x1, x2: np.concatenate([np.reshape(operation(x1, x2)[i], -1) for i in (0, 1, 3)]),
        dtypes=LAPACK,
        drawn=fits(),
    ),
    Row(
        inverses.matrix_power,
        over("n", [-3, -1, 1, 2, 3, 5], 3, 3, draw=small) + over("n", [2], 2, 2, 2, draw=small),
        dtypes=LAPACK,
        drawn=domains.one(domains.powered, domains.square_shapes(), n=st.integers(-3, 5)),
    ),
    Row(
        inverses.tensorinv,
        [
            Variant((regular(4, 4).reshape(s),), {"ind": i})
            for s, i in [((2, 2, 4), 2), ((4, 2, 2), 1), ((2, 2, 2, 2), 2)]
        ],
        dtypes=LAPACK,
        drawn=of_tensors(),
    ),
    Row(
        inverses.tensorsolve,
        [
            Variant((regular(4, 4).reshape(2, 2, 4), uniform(2, 2))),
            Variant((regular(4, 4).reshape(4, 2, 2), uniform(4))),
            Variant((regular(4, 4).reshape(2, 4, 2), uniform(4)), {"axes": (0, 2)}),
        ],
        dtypes=LAPACK,
        drawn=tensor_equations(),
    ),
]
