"""Cases of the activations."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, lean, unary
from tinygrad_np.rules import activations


def gelu_formula(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def with_options(option, values):
    """At every shape, away from the kink, without the option and then with each of its values."""
    return [*unary(apart), *[Variant(v.arrays, {option: value}) for value in values for v in lean(apart)]]


ROWS = [
    Row(
        activations.leaky_relu,
        with_options("slope", (0.2, 0.0, -1.5)),
        formula=lambda x, slope=0.01: np.where(x > 0, x, slope * x),
        drawn=domains.one(domains.distinct, slope=st.sampled_from([0.01, 0.25, -2.0])),
    ),
    Row(
        activations.elu,
        with_options("alpha", (0.5, 2.0)),
        formula=lambda x, alpha=1.0: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
        drawn=domains.one(domains.distinct, alpha=st.sampled_from([1.0, 0.5, 2.0])),
    ),
    Row(activations.softplus, unary(), formula=lambda x: np.log(1 + np.exp(x)), drawn=domains.one()),
    Row(activations.silu, unary(), formula=lambda x: x / (1 + np.exp(-x)), drawn=domains.one()),
    Row(activations.gelu, unary(), formula=gelu_formula, drawn=domains.one()),
]
