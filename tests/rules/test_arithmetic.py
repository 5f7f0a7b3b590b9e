"""Arithmetic at kinks, with numbers that are no arrays, and under broadcasting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical, slope
from tinygrad_np import operations

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
    "∛x at 0": (np.cbrt, [0.0, -0.0, -8.0], [0, 0, 1 / 12]),
    "x squared": (np.square, [0.0, -3.0], [0, -6]),
    "1 / x": (np.reciprocal, [-0.5, np.inf], [-4, 0]),
    "fabs at 0": (np.fabs, [-2.0, 0.0, 3.0], [-1, 0, 1]),
    "|x|": (lambda x: np.copysign(x, 5.0), [-2.0, 0.0, 3.0], [-1, 0, 1]),
    "-|x|": (lambda x: np.copysign(x, -0.0), [-2.0, 0.0, 3.0], [1, 0, -1]),
    "sign of x": (lambda x: np.copysign(3.0, x), [-2.0, 0.0, 3.0], [0, 0, 0]),
    "step": (lambda x: np.heaviside(x, 0.5), [-2.0, 0.0, np.inf], [0, 0, 0]),
    "step's value at 0": (lambda x: np.heaviside([-1.0, 0.0, 1.0], x), [5.0, 6.0, 7.0], [0, 1, 0]),
    "x·2ⁿ": (lambda x: np.ldexp(x, [3, -1]), [0.0, 5.0], [8, 0.5]),
    "behind the point": (lambda x: np.modf(x)[0], [-np.inf, -2.5, 7.25], [0, 1, 1]),
    "x in full": (lambda x: np.float_power(x, 2), [0.0, -3.0], [0, -6]),
    "x itself": (lambda x: np.positive(x) + np.real(x) + np.conj(x) + np.real_if_close(x), [-1.0, 0.0], [4, 4]),
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


def test_remainder_steps_back_with_its_divisor():
    x, y = tg.Tensor([7.5, -7.5], requires_grad=True), tg.Tensor(2.0, requires_grad=True)
    (x % y).sum().backward()  # 7.5 − 2·3 and −7.5 + 2·4
    np.testing.assert_array_equal(x.grad, [1, 1])
    assert y.grad == -3 + 4


def test_fmod_rounds_its_quotient_towards_0():
    x, y = tg.Tensor([7.5, -7.5], requires_grad=True), tg.Tensor([2.0, -2.0], requires_grad=True)
    np.fmod(x, y).sum().backward()  # 7.5 − 2·3 and −7.5 + 2·3
    np.testing.assert_array_equal(x.grad, [1, 1])
    np.testing.assert_array_equal(y.grad, [-3, -3])


def test_fmod_counts_how_often_its_divisor_fits_and_not_what_the_quotient_is_rounded_to():
    """0.1 is a little more than a tenth: it fits into 1 nine times, though 1 / 0.1 is 10."""
    y = tg.Tensor(0.1, requires_grad=True)
    np.fmod(1.0, y).backward()
    assert y.grad == -9


def test_of_the_two_parts_of_a_number_only_one_passes_a_gradient():
    x = tg.Tensor([7.5, -7.5, np.inf], requires_grad=True)
    for f, y in ((np.modf, np.modf(x)), (np.divmod, np.divmod(x[:2], 2.0)[::-1])):
        passing, constant = y
        expected = np.modf(x.data) if f is np.modf else np.divmod(x.data[:2], 2.0)[::-1]
        assert isinstance(passing, tg.Tensor)
        assert type(constant) is np.ndarray
        np.testing.assert_array_equal(passing.data, expected[0])
        np.testing.assert_array_equal(constant, expected[1])


def test_float_power_widens_the_value_and_narrows_the_gradient_again():
    x, y = (tg.Tensor(np.float32(v), requires_grad=True) for v in (3, 2))
    power = np.float_power(x, y)
    power.backward()
    assert (power.dtype, x.grad.dtype, y.grad.dtype) == (np.float64, np.float32, np.float32)
    np.testing.assert_allclose([x.grad, y.grad], [6, 9 * np.log(3)], rtol=1e-7)


REFUSED = {
    "an exponent that must be an integer": (
        lambda x: np.ldexp(1.0, x),
        r"ldexp\(1.0, float64 .*not supported",
    ),
    "frexp": (np.frexp, r"np\.frexp on a Tensor is not supported"),
    "how close is real": (lambda x: np.real_if_close(x, tol=3), r"real_if_close on a Tensor does not take tol="),
    "where to write": (lambda x: np.square(x, out=np.ones(2)), r"square on a Tensor does not take out="),
}


@pytest.mark.parametrize(("f", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_gradient_could_follow_is_refused_by_name(f, message):
    with pytest.raises(TypeError, match=message):
        f(tg.Tensor([1.0, 2.0], requires_grad=True))


INTEGERS = [np.square, np.sqrt, np.cbrt, np.positive, np.fabs, np.real, np.modf, np.exp2, np.sin, np.deg2rad]


@pytest.mark.parametrize("f", INTEGERS)
def test_integers_that_need_no_gradient_give_what_numpy_gives(f):
    values = np.array([3, 0, 4])
    y, expected = f(tg.Tensor(values)), f(values)
    np.testing.assert_array_equal(y[0].data if f is np.modf else y.data, expected[0] if f is np.modf else expected)


ALIASES = [("pow", "power"), ("mod", "remainder"), ("true_divide", "divide"), ("abs", "absolute"), ("conj", "real")]


@pytest.mark.parametrize(("new", "old"), ALIASES)
def test_a_function_of_two_names_is_one_operation(new, old):
    assert operations.table[getattr(np, new)] is operations.table[getattr(np, old)]


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
    "fmod": lambda x: np.fmod(x, 0.7) + np.fmod(2, x),
    "copysign": lambda x: np.copysign(x, -1) + np.heaviside(0, x),
    "hypot": lambda x: np.hypot(x, 1) + np.hypot(3, x) + np.arctan2(x, 0.5),
    "logaddexp2": lambda x: np.logaddexp2(x, 0.0) + np.logaddexp2(1, x),
    "clip": lambda x: np.clip(x, 0, 0.4) + np.fmax(x, 0.9) + np.fmin(2, x),
    "select": lambda x: np.select([x > 0.7], [x], 2) + np.choose([0, 1], [x, 3.0]),
    "piecewise": lambda x: np.piecewise(x, [x > 0.3], [lambda x: 2 * x, 1.0]),
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


PAIRS_OF_SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0)
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.logaddexp]
BINARY += [np.hypot, np.arctan2, np.logaddexp2, np.fmax, np.fmin, np.float_power]


@given(st.sampled_from(BINARY), PAIRS_OF_SHAPES, st.integers(0, 2**32 - 1))
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


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32])
def test_small_integers_as_a_base_keep_the_exponents_gradient_exact(dtype):
    base, p = np.array([100, 7], dtype), tg.Tensor(2.0, requires_grad=True)
    np.power(base, p).sum().backward()
    np.testing.assert_allclose(p.grad, 1e4 * np.log(100) + 49 * np.log(7), rtol=1e-15)


def test_powers_of_infinity_and_of_a_tuple():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(slope(lambda x: x**0, [np.inf, 3.0]), [0, 0])
        np.testing.assert_array_equal(slope(lambda p: np.power((0.0, 2.0), p), [2.0, 2.0]), [0, 4 * np.log(2)])


def test_a_string_is_no_operand():
    with pytest.raises(TypeError, match="remainder"):
        np.remainder("ab%s", tg.Tensor([1.0]))


def test_float_power_takes_lists():
    t = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    np.testing.assert_array_equal(np.float_power(t, [1, 2, 3]).data, [1, 4, 27])


def test_an_untracked_tensor_does_not_become_complex():
    with pytest.raises(TypeError, match="gives complex128; Tensors are real"):
        tg.Tensor([1.0]) * 1j
