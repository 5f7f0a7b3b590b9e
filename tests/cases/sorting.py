"""Cases of sorting and quantiles."""

import numpy as np

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

ROWS = [
    Row(
        sorting.reorder,
        [Variant((uniform(2, 3),), {"order": ORDER, "axis": 1})],
        formula=lambda x, order, axis: np.take_along_axis(x, order, axis),
    ),
    Row(sorting.sort, [*over("axis", [0, -1, None], 3, 4), *over("kind", ["stable"], 5), Variant((apart(0, 3),))]),
    Row(
        sorting.partition,
        [*over("kth", [[1, 3], [1, -2]], 5), Variant((apart(3, 4),), {"kth": 1, "axis": 0})],
        call=lambda operation, x, kth, axis=-1: operation(x, kth, axis),
    ),
    Row(
        sorting.order_statistics,
        [Variant((apart(3, 2),), {"positions": POSITIONS, "axis": 0, "shape": (4,)})],
        formula=lambda x, positions, **_: (WEIGHTS * np.sort(x, 0)[positions, np.arange(2)]).sum(0).ravel(),
        call=lambda operation, x, **options: operation(x, weights=WEIGHTS.astype(x.dtype), **options),
    ),
    Row(sorting.median, reduced(apart, [None, 0, (0, -1)])),
    Row(sorting.quantile, quantiles(1) + [Variant((apart(7),), {"q": 0.3, "method": m}) for m in METHODS]),
    Row(sorting.percentile, quantiles(100)),
    Row(sorting.nanmedian, reduced(apart, [None, 0])[:4]),
    Row(sorting.nanquantile, quantiles(1)),
    Row(sorting.nanpercentile, quantiles(100)[1:2]),
]
