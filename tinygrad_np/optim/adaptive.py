"""Optimizers that scale each element's step by the sizes of its gradients so far.

A gradient whose square is too large for the dtype, from 1.8e19 on in float32 (1.8e20 for Adam and its kin), makes the
running square infinite for good: NumPy warns of an overflow, and that element stands still from then on. Where such
gradients may come, clip them, as by :func:`tinygrad_np.optim.clip_by_value`. float16 has its squares in float32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.optim.hyperparameters import Value
from tinygrad_np.optim.optimizer import Optimizer, Options
from tinygrad_np.optim.parameters import Params

Array = NDArray[Any]


class AdaGrad(Optimizer):
    """AdaGrad, steps scaled by all gradients so far: s ← s + g²; p ← p − η·g / (√s + ε).

    η = ``lr``, ε = ``eps``. Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning
    and stochastic optimization".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.AdaGrad([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -2.9])
    """

    __slots__ = ()

    states = ("square",)
    scratch = 1
    constants = ("lr",)

    def __init__(self, params: Params, lr: Value = 0.01, eps: Value = 1e-10, **options: Unpack[Options]) -> None:
        super().__init__(params, lr=lr, eps=eps, **options)

    def update(self, t: int, p: Array, g: Array, square: Array, size: Array, *, lr: Array, eps: float) -> None:
        np.multiply(g, g, size)
        square += size
        np.sqrt(square, size)
        size += _floor(eps, g.dtype)
        g /= size
        g *= lr
        p -= g


class AdaDelta(Optimizer):
    """AdaDelta, whose steps have the parameter's own unit, so that η = 1 will do.

    s ← ρ·s + (1 − ρ)·g²;  d = g·√(u + ε) / √(s + ε);  u ← ρ·u + (1 − ρ)·d²;  p ← p − η·d.
    ρ = ``rho``, ε = ``eps``. η = ``lr`` is not in the paper, where it is 1, but in PyTorch's form. Zeiler (2012),
    "ADADELTA: an adaptive learning rate method", algorithm 1.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.AdaDelta([p], eps=1e-4)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4)
    array([ 0.9684, -2.9684])
    """

    __slots__ = ()

    states = ("square", "moved")
    scratch = 1
    constants = ("lr",)

    def __init__(
        self, params: Params, lr: Value = 1.0, rho: Value = 0.9, eps: Value = 1e-6, **options: Unpack[Options]
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, **options)

    def update(
        self, t: int, p: Array, g: Array, square: Array, moved: Array, work: Array, *, lr: Array, rho: float, eps: float
    ) -> None:
        least = _floor(eps, g.dtype)
        kept, taken = _shares(rho, g.dtype)
        square *= kept
        np.multiply(g, g, work)
        work *= taken
        square += work
        np.add(square, least, work)
        g /= np.sqrt(work, work)
        np.add(moved, least, work)
        g *= np.sqrt(work, work)
        moved *= kept
        np.multiply(g, g, work)
        work *= taken
        moved += work
        g *= lr
        p -= g


class RMSprop(Optimizer):
    """RMSprop, steps scaled by a running mean square: s ← ρ·s + (1 − ρ)·g²; p ← p − η·g / (√s + ε).

    η = ``lr``, ρ = ``rho`` (PyTorch's alpha), ε = ``eps``. Tieleman & Hinton (2012), "Lecture 6.5: RMSprop",
    Neural networks for machine learning.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.RMSprop([p], lr=0.1, rho=0.75)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.8, -2.8])
    """

    __slots__ = ()

    states = ("square",)
    scratch = 1
    constants = ("lr",)

    def __init__(
        self, params: Params, lr: Value = 0.01, rho: Value = 0.99, eps: Value = 1e-8, **options: Unpack[Options]
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, **options)

    def update(
        self, t: int, p: Array, g: Array, square: Array, size: Array, *, lr: Array, rho: float, eps: float
    ) -> None:
        kept, taken = _shares(rho, g.dtype)
        square *= kept
        np.multiply(g, g, size)
        size *= taken
        square += size
        np.sqrt(square, size)
        size += _floor(eps, g.dtype)
        g /= size
        g *= lr
        p -= g


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  p ← p − η·m̂ / (√v̂ + ε), with
    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at the t-th step. Kingma & Ba (2015), "Adam: a method for
    stochastic optimization", algorithm 1.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -2.9])
    """

    __slots__ = ()

    states: tuple[str, ...] = ("m", "v")

    def __init__(
        self,
        params: Params,
        lr: Value = 0.001,
        beta1: Value = 0.9,
        beta2: Value = 0.999,
        eps: Value = 1e-8,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, **options)

    def update(
        self, t: int, p: Array, g: Array, m: Array, v: Array, *, lr: float, beta1: float, beta2: float, eps: float
    ) -> None:
        _advance(m, v, g, beta1, beta2)
        _descend(t, p, m, v, g, lr, beta1, beta2, eps)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p − η·λ·p, then Adam's update; λ = ``weight_decay`` is 0.01 by default.

    :class:`Adam` takes it too: the two differ in that default alone. ``l2`` is the other thing, a
    penalty, which Adam's scaling all but undoes. Loshchilov & Hutter (2019), "Decoupled weight decay
    regularization", algorithm 2, with λ multiplied by η as in PyTorch.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.AdamW([p], lr=0.1, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()  # 0.95 · p, and 0.1 towards 0
    >>> p.data.round(6)
    array([ 0.85, -2.75])
    """

    __slots__ = ()

    def __init__(
        self,
        params: Params,
        lr: Value = 0.001,
        beta1: Value = 0.9,
        beta2: Value = 0.999,
        eps: Value = 1e-8,
        **options: Unpack[Options],
    ) -> None:
        options.setdefault("weight_decay", 0.01)
        super().__init__(params, lr, beta1, beta2, eps, **options)


class AMSGrad(Adam):
    """Adam whose steps are scaled by the greatest v so far, so that they never grow: u ← max(u, v) in the place of v.

    As in PyTorch the moments' bias is corrected as in :class:`Adam`: p ← p − η·m̂ / (√û + ε), û = u / (1 − β₂ᵗ);
    the paper leaves that and ε out. Reddi, Kale & Kumar (2018), "On the convergence of Adam and beyond", algorithm 2.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.AMSGrad([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -2.9])
    """

    __slots__ = ()

    states = ("m", "v", "greatest")

    def update(  # type: ignore[override]  # as each optimizer's own states and hyperparameters
        self,
        t: int,
        p: Array,
        g: Array,
        m: Array,
        v: Array,
        greatest: Array,
        *,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> None:
        _advance(m, v, g, beta1, beta2)
        np.maximum(greatest, v, out=greatest)
        _descend(t, p, m, greatest, g, lr, beta1, beta2, eps)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which looks one step ahead.

    m and v as in :class:`Adam`; p ← p − η·((1 − μₜ)·g / (1 − πₜ) + μₜ₊₁·m / (1 − πₜ₊₁)) / (√v̂ + ε), where
    μₜ = β₁·(1 − 0.96^(t·ψ) / 2) grows to β₁ and πₜ = μ₁·μ₂ ··· μₜ. ψ = ``warming`` (PyTorch's momentum_decay).
    As in PyTorch, m itself is averaged with β₁ throughout; the paper has μₜ there too. A β₁ that is
    changed counts for all of πₜ. Dozat (2016), "Incorporating Nesterov momentum into Adam".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.NAdam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4)
    array([ 0.8944, -2.8944])
    """

    __slots__ = ()

    states = ("m", "v")
    scratch = 1

    def __init__(
        self,
        params: Params,
        lr: Value = 0.002,
        beta1: Value = 0.9,
        beta2: Value = 0.999,
        eps: Value = 1e-8,
        warming: Value = 0.004,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, warming=warming, **options)

    def update(
        self,
        t: int,
        p: Array,
        g: Array,
        m: Array,
        v: Array,
        work: Array,
        *,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        warming: float,
    ) -> None:
        np.copyto(work, g)
        _advance(m, v, work, beta1, beta2)
        product, now, after = _nadam_momentum(t, beta1, warming)
        g *= (1 - now) / (1 - product)
        np.multiply(m, after / (1 - product * after), work)
        g += work
        np.sqrt(v, work)
        corrected = (1 - beta2**t) ** 0.5
        work += max(eps * corrected, _tiny(work.dtype))
        g /= work
        g *= lr * corrected
        p -= g


