"""A moving average of the weights, which is often better to evaluate than the weights themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tinygrad_np import states
from tinygrad_np.arguments import number, whole
from tinygrad_np.optim.parameters import Params, named, once
from tinygrad_np.tensor import Tensor


class MovingAverage:
    """An exponential moving average of parameters: a ← δ·a + (1 − δ)·p at each update(), from a = p at first.

    δ = ``decay``, in [0, 1), or a function of the number of updates so far: min(0.999, (1 + t) / (10 + t)) forgets the
    first weights sooner, and (1 + t) / (2 + t) gives every p the same weight (Polyak & Juditsky 1992, "Acceleration of
    stochastic approximation by averaging"). ``params`` is a model, or what else an optimizer takes. The average is of
    the parameters alone, not of what a layer counts, such as running means. It is kept in float64, for in a narrower
    dtype the small steps towards p would be rounded away.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([0.0], requires_grad=True)
    >>> average = tg.optim.MovingAverage([p], decay=0.75)
    >>> p.data = [4.0]
    >>> average.update()
    >>> with average.swapped():
    ...     print(p.data)
    [1.]
    >>> p.data
    array([4.])
    """

    def __init__(self, params: Params, decay: float | Callable[[int], float] = 0.999) -> None:
        self.params = dict(once(named(params)))
        self.decay = decay
        self.updates = 0
        self.averages = {name: p.data.astype(np.result_type(p.dtype, np.float64)) for name, p in self.params.items()}
        self._away = False
        self._rate()

    def update(self) -> None:
        """Take the parameters as they are now into the average."""
        if self._away:
            raise RuntimeError("the average is swapped in, and would be averaged with itself; leave swapped() first")
        rate = 1 - self._rate()
        for name, p in self.params.items():
            average = self.averages[name]
            average += (p.data - average) * rate
        self.updates += 1

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Within the context the parameters have the average for data, and afterwards what they had before."""
        if self._away:
            raise RuntimeError("the average is swapped in already")
        kept = [p.data.copy() for p in self.params.values()]
        self._away = True
        try:
            for name, p in self.params.items():
                p.data = self.averages[name]
            yield
        finally:
            for p, data in zip(self.params.values(), kept):
                p.data = data
            self._away = False

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, and copies of the averages by the names of the parameters."""
        return {"updates": self.updates, "averages": {name: a.copy() for name, a in self.averages.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; ValueError lists names and shapes that do not fit."""
        states.check("the moving average", {"updates": 0, "averages": {}}, state)
        states.check("the moving average", self.averages, state["averages"])
        self.updates = whole("updates", state["updates"])
        for name, average in self.averages.items():
            average[...] = state["averages"][name]

    def _rate(self) -> Any:
        """δ for the next update, checked."""
        decay, updates = self.decay, self.updates
        if callable(decay):
            return _asked(decay, updates) if isinstance(updates, int) else _asked_recorded(decay)(updates)
        is_plain = isinstance(decay, np.ndarray | np.generic | Tensor) or not hasattr(decay, "__array_ufunc__")
        return _checked(decay) if is_plain else _checked_recorded(decay)

    def __repr__(self) -> str:
        n = len(self.params)
        return f"MovingAverage({n} parameter{'s' * (n != 1)}: decay={self.decay}, updates={self.updates})"


def _checked(decay: Any, source: str = "") -> float:
    kind = "a number in [0, 1), or a function that gives one"
    return number("decay", decay, 0.999, lambda d: 0 <= d < 1, kind, source)


def _asked(decay: Callable[[int], float], updates: int) -> float:
    return _checked(decay(updates), f" after {updates} updates")


# A ufunc also takes what speaks NumPy's protocols in the place of numbers, such as a step that is recorded.
_checked_recorded: Any = np.frompyfunc(_checked, 1, 1)


@lru_cache(maxsize=16)
def _asked_recorded(decay: Callable[[int], float]) -> Any:
    """The ufunc that asks ``decay``, the same at each step."""
    return np.frompyfunc(partial(_asked, decay), 1, 1)
