"""Cases of the cumulative sums and products, and of differences."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, either_sign, of_shapes, over, uniform
from tinygrad_np.rules import cumulative

PLACES = np.array([0.0, 0.4, 1.5, 1.9, 3.0])  # uneven steps


def accumulated(draw, **options):
    """Along each axis, and over all elements."""
    some = [Variant((draw(3, 4),), {"axis": a} | options) for a in (0, -1)]
    return [
        *some,
        Variant((draw(2, 3, 2),), {"axis": 1} | options),
        Variant((draw(5),)),
        Variant((draw(0, 3),), {"axis": 1}),
    ]


FLAT = [Variant((either_sign(3, 4),)), Variant((either_sign(),))]
WITH_ZEROS = [([1.5, 0.0, -2.0], 0), ([0.0, 0.7, 0.0, 1.2, 0.9], 0), ([[0.0, 0.0], [0.6, -1.1], [0.0, 1.9]], None)]
PRODUCTS = accumulated(either_sign) + FLAT + [Variant((np.array(x),), {"axis": a}) for x, a in WITH_ZEROS]
INITIAL = accumulated(either_sign, include_initial=True)[:3]


def packed(operation, *arrays, **options):
    """The slopes along several axes in one array."""
    y = operation(*arrays, **options)
    return np.concatenate([part.reshape(-1) for part in y]) if isinstance(y, tuple) else y


def joined(operation, x, *ends, n=1, axis=-1):
    """Differences of x and of what is joined to it."""
    return operation(x, n, axis, *ends)


def spaced(operation, f, spacings=(), **options):
    """Slopes of samples with these spacings."""
    return packed(operation, f, *spacings, **options)


TERMS = [(slice(1, -1), slice(2, None), slice(-2), 0.5), (0, 1, 0, 2.0), (-1, 0, -2, -1.5), (0, -1, 1, 0.25)]


def by_matrix(x, terms, axis, transposed):
    """The terms as a matrix, column by column, times x."""
    columns = []
    for unit in np.eye(x.shape[axis]):
        y = np.zeros_like(unit)
        for rows, ahead, behind, weight in terms:
            y[rows] += weight * (unit[ahead] - unit[behind])
        columns.append(y)
    matrix = np.array(columns) if transposed else np.array(columns).T
    return np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)


CUMULATIVE = domains.along(include_initial=st.booleans()) | domains.one(domains.numbers, domains.shapes(max_dims=1))


@st.composite
def ends_joined(draw):
    """An array, what is joined before and after it along an axis, a number or of any length, and how often."""
    shape, axis = draw(domains.shape_and_axis())
    end = st.just(()) | domains.lengths().map(lambda n: domains.resized(shape, axis, n))
    some = st.lists(end, max_size=2).map(lambda ends: [shape, *ends])
    return draw(domains.many(some, n=st.integers(0, 3), axis=st.just(axis)))


@st.composite
def areas(draw):
    """Samples along an axis, and their steps, or coordinates along that axis or one for each."""
    shape, axis = draw(domains.shape_and_axis())
    steps = domains.one(domains.numbers, st.just(shape), axis=st.just(axis), dx=domains.floats(0.25, 2.5))
    places = st.sampled_from([shape, (shape[axis],)]).map(lambda s: [shape, s])
    return draw(steps | domains.many(places, axis=st.just(axis)))


@st.composite
def samples(draw):
    """Samples with at least as many along each axis as the ends need, and steps or coordinates for all axes or each."""
    order = draw(st.sampled_from([1, 2]))
    shape = draw(domains.shapes(order + 1, 1).filter(len))
    axes = draw(st.none() | domains.several_axes(len(shape), min_size=1))
    lengths = [shape[i] for i in (range(len(shape)) if axes is None else axes)]
    step = domains.floats(0.25, 2.5)
    places = [st.lists(step, min_size=n, max_size=n).map(np.cumsum) for n in lengths]
    spacings = draw(st.just(()) | st.tuples(step) | st.tuples(*[step | some for some in places]))
    options = {"spacings": spacings, "edge_order": order} | ({} if axes is None else {"axis": axes})
    return Variant((draw(domains.numbers(shape)),), options)


ROWS = [
    Row(cumulative.cumsum, accumulated(uniform) + FLAT, drawn=domains.along_or_flat()),
    Row(cumulative.cumprod, PRODUCTS, drawn=domains.along_or_flat()),
    Row(cumulative.cumulative_sum, accumulated(uniform)[1:4] + INITIAL, drawn=CUMULATIVE),
    Row(cumulative.cumulative_prod, accumulated(either_sign)[1:4] + INITIAL, drawn=CUMULATIVE),
    Row(cumulative.nancumsum, accumulated(uniform)[1:4], drawn=domains.along_or_flat(domains.or_nan)),
    Row(cumulative.nancumprod, accumulated(either_sign)[1:4], drawn=domains.along_or_flat(domains.or_nan)),
    Row(
        cumulative.differences,
        [Variant((uniform(3, 4),), {"n": n, "axis": a}) for n, a in [(1, -1), (2, 0), (3, 1), (1, 0), (5, 1)]],
        formula=np.diff,
        drawn=domains.along(n=st.integers(0, 4)),
    ),
    Row(
        cumulative.diff,
        [Variant((uniform(3, 4),), {"n": n, "axis": a}) for n, a in [(1, -1), (2, 0), (0, 1)]]
        + of_shapes(((5,),), ((3, 4), (3, 1)), ((3, 4), (), (3, 2)), n=2)
        + of_shapes(((3, 4), (2, 4), (1, 4)), axis=0),
        call=joined,
        drawn=ends_joined(),
    ),
    Row(
        cumulative.ediff1d,
        of_shapes(((3, 4),), ((4,), (2,)), ((4,), (), (2, 1)), ((1,), (2,))),
        drawn=domains.many(st.lists(domains.shapes(), min_size=1, max_size=3)),
    ),
    Row(
        cumulative.trapezoid,
        over("axis", [0, -1], 3, 4)
        + over("dx", [0.5], 5)
        + of_shapes(((3, 4), (4,)), ((3, 4), (3, 4)), ((0, 4),))
        + of_shapes(((3, 4), (3,)), axis=0),
        drawn=areas(),
    ),
    Row(
        cumulative.weighted_differences,
        [Variant((uniform(4, 5),), {"terms": TERMS, "axis": a, "transposed": t}) for a, t in [(0, False), (1, True)]],
        formula=by_matrix,
        drawn=domains.along(least=2, terms=st.permutations(TERMS), transposed=st.booleans()),
    ),
    Row(
        cumulative.gradient,
        [Variant((uniform(4, 5),)), Variant((uniform(5),), {"spacings": (0.5,), "edge_order": 2})]
        + [Variant((uniform(4, 5),), {"spacings": (PLACES,), "axis": 1, "edge_order": e}) for e in (1, 2)]
        + [Variant((uniform(5, 3),), {"spacings": (PLACES, 2.0), "edge_order": 2}), Variant((uniform(2),))]
        + [Variant((uniform(2, 3, 3),), {"axis": (0, -1)})],
        call=spaced,
        drawn=samples(),
    ),
]
