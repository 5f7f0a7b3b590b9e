"""Cumulative sums and products, differences, slopes and areas: zeros, ends, options and errors."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.differences import slope


def jacobian_of_products(x):
    """∂y[i]/∂x[j] of y = cumprod x, one product after the other."""
    n = len(x)
    return np.array([[np.prod(np.delete(x[: i + 1], j)) if j <= i else 0 for j in range(n)] for i in range(n)])


FACTORS = {
    "no zero": [2.0, -3.0, 5.0, 0.5],
    "a zero first": [0.0, 2.0, 3.0, 5.0, 7.0],
    "a zero last": [2.0, 3.0, 0.0],
    "two zeros": [2.0, 0.0, 3.0, 0.0, 4.0],
    "zeros beside each other": [2.0, 0.0, 0.0, 4.0, 5.0, 6.0],
    "only zeros": [0.0, 0.0, 0.0],
    "a product that vanishes": [1e-200, 1e-150, 4.0],
    "one element": [4.0],
}


@pytest.mark.parametrize("at", FACTORS.values(), ids=FACTORS)
def test_the_jacobian_of_cumulative_products_is_exact_whatever_is_zero(at):
    x = tg.Tensor(at, requires_grad=True)
    with np.errstate(under="ignore"):
        expected, rows, again = jacobian_of_products(np.array(at)), [], []
        for one in np.eye(len(at)):
            rows.append(tg.gradients(np.cumprod(x), x, output_gradients=one).data)
            again.append(tg.gradients(np.cumprod(x), x, output_gradients=one, create_graph=True).data)
    np.testing.assert_allclose(rows, expected, rtol=1e-14)
    np.testing.assert_allclose(again, expected, rtol=1e-14)


def test_the_second_derivative_of_cumulative_products_at_zeros_is_exact():
    """The last one is x0·x1·x2·x3: of two factors that are 0, the mixed derivative is the product of the others."""
    x = tg.Tensor([2.0, 0.0, 0.0, 5.0], requires_grad=True)
    slope = tg.gradients(np.cumprod(x)[3], x, create_graph=True)
    hessian = [tg.gradients(slope[i], x).data for i in range(4)]
    np.testing.assert_array_equal(hessian, [[0] * 4, [0, 0, 10, 0], [0, 10, 0, 0], [0] * 4])


def test_cumulative_products_of_many_factors_by_division_and_by_doubling_agree():
    x = np.random.default_rng(0).uniform(0.9, 1.1, 1000)
    seed = np.random.default_rng(1).normal(size=1000)
    t = tg.Tensor(x, requires_grad=True)
    divided = slope(lambda x: np.cumprod(x) * seed, x)
    doubled = tg.gradients(np.cumprod(t), t, output_gradients=seed, create_graph=True).data
    np.testing.assert_allclose(doubled, divided, rtol=1e-10)


def test_an_accumulate_method_runs_along_the_first_axis_and_a_function_over_all():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    t = tg.Tensor(x)
    for ufunc, function in ((np.add, np.cumsum), (np.multiply, np.cumprod)):
        np.testing.assert_array_equal(ufunc.accumulate(t).data, ufunc.accumulate(x))
        np.testing.assert_array_equal(ufunc.accumulate(t, 1).data, ufunc.accumulate(x, 1))
        np.testing.assert_array_equal(function(t).data, function(x))


@pytest.mark.parametrize("f", [np.cumsum, np.cumprod, np.cumulative_sum, np.cumulative_prod])
def test_a_number_is_accumulated_as_an_array_of_one(f):
    np.testing.assert_array_equal(f(tg.Tensor(3.0)).data, f(np.array(3.0)), strict=True)
    assert slope(f, 3.0) == 1


@pytest.mark.parametrize("f", [np.cumulative_sum, np.cumulative_prod])
def test_a_cumulative_function_begins_with_that_of_nothing_if_asked_to(f):
    x = np.array([[2.0, 3.0], [4.0, 5.0]])
    for axis in (0, -1):
        y = f(tg.Tensor(x), axis=axis, include_initial=True)
        np.testing.assert_array_equal(y.data, f(x, axis=axis, include_initial=True), strict=True)
    with pytest.raises(ValueError, match=r"cumulative_\w+\(float64 \(2, 2\)\): an array of 2 axes needs axis="):
        f(tg.Tensor(x))


@pytest.mark.parametrize("f", [np.cumsum, np.cumprod])
def test_the_gradient_of_float16_is_added_up_in_float32(f):
    """In float16, 2048 + 1 is 2048."""
    x = tg.Tensor(np.ones(5000, np.float16), requires_grad=True)
    with np.errstate(over="ignore"):
        f(x).backward(np.ones(5000))
    np.testing.assert_array_equal(x.grad, np.arange(5000, 0, -1).astype(np.float16), strict=True)


@pytest.mark.parametrize("f", [np.nancumsum, np.nancumprod])
def test_nan_is_passed_over_with_gradient_0(f):
    x = [np.nan, 2.0, np.nan, 3.0]
    np.testing.assert_array_equal(f(tg.Tensor(x)).data, f(np.array(x)))
    of_all = np.cumsum if f is np.nancumsum else np.cumprod
    rest = slope(of_all, [2.0, 3.0])
    np.testing.assert_array_equal(slope(lambda x: f(x)[[1, 3]], x), [0, rest[0], 0, rest[1]])


DIFFERENCES = {
    "once": ({}, [-1, 0, 0, 1]),
    "twice": ({"n": 2}, [1, -1, -1, 1]),
    "as often as there are elements": ({"n": 4}, [0, 0, 0, 0]),
    "oftener": ({"n": 7}, [0, 0, 0, 0]),
    "never": ({"n": 0}, [1, 1, 1, 1]),
    "never, so that nothing is joined either": ({"n": 0, "prepend": 0.0, "append": [1.0, 2.0]}, [1, 1, 1, 1]),
    "after a number": ({"prepend": 0.0}, [0, 0, 0, 1]),
    "before an array": ({"append": [1.0, 2.0]}, [-1, 0, 0, 0]),
}


@pytest.mark.parametrize(("options", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences_are_numpys_with_these_gradients(options, expected):
    at = np.array([3.0, 1.0, 4.0, 1.5])
    np.testing.assert_array_equal(np.diff(tg.Tensor(at), **options).data, np.diff(at, **options), strict=True)
    np.testing.assert_array_equal(slope(lambda x: np.diff(x, **options), at), expected)


def test_what_is_joined_to_the_differences_has_a_gradient_too():
    end = tg.Tensor([5.0], requires_grad=True)
    np.diff(np.array([1.0, 2.0]), append=end).sum().backward()
    assert end.grad == 1
    begin = tg.Tensor(5.0, requires_grad=True)
    np.ediff1d(tg.Tensor([1.0, 2.0]), to_begin=begin).sum().backward()
    assert begin.grad == 1


def test_the_steps_of_the_trapezoidal_rule_have_a_gradient_too():
    np.testing.assert_array_equal(
        slope(lambda x: np.trapezoid(np.array([1.0, 2.0, 4.0]), x), [0.0, 1, 3]), [-1.5, -1.5, 3]
    )
    assert slope(lambda dx: np.trapezoid(np.array([1.0, 2.0, 4.0]), dx=dx), 0.5) == 4.5


def test_slopes_along_several_axes_are_a_tuple_as_numpy_gives_it():
    x = np.arange(12.0).reshape(3, 4) ** 2
    slopes = np.gradient(tg.Tensor(x, requires_grad=True), 0.5, [0.0, 1.0, 3.0, 4.0])
    assert type(slopes) is tuple
    for ours, numpys in zip(slopes, np.gradient(x, 0.5, [0.0, 1.0, 3.0, 4.0])):
        np.testing.assert_allclose(ours.data, numpys, rtol=1e-14)


def test_slopes_are_not_disturbed_by_an_infinity_that_they_do_not_look_at():
    x = np.array([0.0, 1.0, np.inf, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(np.gradient(tg.Tensor(x)).data, np.gradient(x))


x = tg.Tensor([1.0, 2.0, 4.0], requires_grad=True)
ERRORS = [
    (
        lambda: np.cumsum(x, axis=1),
        np.exceptions.AxisError,
        r"cumsum\(float64 \(3,\), axis=1\): axis 1 is out of bounds",
    ),
    (lambda: np.cumprod(x, 2), np.exceptions.AxisError, r"cumprod\(float64 \(3,\), 2\): axis 2 is out of bounds"),
    (lambda: np.cumsum(x, dtype=np.float32), TypeError, r"np\.cumsum on a Tensor does not take dtype="),
    (lambda: np.diff(x, axis=1), np.exceptions.AxisError, r"diff\(float64 \(3,\), axis=1\): .*out of bounds"),
    (lambda: np.diff(x, -1), ValueError, r"number of times that differences are taken, and cannot be -1"),
    (lambda: np.diff(x[0]), np.exceptions.AxisError, r"diff\(float64 \(\)\)"),
    (lambda: np.diff(x, append=np.ones((1, 1))), ValueError, r"diff\(.*append=float64 \(1, 1\)\): .*concatenate"),
    (lambda: np.gradient(x, edge_order=3), ValueError, r"edge_order must be 1 or 2, got 3"),
    (lambda: np.gradient(x[:1]), ValueError, r"axis 0 has 1 elements; edge_order=1 takes at least 2"),
    (
        lambda: np.gradient(x, 1.0, 2.0),
        TypeError,
        r"2 spacings for 1 axes; give none, one number, or one for each axis",
    ),
    (lambda: np.gradient(x, [1.0, 2.0]), ValueError, r"coordinates of shape \(2,\) for an axis of 3"),
    (lambda: np.gradient(x, x), TypeError, r"gradient\(.*would lose the gradient"),
    (lambda: np.trapezoid(x, np.ones(5)), ValueError, r"trapezoid\(float64 \(3,\), float64 \(5,\)\)"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_an_error_says_what_came_and_what_was_expected(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("axis", [(0, 1), (0,), [0], 0.5])
@pytest.mark.parametrize("f", [np.cumsum, np.cumprod, np.nancumsum, np.cumulative_sum])
def test_an_axis_is_one_integer(f, axis):
    with pytest.raises(TypeError, match=rf"{f.__name__}\(.*integer"):
        f(tg.Tensor(np.ones((2, 2)), requires_grad=True), axis=axis)
