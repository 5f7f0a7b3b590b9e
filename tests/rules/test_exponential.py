"""Exponentials and logarithms at the ends of the range."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.differences import leaves, slope

INF, LN2 = np.inf, np.log(2)

EXTREMES = {
    "ln(1 + eˣ)": (lambda x: np.logaddexp(x, 0.0), [-1000.0, 1000.0, -INF], [0, 1000, 0], [0, 1, 0]),
    "ln(eˣ + eˣ)": (lambda x: np.logaddexp(x, x), [-1000.0, 1000.0], [-1000 + np.log(2), 1000 + np.log(2)], [1, 1]),
    "ln(eˣ + 0)": (lambda x: np.logaddexp(x, -INF), [0.0, 1000.0], [0, 1000], [1, 1]),
    "exp of -inf": (np.exp, [-INF, 0.0], [0, 1], [0, 1]),
    "2^-inf": (np.exp2, [-INF, 0.0, 10.0], [0, 1, 1024], [0, LN2, 1024 * LN2]),
    "eˣ − 1": (np.expm1, [-INF, -1000.0, 0.0, 1e-20], [-1, -1, 0, 1e-20], [0, 0, 1, 1]),
    "ln(1 + x)": (np.log1p, [0.0, 1e-20, INF], [0, 1e-20, INF], [1, 1, 0]),
    "log₂": (np.log2, [0.25, INF], [-2, INF], [4 / LN2, 0]),
    "log₁₀": (np.log10, [0.01, INF], [-2, INF], [100 / np.log(10), 0]),
    "log₂(2ˣ + 1)": (lambda x: np.logaddexp2(x, 0.0), [-5000.0, 5000.0, -INF], [0, 5000, 0], [0, 1, 0]),
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


def test_a_slope_keeps_the_digits_that_a_value_near_1_has_lost():
    np.testing.assert_allclose(slope(np.expm1, [-40.0, -700.0]), [np.exp(-40), np.exp(-700)], rtol=1e-15)
    np.testing.assert_allclose(slope(np.log1p, [2.0**-50 - 1]), [2.0**50], rtol=1e-15)


SHARES = [
    (INF, 5.0, [1, 0]),
    (-1e300, INF, [0, 1]),
    (INF, INF, [0.5, 0.5]),
    (INF, -INF, [1, 0]),
    (-INF, 3.0, [0, 1]),
    (-INF, -INF, [0, 0]),
]


@pytest.mark.parametrize(("x1", "x2", "shares"), SHARES)
@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_infinities_share_the_gradient_and_leave_the_numbers_beside_them_theirs(f, x1, x2, shares):
    tensors = leaves([[x1, 2.0], [x2, 2.0]])
    with np.errstate(all="raise"):
        y = f(*tensors)
        y.backward([1.0, 1.0])
    np.testing.assert_allclose(y.data, f(*[t.data for t in tensors]), rtol=0)
    first = tg.gradients(f(*tensors), tensors, output_gradients=np.ones(2), create_graph=True)
    second = tg.gradients(first[0].sum(), tensors)
    for t, again, curvature, share, sign in zip(tensors, first, second, shares, (1, -1)):
        np.testing.assert_allclose(t.grad, [share, 0.5], rtol=1e-15)
        np.testing.assert_allclose(again.data, t.grad, rtol=1e-15)
        scale = LN2 if f is np.logaddexp2 else 1
        np.testing.assert_allclose(curvature.data, [0, sign * scale / 4], rtol=1e-14)


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_an_infinity_keeps_a_narrow_dtype_narrow(f):
    arrived = []

    @tg.operation()
    def passing(x):
        return x * 1, (lambda g: arrived.append(g.dtype) or g,)

    f(passing(tg.Tensor(np.float32([INF, 1.0]), requires_grad=True)), 3.0).backward(np.ones(2))
    assert arrived == [np.float32]


@pytest.mark.parametrize(
    ("x", "dtype", "expected"), [(40000, np.float16, 1.0857e-5), (1e308, np.float64, 4.342944819e-309)]
)
def test_the_slope_of_log10_does_not_overflow(x, dtype, expected):
    t = tg.Tensor(np.array([x], dtype), requires_grad=True)
    np.log10(t).backward([1.0])
    np.testing.assert_allclose(t.grad, expected, rtol=5e-3)
