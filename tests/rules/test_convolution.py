"""Convolution of every pair of short lengths in every mode, its known values, and polynomials."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.differences import numerical


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_all_short_lengths(function, mode):
    rng = np.random.default_rng(0)
    for n1, n2 in np.ndindex(6, 6):
        arrays = rng.normal(size=n1 + 1), rng.normal(size=n2 + 1)
        tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
        y = function(*tensors, mode)
        np.testing.assert_allclose(y.data, function(*arrays, mode), rtol=1e-13, atol=1e-14, strict=True)
        weights = rng.normal(size=y.shape)
        y.backward(weights)
        for t, expected in zip(tensors, numerical(lambda a, b: np.sum(function(a, b, mode) * weights), arrays)):  # noqa: B023 - called within the loop
            np.testing.assert_allclose(t.grad, expected, rtol=1e-9, atol=1e-9)


def test_convolution_multiplies_polynomials():
    """(x + 2)(x + 3) = x² + 5x + 6."""
    x1, x2 = (tg.Tensor(x, requires_grad=True) for x in ([1.0, 2.0], [1.0, 3.0]))
    y = np.convolve(x1, x2)
    np.testing.assert_array_equal(y.data, [1, 5, 6])
    y.backward([0.0, 0.0, 1.0])  # the constant, 2·3
    np.testing.assert_array_equal([x1.grad, x2.grad], [[0, 3], [0, 2]])


def test_correlation_is_valid_by_default_as_numpys():
    x = tg.Tensor([1.0, 2.0, 4.0], requires_grad=True)
    y = np.correlate(x, [1, 10])
    np.testing.assert_array_equal(y.data, [21, 42])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 11, 10])


def test_a_polynomial_has_the_slopes_of_its_derivatives():
    p = np.array([2.0, -1.0, 0.0, 3.0])
    x = tg.Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    y = np.polyval(p, x)
    np.testing.assert_array_equal(y.data, np.polyval(p, x.data))
    for order in (1, 2, 3):
        y = tg.gradients(np.sum(y), x, create_graph=True)
        np.testing.assert_allclose(y.data, np.polyval(np.polyder(p, order), x.data), rtol=1e-14)


def test_a_polynomial_is_linear_in_its_coefficients():
    p = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    np.polyval(p, 2.0).backward()
    np.testing.assert_array_equal(p.grad, [4, 2, 1])


def test_a_polynomial_without_coefficients_is_zero():
    y = np.polyval([], tg.Tensor([1.0, 2.0], requires_grad=True))
    np.testing.assert_array_equal(y, [0, 0])


REFUSED = {
    "nothing": (
        lambda x: np.convolve(x, []),
        r"^convolve\(float64 \(3,\), float64 \(0,\).*cannot be empty.*one element",
    ),
    "a matrix": (lambda x: np.convolve(np.ones((2, 2)), x), r"^convolve\(.*sequences \(n,\)"),
    "a mode": (lambda x: np.convolve(x, x, "most"), r"^convolve\(.*mode is 'full', 'same' or 'valid'"),
    "correlate with nothing": (lambda x: np.correlate(x, []), r"^correlate\(.*cannot be empty"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_convolved_is_refused_with_its_shapes(call, message):
    with pytest.raises(ValueError, match=message):
        call(tg.Tensor([1.0, 2.0, 3.0], requires_grad=True))
