"""Parameters side by side in one flat array, so that an update is a handful of NumPy calls however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.tape import tick
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]


class Flat:
    """Parameters of one dtype, their gradients and their state: flat arrays, and a piece of each for each parameter.

    Each parameter's ``data`` becomes a view of the flat array. ``states`` holds, for each state, its
    first value for each parameter.
    """

    def __init__(self, params: Sequence[Tensor], states: Sequence[Sequence[Array]]) -> None:
        self.params = params
        data = np.concatenate([p.data for p in params], axis=None)
        flat_states = [np.concatenate(arrays, axis=None, dtype=data.dtype) for arrays in states]
        self.whole = (data, np.empty_like(data), *flat_states)
        self.pieces = list(zip(*map(self._split, self.whole)))
        self.slots = [(param, piece[0], piece[1]) for param, piece in zip(params, self.pieces)]
        self.updates = [0]  # one number as long as all are updated together, then one a parameter
        self._adopt()

    def __reduce__(self) -> Any:
        """Copies and pickles are built anew: views of one array would come back as arrays of their own."""
        states = list(zip(*[piece[2:] for piece in self.pieces]))
        return Flat, (self.params, states), {"updates": self.updates}

    def gather(self) -> list[tuple[int, tuple[Array, ...]]]:
        """Copy in the gradients, and list what to update: (how many updates with this one, (data, gradient, *states)).

        That is everything in one piece as long as all parameters have had a gradient each time.
        """
        stamp, missing = tick(), set()
        for param, view, slot in self.slots:
            leaf: Any = param._node
            if leaf is None or leaf.grad is None:
                missing.add(param)
                continue
            if param._array is not view:
                self._adopt()
            leaf.order = stamp  # a graph recorded before this step is out of date
            slot[...] = leaf.grad
        if not missing and len(self.updates) == 1:
            self.updates[0] += 1
            return [(self.updates[0], self.whole)]
        if len(missing) == len(self.params):
            return []
        if len(self.updates) == 1:
            self.updates *= len(self.params)
        ready = []
        for i, (param, piece) in enumerate(zip(self.params, self.pieces)):
            if param not in missing:
                self.updates[i] += 1
                ready.append((self.updates[i], piece))
        if len(set(self.updates)) == 1:  # whoever stayed behind has caught up
            del self.updates[1:]
        return ready

    def _split(self, flat: Array) -> list[Array]:
        """Views of ``flat`` in the shapes of the parameters."""
        ends = np.cumsum([p.size for p in self.params])
        return [part.reshape(p.shape) for part, p in zip(np.split(flat, ends[:-1]), self.params)]

    def _adopt(self) -> None:
        """Make each parameter's data its piece (again, where the user or another optimizer replaced it)."""
        replaced = [(param, view, param.data.copy()) for param, view, _ in self.slots if param.data is not view]
        for param, view, data in replaced:  # copied first, for two parameters may have exchanged their data
            view[...] = data
            param._array = view
            leaf: Any = param._node
            if leaf is not None:
                leaf.data = view