def _advance(m: Array, v: Array, g: Array, beta1: float, beta2: float) -> None:
    """Adam's running moments m and v, one gradient further, which is spoilt."""
    kept, taken, scale, kept_square = _moments(beta1, beta2, m.dtype)
    m *= kept
    g *= taken
    m += g
    g *= g
    g *= scale
    v *= kept_square
    v += g


def _descend(
    t: int, p: Array, m: Array, v: Array, work: Array, lr: float, beta1: float, beta2: float, eps: float
) -> None:
    """Adam's step, p ← p − η·m̂ / (√v̂ + ε), with the numbers that correct both moments' bias drawn together."""
    corrected = (1 - beta2**t) ** 0.5
    np.sqrt(v, work)
    work += max(eps * corrected, _tiny(work.dtype))
    np.divide(m, work, work)
    work *= lr * corrected / (1 - beta1**t)
    p -= work


# Numbers that stay the same from step to step, as arrays without dimensions: see Optimizer.constants.


@lru_cache(maxsize=64)
def _moments(beta1: float, beta2: float, dtype: Any) -> tuple[Array, ...]:
    """What Adam's moments are multiplied with: β₁, 1 − β₁, (1 − β₂) / (1 − β₁)², β₂."""
    return tuple([np.array(x, dtype) for x in (beta1, 1 - beta1, (1 - beta2) / (1 - beta1) ** 2, beta2)])


