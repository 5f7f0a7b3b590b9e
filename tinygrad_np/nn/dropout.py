"""Dropout: in training, a random part of the numbers is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.arguments import number
from tinygrad_np.initializers import as_generator
from tinygrad_np.nn.module import Module
from tinygrad_np.shapes import floating


class Dropout(Module):
    """Inverted dropout, y = x·m / (1 − p): each number is 0 with probability p in training; y = x after ``eval()``.

    The mask m holds 0 with probability ``p`` and 1 otherwise, so that y is x on average. It is drawn anew at each
    call from ``rng``, and only in training: an int seed or None make a Generator of the layer's own, a
    np.random.Generator is shared with whoever else draws from it. ∂L/∂x = g·m / (1 − p), with the same mask. Where the
    Generator stands is a part of ``state_dict()``, so that a loaded model draws the same masks. Raises TypeError or
    ValueError for a ``p`` outside [0, 1) and for what is no generator. Srivastava, Hinton, Krizhevsky, Sutskever &
    Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks from overfitting".

    >>> import numpy as np, tinygrad_np as tg
    >>> layer = tg.nn.Dropout(0.5, rng=0)
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | int | None = None) -> None:
        self.p = number("p", p, 0.5, lambda p: 0 <= p < 1, "a number in [0, 1)")
        self.rng = as_generator(rng)

    def __call__(self, x: Any) -> Any:
        if not (self.training and self.p):
            return x
        x = floating(x)
        return x * drawn_mask(self.rng, x.shape, self.p, x.dtype)

    def extra_repr(self) -> str:
        return f"{self.p:g}"


def drawn_mask(rng: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """0 with probability p, else 1 / (1 − p): the one place where Dropout draws."""
    # Half as many bits are drawn, in half the time, for what has no more than 24 digits.
    numbers = rng.random(shape, np.float32 if dtype.itemsize <= 4 else np.float64)
    return (numbers >= p) / dtype.type(1 - p)  # type: ignore[no-any-return]  # NumPy's scalars of any dtype give Any
