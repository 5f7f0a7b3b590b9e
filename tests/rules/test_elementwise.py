"""Elementwise rules at kinks, at the ends of the range and under broadcasting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical

INF, NAN = np.inf, np.nan


def slope(f, at):
    """The gradient of Σ f at numbers, and no warning on the way even where the user made all of them errors."""
    x = tg.Tensor(np.array(at, float), requires_grad=True)
    with np.errstate(all="raise"):
        f(x).sum().backward()
    return x.grad


KINKS = {
    "|x| at 0": (abs, [-2.0, 0.0, 3.0, -0.0], [-1, 0, 1, 0]),
    "√x at 0": (np.sqrt, [0.0, 4.0], [0, 0.25]),
    "x⁰": (lambda x: x**0, [0.0, 2.0, -2.0], [0, 0, 0]),
    "x^0.0": (lambda x: x**0.0, [0.0, 2.0], [0, 0]),
    "x¹": (lambda x: x**1, [0.0, -2.0], [1, 1]),
    "x²": (lambda x: x**2, [0.0, -2.0], [0, -4]),
    "x^2.0": (lambda x: x**2.0, [0.0, -2.0], [0, -4]),
    "x^[0, 1, 2]": (lambda x: x ** np.array([0.0, 1.0, 2.0]), [0.0, 0.0, 0.0], [0, 1, 0]),
    "x^[0, 1, 2] below 0": (lambda x: x ** np.array([0.0, 1.0, 2.0]), [-3.0, -3.0, -3.0], [0, 1, -6]),
    "x^integers": (lambda x: x ** np.array([0, 1, 3]), [-3.0, -3.0, -3.0], [0, 1, 27]),
    "0^y": (lambda y: 0.0**y, [1.0, 2.0, 0.0], [0, 0, 0]),
    "[0, 2]^y": (lambda y: np.array([0.0, 2.0]) ** y, [2.0, 2.0], [0, 4 * np.log(2)]),
    "1^y": (lambda y: 1.0**y, [5.0], [0]),
    "max(x, 0) at 0": (lambda x: np.maximum(x, 0.0), [-1.0, 0.0, 1.0], [0, 0.5, 1]),
    "min(x, 0) at 0": (lambda x: np.minimum(x, 0.0), [-1.0, 0.0, 1.0], [1, 0.5, 0]),
    "max(x, x)": (lambda x: np.maximum(x, x), [-1.0, 0.0, 1.0], [1, 1, 1]),
    "min(x, x)": (lambda x: np.minimum(x, x), [-1.0, 0.0, 1.0], [1, 1, 1]),
    "relu at 0": (tg.relu, [-1.0, 0.0, -0.0, 1.0], [0, 0, 0, 1]),
}


@pytest.mark.parametrize(("f", "at", "expected"), KINKS.values(), ids=KINKS)
def test_at_a_kink_the_gradient_is_finite_and_known(f, at, expected):
    np.testing.assert_allclose(slope(f, at), expected, rtol=1e-15)


def test_a_square_root_of_zero_stays_finite_at_second_order():
    x = tg.Tensor([0.0, 4.0], requires_grad=True)
    with np.errstate(all="raise"):
        first = tg.gradients(np.sqrt(x).sum(), x, create_graph=True)
        second = tg.gradients(first.sum(), x)
    np.testing.assert_array_equal(second.data, [0, -1 / 32])


def test_the_distance_of_equal_points_has_gradient_zero():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    with np.errstate(all="raise"):
        np.sqrt(((x - x.data) ** 2).sum()).backward()
    np.testing.assert_array_equal(x.grad, [0, 0])


def test_an_exponent_that_needs_no_gradient_takes_no_logarithm():
    """Below 0 it would warn and give NaN."""
    np.testing.assert_array_equal(slope(lambda x: x ** np.array(2.0), [-2.0, -1.0]), [-4, -2])


def test_an_exponent_that_needs_one_has_it_where_the_base_is_positive():
    base, exponent = (tg.Tensor(v, requires_grad=True) for v in ([2.0, 0.0], [3.0, 2.0]))
    with np.errstate(all="raise"):
        (base**exponent).sum().backward()
    np.testing.assert_allclose(base.grad, [12, 0], rtol=1e-15)
    np.testing.assert_allclose(exponent.grad, [8 * np.log(2), 0], rtol=1e-15)


EXTREMES = {
    "tanh": (np.tanh, [-1000.0, -INF, INF, 1000.0], [-1, -1, 1, 1], [0, 0, 0, 0]),
    "sigmoid": (tg.sigmoid, [-1000.0, -INF, INF, 1000.0], [0, 0, 1, 1], [0, 0, 0, 0]),
    "ln(1 + eˣ)": (lambda x: np.logaddexp(x, 0.0), [-1000.0, 1000.0, -INF], [0, 1000, 0], [0, 1, 0]),
    "ln(eˣ + eˣ)": (lambda x: np.logaddexp(x, x), [-1000.0, 1000.0], [-1000 + np.log(2), 1000 + np.log(2)], [1, 1]),
    "ln(eˣ + 0)": (lambda x: np.logaddexp(x, -INF), [0.0, 1000.0], [0, 1000], [1, 1]),
    "relu": (tg.relu, [-1e300, 1e300, -INF, INF], [0, 1e300, 0, INF], [0, 1, 0, 1]),
    "exp of -inf": (np.exp, [-INF, 0.0], [0, 1], [0, 1]),
}


@pytest.mark.parametrize(("f", "at", "values", "expected"), EXTREMES.values(), ids=EXTREMES)
def test_at_an_extreme_value_and_gradient_are_the_limit_without_a_warning(f, at, values, expected):
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(f(tg.Tensor(at)).data, values)
    np.testing.assert_allclose(slope(f, at), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("other", [-INF, tg.Tensor(-INF)])
def test_logaddexp_of_two_zero_probabilities_is_minus_infinity_and_its_gradient_no_nan(other):
    x = tg.Tensor([-INF, 0.0], requires_grad=True)
    with np.errstate(all="raise"):
        y = np.logaddexp(x, other)
        y.sum().backward()
    np.testing.assert_array_equal(y.data, [-INF, 0])
    assert np.all(np.isfinite(x.grad))


@pytest.mark.parametrize("at", [-745.0, -720.0, -40.0, 40.0, 720.0])
def test_sigmoid_is_exact_far_out(at):
    """Down to the smallest number there is; its gradient too, which is y·(1 − y)."""
    with np.errstate(all="ignore"):
        exact = np.exp(np.float64(at)) if at < -36 else 1.0
    np.testing.assert_allclose(tg.sigmoid(tg.Tensor(at)).item(), exact, rtol=1e-13, atol=5e-324)


@pytest.mark.parametrize("at", [-745.0, -710.0, 710.0])
@pytest.mark.parametrize(
    "f", [tg.sigmoid, np.tanh, lambda x: np.logaddexp(x, 0.0), lambda x: tg.softmax(x - [0.0, 1.0])]
)
def test_a_tiny_gradient_into_saturated_units_stays_finite(f, at):
    x = tg.Tensor([at, at], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        f(x).backward([1e-30, 1e-30])
    assert np.all(np.isfinite(x.grad))


WHERE = {
    "√ of a negative": (lambda x: np.sqrt(x), [-1.0, 4.0], [0, 0.25]),
    "ln 0": (lambda x: np.log(x), [0.0, 2.0], [0, 0.5]),
    "1 / 0": (lambda x: 1 / x, [0.0, 2.0], [0, -0.25]),
    "ln of a negative": (lambda x: np.log(x), [-3.0, 2.0], [0, 0.5]),
    "NaN itself": (lambda x: x * 3, [NAN, 1.0], [0, 3]),
    "infinity": (lambda x: np.exp(x), [1e4, 0.0], [0, 1]),
}


@pytest.mark.parametrize(("f", "at", "expected"), WHERE.values(), ids=WHERE)
def test_the_branch_of_where_that_is_not_taken_gives_its_argument_exactly_nothing(f, at, expected):
    """The gradient that reaches the branch is exactly 0 where the branch is not taken, whatever stands there."""
    x = tg.Tensor(at, requires_grad=True)
    with np.errstate(all="ignore"):
        branch = f(x)
        y = np.where([False, True], branch, 7.0)
        np.testing.assert_array_equal(y.data[0], 7)
        reaching = tg.gradients(y.sum(), branch)
    np.testing.assert_array_equal(reaching.data, [0, 1])


def test_a_safe_argument_within_where_keeps_nan_out_of_the_gradient():
    x = tg.Tensor([-1.0, 0.0, 4.0], requires_grad=True)
    ok = x > 0
    with np.errstate(all="raise"):
        np.where(ok, np.log(np.where(ok, x, 1.0)), 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0.25])


def test_nan_in_an_argument_of_where_that_is_not_taken_does_not_leak():
    x, bad = tg.Tensor([1.0, 2.0], requires_grad=True), tg.Tensor([NAN, INF], requires_grad=True)
    np.where([True, True], x * 2, bad).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
    np.testing.assert_array_equal(bad.grad, [0, 0])


def test_where_stops_a_gradient_of_nan_or_infinity_on_its_way_to_the_branch_not_taken():
    a, b = (tg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    np.where([True, False], a, b).backward([NAN, INF])
    np.testing.assert_array_equal(a.grad, [NAN, 0])
    np.testing.assert_array_equal(b.grad, [0, INF])


def test_where_broadcasts_its_condition_and_both_branches():
    a, b = tg.Tensor([[1.0], [2.0]], requires_grad=True), tg.Tensor(5.0, requires_grad=True)
    y = np.where([True, False, True], a, b)
    np.testing.assert_array_equal(y.data, [[1, 5, 1], [2, 5, 2]])
    y.sum().backward()
    np.testing.assert_array_equal(a.grad, [[2], [2]])
    assert b.grad == 2


def test_nan_is_not_lost_by_a_maximum():
    """The value is NaN, and so the gradient does not look as if all were well."""
    x = tg.Tensor([NAN, 2.0], requires_grad=True)
    y = np.maximum(x, 1.0)
    y.sum().backward()
    assert np.isnan(y.data[0])
    assert x.grad[0] != 0
    assert x.grad[1] == 1


def test_a_cast_goes_to_another_float_and_its_gradient_back():
    x = tg.Tensor(np.float32([1, 2]), requires_grad=True)
    before = x * 1
    y = before.astype(np.float64)
    assert (y.dtype, np.astype(x, np.float16).dtype) == (np.float64, np.float16)
    slope = y._node.derivatives[0](np.ones(2))
    assert slope.dtype == np.float32  # what goes on from here is narrow again
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad, np.float32([2, 4]), strict=True)


def test_remainder_steps_back_with_its_divisor():
    x, y = tg.Tensor([7.5, -7.5], requires_grad=True), tg.Tensor(2.0, requires_grad=True)
    (x % y).sum().backward()  # 7.5 − 2·3 and −7.5 + 2·4
    np.testing.assert_array_equal(x.grad, [1, 1])
    assert y.grad == -3 + 4


WITH_A_NUMBER = {
    "+": lambda x: 2.0 + x + 2,
    "-": lambda x: 2.0 - x - 2,
    "*": lambda x: 2.0 * x * 2,
    "/": lambda x: 2.0 / (x / 2),
    "x ** 2": lambda x: x**2 + x**2.5,
    "2.0 ** x": lambda x: 2.0**x,
    "3 ** x": lambda x: 3**x,
    "%": lambda x: x % 0.7,
    "maximum": lambda x: np.maximum(x, 0.9) + np.minimum(0.2, x),
    "logaddexp": lambda x: np.logaddexp(x, 0.0) + np.logaddexp(1, x),
    "where": lambda x: np.where([True, False], x, 0.0),
}


@pytest.mark.parametrize("f", WITH_A_NUMBER.values(), ids=WITH_A_NUMBER)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_python_number_leaves_a_narrow_tensor_and_its_gradient_narrow(f, dtype):
    arrived = []

    @tg.operation()
    def passing(x):
        return x * 1, (lambda g: arrived.append(g.dtype) or g,)

    for shape in [(2,), ()]:
        y = f(passing(tg.Tensor(np.full(shape, 0.5, dtype), requires_grad=True)))
        y.backward(np.ones(y.shape))
        assert (y.dtype, arrived.pop()) == (dtype, dtype)


def mutually_broadcastable(n):
    return hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=4, max_side=3, min_side=0)


BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.logaddexp]


@given(st.sampled_from(BINARY), mutually_broadcastable(2), st.integers(0, 2**32 - 1))
def test_any_shapes_that_broadcast_give_gradients_of_their_own_shapes(function, shapes, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(0.5, 1.5, s) for s in shapes.input_shapes]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors)
    weights = rng.uniform(0.5, 1.5, y.shape)
    y.backward(weights)
    assert y.shape == shapes.result_shape
    for t, g in zip(tensors, numerical(lambda *xs: np.sum(function(*xs) * weights), arrays)):
        assert t.grad.shape == t.shape
        np.testing.assert_allclose(t.grad, g, rtol=1e-6, atol=1e-7)


@given(mutually_broadcastable(3), st.integers(0, 2**32 - 1))
def test_where_of_any_shapes_that_broadcast(shapes, seed):
    rng = np.random.default_rng(seed)
    condition, *arrays = [rng.normal(size=s) for s in shapes.input_shapes]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = np.where(condition > 0, *tensors)
    y.backward(np.ones(y.shape))
    taken = np.broadcast_to(condition > 0, y.shape)
    np.testing.assert_array_equal(y.data, np.where(condition > 0, *arrays))
    for t, mask in zip(tensors, (taken, ~taken)):
        assert t.grad.sum() == mask.sum()
        assert t.grad.shape == t.shape
