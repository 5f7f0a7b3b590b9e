"""Activations at known points, at kinks and at extremes."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinygrad_np as tg
from tests.differences import slope

INF = np.inf
E = math.e

KNOWN = {  # literal values as other libraries document or print them
    "leaky_relu": (tg.leaky_relu, [-1.0, 0.0, 2.0], [-0.01, 0, 2], [0.01, 0.01, 1]),
    "elu": (tg.elu, [-1.0, 0.0, 2.0], [-0.6321205588285577, 0, 2], [1 / E, 1, 1]),
    "softplus": (tg.softplus, [0.0, 1.0], [math.log(2), 1.3132616875182228], [0.5, 0.7310585786300049]),
    "silu": (tg.silu, [-1.0, 0.0, 1.0], [-0.2689414213699951, 0, 0.7310585786300049], [0.07232949, 0.5, 0.92767051]),
    "gelu": (tg.gelu, [-1.0, 0.0, 1.0, 3.0], [-0.158808, 0, 0.841192, 2.9963627], [-0.08296409, 0.5, 1.08296409, None]),
}


@pytest.mark.parametrize(("f", "at", "values", "slopes"), KNOWN.values(), ids=KNOWN)
def test_value_and_slope_at_known_points(f, at, values, slopes):
    np.testing.assert_allclose(f(np.array(at)), values, rtol=1e-6, atol=1e-15)
    found = [g for g, known in zip(slope(f, at), slopes) if known is not None]
    np.testing.assert_allclose(found, [known for known in slopes if known is not None], rtol=1e-6)


EXTREMES = {
    "relu": (tg.relu, 0, 0),
    "leaky_relu": (tg.leaky_relu, -10, 0.01),
    "leaky_relu with slope 0": (lambda x: tg.leaky_relu(x, 0.0), 0, 0),
    "elu": (tg.elu, -1, 0),
    "elu with alpha 2": (lambda x: tg.elu(x, 2.0), -2, 0),
    "softplus": (tg.softplus, 0, 0),
    "silu": (tg.silu, 0, 0),
    "gelu": (tg.gelu, 0, 0),
}


@pytest.mark.parametrize(("f", "value", "gradient"), EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_at_plus_and_minus_1000_all_is_finite_and_silent(f, value, gradient, dtype):
    """Value, gradient and the gradient of the gradient."""
    x = tg.Tensor(np.array([-1000, 1000], dtype), requires_grad=True)
    with np.errstate(all="raise"):
        y = f(x)
        first = tg.gradients(y, x, output_gradients=np.ones(2), create_graph=True)
        second = tg.gradients(first, x, output_gradients=np.ones(2)) if first.requires_grad else tg.Tensor([0.0, 0.0])
    for found, expected in [(y, [value, 1000]), (first, [gradient, 1]), (second, [0, 0])]:
        np.testing.assert_allclose(found.data, expected, rtol=1e-3, atol=1e-300)


@pytest.mark.parametrize("f", [tg.elu, tg.softplus, tg.silu, tg.gelu], ids=lambda f: f.name)
@given(st.floats(-1e4, 1e4))
@example(x=1.1125369292536007e-308)
def test_nothing_warns_between_the_extremes(f, x):
    """Not even where the result is too small to be a normal number."""
    found = slope(f, [x])
    assert np.isfinite(found).all()
    assert -0.2 <= found[0] <= 1.2


@pytest.mark.parametrize(("f", "left"), [(tg.elu, -1), (tg.softplus, 0), (tg.silu, 0), (tg.gelu, 0)])
def test_at_infinities_there_are_limits(f, left):
    x = tg.Tensor([-INF, INF], requires_grad=True)
    with np.errstate(all="raise"):
        y = f(x)
        y.backward([1.0, 1.0])
    np.testing.assert_array_equal(y.data, [left, INF])
    np.testing.assert_array_equal(x.grad, [0, 1])


@pytest.mark.parametrize("f", [tg.leaky_relu, tg.elu, tg.softplus, tg.silu, tg.gelu], ids=lambda f: f.name)
def test_what_is_no_number_stays_none(f):
    with np.errstate(invalid="ignore"):  # NumPy's logaddexp warns
        assert np.isnan(f(np.array([np.nan]))).all()


def test_the_tail_of_gelu_keeps_its_digits():
    """½x(1 + tanh u) itself has lost all of them here, where tanh u is −1: it is x·e^(2u) to the last digit."""
    x = np.array([-7.0])
    u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    np.testing.assert_allclose(tg.gelu(x), x * np.exp(2 * u), rtol=1e-13)


def test_gelu_differs_from_the_exact_form_by_less_than_half_a_thousandth():
    x = np.linspace(-6, 6, 1001)
    exact = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x]
    assert 1e-4 < np.abs(tg.gelu(x) - exact).max() < 5e-4


def test_softplus_is_exact_where_it_is_small():
    np.testing.assert_allclose(tg.softplus(np.array([-50.0, -700.0])), np.exp([-50.0, -700.0]), rtol=1e-14)


@pytest.mark.parametrize(("f", "at_0"), [(lambda x: tg.leaky_relu(x, 0.3), 0.3), (lambda x: tg.elu(x, 0.3), 0.3)])
def test_at_the_kink_the_slope_is_that_from_the_left(f, at_0):
    np.testing.assert_allclose(slope(f, [0.0]), at_0, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, bool])
@pytest.mark.parametrize("f", [tg.leaky_relu, tg.elu, tg.softplus, tg.silu, tg.gelu], ids=lambda f: f.name)
def test_integers_are_taken_for_the_numbers_they_are(f, dtype):
    x = np.array([0, 1, 100]).astype(dtype)
    np.testing.assert_array_equal(f(x), f(x.astype(float)), strict=True)
    np.testing.assert_array_equal(f(x.tolist()), f(x.astype(float)), strict=True)


@pytest.mark.parametrize("f", [tg.leaky_relu, tg.elu, tg.softplus, tg.silu, tg.gelu], ids=lambda f: f.name)
@pytest.mark.parametrize("x", ["text", [1j], None])
def test_what_is_no_real_number_is_refused_by_name(f, x):
    with pytest.raises(TypeError, match=rf"{f.name}\(.*x must be real numbers"):
        f(x)


def test_a_slope_that_wants_a_gradient_is_refused():
    with pytest.raises(TypeError, match="leaky_relu has no derivative with respect to an argument"):
        tg.leaky_relu(tg.Tensor([1.0], requires_grad=True), tg.Tensor(0.1, requires_grad=True))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("f", [tg.sigmoid, tg.silu, tg.gelu, tg.softplus], ids=lambda f: f.name)
def test_few_numbers_and_many_take_different_ways_to_the_same(f, dtype):
    """In value, gradient and the gradient of the gradient, at 0 and at the ends of the range too."""
    few = np.array([-1000, -740, -20, -1, 0, 1e-3, 3, 50, 1000], dtype)
    found = []
    for x in (few, np.tile(few, 100)):
        t = tg.Tensor(x, requires_grad=True)
        with np.errstate(all="raise"):
            y = f(t)
            first = tg.gradients(y, t, output_gradients=np.ones(x.shape), create_graph=True)
            second = tg.gradients(first, t, output_gradients=np.ones(x.shape))
            y.backward(np.ones(x.shape))
        assert {y.dtype, first.dtype, second.dtype, t.grad.dtype} == {np.dtype(dtype)}
        found.append([a[-9:] for a in (y.data, t.grad, first.data, second.data)])
    ulps = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(found[0], found[1], rtol=ulps, atol=ulps)