@lru_cache(maxsize=64)
def _shares(rho: float, dtype: Any) -> tuple[Array, Array]:
    """What a running mean keeps, and what it takes of the new: ρ, 1 − ρ."""
    return np.array(rho, dtype), np.array(1 - rho, dtype)


@lru_cache(maxsize=64)
def _floor(eps: float, dtype: Any) -> Array:
    """``eps``, or the least normal number of ``dtype``, lest a smaller one be rounded to 0."""
    return np.array(max(eps, _tiny(dtype)), dtype)


@lru_cache(maxsize=8)
def _tiny(dtype: Any) -> float:
    return float(np.finfo(dtype).tiny)


@lru_cache(maxsize=128)
def _nadam_numbers(t: int, beta1: float, warming: float) -> tuple[float, float, float]:
    """NAdam's πₜ, μₜ and μₜ₊₁. Where even β₁ᵗ vanishes beside 1, so does πₜ, and need not be multiplied out."""
    seen = beta1**t > 2**-60
    product = float(_nadam_products(1 << int(t).bit_length(), beta1, warming)[t - 1]) if seen else 0.0
    return product, _momentum(t, beta1, warming), _momentum(t + 1, beta1, warming)


@lru_cache(maxsize=16)
def _nadam_products(count: int, beta1: float, warming: float) -> Array:
    """NAdam's π₁ to the ``count``-th: asked for by powers of 2, so that few steps multiply anything out."""
    products: Array = np.multiply.accumulate(_momentum(np.arange(1, count + 1), beta1, warming))
    return products


def _momentum(t: Any, beta1: float, warming: float) -> Any:
    """NAdam's μₜ."""
    return beta1 * (1 - 0.5 * 0.96 ** (t * warming))


# A ufunc also takes what speaks NumPy's protocols in the place of numbers, such as a step that is recorded.
_nadam_recorded: Any = np.frompyfunc(_nadam_numbers, 3, 3)


def _nadam_momentum(t: Any, beta1: float, warming: float) -> tuple[float, float, float]:
    """NAdam's πₜ, μₜ and μₜ₊₁; a plain t goes past the ufunc, which alone takes 1.7 µs."""
    numbers: Any = _nadam_numbers if t.__class__ is int else _nadam_recorded
    found: tuple[float, float, float] = numbers(t, beta1, warming)
    return found
