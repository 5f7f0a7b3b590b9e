"""Optimizers that follow the gradient itself, its momentum or its sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.optim.hyperparameters import Value
from tinygrad_np.optim.optimizer import Optimizer, Options
from tinygrad_np.optim.parameters import Params

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

    constants = ("lr",)

    def __init__(self, params: Params, lr: Value = 0.01, **options: Unpack[Options]) -> None:
        super().__init__(params, lr=lr, **options)

    def update(self, t: int, p: Array, g: Array, *, lr: Array) -> None:
        g *= lr
        p -= g


class _Momentum(Optimizer):
    """What the forms of momentum share: their constructor."""

    __slots__ = ()

    states = ("velocity",)
    constants = ("lr", "momentum")

    def __init__(
        self,
        params: Params,
        lr: Value = 0.01,
        momentum: Value = 0.9,
        velocity: Sequence[ArrayLike] | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, velocity=velocity, **options)


class MomentumSGD(_Momentum):
    """Gradient descent with momentum, in the article's and Chainer's form: v ← μ·v − η·g; p ← p + v.

    η = ``lr``, μ = ``momentum``. PyTorch's form, :class:`CorrectedMomentumSGD`, differs as soon as η
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

    def update(self, t: int, p: Array, g: Array, velocity: Array, *, lr: Array, momentum: Array) -> None:
        velocity *= momentum
        g *= lr
        velocity -= g
        p += velocity


class CorrectedMomentumSGD(_Momentum):
    """Gradient descent with momentum, in PyTorch's form: v ← μ·v + g; p ← p − η·v.

    η = ``lr``, μ = ``momentum``: today's rate applies to all earlier gradients too, where
    :class:`MomentumSGD` keeps for each the rate that it came with. With a constant η both take the
    same path. ``velocity`` gives the first v, one array a parameter (zeros by default). Sutskever,
    Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep learning",
    has the other form; the name is Chainer's.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0], requires_grad=True)
    >>> optimizer = tg.optim.CorrectedMomentumSGD([p], lr=0.1, momentum=0.5, velocity=[[0.5]])
    >>> (p * p).sum().backward()
    >>> optimizer.step()  # v = 0.5 · 0.5 + 2
    >>> p.data
    array([0.775])
    """

    __slots__ = ()

    def update(self, t: int, p: Array, g: Array, velocity: Array, *, lr: Array, momentum: Array) -> None:
        velocity *= momentum
        velocity += g
        np.multiply(velocity, lr, g)
        p -= g


class NesterovAG(_Momentum):
    """Nesterov's accelerated gradient: v ← μ·v − η·g; p ← p + μ·v − η·g.

    η = ``lr``, μ = ``momentum``: the momentum step is taken again before the next gradient is, so p is
    the point that looks ahead. ``velocity`` gives the first v, one array a parameter (zeros by default).
    PyTorch's nesterov=True takes the same path as long as η does not change. Nesterov (1983), "A method for
    solving the convex programming problem with convergence rate O(1/k²)", in the form of Bengio,
    Boulanger-Lewandowski & Pascanu (2013), "Advances in optimizing recurrent networks".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0], requires_grad=True)
    >>> optimizer = tg.optim.NesterovAG([p], lr=0.1, momentum=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()  # v = −0.2; p = 1 − 0.1 − 0.2
    >>> p.data
    array([0.7])
    """

    __slots__ = ()

    scratch = 1

    def update(self, t: int, p: Array, g: Array, velocity: Array, ahead: Array, *, lr: Array, momentum: Array) -> None:
        velocity *= momentum
        g *= lr
        velocity -= g
        np.multiply(velocity, momentum, ahead)
        ahead -= g
        p += ahead


class Lion(Optimizer):
    """Lion, steps of one size in each element: p ← p − η·sign(β₁·m + (1 − β₁)·g); then m ← β₂·m + (1 − β₂)·g.

    η = ``lr``, a tenth to a third of Adam's; β₁ = ``beta1``, β₂ = ``beta2``. The paper's weight decay, three to ten
    times AdamW's, is the decoupled ``weight_decay``. Chen et al. (2023), "Symbolic discovery of
    optimization algorithms", algorithm 2.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.Lion([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([ 0.9, -2.9])
    """

    __slots__ = ()

    states = ("m",)
    scratch = 1
    constants = ("lr", "beta1")

    def __init__(
        self,
        params: Params,
        lr: Value = 1e-4,
        beta1: Value = 0.9,
        beta2: Value = 0.99,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, **options)

    def update(
        self, t: int, p: Array, g: Array, m: Array, direction: Array, *, lr: Array, beta1: Array, beta2: float
    ) -> None:
        np.subtract(m, g, direction)
        direction *= beta1
        direction += g  # β₁·m + (1 − β₁)·g
        np.sign(direction, direction)
        direction *= lr
        p -= direction
        m *= beta2
        g *= 1 - beta2
        m += g
