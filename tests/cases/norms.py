"""Cases of the norms."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import LAPACK, Row, Variant, either_sign, reduced, uniform
from tinygrad_np.rules import norms


def separated(*shape):
    """Matrices with singular values near 1, 3, 5, ..., and sums of sizes in rows and columns that lie apart as well."""
    return uniform(*shape, low=-0.3, high=0.3) + np.eye(*shape[-2:]) * (1 + 2 * np.arange(shape[-1]))


def spread(*shape):
    """Numbers of either sign and of sizes at least 0.2 apart."""
    n = int(np.prod(shape))
    return (np.sign(uniform(n)) * (0.4 + 0.2 * np.arange(n))).reshape(shape)


def vectors(draw, *orders, **options):
    return [Variant((draw(4),), {"ord": order, **options}) for order in orders]


def matrices(*orders, **options):
    return [Variant((separated(3, 3),), {"ord": order, **options}) for order in orders]


STACK = separated(2, 3, 2)

ORDERS = ["fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf]


def of_vectors(orders):
    return domains.along(domains.of_distinct_sizes, least=1, ord=st.sampled_from(orders), keepdims=st.booleans())


@st.composite
def of_matrices(draw, orders):
    """Square matrices in any two axes of three, or two."""
    x = draw(domains.square_shapes(1).flatmap(domains.separated))
    axes = draw(domains.several_axes(x.ndim, min_size=2, max_size=2))
    options = {"ord": draw(st.sampled_from(orders)), "axis": axes, "keepdims": draw(st.booleans())}
    return Variant((np.moveaxis(x, (-2, -1), axes),), options)


ROWS = [
    Row(
        norms.euclidean_norm,
        reduced(either_sign, [None, 0, -1, (0, 1)]),
        formula=lambda x, axis=None, keepdims=False: np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims)),
        drawn=domains.reduced(domains.nonzero),
    ),
    Row(
        norms.power_norm,
        [Variant((either_sign(3, 2),), {"p": p, "axis": 0}) for p in (3, 4, 2.5, 1.5, 0.5, -1, -2)]
        + [Variant((either_sign(2, 3, 2),), {"p": 3, "axis": (0, -1), "keepdims": True})],
        formula=lambda x, p, axis, keepdims=False: np.sum(abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p),
        drawn=domains.reduced(domains.nonzero, least=1, p=st.sampled_from([3, 4, 2.5, 1.5, 0.5, -1, -2])),
    ),
    Row(
        norms.norm,
        matrices(2, -2, "nuc", 1, -1, np.inf, -np.inf, "fro", None)
        + matrices(2, np.inf, axis=(1, 0), keepdims=True)
        + vectors(spread, None, 2, 1, np.inf, -np.inf, 3, -1.5)
        + [Variant((STACK,), {"ord": 1, "axis": (-1, 0)}), Variant((STACK,), {"ord": "nuc", "axis": (0, 2)})]
        + [Variant((STACK,), {"ord": 3, "axis": 1}), Variant((STACK,), {"keepdims": True}), Variant((uniform(),))],
        dtypes=LAPACK,
        drawn=of_vectors([None, 2, 1, np.inf, -np.inf, 3, -1.5]) | of_matrices([None, *ORDERS]),
    ),
    Row(
        norms.vector_norm,
        [*vectors(spread, 2, 1, np.inf, 3), Variant((spread(2, 3, 2),), {"ord": 3, "axis": (0, -1), "keepdims": True})],
        drawn=domains.reduced(domains.of_distinct_sizes, least=1, ord=st.sampled_from([2, 1, np.inf, -np.inf, 3])),
    ),
    Row(
        norms.matrix_norm,
        [*matrices(2, 1, "nuc"), Variant((STACK,)), Variant((STACK,), {"ord": -np.inf, "keepdims": True})],
        dtypes=LAPACK,
        drawn=domains.one(
            domains.separated, domains.square_shapes(1), ord=st.sampled_from(ORDERS), keepdims=st.booleans()
        ),
    ),
    Row(
        norms.cond,
        [Variant((separated(*s),), {"p": p}) for s, p in [((3, 3), None), ((2, 3), 2), ((2, 3, 3), -2)]]
        + [Variant((separated(2, 2),), {"p": p}) for p in (1, -1, np.inf, "fro")],
        dtypes=LAPACK,
        drawn=domains.one(domains.separated, domains.square_shapes(1), p=st.sampled_from([None, *ORDERS])),
    ),
]
