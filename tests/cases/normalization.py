"""Cases of the normalisation."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import normalization


def formula(x, weight, bias, axis=-1, eps=1e-5):
    mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


@st.composite
def scaled(draw):
    """An array, one of its axes or all but the last, and a weight and bias for each feature."""
    shape, axis = draw(domains.shape_and_axis(1, min_dims=2))
    axis = draw(st.sampled_from([axis, -1, tuple(range(len(shape) - 1))]))
    shape = tuple(max(n, 1) for n in shape)
    # An eps that keeps the slope small even where all numbers of a slice are equal.
    return draw(domains.many(st.just([shape, shape[-1:], shape[-1:]]), axis=st.just(axis), eps=st.just(0.5)))


FEATURES = [((5, 3), (3,), (3,)), ((2, 4, 3), (3,), (3,))]

ROWS = [
    Row(
        normalization.standardize,
        [
            *of_shapes(*FEATURES, eps=0.1),
            *of_shapes(((5, 3), (3,), (3,)), axis=0),
            *of_shapes(((2, 4, 3), (3,), (3,)), axis=(0, 1), eps=0.01),
            *of_shapes(((2, 4, 3), (4, 1), ()), axis=(-1, 0), eps=0.01),
            *of_shapes(((4, 3), (3,), ()), axis=None),
            Variant((uniform(6), uniform(6), uniform(6))),
        ],
        formula=formula,
        drawn=scaled(),
    ),
]
