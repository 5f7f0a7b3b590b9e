"""Discrete Fourier transforms of real arrays, complex numbers being pairs (real part, imaginary part) in a last axis.

The transform is linear, and its matrix F is symmetric: the gradient of y = F x is Fᴴ g, the inverse
transform without its factor 1/n. So each rule is the transpose of another here, to any order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_np.numerics import is_plain, speaking
from tinygrad_np.operations import Result, operation
from tinygrad_np.shapes import along, as_array, exchanged, normalize_axes
from tinygrad_np.tape import Array

PAIRS = "Complex numbers come as pairs (…, n, 2): np.stack([real, imaginary], axis=-1)"

# Forward and inverse transform share the factor 1/n; the transpose keeps it, so it names the other way.
TRANSPOSED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


@operation(hint=PAIRS, linear=1)
def fft(x: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Result:
    """Discrete Fourier transform of pairs, yₖ = Σⱼ xⱼ e^(−2πi jk/n): x (…, n, 2), y (…, n, 2).

    ∂L/∂x = Fᴴ g, the inverse transform without its factor. ``n`` crops x or pads it with zeros;
    ``axis`` is counted without the axis of pairs; ``norm`` is NumPy's ("backward", "ortho",
    "forward"). Raises ValueError where the last axis holds no pairs. Cooley & Tukey (1965), "An
    algorithm for the machine calculation of complex Fourier series", Math. Comp. 19.

    >>> import numpy as np, tinygrad_np as tg
    >>> from tinygrad_np.fft import fft
    >>> fft(np.array([[1.0, 0.0], [0.0, 1.0]]))  # 1 + i and 1 − i
    array([[ 1.,  1.],
           [ 1., -1.]])
    """
    x, axis = _pairs(x, axis)
    length = x.shape[axis]
    y = _transform(np.fft.fft, x, n, axis, norm) if is_plain(x) else fft(x, n=n, axis=axis, norm=norm)
    return y, (lambda g: _fit(ifft(g, axis=axis, norm=TRANSPOSED[norm]), length, axis),)


@operation(hint=PAIRS, linear=1)
def ifft(x: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Result:
    """Inverse of ``fft``, yⱼ = (1/n) Σₖ xₖ e^(2πi jk/n): x (…, n, 2), y (…, n, 2).

    ∂L/∂x = (1/n) F g. Options and errors are those of ``fft``.

    >>> import numpy as np, tinygrad_np as tg
    >>> from tinygrad_np.fft import fft, ifft
    >>> ifft(fft(np.array([[1.0, 0.0], [0.0, 1.0]])))
    array([[1., 0.],
           [0., 1.]])
    """
    x, axis = _pairs(x, axis)
    length = x.shape[axis]
    y = _transform(np.fft.ifft, x, n, axis, norm) if is_plain(x) else ifft(x, n=n, axis=axis, norm=norm)
    return y, (lambda g: _fit(fft(g, axis=axis, norm=TRANSPOSED[norm]), length, axis),)


@operation(linear=1)
def rfft(x: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Result:
    """Discrete Fourier transform of real numbers, yₖ = Σⱼ xⱼ e^(−2πi jk/n) for 0 ≤ k ≤ n/2, as pairs.

    x (…, n), y (…, n//2 + 1, 2); the other half is the conjugate of this. ∂L/∂xⱼ = Re Σₖ gₖ e^(2πi jk/n).
    ``n`` crops x or pads it with zeros; ``norm`` is NumPy's ("backward", "ortho", "forward").
    Raises NumPy's ValueError for a transform of no numbers and its AxisError. Sorensen et al. (1987),
    "Real-valued fast Fourier transform algorithms", IEEE Trans. ASSP 35(6).

    The power of each frequency, and how it changes with the signal:

    >>> import numpy as np, tinygrad_np as tg
    >>> from tinygrad_np.fft import rfft
    >>> signal = tg.Tensor([1.0, 2.0, 0.0, -1.0], requires_grad=True)
    >>> power = (rfft(signal) ** 2).sum(axis=-1)
    >>> power.data
    array([ 4., 10.,  0.])
    >>> tg.gradients(power[1], signal).data
    array([ 2.,  6., -2., -6.])
    >>> tg.check_gradients(lambda x: (rfft(x) ** 2).sum(axis=-1), signal).outcome
    <Outcome.RIGHT: 'right'>
    """
    x = as_array(x)
    (axis,) = normalize_axes(axis, x.ndim)
    length = x.shape[axis]
    y = _transform(np.fft.rfft, x, n, axis, norm) if is_plain(x) else rfft(x, n=n, axis=axis, norm=norm)
    n = length if n is None else n

    def gx(g: Array) -> Array:
        share = g / _occurrences(n, g.ndim - axis - 1)
        return _fit(irfft(share, n=n, axis=axis, norm=TRANSPOSED[norm]), length, axis)

    return y, (gx,)


@operation(hint=PAIRS, linear=1)
def irfft(x: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Result:
    """Inverse of ``rfft``: n real numbers whose transform has the pairs x as its first half.

    x (…, n//2 + 1, 2), y (…, n). ``n`` is 2·(pairs − 1) if not given: an odd length must be. x is
    cropped or padded with zeros to fit it. The imaginary parts of the first pair, and of the last where
    n is even, do not count. ∂L/∂xₖ = (c/n) Σⱼ gⱼ e^(−2πi jk/n), with c = 1 for those and 2 for the others,
    which stand for their conjugates too. Options and errors are otherwise those of ``fft``.

    >>> import numpy as np, tinygrad_np as tg
    >>> from tinygrad_np.fft import irfft, rfft
    >>> irfft(rfft(np.array([1.0, 2.0, 0.0, -1.0])))
    array([ 1.,  2.,  0., -1.])
    """
    x, axis = _pairs(x, axis)
    length = x.shape[axis]
    y = _transform(np.fft.irfft, x, n, axis, norm) if is_plain(x) else irfft(x, n=n, axis=axis, norm=norm)

    def gx(g: Array) -> Array:
        spectrum = rfft(g, axis=axis, norm=TRANSPOSED[norm])
        return _fit(spectrum * _occurrences(g.shape[axis], g.ndim - axis), length, axis)

    return y, (gx,)


@operation(np.fft.fftshift, linear=1)
def fftshift(x: Array, axes: Any = None) -> Result:
    """y = x with the frequency 0 moved from the front to the middle of each of ``axes``;  ∂L/∂x = g moved back."""
    return _halves_exchanged(x, axes, 1), (lambda g: _halves_exchanged(g, axes, 0),)


@operation(np.fft.ifftshift, linear=1)
def ifftshift(x: Array, axes: Any = None) -> Result:
    """y = x rolled back, the inverse of fftshift;  ∂L/∂x = fftshift(g)."""
    return _halves_exchanged(x, axes, 0), (lambda g: _halves_exchanged(g, axes, 1),)


def _halves_exchanged(x: Any, axes: Any, odd: int) -> Any:
    """``x`` cut in two along each of ``axes`` (all if None), and the two parts exchanged.

    Of an odd length the middle belongs to the first part if ``odd`` is 1, and to the second if it is 0.
    """
    x = as_array(x)
    for axis in normalize_axes(tuple(range(x.ndim)) if axes is None else axes, x.ndim):
        x = exchanged(x, (x.shape[axis] + odd) // 2, axis)
    return x


def _pairs(x: Any, axis: int) -> tuple[Any, int]:
    """``x``, if it holds pairs, and ``axis``, counted from the front without the axis of pairs."""
    x = as_array(x)
    if x.ndim < 2 or x.shape[-1] != 2:
        raise ValueError(f"an array of shape {x.shape} holds no pairs")
    return x, normalize_axes(axis, x.ndim - 1)[0]


def _transform(function: Callable[..., Any], x: Array, n: int | None, axis: int, norm: str | None) -> Any:
    """NumPy's ``function``, with pairs for complex numbers on both sides, in x's dtype: there is no complex float16."""
    if x.dtype.kind == "c":
        raise TypeError("complex numbers come as pairs of real ones; write np.stack([z.real, z.imag], axis=-1)")
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    if function is not np.fft.rfft:
        x = np.ascontiguousarray(x, np.result_type(dtype, np.float32), like=speaking(x))
        x = x.view(np.result_type(x, np.complex64))[..., 0]
    y = function(x, n, axis, norm)
    if y.dtype.kind == "c":
        y = y[..., None].view(y.real.dtype)
    return y.astype(dtype, copy=False)


def _fit(x: Array, n: int, axis: int) -> Any:
    """``x`` cropped, or padded with zeros, to length ``n`` along ``axis``."""
    missing = n - x.shape[axis]
    if missing > 0:
        return np.concatenate([x, np.zeros((*x.shape[:axis], missing, *x.shape[axis + 1 :]), x.dtype)], axis=axis)
    return x if missing == 0 else x[along(axis, slice(n))]


@lru_cache(maxsize=8)
def _occurrences(n: int, axes_behind: int) -> Any:
    """How often each frequency of rfft occurs in the whole spectrum: once if it is its own conjugate, else twice.

    In int8, beside which every floating dtype stays what it is.
    """
    counts = np.full(n // 2 + 1, 2, np.int8)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape(-1, *[1] * axes_behind)
