"""Cases of averages and covariances."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.cases import domains
from tests.cases.rows import Row, Variant, lean, of_shapes, positive, uniform
from tinygrad_np.rules import statistics

COUNTS = np.array([1, 2, 0, 3, 1])


def averaged(operation, x, *weights, **options):
    """Both values, where there are two."""
    y = operation(x, weights=weights[0] if weights else None, **options)
    return np.concatenate([part.reshape(-1) for part in y]) if isinstance(y, tuple) else y


def weighted(*shapes, **options):
    """An array and its positive weights."""
    return Variant((uniform(*shapes[0]), positive(*shapes[1])), options)


def observed(operation, x, *others, weighted=False, **options):
    """Covariances of one or two arrays of observations; with ``weighted`` the last array holds weights."""
    if weighted:
        others, options = others[:-1], options | {"aweights": others[-1]}
    return operation(x, *others, **options)


AVERAGES = [
    Variant((uniform(3, 4),), {"axis": 0}),
    Variant((uniform(3, 4),), {"returned": True}),
    weighted((3, 4), (3, 4)),
    weighted((3, 4), (4,), axis=1, keepdims=True),
    weighted((3, 4), (3,), axis=0, returned=True),
    weighted((2, 3, 4), (4, 2), axis=(2, 0)),
]
COVARIANCES = of_shapes(((3, 5),), ((5,), (5,)), ((5,),)) + of_shapes(((5, 2), (5, 1)), rowvar=False, bias=True)
COVARIANCES += of_shapes(((2, 5),), fweights=COUNTS, ddof=0)
COVARIANCES += [weighted((2, 5), (5,), weighted=True, fweights=COUNTS)]


@st.composite
def averages(draw):
    """Numbers, without weights, or with one for each of them or for each place along the axes that are averaged."""
    variant = draw(domains.reduced(least=1, returned=st.booleans()).filter(lambda variant: variant.arrays[0].size))
    x, axis = variant.arrays[0], variant.options["axis"]
    along = x.shape if axis is None else tuple([x.shape[i] for i in np.atleast_1d(axis)])
    weights = st.sampled_from([x.shape, along]).flatmap(domains.positive)
    return Variant((x, *draw(st.just(()) | st.tuples(weights))), variant.options)


@st.composite
def observations(draw):
    """Observations in rows or columns, in one array or two; how often each was made, and how much it counts."""
    n = draw(st.integers(2, 5))
    in_rows, counted, weighted = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    some = draw(st.lists(st.just((n,)) | st.integers(1, 3).map(lambda m: (m, n)), min_size=1, max_size=2))
    some = [shape if in_rows else shape[::-1] for shape in some]
    options = {"rowvar": in_rows, "bias": draw(st.booleans())}
    if counted:
        options["fweights"] = draw(hnp.arrays(np.int64, n, elements=st.integers(1, 3)))
    arrays = draw(st.tuples(*map(domains.numbers, some)))
    if weighted:
        options["weighted"] = True
        arrays = (*arrays, draw(domains.positive((n,))))
    return Variant(arrays, options)


@st.composite
def correlated(draw):
    """Observations of variables, each large in an observation of its own, so that none is a multiple of another."""
    n = draw(st.integers(3, 4))
    x = draw(domains.separated((draw(st.integers(1, 3)), n)))
    cut = draw(st.integers(1, len(x)))
    parts = [part for part in (x[:cut], x[cut:]) if len(part)]
    in_rows = draw(st.booleans())
    return Variant(tuple([part if in_rows else part.T for part in parts]), {"rowvar": in_rows})


def small(*shape):
    return uniform(*shape, low=-0.9, high=0.9)


ROWS = [
    Row(statistics.average, AVERAGES, call=averaged, drawn=averages()),
    Row(statistics.cov, COVARIANCES, call=observed, drawn=observations()),
    Row(
        statistics.corrcoef, of_shapes(((3, 5),), ((5,), (5,))) + of_shapes(((5, 2),), rowvar=False), drawn=correlated()
    ),
    Row(
        statistics.within_one,
        lean(small),
        formula=lambda x: np.clip(x, -1, 1),
        drawn=domains.one(domains.of(domains.floats(-0.75, 0.75))),
    ),
]
