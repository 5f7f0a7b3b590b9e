"""Cases of the losses' rules."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, either_sign, lean_pairs, uniform
from tinygrad_np.rules import losses


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def probabilities(*shape):
    return uniform(*shape, low=0.1, high=0.9)


def huber_formula(x, t, delta=1.0):
    d = abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * d - delta * delta / 2)


@st.composite
def on_either_side(draw, delta):
    """Predictions whose error is well below or well above delta, and no 0, beside their targets."""
    shape = draw(domains.shapes())
    t = draw(domains.numbers(shape))
    errors = st.sampled_from([0.25 * delta, 0.5 * delta, 1.5 * delta, 3 * delta])
    d = draw(domains.of(st.one_of(errors, errors.map(np.negative)))(shape))
    return Variant((t + d, t), {"delta": delta})


ROWS = [
    Row(
        losses.squared_error,
        lean_pairs(),
        formula=lambda x, t: (x - t) ** 2,
        drawn=domains.together(domains.numbers, domains.numbers),
    ),
    Row(
        losses.huber,
        [
            Variant((apart(3, 4, shift=0.05), np.zeros((3, 4)))),
            Variant((apart(5, shift=0.05), np.full(5, 0.1)), {"delta": 0.4}),
            Variant((apart(), np.asarray(0.0))),
            Variant((uniform(0, 3), uniform(0, 3))),
        ],
        formula=huber_formula,
        drawn=on_either_side(1.0) | on_either_side(0.5),
    ),
    Row(
        losses.binary_cross_entropy,
        lean_pairs(either_sign, probabilities),
        formula=lambda x, t: -t * np.log(sigmoid(x)) - (1 - t) * np.log(1 - sigmoid(x)),
        drawn=domains.together(domains.numbers, domains.positive),
    ),
    Row(
        losses.poisson,
        lean_pairs(),
        formula=lambda x, t: np.exp(x) - t * x,
        drawn=domains.together(domains.numbers, domains.positive),
    ),
    Row(
        losses.gaussian_nll,
        [Variant(tuple(uniform(*s) for s in [shape] * 3)) for shape in [(3, 4), (), (0, 3)]]
        + [Variant((uniform(3, 1), uniform(4), uniform(3, 4)))],
        formula=lambda mean, s, t: s / 2 + (t - mean) ** 2 / np.exp(s) / 2,
        drawn=domains.together(*[domains.numbers] * 3),
    ),
]
