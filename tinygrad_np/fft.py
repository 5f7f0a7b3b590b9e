"""Fourier transforms of Tensors, which are real: complex numbers are pairs (real, imaginary) in a last axis.

``rfft`` takes a real signal (…, n) to its spectrum (…, n//2 + 1, 2), ``irfft`` takes it back, and ``fft`` and
``ifft`` go between pairs (…, n, 2). Their options are those of np.fft, and ``axis`` never counts the axis of
pairs, so transforms of several axes compose: the spectrum of images (…, height, width) is

>>> import numpy as np
>>> from tinygrad_np.fft import fft, rfft
>>> image = np.outer(np.ones(4), np.cos(np.pi * np.arange(4)))
>>> spectrum = fft(rfft(image, axis=-1), axis=-2)
>>> np.argwhere(spectrum[..., 0].round(12) != 0)
array([[0, 2]])
"""

from tinygrad_np.rules.fourier import fft, ifft, irfft, rfft

__all__ = ["fft", "ifft", "irfft", "rfft"]
