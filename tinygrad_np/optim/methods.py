"""The optimizers: each is one in-place update of an array, with its formula and its paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.optim.optimizer import Optimizer, Params

Array = NDArray[Any]


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − η·g, with η = ``lr``. :class:`MomentumSGD` has momentum.

    Robbins & Monro (1951), "A stochastic approximation method".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = tg.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([0.8, 1.6])
    """

    __slots__ = ()

    def __init__(self, params: Params, lr: float = 0.01) -> None:
        super().__init__(params, lr=lr)

    def update(self, t: int, p: Array, g: Array, *, lr: float) -> None:
        g *= lr
        p -= g


class MomentumSGD(Optimizer):
    """Gradient descent with momentum, in the article's and Chainer's form: v ← μ·v − η·g; p ← p + v.

    η = ``lr``, μ = ``momentum``. PyTorch's form, v ← μ·v + g; p ← p − η·v, differs as soon as η
    changes. ``velocity`` gives the first v, one array a parameter (zeros by default). In groups,
    "momentum" and "velocity" may be given for each. Polyak (1964), "Some methods of speeding up the
    convergence of iteration methods".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0], requires_grad=True)
    >>> optimizer = tg.MomentumSGD([p], lr=0.1, momentum=0.5, velocity=[[0.25]])
    >>> (p * p).sum().backward()
    >>> optimizer.step()  # v = 0.5 · 0.25 − 0.1 · 2
    >>> p.data
    array([0.925])
    """

    __slots__ = ()

    states = ("velocity",)

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        momentum: float = 0.9,
        velocity: Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, velocity=velocity)

    def update(self, t: int, p: Array, g: Array, velocity: Array, *, lr: float, momentum: float) -> None:
        velocity *= momentum
        g *= lr
        velocity -= g
        p += velocity


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  p ← p − η·m̂ / (√v̂ + ε), with
    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at the t-th step. float16 cannot hold the squares of small
    gradients: keep the parameters in float32. Kingma & Ba (2015), "Adam: a method
    for stochastic optimization", algorithm 1.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -2.9])
    """

    __slots__ = ()

    states = ("m", "v")

    def __init__(
        self, params: Params, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    def update(
        self, t: int, p: Array, g: Array, m: Array, v: Array, *, lr: float, beta1: float, beta2: float, eps: float
    ) -> None:
        m *= beta1
        g *= 1 - beta1
        m += g
        g *= g
        g *= (1 - beta2) / (1 - beta1) ** 2
        v *= beta2
        v += g
        np.sqrt(v, g)
        g /= math.sqrt(1 - beta2**t)
        g += max(eps, np.finfo(p.dtype).tiny)  # float16 rounds an eps of 1e-8 to 0
        np.divide(m, g, g)
        g *= lr / (1 - beta1**t)
        p -= g
