"""What a step gives and leaves behind: a recorded run is held against an eager one from the same state.

A stand-in is no array, and a step that asks, as by ``isinstance(x, np.ndarray)``, goes another way while it is
recorded. That cannot be seen where it happens, but in what comes of it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.errors import TracingError
from tinygrad_np.compiling.places import places
from tinygrad_np.tape import Variable
from tinygrad_np.trees import leaves_of

ROUNDING = 1e4  # units in the last place: an argument in another layout is added up in another order
NUMBERS = (np.ndarray, np.generic, bool, int, float, complex)


class Outcome:
    """Copies of the numbers that a run ``returned``, and of those that the ``state`` has after it."""

    def __init__(self, returned: Any, state: Sequence[Any]) -> None:
        self.returned = [(f"output {i}", _copied(leaf)) for i, (_, leaf) in enumerate(leaves_of(returned))]
        found = places(state)
        self.state = {place.identity: (place.name, _copied(place.get())) for place in found}
        generators = [place.get() for place in found if isinstance(place.get(), np.random.Generator)]
        self.draws = [pickle.dumps(g.bit_generator.state) for g in generators]  # which may hold arrays
        self.kept = [place.container for place in found]  # alive, so that their ids are not reused

    def require_equal(self, eager: Outcome) -> None:
        """Refuse a step that gave other numbers when it ran eagerly."""
        for name, ours, expected in self._pairs(eager):
            if isinstance(ours, NUMBERS) and isinstance(expected, NUMBERS) and not _are_close(ours, expected):
                raise TracingError(
                    f"while it was recorded the step gave another {name} than eagerly from the same state, "
                    f"{_short(ours)} for {_short(expected)}: it may ask what its arrays or numbers are, as by "
                    "isinstance(x, np.ndarray), type(x) or hasattr(x, ...), which is answered for what stands in for "
                    "them; ask outside the step"
                )
        if self.draws != eager.draws:
            raise TracingError("while it was recorded the step made other draws than eagerly from the same state")

    def _pairs(self, eager: Outcome) -> Iterator[tuple[str, Any, Any]]:
        """What is in both: the name, and the numbers of each."""
        for (name, ours), (_, expected) in zip(self.returned, eager.returned):
            yield name, ours, expected
        for place in self.state.keys() & eager.state.keys():
            yield *self.state[place], eager.state[place][1]


def _copied(x: Any) -> Any:
    """The number or the array, copied, of what may be a Tensor."""
    x = x._array if isinstance(x, Variable) else x
    return x.copy() if isinstance(x, np.ndarray) else x


def _are_close(a: Any, b: Any) -> bool:
    """Whether numbers are the same but for the order in which they were added up, which Python's are in no other."""
    exact = isinstance(b, (int, float))
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    same: bool = a.tobytes() == b.tobytes()
    if same or a.dtype.kind not in "fc" or exact:
        return same
    with np.errstate(all="ignore"):
        limit = ROUNDING * np.finfo(a.dtype).eps
        size = np.abs(b[np.isfinite(b)]).max(initial=0)
        return bool(np.allclose(a, b, rtol=limit, atol=limit * size, equal_nan=True))


def _short(x: Any) -> str:
    text = f"{np.asarray(x).dtype} {np.array2string(np.asarray(x), threshold=4, precision=6)}"
    return " ".join(text.split())
