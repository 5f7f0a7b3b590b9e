"""Hooks: what is done to the gradients at the start of each step.

A hook is a function of the optimizer's list of parameters; ``optimizer.hooks`` is a list of them. The clipping
functions are hooks when they are told how far to go, and can as well be called by hand between backward() and step().

>>> from functools import partial
>>> import tinygrad_np as tg
>>> p = tg.Tensor([0.0, 0.0], requires_grad=True)
>>> clip = partial(tg.optim.clip_by_global_norm, max_norm=1.0)
>>> optimizer = tg.optim.SGD([p], lr=1.0, hooks=[clip])
>>> (p * tg.Tensor([3.0, 4.0])).sum().backward()
>>> optimizer.step()
>>> p.data
array([-0.6, -0.8])
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from tinygrad_np import states
from tinygrad_np.arguments import whole
from tinygrad_np.initializers import as_generator
from tinygrad_np.numerics import speaking
from tinygrad_np.optim.hyperparameters import positive
from tinygrad_np.optim.parameters import Params, matching, named
from tinygrad_np.tensor import Tensor

# A gradient is replaced, not changed in place: one array may be the gradient of two parameters.


def global_norm(params: Params) -> float:
    """√(Σ g²) over all elements of all gradients; a parameter without one counts as 0.

    The sum is taken in float64, where need be of gradients brought near to 1 by a power of 2, so that it neither
    overflows nor vanishes. It is NaN or infinite if a gradient is.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, 1.0], requires_grad=True)
    >>> (p * tg.Tensor([3e200, 4e200])).sum().backward()
    >>> print(f"{global_norm([p]):.4g}")
    5e+200
    """
    return float(_norm(named(params)))


def _norm(pairs: list[tuple[str, Tensor]]) -> Any:
    """The norm as a number of NumPy's, by functions of NumPy's alone, so that it can be recorded."""
    gradients = [g.astype(np.float64, copy=False) for _, p in pairs if (g := p.grad) is not None and g.size]
    with np.errstate(over="ignore"):
        total: Any = sum([np.vdot(g, g) for g in gradients])
    if 1e-200 < total < math.inf:
        return np.sqrt(total)
    greatest: Any = reduce(np.maximum, [np.abs(g).max() for g in gradients], np.float64(0))
    if not greatest or not np.isfinite(greatest):
        return greatest
    exponent = np.frexp(greatest)[1]
    scaled = [np.ldexp(g, -exponent) for g in gradients]
    return np.ldexp(np.sqrt(sum([np.vdot(g, g) for g in scaled])), exponent)


def clip_by_global_norm(params: Params, max_norm: float) -> float:
    """Shorten all gradients by one factor, so that their :func:`global_norm` is at most ``max_norm``.

    g ← g·min(1, max_norm / ‖g‖). Returns the norm that they had. Pascanu, Mikolov & Bengio (2013), "On the difficulty
    of training recurrent neural networks". Raises ValueError for gradients that are not finite.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([0.0, 0.0], requires_grad=True)
    >>> (p * tg.Tensor([3.0, 4.0])).sum().backward()
    >>> clip_by_global_norm([p], max_norm=1.0), p.grad
    (5.0, array([0.6, 0.8]))
    """
    limit = positive("max_norm", max_norm)
    pairs = named(params)
    norm = _norm(pairs)
    if not np.isfinite(norm):
        names = ", ".join(name for name, p in pairs if not np.isfinite(0.0 if p.grad is None else p.grad).all())
        raise ValueError(f"the gradient of {names} holds NaN or infinity, and so has no norm to clip to")
    factor = limit / np.maximum(norm, limit)  # 1 where nothing is to be done, for a step that is recorded has no if
    for _, p in pairs:
        if p.grad is not None:
            p.grad = p.grad * factor.astype(p.dtype)
    return float(norm) if speaking(norm) is None else norm  # one that is recorded


def clip_by_value(params: Params, limit: float) -> None:
    """Bring each element of the gradients into [−limit, limit].

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([0.0, 0.0], requires_grad=True)
    >>> (p * tg.Tensor([3.0, -0.5])).sum().backward()
    >>> clip_by_value([p], 1.0)
    >>> p.grad
    array([ 1. , -0.5])
    """
    bound = positive("limit", limit)
    for _, p in named(params):
        if p.grad is not None:
            p.grad = np.clip(p.grad, -bound, bound)


class GradientNoise:
    """A hook that adds normal noise to each gradient, less and less: of variance η / (1 + t)^γ in its call t = 0, 1 ...

    η = ``variance``, γ = ``decay``. ``rng`` is a np.random.Generator or an int seed. Neelakantan et al. (2015), "Adding
    gradient noise improves learning for very deep networks", where η is 0.01, 0.3 or 1.

    >>> import numpy as np, tinygrad_np as tg
    >>> p = tg.Tensor([0.0], requires_grad=True)
    >>> optimizer = tg.optim.SGD([p], lr=1.0, hooks=[GradientNoise(variance=0.01, rng=0)])
    >>> (p * 0).sum().backward()
    >>> optimizer.step()
    >>> p.data == -0.1 * np.random.default_rng(0).normal(size=1)
    array([ True])
    """

    def __init__(
        self, variance: float = 0.01, decay: float = 0.55, rng: np.random.Generator | int | None = None
    ) -> None:
        self.variance = positive("variance", variance)
        self.decay = positive("decay", decay)
        self.rng = as_generator(rng)
        self.calls = 0

    def __call__(self, params: Iterable[Tensor]) -> None:
        """Add the noise of this call."""
        deviation = (self.variance / (1 + self.calls) ** self.decay) ** 0.5
        for _, p in named(params):
            if p.grad is not None:
                p.grad = p.grad + self.rng.normal(scale=deviation, size=p.shape).astype(p.dtype)
        self.calls += 1

    def state_dict(self) -> dict[str, Any]:
        """How many calls there were, and the generator's state."""
        return {"calls": self.calls, "rng": states.of_generator(self.rng)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; ValueError if it is none."""
        states.check("GradientNoise", self.state_dict(), state)
        calls = whole("calls", state["calls"])
        states.restore_generator(self.rng, state["rng"])
        self.calls = calls

    def __repr__(self) -> str:
        return f"GradientNoise(variance={self.variance:g}, decay={self.decay:g})"


class Freezing:
    """A hook that keeps the parameters whose names fit ``pattern`` where they are for the first ``until`` steps.

    ``params`` is the model, or (name, Tensor) pairs. Their gradients are dropped, so their momentum and their counts of
    updates wait too. Raises ValueError for a pattern that fits no name.

    >>> import numpy as np, tinygrad_np as tg
    >>> model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 1, rng=1))
    >>> optimizer = tg.optim.Adam(model, hooks=[Freezing(model, "0.*", until=100)])
    >>> optimizer.hooks
    [Freezing(0.weight, 0.bias until step 100)]
    """

    def __init__(self, params: Params, pattern: str, until: int) -> None:
        pairs = named(params)
        self.frozen = matching(pattern, pairs, [name for name, _ in pairs])
        self.until = whole("until", until)
        self.calls = 0

    def __call__(self, params: Iterable[Tensor]) -> None:
        """Drop the gradients of those that are frozen."""
        if self.calls < self.until:
            for _, p in self.frozen:
                if p.grad is not None:
                    p.grad = None
        self.calls += 1

    def state_dict(self) -> dict[str, Any]:
        """How many calls there were."""
        return {"calls": self.calls}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; ValueError if it is none."""
        states.check("Freezing", self.state_dict(), state)
        self.calls = whole("calls", state["calls"])

    def __repr__(self) -> str:
        return f"Freezing({', '.join(name for name, _ in self.frozen)} until step {self.until})"
