"""The losses' rules far out and at their joints, where the table of cases does not go."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_np as tg
from tests.differences import slope
from tinygrad_np.rules import losses, network

NARROW = [np.float16, np.float32, np.float64]


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with np.errstate(all="raise"):
        yield


def derivatives(f, at, order):
    """The derivatives of Σ f at numbers, up to an order."""
    x = tg.Tensor(at, requires_grad=True)
    found, y = [], f(x).sum()
    for _ in range(order):
        found.append(tg.gradients(y, x, create_graph=True))
        y = found[-1].sum()
    return [g.data for g in found]


# −ln σ(x) and its slope −σ(−x), with 27 digits by the decimal module.
FAR_OUT = [
    (50.0, 1.92874984796391778301715681e-22, -1.92874984796391778301697089e-22),
    (-50.0, 50.0, -1.0),
    (1e4, 0.0, 0.0),
    (-1e4, 1e4, -1.0),
    (600.0, 2.65039655300431081633867945e-261, -2.65039655300431081633867945e-261),
]


@pytest.mark.parametrize(("logit", "cost", "expected"), FAR_OUT)
def test_binary_cross_entropy_keeps_its_digits_where_the_sigmoid_rounds_to_one(logit, cost, expected):
    of_one = lambda x: losses.binary_cross_entropy(x, np.ones(1))
    of_zero = lambda x: losses.binary_cross_entropy(x, np.zeros(1))
    np.testing.assert_allclose(of_one(np.array([logit])), cost, rtol=1e-14, atol=0)
    np.testing.assert_allclose(slope(of_one, [logit]), expected, rtol=1e-14, atol=0)
    np.testing.assert_allclose(of_zero(np.array([-logit])), cost, rtol=1e-14, atol=0)
    np.testing.assert_allclose(slope(of_zero, [-logit]), -expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_warns_of_no_logit(dtype, target):
    """Those included whose exponential or its product with the gradient is too small for the dtype."""
    x = tg.Tensor(np.array([0, 9, 17, 88, 100, 104, 710, 720, 745, 1e4], dtype), requires_grad=True)
    for logits in (x, -x):
        loss = np.mean(losses.binary_cross_entropy(logits, np.full(10, target, dtype)))
        loss.backward()
        assert np.isfinite(loss.data)
    assert np.all(np.isfinite(x.grad))


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_all_derivatives_of_binary_cross_entropy_are_right_at_logit_zero(zero):
    """Where both ways of computing it meet, and a network of zeros begins: σ is ½, its slopes ¼, 0, −⅛."""
    f = lambda x: losses.binary_cross_entropy(x, np.array([0.25]))
    np.testing.assert_allclose(derivatives(f, [zero], 4), [[0.25], [0.25], [0.0], [-0.125]], rtol=1e-15)


def test_huber_at_its_joints_and_far_out():
    d = np.array([-1e300, -2.0, -1.0, -0.5, 0.0, 1.0, 1.5])
    f = lambda x: losses.huber(x, np.zeros(7), delta=1.0)
    np.testing.assert_array_equal(f(d), [1e300, 1.5, 0.5, 0.125, 0, 0.5, 1])
    np.testing.assert_array_equal(slope(f, d), [-1, -1, -1, -0.5, 0, 1, 1])
    np.testing.assert_array_equal(derivatives(f, d, 2)[1], [0, 0, 0.5, 1, 1, 0.5, 0])  # at a joint the mean of both


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("f", [losses.squared_error, losses.huber], ids=lambda f: f.name)
def test_a_square_too_small_for_the_dtype_is_zero(f, dtype):
    tiny = np.finfo(dtype).tiny
    x = tg.Tensor(np.array([tiny]), requires_grad=True)
    y = f(x, np.zeros(1, dtype))
    y.backward(np.array([0.25], dtype))
    assert y.data == [0]
    assert x.grad == [tiny * (0.5 if f is losses.squared_error else 0.25)]


@pytest.mark.parametrize("log_rate", [-1e4, -740.0, -80.0])
def test_a_rate_too_small_for_the_dtype_is_zero(log_rate):
    f = lambda x: losses.poisson(x, np.array([3.0]))
    np.testing.assert_allclose(f(np.array([log_rate])), -3 * log_rate, rtol=1e-15)
    np.testing.assert_allclose(slope(f, [log_rate]), [-3], rtol=1e-15)


@given(st.floats(-5, 5), st.floats(-3, 3), st.floats(-5, 5))
def test_gaussian_nll_is_the_logarithm_of_the_density_but_for_its_constant(mean, log_variance, target):
    variance = math.exp(log_variance)
    density = math.exp(-((target - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    if density > 1e-280:
        cost = losses.gaussian_nll(np.array(mean), np.array(log_variance), np.array(target))
        assert math.isclose(cost + math.log(2 * math.pi) / 2, -math.log(density), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("log_variance", [1e4, 1480.0, 1400.0, 720.0, -700.0, -1400.0])
def test_gaussian_nll_of_a_variance_too_large_for_the_dtype_or_small(log_variance):
    """The slope in s is (1 − z²)/2 with z² next to nothing: 1/σ is taken, for 1/σ² would overflow at −709."""
    mean, s = tg.Tensor([0.0], requires_grad=True), tg.Tensor([log_variance], requires_grad=True)
    error = 1e-3 * math.exp(min(log_variance, 0) / 2)
    y = losses.gaussian_nll(mean, s, np.array([error]))
    y.sum().backward()
    np.testing.assert_allclose(y.data, log_variance / 2, rtol=1e-6)
    np.testing.assert_allclose(s.grad, 0.5, rtol=1e-5)
    assert np.all(np.isfinite(mean.grad))


@pytest.mark.parametrize("n", [3, 40])  # few logits and many take different ways
@pytest.mark.parametrize("one_hot", [False, True])
def test_the_mean_of_the_rows_cross_entropies_is_the_operation_of_that_name(n, one_hot):
    rng = np.random.default_rng(n)
    labels = rng.integers(0, 3, n)
    targets = np.eye(3)[labels] if one_hot else labels
    a, b = (tg.Tensor(rng.normal(size=(n, 3)), requires_grad=True) for _ in range(2))
    b.data = a.data
    rows, mean = network.softmax_cross_entropies(a, targets), tg.softmax_cross_entropy(b, targets)
    np.testing.assert_allclose(rows.data.mean(), mean.data, rtol=1e-14)
    rows.mean().backward()
    mean.backward()
    np.testing.assert_allclose(a.grad, b.grad, rtol=1e-13, atol=1e-16)


def test_a_class_ruled_out_by_a_logit_of_minus_infinity_costs_nothing_where_it_has_no_share():
    x = tg.Tensor([[0.0, 0.0, -np.inf]] * 2, requires_grad=True)
    rows = network.softmax_cross_entropies(x, np.array([0, 1]), class_weight=np.array([1.0, 2.0, 5.0]))
    rows.sum().backward()
    np.testing.assert_allclose(rows.data, np.log(2) * np.array([1, 2]), rtol=1e-15)
    np.testing.assert_allclose(x.grad, [[-0.5, 0.5, 0], [1, -1, 0]], rtol=1e-15)


def test_a_loss_of_nothing_is_a_zero_without_a_sign():
    assert not np.signbit(network.softmax_cross_entropies(np.array([[1e4, 0.0]]), np.array([0]))).any()
    assert not np.signbit(losses.binary_cross_entropy(np.array([1e4]), np.ones(1))).any()
