"""Cases of sorting and quantiles."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, over, reduced, uniform
from tinygrad_np.rules import sorting

ORDER = np.array([[2, 0, 1], [0, 2, 1]])
POSITIONS = np.array([[[1, 0], [2, 1]], [[2, 0], [0, 1]]])
WEIGHTS = np.array([[0.5, 0.4], [1.0, -0.6]])[:, :, None]


def quantiles(scale, axes=(None, 0, (0, -1))):
    """One quantile, and several in an array, over each of the axes; and each method."""
    some = [
        Variant((apart(3, 4),), {"q": q, "axis": a})
        for q, a in zip((0.3 * scale, np.array([0, 0.55]) * scale, scale), axes)
    ]
    return [*some, Variant((apart(3, 4),), {"q": np.full((2, 1), 0.7 * scale), "axis": 1, "keepdims": True})]


METHODS = [*sorting.PLACES, *sorting.ROUNDED]


@st.composite
def reordered(draw):
    shape, axis = draw(domains.shape_and_axis())
    order = domains.unique(shape).map(lambda numbers: numbers.argsort(axis))
    return draw(domains.one(domains.numbers, st.just(shape), order=order, axis=st.just(axis)))


@st.composite
def partitioned(draw):
    """One place or several along an axis, counted from either end."""
    variant = draw(domains.along(domains.distinct, least=1))
    n = domains.length(variant)
    place = st.integers(-n, n - 1)
    return Variant(variant.arrays, {"kth": draw(place | st.lists(place, min_size=1, max_size=3)), **variant.options})


@st.composite
def at_positions(draw):
    """As many positions as there are weights, in each column."""
    n, m = draw(domains.shapes(1, 2, 2))
    positions = hnp.arrays(np.int64, (2, 2, m), elements=st.integers(0, n - 1))
    shape = st.just((n, m))
    return draw(domains.one(domains.distinct, shape, positions=positions, axis=st.just(0), shape=st.just((2 * m,))))


def reduced_by_order(**options):
    """Not of no elements, over which NumPy's functions are at odds with their own documentation."""
    return domains.reduced(domains.distinct, least=1, **options).filter(lambda variant: variant.arrays[0].size)


def parts_below(scale, most=2, **options):
    """One part of a whole that is ``scale``, or an array of them with so many axes.

    NumPy's functions that pass over NaN put two such axes into the wrong places of the result.
    """
    some = domains.shapes(1, max_dims=most) | st.just((0,))
    parts = hnp.arrays(np.float64, some, elements=domains.floats(0, 1)).map(lambda q: q * scale)
    return reduced_by_order(q=parts, **options)


ROWS = [
    Row(
        sorting.reorder,
        [Variant((uniform(2, 3),), {"order": ORDER, "axis": 1})],
        formula=lambda x, order, axis: np.take_along_axis(x, order, axis),
        drawn=reordered(),
    ),
    Row(
        sorting.sort,
        [*over("axis", [0, -1, None], 3, 4), *over("kind", ["stable"], 5), Variant((apart(0, 3),))],
        drawn=domains.along_or_flat(domains.distinct, kind=st.sampled_from([None, "quicksort", "stable"])),
    ),
    Row(
        sorting.partition,
        [*over("kth", [[1, 3], [1, -2]], 5), Variant((apart(3, 4),), {"kth": 1, "axis": 0})],
        call=lambda operation, x, kth, axis=-1: operation(x, kth, axis),
        drawn=partitioned(),
    ),
    Row(
        sorting.order_statistics,
        [Variant((apart(3, 2),), {"positions": POSITIONS, "axis": 0, "shape": (4,)})],
        formula=lambda x, positions, **_: (WEIGHTS * np.sort(x, 0)[positions, np.arange(x.shape[1])]).sum(0).ravel(),
        call=lambda operation, x, **options: operation(x, weights=WEIGHTS.astype(x.dtype), **options),
        drawn=at_positions(),
    ),
    Row(sorting.median, reduced(apart, [None, 0, (0, -1)]), drawn=reduced_by_order()),
    Row(
        sorting.quantile,
        quantiles(1) + [Variant((apart(7),), {"q": 0.3, "method": m}) for m in METHODS],
        drawn=parts_below(1, method=st.sampled_from(METHODS)),
    ),
    Row(sorting.percentile, quantiles(100), drawn=parts_below(100, method=st.sampled_from(METHODS))),
    Row(sorting.nanmedian, reduced(apart, [None, 0])[:4], drawn=reduced_by_order(holes=True)),
    Row(sorting.nanquantile, quantiles(1), drawn=parts_below(1, most=1, holes=True)),
    Row(sorting.nanpercentile, quantiles(100)[1:2], drawn=parts_below(100, most=1, holes=True)),
]
