"""Standardising: known values, what it leaves unchanged, and slices without numbers or without spread."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import leaves

ONES, ZEROS = np.ones(3), np.zeros(3)


def test_known_values():
    """Mean 3 and variance 14/3; with eps 1/3 the deviation is √5."""
    y = tg.standardize(np.array([[1.0, 2.0, 6.0]]), np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0]), eps=1 / 3)
    np.testing.assert_allclose(y, [[-2 / 5**0.5, -2 / 5**0.5, 1 + 9 / 5**0.5]], rtol=1e-15)


@given(hnp.arrays(float, (4, 3), elements=st.floats(-100, 100)), st.sampled_from([0, 1, None]))
def test_mean_is_0_and_variance_below_1(x, axis):
    y = tg.standardize(x, 1.0, 0.0, axis)
    np.testing.assert_allclose(np.mean(y, axis), 0, atol=1e-6)
    expected = np.var(x, axis) / (np.var(x, axis) + 1e-5)
    np.testing.assert_allclose(np.var(y, axis), expected, atol=1e-6)


def test_the_gradient_of_x_sums_to_0_and_is_orthogonal_to_the_standardised():
    """A shift of x changes nothing, and a factor next to nothing."""
    x, w, b = leaves([np.random.default_rng(0).normal(size=(5, 3)), ONES, ZEROS])
    y = tg.standardize(x, w, b, 0, 1e-12)
    y.backward(np.random.default_rng(1).normal(size=(5, 3)))
    np.testing.assert_allclose(x.grad.sum(0), 0, atol=1e-14)
    np.testing.assert_allclose((x.grad * y.data).sum(0), 0, atol=1e-10)


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 0), ((0, 3), -1), ((2, 0, 3), (0, 1)), ((0, 3), None)])
def test_without_numbers_nothing_is_nan(shape, axis):
    x, w, b = leaves([np.zeros(shape), ONES, ZEROS])
    with np.errstate(all="raise"):
        y = tg.standardize(x, w, b, axis)
        y.backward(np.ones(shape))
    assert y.shape == x.grad.shape == shape
    np.testing.assert_array_equal([w.grad, b.grad], np.zeros((2, 3)))


@pytest.mark.parametrize("value", [0.0, 1e-200, 5.0, 1e100])
def test_equal_numbers_become_the_bias_with_a_finite_gradient(value):
    x, w, b = leaves([np.full((4, 3), value), ONES, np.array([1.0, 2.0, 3.0])])
    with np.errstate(all="raise"):
        y = tg.standardize(x, w, b, 0)
        y.backward(np.arange(12.0).reshape(4, 3))
    np.testing.assert_array_equal(y.data, np.tile(b.data, (4, 1)))
    assert np.isfinite(x.grad).all()


def test_squares_too_large_for_float16_are_no_trouble():
    x = np.array([[-1000, 0, 1000]], np.float16)
    y = tg.standardize(x, ONES.astype(np.float16), ZEROS.astype(np.float16))
    np.testing.assert_allclose(y, [[-(1.5**0.5), 0, 1.5**0.5]], rtol=1e-3)
    assert y.dtype == np.float16


BAD = {
    "a weight of other features": (((2, 3), (4,), (3,)), {}, ValueError, r"standardize\(float64 \(2, 3\).*weight"),
    "a bias that makes it larger": (((3,), (3,), (2, 3)), {}, ValueError, r"would have shape \(2, 3\).*broadcast to x"),
    "an axis that is none": (((2, 3), (3,), (3,)), {"axis": 2}, ValueError, "axis 2 is out of bounds"),
    "a number": (((), (), ()), {}, ValueError, "axis -1 is out of bounds"),
}


@pytest.mark.parametrize(("shapes", "options", "error", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_shown(shapes, options, error, message):
    with pytest.raises(error, match=message):
        tg.standardize(*[np.zeros(shape) for shape in shapes], **options)
