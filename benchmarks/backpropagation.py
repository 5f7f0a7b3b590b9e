"""A step of the article's network by hand, in plain vectorised NumPy, and with nothing else to import."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ETA, M = 0.5, 0.1

Gradients = tuple[Array, Array, Array, Array]


def backpropagation(parameters: Sequence[Array]) -> Callable[[Array, Array], tuple[Any, Gradients]]:
    """Loss and gradients derived by hand, of x (n, features) and one-hot t (n, classes); reads ``parameters`` anew."""
    w1, b1, w2, b2 = parameters

    def loss_and_gradients(x: Array, t: Array) -> tuple[Any, Gradients]:
        z = np.tanh(x @ w1 + b1)
        logits = z @ w2 + b2
        e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        loss = -np.mean(np.sum(t * np.log(p), axis=1))
        delta2 = (p - t) / len(x)
        delta1 = delta2 @ w2.T * (1 - z * z)
        return loss, (x.T @ delta1, np.sum(delta1, axis=0), z.T @ delta2, np.sum(delta2, axis=0))

    return loss_and_gradients


def momentum_step(parameters: Sequence[Array]) -> Callable[[Array, Array], Any]:
    """A training step on x and one-hot t, in plain vectorised NumPy; changes ``parameters``."""
    loss_and_gradients = backpropagation(parameters)
    velocities = [np.zeros_like(p) for p in parameters]

    def step(x: Array, t: Array) -> Any:
        loss, gradients = loss_and_gradients(x, t)
        for parameter, v, g in zip(parameters, velocities, gradients):
            v *= M
            v -= ETA * g
            parameter += v
        return loss

    return step
