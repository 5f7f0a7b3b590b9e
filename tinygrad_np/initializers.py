"""First values of weights: ``initializer(shape, rng) -> float64 array``, drawn from an explicit generator.

A weight has shape ``(in, out)``; fan-in and fan-out are its two lengths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
# The generator's type is quoted, because NumPy loads its random module only when it is used.
Initializer = Callable[[Shape, "np.random.Generator"], NDArray[np.float64]]


def as_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """``rng`` itself, a generator seeded with it, or a freshly seeded one; NumPy's global state is left alone.

    Raises TypeError for anything else and ValueError for a negative seed.

    >>> int(as_generator(0).integers(100)), int(as_generator(0).integers(100))
    (85, 85)
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None and (isinstance(rng, bool) or not isinstance(rng, (int, np.integer))):
        raise TypeError(
            f"rng must be a np.random.Generator, an integer seed or None, got {rng!r}; "
            "give np.random.default_rng(0) or 0"
        )
    if rng is not None and rng < 0:
        raise ValueError(f"a seed must be at least 0, got {rng}")
    return np.random.default_rng(rng)


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Uniform on [low, high); on [0, 1) as in the article by default.

    >>> weight = uniform()((2, 3), as_generator(0))
    >>> weight.shape, bool((0 <= weight).all() and (weight < 1).all())
    ((2, 3), True)
    """
    if not (isinstance(low, Real) and isinstance(high, Real)):
        raise TypeError(
            f"uniform takes two numbers, low and high, got {low!r} and {high!r}; write uniform() or uniform(-1, 1)"
        )
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"uniform needs finite low <= high, got {low} and {high}")
    return lambda shape, rng: rng.uniform(low, high, shape)


def zeros(shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    """All 0: the usual first bias. Draws nothing.

    >>> zeros((2,), as_generator(0))
    array([0., 0.])
    """
    return np.zeros(shape)


def glorot_uniform(shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    """Uniform on [−a, a) with a = √(6 / (fan_in + fan_out)), which keeps the variance of tanh units.

    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", eq. 16.

    >>> bool(abs(glorot_uniform((2, 4), as_generator(0))).max() < 1)
    True
    """
    limit = math.sqrt(6 / max(sum(_fans(shape)), 1))
    return rng.uniform(-limit, limit, shape)


def he_normal(shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    """Normal with mean 0 and standard deviation √(2 / fan_in), which keeps the variance of rectified units.

    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", eq. 10.

    >>> round(float(he_normal((200, 200), as_generator(0)).std()), 2)
    0.1
    """
    return rng.normal(0.0, math.sqrt(2 / max(_fans(shape)[0], 1)), shape)


def _fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight (in, out)."""
    if len(shape) != 2:
        raise ValueError(f"this initializer is for weights of shape (in, out), got {shape}; use uniform or zeros")
    return shape[0], shape[1]
