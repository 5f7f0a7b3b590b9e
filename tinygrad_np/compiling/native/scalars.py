"""The Python numbers of a program: which are read at each step, and which a step changes.

A scan runs many steps without Python. So what a step sets, such as its count, must be linked to what the next one
reads, or there is no scan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_np.compiling.native.functions import SCALARS
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Scalar, Value


def evaluate(scalar: Any) -> Any:
    """A scalar's value now, computed by Python."""
    return scalar.function(*map(evaluate, scalar.arguments)) if isinstance(scalar, Scalar) else scalar


def place_of(access: Any) -> Any:
    """Which place of the state a function reads or sets; None where that is not known."""
    return getattr(access, "place", None)


def inner(scalar: Any) -> Iterable[Scalar]:
    """A scalar and those that it is computed from."""
    if isinstance(scalar, Scalar):
        yield scalar
        for argument in scalar.arguments:
            yield from inner(argument)


def computable(scalar: Any) -> bool:
    """Whether native code can compute a scalar from leaves."""
    if not isinstance(scalar, Scalar):
        return isinstance(scalar, (int, float))
    return not scalar.arguments or (scalar.function in SCALARS and all(map(computable, scalar.arguments)))


class Scalars:
    """The leaves that native code is given as doubles, and the updates of those that a step changes."""

    def __init__(self, program: Program) -> None:
        self.updates = [(setter, s) for setter, s in program.updates if isinstance(s, Scalar)]
        self.constants = [(setter, s) for setter, s in program.updates if not isinstance(s, (Scalar, Value))]
        used = [s for call in program.calls for s in call.operands()]
        self.leaves: dict[Scalar, int] = {}
        for scalar in [*used, *[s for _, s in self.updates if computable(s)]]:
            self._collect(scalar)
        self.links: list[tuple[int, Scalar]] = []  # (leaf, what it is after a step)
        self.setters: list[tuple[Any, int, type]] = []  # (setter, leaf, type of the number)
        found = [self._link(setter, scalar) for setter, scalar in self.updates]
        self.linked = all(found)
        changed = {leaf for leaf, _ in self.links}
        opaque = [s for s in self.leaves if s.arguments]
        if any(self.leaves.get(i) in changed for s in opaque for i in self._readings(s)):
            self.linked = False

    def _collect(self, scalar: Any) -> None:
        """Number the leaves: readings, and what only Python can compute."""
        if not isinstance(scalar, Scalar):
            return
        if not scalar.arguments or not computable(scalar):
            self.leaves.setdefault(scalar, len(self.leaves))
            if scalar.arguments:  # that it depends on a number that a step changes must be seen
                for reading in self._readings(scalar):
                    self.leaves.setdefault(reading, len(self.leaves))
            return
        for argument in scalar.arguments:
            self._collect(argument)

    @staticmethod
    def _readings(scalar: Scalar) -> list[Scalar]:
        return [s for s in inner(scalar) if not s.arguments]

    def _link(self, setter: Any, scalar: Scalar) -> bool:
        """Find the leaves that read what an update sets, or make one, if only others read it."""
        place = place_of(setter)
        if place is None or not computable(scalar):
            return False
        readers = [n for s, n in self.leaves.items() if place_of(s.function) == place]
        if not readers:
            readers = [self.leaves.setdefault(Scalar(int), len(self.leaves))]
        self.links += [(n, scalar) for n in readers]
        self.setters.append((setter, readers[0], type(evaluate(scalar))))
        return True
