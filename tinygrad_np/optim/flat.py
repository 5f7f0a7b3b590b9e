"""Parameters side by side in one flat array, so that an update is a handful of NumPy calls however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.tape import tick
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]


class Method(Protocol):
    """What an optimizer does: its update, how many arrays that works in, and which hyperparameters are arrays to it."""

    scratch: int
    constants: tuple[str, ...]

    def update(self, t: int, p: Array, g: Array, *states: Any, **hyperparameters: Any) -> None:
        """Change ``p`` in place by its gradient ``g``."""


class Flat:
    """Parameters of one dtype, their gradients and their state: flat arrays, and a piece of each for each parameter.

    Each parameter's ``data`` becomes a view of the flat array. ``states`` holds, for each state, its
    first value for each parameter; after them come the ``method``'s arrays to work in. Gradients, state and these have
    the parameters' dtype, but float32 for float16, which cannot hold the squares of its own numbers.
    ``hyperparameters`` are the names of those that the update takes. ``decay`` is what to add of each parameter to
    its gradient, and what to multiply it with after that, or None.
    """

    names: Final[tuple[str, ...]]
    params: Final[tuple[Tensor, ...]]
    method: Final[type[Method]]
    dtype: Final[np.dtype[Any]]
    whole: Final[tuple[Array, ...]]
    pieces: Final[tuple[tuple[Array, ...], ...]]
    slots: Final[tuple[tuple[Tensor, Array, Array], ...]]
    arguments: Final[dict[str, Any]]
    update: Final[Callable[..., None]]
    updates: Final[list[int]]
    decay: tuple[float, float] | None = None

    def __init__(
        self,
        names: Sequence[str],
        params: Sequence[Tensor],
        states: Sequence[Sequence[Array]],
        method: type[Method],
        hyperparameters: Sequence[str],
    ) -> None:
        self.names, self.params, self.method = tuple(names), tuple(params), method
        data = np.concatenate([p.data for p in params], axis=None)
        self.dtype = np.result_type(data.dtype, np.float32)
        flat_states = [np.concatenate(arrays, axis=None, dtype=self.dtype) for arrays in states]
        work = [np.empty_like(data, self.dtype) for _ in range(method.scratch + 1)]
        self.whole = (data, work[0], *flat_states, *work[1:])
        self.pieces = tuple(zip(*map(self._split, self.whole)))
        self.slots = tuple([(param, piece[0], piece[1]) for param, piece in zip(params, self.pieces)])
        self.arguments = dict.fromkeys(hyperparameters)
        self.update = written_out(method.update, len(self.whole), tuple(hyperparameters))
        self.updates = [0]  # one number as long as all are updated together, then one a parameter
        self.adopt()

    def __reduce__(self) -> Any:
        """Copies and pickles are built anew: views of one array would come back as arrays of their own."""
        states = list(zip(*[self.states_of(piece) for piece in self.pieces]))
        return (
            Flat,
            (self.names, self.params, states, self.method, tuple(self.arguments)),
            {"updates": self.updates, "arguments": self.arguments, "decay": self.decay},
        )

    def states_of(self, arrays: Sequence[Array]) -> Sequence[Array]:
        """The states among the arrays of a piece."""
        return arrays[2 : len(arrays) - self.method.scratch]

    def step(self, optimizer: Method) -> None:
        """Copy in the gradients, and have the ``optimizer`` update what has one.

        That is everything in one piece as long as all parameters have had a gradient each time.
        """
        stamp, complete = tick(), True
        for param, view, slot in self.slots:
            leaf: Any = param._node
            if leaf is None or (g := leaf.grad) is None:
                complete = False
                continue
            if param._array is not view:
                self.adopt()
            leaf.order = stamp  # a graph recorded before this step is out of date
            slot[...] = g
        if self.decay:
            self._decay(*self.decay, complete)
        updates = self.updates
        if complete and len(updates) == 1:
            updates[0] = t = updates[0] + 1
            self.update(optimizer, t, self.whole, self.arguments)
        else:
            self._step_apart(optimizer)

    def _decay(self, l2: float, shrinkage: float, complete: bool) -> None:
        """Take the penalty into the gradients, and shrink the parameters that have one."""
        if l2:
            np.multiply(self.whole[0], l2, self.whole[1])
            for param, _, slot in self.slots:
                g = param.grad
                if g is not None:
                    slot += g
        if shrinkage != 1:
            for data in [self.whole[0]] if complete else [view for p, view, _ in self.slots if p.grad is not None]:
                data *= shrinkage

    def _step_apart(self, optimizer: Method) -> None:
        """Update piece by piece, each with its own count, those that have a gradient."""
        if all(param.grad is None for param in self.params):
            return
        if len(self.updates) == 1:
            self.updates[:] = self.updates * len(self.params)
        for i, (param, piece) in enumerate(zip(self.params, self.pieces)):
            if param.grad is not None:
                self.updates[i] += 1
                self.update(optimizer, self.updates[i], piece, self.arguments)
        self.meet()

    def take(self, name: str, number: float) -> None:
        """Give ``number`` to every update from now on; as a constant, it is an array without dimensions."""
        self.arguments[name] = np.array(number, self.dtype) if name in self.method.constants else number

    def gradient(self) -> Array:
        """The gradients side by side, copied; 0 where there is none."""
        for param, _, slot in self.slots:
            slot[...] = 0 if param.grad is None else param.grad
        return self.whole[1].copy()

    def write(self, data: Array) -> None:
        """Give all parameters other ``data``; graphs recorded before are out of date."""
        self.whole[0][...] = data
        stamp = tick()
        for param in self.params:
            leaf: Any = param._node
            if leaf is not None:
                leaf.order = stamp

    def counts(self) -> dict[str, int]:
        """How often each parameter was updated, by its name."""
        return dict(zip(self.names, self.updates * (len(self.params) if len(self.updates) == 1 else 1)))

    def meet(self) -> None:
        """Count the updates together again, where whoever stayed behind has caught up."""
        if len(set(self.updates)) == 1:
            del self.updates[1:]

    def _split(self, flat: Array) -> list[Array]:
        """Views of ``flat`` in the shapes of the parameters."""
        ends = np.cumsum([p.size for p in self.params])
        return [part.reshape(p.shape) for part, p in zip(np.split(flat, ends[:-1]), self.params)]

    def adopt(self) -> None:
        """Make each parameter's data its piece (again, where the user or another optimizer replaced it)."""
        replaced = [(param, view, param.data.copy()) for param, view, _ in self.slots if param.data is not view]
        for param, view, data in replaced:  # copied first, for two parameters may have exchanged their data
            view[...] = data
            param._array = view
            leaf: Any = param._node
            if leaf is not None:
                leaf.data = view


@lru_cache(maxsize=64)
def written_out(update: Callable[..., None], arrays: int, hyperparameters: tuple[str, ...]) -> Callable[..., None]:
    """A function of (self, t, x, h): update(self, t, *x, **h) for so many arrays x, with each argument written out.

    CPython makes such a call in a third of the time, which is a tenth of the whole step of a small network.

    >>> def update(self, t, p, g, *, lr):
    ...     print(t, p, g, lr)
    >>> written_out(update, 2, ("lr",))(None, 1, ("p", "g"), {"lr": 0.1})
    1 p g 0.1
    """
    given = [f"x[{i}]" for i in range(arrays)] + [f"{name}=h[{name!r}]" for name in hyperparameters]
    call: Callable[..., None] = eval(f"lambda self, t, x, h: update(self, t, {', '.join(given)})", {"update": update})
    return call
