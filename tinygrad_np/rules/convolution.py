"""Convolution and correlation of sequences, and polynomials, whose product is a convolution."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array

Mode = Literal["full", "same", "valid"]

SEQUENCES = "Both must be sequences (n,) of at least one element; mode is 'full', 'same' or 'valid'"


@operation(np.convolve, hint=SEQUENCES, linear=2)
def convolve(x1: Array, x2: Array, mode: Mode = "full") -> Result:
    """y[k] = Σᵢ x1[i]·x2[k−i];  ∂L/∂x1[i] = Σₖ g[k]·x2[k−i], ∂L/∂x2 likewise: g convolved with the other, reversed.

    Mode "same" gives the middle part, as long as the longer; "valid" where the two overlap fully.
    """
    x1, x2 = _sequence(x1), _sequence(x2)
    y = np.convolve(x1, x2, mode)
    n1, n2 = x1.size, x2.size
    start = (n1 + n2 - 1 - y.size) // 2  # of y in the full convolution
    return y, (
        lambda g: _part(g, x2[::-1], n2 - 1 - start, n1),
        lambda g: _part(g, x1[::-1], n1 - 1 - start, n2),
    )


def _part(x1: Array, x2: Array, start: int, n: int) -> Any:
    """``n`` elements of the full convolution, by mode "valid" where it gives those and no more."""
    shorter, longer = sorted((x1.size, x2.size))
    if (start, n) == (shorter - 1, longer - shorter + 1):
        return np.convolve(x1, x2, "valid")
    return np.convolve(x1, x2)[start : start + n]


@composition(np.correlate, hint=SEQUENCES)
def correlate(x1: Array, x2: Array, mode: Mode = "valid") -> Any:
    """Correlation of sequences, y[k] = Σᵢ x1[i+k]·x2[i]."""
    x1, x2 = _sequence(x1), _sequence(x2)
    if x1.size < x2.size:  # NumPy exchanges them, which shifts the middle part of an even length
        return np.convolve(x2, x1[::-1], mode)[::-1]
    return np.convolve(x1, x2[::-1], mode)


def _sequence(x: Any) -> Any:
    """A number as a sequence of one, as NumPy takes it; anything else as it is."""
    x = as_array(x)
    return x if x.ndim else x.reshape(1)


@composition(np.polyval)
def polyval(p: Array, x: Array) -> Any:
    """The polynomial p[0]·xⁿ + … + p[n] at each element of x, by Horner's rule."""
    p, x = as_array(p), as_array(x)
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y
