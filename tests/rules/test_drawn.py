"""Every operation on shapes, options and values that hypothesis draws within the domain of its row of cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tests.cases import CASES, ROWS
from tests.cases.domains import domain
from tests.differences import numbers_like, slope_along

DOMAINS = {row.name: domain(row) for row in ROWS}


def test_every_row_has_a_domain():
    assert [name for name, strategy in DOMAINS.items() if strategy is None] == []


@pytest.mark.parametrize("name", [name for name, strategy in DOMAINS.items() if strategy is not None])
@settings(max_examples=20)
@given(data=st.data())
def test_value_gradients_and_both_modes_on_drawn_arrays(name, data):
    row = CASES[name]
    arrays, options = data.draw(DOMAINS[name])
    f = lambda *xs: row.on(*xs, **options)
    value, pullback = tg.vjp(f, *arrays)
    expected = row.expected(*arrays, **options)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)

    gradients = pullback(g := numbers_like(value, seed=7))
    assert [gx.shape for gx in gradients] == [x.shape for x in arrays]
    tangents = [numbers_like(x, seed) - 1 for seed, x in enumerate(arrays)]
    back = sum(np.sum(gx * t) for gx, t in zip(gradients, tangents))
    forth = np.sum(g * tg.jvp(f, arrays, tangents)[1])
    np.testing.assert_allclose(back, forth, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        back, slope_along(lambda *xs: np.sum(g * f(*xs)), arrays, tangents), rtol=1e-7, atol=1e-8
    )
