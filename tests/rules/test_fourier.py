"""Fourier transforms by their known values and theorems, and what they refuse."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.fft import fft, ifft, irfft, rfft


def as_pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_parsevals_theorem_and_its_derivatives(n):
    """Σ|y|² = n Σ|x|², so that its gradient is 2n·x and its Hessian 2n on the diagonal."""
    x = tg.Tensor(np.random.default_rng(0).normal(size=(n, 2)), requires_grad=True)
    power = np.sum(fft(x) ** 2)
    np.testing.assert_allclose(power.item(), n * np.sum(x.data**2), rtol=1e-13)
    slope = tg.gradients(power, x, create_graph=True)
    np.testing.assert_allclose(slope.data, 2 * n * x.data, rtol=1e-12)
    second = tg.gradients(slope[0, 0], x)
    np.testing.assert_allclose(second.data, 2 * n * np.eye(2 * n)[0].reshape(n, 2), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
def test_the_inverse_undoes_the_transform_and_so_do_their_gradients(n, norm):
    rng = np.random.default_rng(0)
    for there, back, options, shape in [(fft, ifft, {}, (3, n, 2)), (rfft, irfft, {"n": n}, (3, n))]:
        x = tg.Tensor(rng.normal(size=shape), requires_grad=True)
        g = rng.normal(size=shape)
        y = back(there(x, norm=norm), norm=norm, **options)
        np.testing.assert_allclose(y.data, x.data, rtol=1e-12, atol=1e-13)
        y.backward(g)
        np.testing.assert_allclose(x.grad, g, rtol=1e-12, atol=1e-13)


def test_a_cosine_has_its_frequency_and_the_gradient_has_the_waves():
    n = 8
    waves = 2 * np.pi * np.arange(n) / n
    x = tg.Tensor(np.cos(2 * waves), requires_grad=True)
    y = rfft(x)
    np.testing.assert_allclose(y.data, as_pairs(np.array([0, 0, 4, 0, 0])), atol=1e-14)
    real, imaginary = (tg.gradients(y[2, i], x).data for i in (0, 1))
    np.testing.assert_allclose([real, imaginary], [np.cos(2 * waves), -np.sin(2 * waves)], atol=1e-14)


@pytest.mark.parametrize(("n", "own_conjugates"), [(6, [0, 3]), (5, [0])])
def test_imaginary_parts_that_a_real_signal_lacks_have_no_gradient(n, own_conjugates):
    x = tg.Tensor(np.ones((n // 2 + 1, 2)), requires_grad=True)
    irfft(x, n=n).backward(np.arange(1.0, n + 1))
    without = np.flatnonzero(abs(x.grad[:, 1]) < 1e-14)
    np.testing.assert_array_equal(without, own_conjugates)


def test_transforms_of_two_axes_compose():
    image = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_allclose(fft(rfft(image), axis=-2), as_pairs(np.fft.rfft2(image)), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(fft(rfft(image), axis=1), as_pairs(np.fft.rfft2(image)), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axes", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("shape", [(4, 5), (3, 2)])
def test_shifts_undo_each_other(shape, axes):
    x = tg.Tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)
    shifted = np.fft.fftshift(x, axes)
    np.testing.assert_array_equal(shifted.data, np.fft.fftshift(x.data, axes))
    np.testing.assert_array_equal(np.fft.ifftshift(shifted, axes).data, x.data)
    shifted.backward(shifted.data)
    np.testing.assert_array_equal(x.grad, x.data)


def test_an_empty_batch_has_an_empty_spectrum_and_gradient():
    x = tg.Tensor(np.ones((0, 4)), requires_grad=True)
    y = irfft(rfft(x))
    assert (rfft(x).shape, y.shape) == ((0, 3, 2), (0, 4))
    y.backward(np.ones((0, 4)))
    assert x.grad.shape == (0, 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_dtype_of_the_signal_is_that_of_its_spectrum(dtype):
    signal = np.array([1, 2, 0, -1], dtype)
    spectrum = rfft(signal)
    assert (spectrum.dtype, irfft(spectrum).dtype, fft(spectrum).dtype) == (dtype,) * 3
    np.testing.assert_array_equal(spectrum, [[2, 0], [1, -3], [0, 0]])


def test_integers_and_lists_have_spectra_of_floats():
    np.testing.assert_array_equal(rfft([1, 2, 0, -1]), [[2.0, 0], [1, -3], [0, 0]], strict=True)
    np.testing.assert_array_equal(fft([[1, 0], [0, 1]]), [[1.0, 1], [1, -1]], strict=True)


REFUSED = {
    "no pairs": (lambda: fft(np.ones((2, 3))), ValueError, r"shape \(2, 3\) holds no pairs.*np\.stack\(\[real, imag"),
    "pairs of no axis": (lambda: irfft(np.ones(2)), ValueError, r"shape \(2,\) holds no pairs"),
    "complex": (lambda: fft(np.ones((3, 2), complex)), TypeError, r"pairs of real ones; write np\.stack\(\[z\.real"),
    "a complex signal": (lambda: rfft(np.ones(3, complex)), TypeError, r"pairs of real ones"),
    "a number": (lambda: rfft(1.0), np.exceptions.AxisError, r"out of bounds"),
    "no such axis": (lambda: fft(np.ones((3, 2)), axis=1), np.exceptions.AxisError, r"axis 1 is out of bounds"),
    "no length": (lambda: rfft(np.ones(3), n=0), ValueError, r"Invalid number of FFT data points"),
    "no length but 0": (lambda: irfft(np.ones((1, 2))), ValueError, r"Invalid number of FFT data points"),
    "a norm": (lambda: rfft(np.ones(3), norm="unitary"), ValueError, r'Invalid norm value.*"ortho"'),
    "a shift's axis": (lambda: np.fft.fftshift(tg.Tensor([1.0]), 1), np.exceptions.AxisError, r"axis 1 is out of"),
}


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_transform_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
