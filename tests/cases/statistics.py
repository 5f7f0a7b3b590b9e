"""Cases of averages and covariances."""

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, positive, uniform
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

ROWS = [
    Row(statistics.average, AVERAGES, call=averaged),
    Row(statistics.cov, COVARIANCES, call=observed),
    Row(statistics.corrcoef, of_shapes(((3, 5),), ((5,), (5,))) + of_shapes(((5, 2),), rowvar=False)),
]
