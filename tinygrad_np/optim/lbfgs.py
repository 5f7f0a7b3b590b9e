"""L-BFGS: the one optimizer that needs to compute the loss anew, more than once a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from tinygrad_np import states
from tinygrad_np.arguments import whole
from tinygrad_np.optim.flat import Flat
from tinygrad_np.optim.hyperparameters import Value
from tinygrad_np.optim.optimizer import Optimizer, Options
from tinygrad_np.optim.parameters import Params
from tinygrad_np.optim.wolfe import Point, search
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]


class LBFGS(Optimizer):
    """Limited-memory BFGS: p ← p − α·H·g, with a step length α that satisfies the strong Wolfe conditions.

    H, the inverse of the curvature, is never formed: it is applied by two loops over the last
    ``history`` pairs s = pₖ₊₁ − pₖ, y = gₖ₊₁ − gₖ, from H₀ = (sᵀy / yᵀy)·I. Nocedal & Wright (2006),
    "Numerical optimization", algorithms 7.4 and 7.5; the search is their 3.5 and 3.6, with ``c1`` and ``c2``. ``lr``
    is the α that is tried first. Liu & Nocedal (1989), "On the limited memory BFGS method for large scale
    optimization".

    ``step(closure)`` takes one such step: ``closure`` computes the loss anew, on the same data each time, and is
    called twice or more. The loss returned is that at the start of the step. Meant for whole data sets or
    large batches, and for losses without dropout. ``l2`` adds its penalty to that loss; there is one group, no
    ``weight_decay`` and no hooks, which the search would not see in the loss. A parameter without a gradient stays.

    >>> import numpy as np, tinygrad_np as tg
    >>> p = tg.Tensor([-1.2, 1.0], requires_grad=True)
    >>> optimizer = tg.optim.LBFGS([p])
    >>> for _ in range(40):
    ...     loss = optimizer.step(lambda: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2)  # Rosenbrock's valley
    >>> p.data.round(8)
    array([1., 1.])
    """

    __slots__ = ("_pairs", "history")

    def __init__(
        self,
        params: Params,
        lr: Value = 1.0,
        history: int = 10,
        c1: Value = 1e-4,
        c2: Value = 0.9,
        **options: Unpack[Options],
    ) -> None:
        history = whole("history", history, least=1)
        super().__init__(params, lr=lr, c1=c1, c2=c2, **options)
        if len(self.groups) > 1:
            raise ValueError(f"LBFGS searches along one line and takes one group, got {len(self.groups)}")
        self._refuse()
        if self.c1 >= self.c2:
            raise ValueError(
                f"c1 must be below c2, got c1={self.c1:g}, c2={self.c2:g}; give for example c1=1e-4, c2=0.9"
            )
        self.history = history
        self._pairs: list[tuple[Array, Array]] = []  # of s and y, the latest last

    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:
        """Go to a lower point of the loss that ``closure`` computes; returns the loss at the start."""
        if closure is None:
            raise TypeError("LBFGS computes the loss more than once a step; call step(closure) with a function for it")
        self._refuse()
        group = self.groups[0]
        group.follow()
        for flat in self._flats:
            flat.adopt()
        x = np.concatenate([flat.whole[0] for flat in self._flats])
        try:
            loss, value, g = self._at(x, closure)
            if not math.isfinite(value):
                raise ValueError(f"the loss is {value} where the step starts; LBFGS has no way down from there")
            best, g_best = self._search(x, value, g, closure)
        except BaseException:
            self._write(x)
            raise
        self._write(best)
        self._remember(best - x, g_best - g)
        group.shared.steps += 1
        return loss

    def _refuse(self) -> None:
        """ValueError where there is what the other optimizers take, and a search cannot."""
        if self.hooks or self.weight_decay:
            raise ValueError(
                "LBFGS takes neither hooks nor weight_decay, which its search would not see in the loss; give l2"
            )

    def update(self, t: int, p: Array, g: Array, *, lr: float, c1: float, c2: float) -> None:
        """Not called: all parameters move along one line."""
        raise TypeError("LBFGS moves all parameters together; call step(closure)")

    def _search(self, x: Array, value: float, g: Array, closure: Callable[[], Tensor]) -> tuple[Array, Array]:
        """The end of the line search from ``x``, and the gradient there."""
        direction, first = -self._scaled(g), self.lr
        direction[self._still()] = 0
        slope = float(direction @ g)
        if not slope < 0:  # with pairs of another loss, or at the bottom
            self._pairs.clear()
            direction, slope = -g, -float(g @ g)
        if not slope < 0 or not first:
            return x, g
        if not self._pairs:  # nothing is known of the curvature: as far as 1, all elements together
            first *= min(1.0, 1 / float(np.abs(g).sum()))
        gradients = {0.0: g}

        def at(step: float) -> Point:
            _, value, gradient = self._at(x + step * direction, closure)
            gradients[step] = gradient
            return Point(step, value, float(gradient @ direction))

        end = search(at, Point(0.0, value, slope), first, self.c1, self.c2)
        return x + end.step * direction, gradients[end.step]

    def _scaled(self, g: Array) -> Array:
        """H·g, by the two loops."""
        q, weights = g.copy(), []
        for s, y in reversed(self._pairs):
            weights.append(float(s @ q) / float(s @ y))
            q -= weights[-1] * y
        if self._pairs:
            s, y = self._pairs[-1]
            q *= float(s @ y) / float(y @ y)
        for (s, y), weight in zip(self._pairs, reversed(weights)):
            q += (weight - float(y @ q) / float(s @ y)) * s
        return q

    def _remember(self, s: Array, y: Array) -> None:
        """Keep a pair that tells of upward curvature; one that goes nowhere means to begin anew."""
        if float(s @ y) > np.finfo(s.dtype).eps * float(y @ y):
            self._pairs = [*self._pairs, (s, y)][-self.history :]
        elif not s.any():
            self._pairs = []

    @property
    def _flats(self) -> list[Flat]:
        return self.groups[0].flats

    def _at(self, x: Array, closure: Callable[[], Tensor]) -> tuple[Tensor, float, Array]:
        """The loss at ``x``, with its penalty as a number, and the gradient."""
        self._write(x)
        loss, l2 = self.evaluate(closure), self.l2
        g = np.concatenate([flat.gradient() for flat in self._flats])
        if l2:
            g += l2 * x
            g[self._still()] = 0
        return loss, loss.item() + l2 / 2 * float(x @ x), g

    def _still(self) -> Array:
        """Which elements have no gradient, and stay where they are."""
        return np.concatenate([np.repeat(p.grad is None, p.size) for flat in self._flats for p in flat.params])

    def _write(self, x: Array) -> None:
        """Move the parameters to ``x``."""
        for flat, part in zip(self._flats, np.split(x, np.cumsum([flat.whole[0].size for flat in self._flats]))):
            flat.write(part)

    def state_dict(self) -> dict[str, Any]:
        """As of every optimizer, and "pairs": the latest s and y, by the names of the parameters."""
        pairs = {str(i): {"s": self._by_name(s), "y": self._by_name(y)} for i, (s, y) in enumerate(self._pairs)}
        return {**super().state_dict(), "pairs": pairs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        like = self._by_name(np.concatenate([flat.whole[0] for flat in self._flats]))
        given = state.get("pairs", {}) if isinstance(state, Mapping) else {}
        if not isinstance(given, Mapping):
            raise TypeError(f"the state's pairs must be a dictionary, got {type(given).__name__}")
        for i, pair in given.items():
            states.check("this LBFGS", {"s": {}, "y": {}}, pair)
            for name, arrays in pair.items():
                states.check(f"{name} of pair {i} of this LBFGS", like, arrays)
        super().load_state_dict(state)
        vectors = [(self._vector(pair["s"]), self._vector(pair["y"])) for pair in given.values()]
        self._pairs = vectors[-self.history :]

    def _by_name(self, x: Array) -> dict[str, Array]:
        """The parts of ``x``, copied, by the parameters that they belong to."""
        parameters = [pair for flat in self._flats for pair in zip(flat.names, flat.params)]
        parts = np.split(x, np.cumsum([p.size for _, p in parameters]))
        return {name: part.reshape(p.shape).copy() for (name, p), part in zip(parameters, parts)}

    def _vector(self, arrays: Mapping[str, Array]) -> Array:
        """The other way round."""
        dtype = np.result_type(*[flat.dtype for flat in self._flats])
        return np.concatenate([arrays[name] for flat in self._flats for name in flat.names], axis=None, dtype=dtype)
