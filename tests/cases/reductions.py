"""Cases of the reductions."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, either_sign, of_shapes, over, reduced, uniform
from tinygrad_np.rules import reductions

MASK = np.array([[True, False, True, False], [True, True, False, False], [True] * 4])
FEW_AXES = [None, -1, (0, 1), ()]


def masked(*axes):
    """Some of the elements, by a mask of x's shape and by one that is broadcast to it."""
    return [Variant((uniform(3, 4),), {"axis": a, "where": m, "keepdims": k}) for a, m, k in axes]


MASKED = masked((0, MASK, False), (None, MASK, True), (1, MASK[1], False))
WITH_ZEROS = [np.array(x) for x in ([1.5, 0.0, -2.0], [0.0, 0.7, 0.0, 1.2], [[0.0, 0.0], [0.0, -1.1], [0.8, 1.9]])]


def spread(draw=uniform):
    """Cases of a variance; of one element it is 0."""
    some = [Variant((draw(3, 4),), {"axis": axis}) for axis in (None, 0, -1, (0, -1))]
    some += [Variant((draw(3, 4),), {"axis": 1, "ddof": 1, "keepdims": True}), Variant((draw(5),), {"ddof": 0.5})]
    return [*some, Variant((draw(2, 3, 2),), {"axis": (0, 2)}), Variant((draw(0, 3),), {"axis": 1})]


def about(operation, x, *mean, **options):
    """A spread about the elements' own mean, or about one that is given."""
    return operation(x, **options, mean=mean[0]) if mean else operation(x, **options)


def of_numbers(draw, **options):
    """Cases of a reduction that passes over NaN, of which there is none where it is compared with differences."""
    axes = {None: False, 1: True, (0, -1): False}
    return [Variant((draw(3, 4),), {"axis": axis, "keepdims": keepdims} | options) for axis, keepdims in axes.items()]


def spread_of(kind):
    """Domain of a variance, which has no degree of freedom where no more than ddof elements make one."""
    several = domains.reduced(kind, least=2, min_dims=1, ddof=st.sampled_from([0.5, 1]))
    return domains.reduced(kind, least=1, masked=True) | several.filter(lambda v: v.options["axis"] != ())


EXTREMUM = domains.reduced(domains.distinct, least=1)
OF_NUMBERS = domains.reduced(least=1, holes=True)
OF_DISTINCT_NUMBERS = domains.reduced(domains.distinct, least=1, holes=True)


@st.composite
def about_a_mean(draw):
    """Numbers, and a mean of their own for each slice, on which none of them lies."""
    variant = draw(domains.reduced(domains.on_grid(0.1), least=1))
    x, options = variant.arrays[0], variant.options
    mean = draw(domains.on_grid(0.2)(np.zeros(x.shape).sum(options["axis"], keepdims=True).shape))
    return Variant((x, mean), options)


ROWS = [
    Row(reductions.sum, reduced(uniform) + MASKED, drawn=domains.reduced(masked=True)),
    Row(reductions.mean, reduced(uniform, FEW_AXES) + MASKED, drawn=domains.reduced(least=1, masked=True)),
    Row(reductions.variance, spread() + MASKED, formula=np.var, drawn=spread_of(domains.numbers)),
    Row(
        reductions.var,
        over("correction", [1, 0.5], 5)
        + of_shapes(((3, 4), (1, 4)), axis=0, ddof=1)
        + of_shapes(((3, 4), (3, 1)), axis=1, where=MASK)
        + MASKED[:1],
        call=about,
        drawn=spread_of(domains.numbers) | about_a_mean(),
    ),
    Row(reductions.deviation, spread(apart)[:-1] + MASKED, formula=np.std, drawn=spread_of(domains.distinct)),
    Row(
        reductions.std,
        over("correction", [1], 3) + of_shapes(((3, 4), (1, 4)), axis=0) + MASKED[:1],
        call=about,
        drawn=spread_of(domains.distinct) | about_a_mean(),
    ),
    Row(
        reductions.prod,
        reduced(either_sign, FEW_AXES) + [Variant((x,), {"axis": 0}) for x in WITH_ZEROS],
        drawn=domains.reduced(),
    ),
    Row(reductions.max, reduced(apart, FEW_AXES), drawn=EXTREMUM),
    Row(reductions.min, reduced(apart, FEW_AXES), drawn=EXTREMUM),
    Row(reductions.nansum, of_numbers(uniform), drawn=domains.reduced(domains.or_nan)),
    Row(reductions.nanmean, of_numbers(uniform), drawn=OF_NUMBERS),
    Row(reductions.nanvar, of_numbers(uniform, ddof=1), drawn=OF_NUMBERS),
    Row(reductions.nanstd, of_numbers(uniform, correction=1), drawn=OF_DISTINCT_NUMBERS),
    Row(reductions.nanprod, of_numbers(either_sign), drawn=domains.reduced(domains.or_nan)),
    Row(reductions.nanmax, of_numbers(apart), drawn=OF_DISTINCT_NUMBERS),
    Row(reductions.nanmin, of_numbers(apart), drawn=OF_DISTINCT_NUMBERS),
    Row(reductions.ptp, reduced(apart, [0, (0, -1)])[:-1], drawn=EXTREMUM),
    Row(
        reductions.logsumexp,
        [*reduced(uniform, FEW_AXES), Variant((uniform(10, 8),), {"axis": 0})],
        formula=lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis, keepdims=keepdims)),
        drawn=domains.reduced(least=1),
    ),
]
