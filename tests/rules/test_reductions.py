"""Reductions: ties, empty slices, extremes, and every axis that NumPy takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical

INF, NAN = np.inf, np.nan
EXTREMA = [(np.max, np.maximum), (np.min, np.minimum)]


def gradient_of(f, at, seed=None):
    x = tg.Tensor(np.array(at, float), requires_grad=True)
    with np.errstate(all="raise"):
        f(x).backward(seed)
    return x.grad


TIES = {
    "two of three": ([2.0, 5.0, 5.0], None, [0, 0.5, 0.5]),
    "all": ([3.0, 3.0, 3.0, 3.0], None, [0.25] * 4),
    "each row": ([[1.0, 1.0], [0.0, 4.0]], 1, [[0.5, 0.5], [0, 1]]),
    "each column": ([[1.0, 1.0], [1.0, 0.0]], 0, [[0.5, 1], [0.5, 0]]),
    "zeros of either sign": ([0.0, -0.0, -1.0], None, [0.5, 0.5, 0]),
    "infinities": ([INF, INF, 0.0], None, [0.5, 0.5, 0]),
}


@pytest.mark.parametrize(("at", "axis", "shares"), TIES.values(), ids=TIES)
def test_ties_share_the_gradient_evenly(at, axis, shares):
    for sign, f in ((1, np.max), (-1, np.min)):
        gradient = gradient_of(lambda x, f=f: f(x, axis=axis).sum(), sign * np.array(at))
        np.testing.assert_array_equal(gradient, shares)


@given(hnp.arrays(np.int8, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 2)), st.data())
def test_shares_of_any_ties_sum_to_the_gradient(x, data):
    axis = data.draw(hnp.valid_tuple_axes(x.ndim))
    for f in (np.max, np.min):
        t = tg.Tensor(x.astype(float), requires_grad=True)
        y = f(t, axis=axis)
        weights = np.arange(1.0, y.size + 1).reshape(y.shape)
        y.backward(weights)
        np.testing.assert_allclose(t.grad.sum(axis), weights, rtol=1e-14)
        attained = x == f(x, axis=axis, keepdims=True)
        assert np.all((t.grad != 0) == attained)


def test_ties_have_second_derivatives():
    x = tg.Tensor([2.0, 2.0, 1.0], requires_grad=True)
    slope = tg.gradients(np.max(x) ** 2, x, create_graph=True)
    np.testing.assert_array_equal(slope.data, [2, 2, 0])
    np.testing.assert_array_equal(tg.gradients(slope[0], x).data, [0.5, 0.5, 0])


def test_the_maximum_of_nan_is_nan_and_says_so_in_its_gradient():
    x = tg.Tensor([NAN, 1.0], requires_grad=True)
    y = np.max(x)
    y.backward()
    assert np.isnan(y.item())
    np.testing.assert_array_equal(x.grad, [0.5, 0.5])


@pytest.mark.parametrize("f", [np.max, np.min, tg.logsumexp])
def test_an_empty_slice_is_numpys_error_with_the_operations_name(f):
    with pytest.raises(ValueError, match=r"\w+\(float64 \(0, 3\)(, axis=0)?\): zero-size array"):
        f(tg.Tensor(np.ones((0, 3))), axis=0)
    assert f(tg.Tensor(np.ones((0, 3))), axis=1).shape == (0,)


def test_sums_over_no_rows_are_zero_and_their_gradients_empty():
    for axis in (None, 0, 1):
        gradient = gradient_of(lambda x, axis=axis: x.sum(axis=axis).sum(), np.ones((0, 3)))
        assert gradient.shape == (0, 3)


def test_the_mean_over_no_elements_is_nan_with_numpys_warning():
    x = tg.Tensor(np.ones((0, 3)), requires_grad=True)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        y = x.mean()
    assert np.isnan(y.item())
    with np.errstate(all="raise"):
        y.backward()
    assert x.grad.shape == (0, 3)


LOGSUMEXP = {
    "large": ([1000.0, 1000.0], 1000 + np.log(2), [0.5, 0.5]),
    "small": ([-1000.0, -1000.0], -1000 + np.log(2), [0.5, 0.5]),
    "far apart": ([1e4, -1e4], 1e4, [1, 0]),
    "one zero probability": ([0.0, -INF], 0.0, [1, 0]),
    "one element": ([3.0], 3.0, [1]),
    "infinite": ([INF, 0.0], INF, None),
    "minus infinity beside large": ([-INF, 1000.0, 1000.0], 1000 + np.log(2), [0, 0.5, 0.5]),
}


@pytest.mark.parametrize(("at", "value", "gradient"), LOGSUMEXP.values(), ids=LOGSUMEXP)
def test_logsumexp_at_extremes(at, value, gradient):
    with np.errstate(all="raise"):
        assert tg.logsumexp(tg.Tensor(at)).item() == value
        assert np.logaddexp.reduce(tg.Tensor(at)).item() == value
    if gradient is not None:
        np.testing.assert_allclose(gradient_of(tg.logsumexp, at), gradient, rtol=1e-12)


def test_logsumexp_of_zero_probabilities_only_is_minus_infinity_with_a_gradient_of_no_nan():
    at = [[-INF, -INF], [0.0, 0.0]]
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(tg.logsumexp(tg.Tensor(at), axis=1).data, [-INF, np.log(2)])
    gradient = gradient_of(lambda x: tg.logsumexp(x, axis=1).sum(), at)
    np.testing.assert_array_equal(gradient[1], [0.5, 0.5])
    assert np.all(np.isfinite(gradient))


def test_logsumexp_differentiates_twice_at_extremes():
    x = tg.Tensor([1000.0, 1000.0, -INF], requires_grad=True)
    with np.errstate(all="raise"):
        slope = tg.gradients(tg.logsumexp(x), x, create_graph=True)
        second = tg.gradients(slope[0], x)
    np.testing.assert_allclose(second.data, [0.25, -0.25, 0], rtol=1e-12)


REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


@given(
    st.sampled_from(sorted(REDUCTIONS)), hnp.array_shapes(min_dims=0, max_dims=4, max_side=3), st.booleans(), st.data()
)
def test_any_axes_are_numpys_in_value_and_gradient(name, shape, keepdims, data):
    axes = st.none() | hnp.valid_tuple_axes(len(shape))
    if shape:
        axes |= st.integers(-len(shape), len(shape) - 1)
    axis, function = data.draw(axes), REDUCTIONS[name]
    x = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) * 0.5 + 0.25
    t = tg.Tensor(x, requires_grad=True)
    y = function(t, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.data, np.asarray(function(x, axis=axis, keepdims=keepdims)), strict=True)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, y.shape)
    y.backward(weights)
    (expected,) = numerical(lambda x: np.sum(function(x, axis=axis, keepdims=keepdims) * weights), [x])
    np.testing.assert_allclose(t.grad, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("function", "ufunc"), [(np.sum, np.add), *EXTREMA])
def test_the_reduce_method_of_a_ufunc_is_the_function_with_axis_0(function, ufunc):
    x = np.array([[3.0, 1.0], [2.0, 5.0]])
    t = tg.Tensor(x, requires_grad=True)
    for axis in (0, 1, -1, (0, 1), None):
        np.testing.assert_array_equal(ufunc.reduce(t, axis=axis).data, function(x, axis=axis))
        np.testing.assert_array_equal(ufunc.reduce(t, axis, keepdims=True).data, function(x, axis=axis, keepdims=True))
    np.testing.assert_array_equal(ufunc.reduce(t).data, function(x, axis=0))
