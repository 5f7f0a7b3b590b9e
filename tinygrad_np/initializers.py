"""First values of weights: ``initializer(shape, rng) -> float64 array``, drawn from an explicit generator or a seed.

A weight has shape ``(in, out)``; fan-in and fan-out are its two lengths. ``uniform(low, high)`` and
``normal(mean, std)`` make an initializer; all others are one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Union

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
# The generator's type is quoted, because NumPy loads its random module only when it is used.
Rng = Union["np.random.Generator", int, None]
Initializer = Callable[[Shape, "np.random.Generator"], NDArray[np.float64]]


def as_generator(rng: Rng) -> np.random.Generator:
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
    return lambda shape, rng: as_generator(rng).uniform(low, high, shape)


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Normal with a ``mean`` and a standard deviation.

    >>> values = normal(5.0, 0.1)((1000,), as_generator(0))
    >>> round(float(values.mean()), 1), round(float(values.std()), 1)
    (5.0, 0.1)
    """
    if not (isinstance(mean, Real) and isinstance(std, Real)):
        raise TypeError(
            f"normal takes two numbers, mean and std, got {mean!r} and {std!r}; write normal() or normal(0, 0.01)"
        )
    if not (math.isfinite(mean) and math.isfinite(std) and std >= 0):
        raise ValueError(f"normal needs a finite mean and a finite std of at least 0, got {mean} and {std}")
    return lambda shape, rng: as_generator(rng).normal(mean, std, shape)


def article(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """The article's, for weights and biases alike: uniform on [0, 1).

    >>> article((2, 3), as_generator(0)).round(3)
    array([[0.637, 0.27 , 0.041],
           [0.017, 0.813, 0.913]])
    """
    return as_generator(rng).uniform(0.0, 1.0, shape)


def zeros(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """All 0: the usual first bias. Draws nothing.

    >>> zeros((2,), as_generator(0))
    array([0., 0.])
    """
    return np.zeros(shape)


def glorot_uniform(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Uniform on [−a, a) with a = √(6 / (fan_in + fan_out)), which keeps the variance of tanh units.

    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", eq. 16.

    >>> bool(abs(glorot_uniform((2, 4), as_generator(0))).max() < 1)
    True
    """
    return _uniform(shape, rng, 2, sum(_fans(shape)))


def glorot_normal(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Normal with mean 0 and standard deviation √(2 / (fan_in + fan_out)), the variance of :func:`glorot_uniform`.

    >>> round(float(glorot_normal((100, 300), as_generator(0)).std()), 2)
    0.07
    """
    return _normal(shape, rng, 2, sum(_fans(shape)))


def he_uniform(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Uniform on [−a, a) with a = √(6 / fan_in), the variance of :func:`he_normal`.

    >>> bool(abs(he_uniform((6, 2), as_generator(0))).max() < 1)
    True
    """
    return _uniform(shape, rng, 2, _fans(shape)[0])


def he_normal(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Normal with mean 0 and standard deviation √(2 / fan_in), which keeps the variance of rectified units.

    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", eq. 10.

    >>> round(float(he_normal((200, 200), as_generator(0)).std()), 2)
    0.1
    """
    return _normal(shape, rng, 2, _fans(shape)[0])


def lecun_uniform(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Uniform on [−a, a) with a = √(3 / fan_in), the variance of :func:`lecun_normal`.

    >>> bool(abs(lecun_uniform((3, 2), as_generator(0))).max() < 1)
    True
    """
    return _uniform(shape, rng, 1, _fans(shape)[0])


def lecun_normal(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """Normal with mean 0 and standard deviation √(1 / fan_in), which keeps the variance of linear units.

    LeCun, Bottou, Orr & Müller (1998), "Efficient backprop", eq. 16.

    >>> round(float(lecun_normal((100, 200), as_generator(0)).std()), 2)
    0.1
    """
    return _normal(shape, rng, 1, _fans(shape)[0])


def orthogonal(shape: Shape, rng: Rng) -> NDArray[np.float64]:
    """A random matrix with orthonormal columns, or with orthonormal rows where it has fewer of these.

    All such matrices are equally likely. It keeps the length of what passes through it, at any depth. Saxe, McClelland
    & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"; the signs
    after Mezzadri (2007), "How to generate random matrices from the classical compact groups".

    >>> weight = orthogonal((4, 3), as_generator(0))
    >>> bool(np.allclose(weight.T @ weight, np.eye(3)))
    True
    """
    n, m = _fans(shape)
    q, r = np.linalg.qr(as_generator(rng).normal(size=(max(n, m), min(n, m))))
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # QR chooses signs of its own, which are not equally likely
    return q if n >= m else q.T.copy()


def _uniform(shape: Shape, rng: Rng, gain: float, fan: int) -> NDArray[np.float64]:
    """Uniform around 0 with variance gain / fan."""
    limit = math.sqrt(3 * gain / max(fan, 1))
    return as_generator(rng).uniform(-limit, limit, shape)


def _normal(shape: Shape, rng: Rng, gain: float, fan: int) -> NDArray[np.float64]:
    """Normal around 0 with variance gain / fan."""
    return as_generator(rng).normal(0.0, math.sqrt(gain / max(fan, 1)), shape)


def _fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight (in, out)."""
    if len(shape) != 2:
        raise ValueError(f"this initializer is for weights of shape (in, out), got {shape}; use uniform or zeros")
    return shape[0], shape[1]
