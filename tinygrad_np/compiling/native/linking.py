"""The Python numbers of a program: which are read at each step, and which a step changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import MemberDescriptorType
from typing import Any

from tinygrad_np.compiling.native.frame import computable
from tinygrad_np.compiling.places import Place
from tinygrad_np.compiling.program import Program, Scalar, Value


def reader(*scalars: Any) -> Callable[[], tuple[Any, ...]]:
    """A function that reads and computes scalars as Python would, each once; as source text, it is quick."""
    names: dict[Any, str] = {}
    values: dict[str, Any] = {}
    lines = []

    def named(thing: Any) -> str:
        if not isinstance(thing, Scalar):
            name = f"c{len(values)}"
            values[name] = thing
            return name
        if thing not in names:
            arguments = ", ".join(map(named, thing.arguments))
            names[thing] = f"s{len(names)}"
            function = thing.function if thing.arguments else direct(thing.function)
            lines.append(f"    {names[thing]} = {named(function)}({arguments})")
        return names[thing]

    results = "".join(f"{named(s)}, " for s in scalars)
    exec("\n".join(["def read():", *lines, f"    return ({results})"]), values)
    read: Callable[[], tuple[Any, ...]] = values["read"]
    return read


def evaluate(scalar: Any) -> Any:
    """A scalar's value now, computed by Python."""
    return reader(scalar)()[0]


def direct(method: Any) -> Callable[..., Any]:
    """A Place's ``get`` or ``set`` without Python code between: it takes half the time."""
    place = getattr(method, "__self__", None)
    if not isinstance(place, Place):
        return method  # type: ignore[no-any-return]
    if method.__name__ == "set":
        if place.is_item:
            return partial(place.container.__setitem__, place.key)
        slot = getattr(type(place.container), place.key, None)
        if isinstance(slot, MemberDescriptorType):
            return partial(slot.__set__, place.container)
        return partial(object.__setattr__, place.container, place.key)
    if place.is_item:
        return partial(place.container.__getitem__, place.key)
    return partial(getattr, place.container, place.key, None)


def inner(scalar: Any) -> Iterable[Scalar]:
    """A scalar and those that it is computed from."""
    if isinstance(scalar, Scalar):
        yield scalar
        for argument in scalar.arguments:
            yield from inner(argument)


class Numbers:
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
        """Find the leaves that read what an update sets, by setting it for a moment."""
        if not computable(scalar):
            return False
        readings = [s for s in self.leaves if not s.arguments]
        before, new = [s.function() for s in readings], evaluate(scalar)
        setter(new)
        changed = [(s, old) for s, old in zip(readings, before) if s.function() == new and old != new]
        if not changed:
            return False
        setter(changed[0][1])
        self.links += [(self.leaves[s], scalar) for s, _ in changed]
        self.setters.append((setter, self.leaves[changed[0][0]], type(new)))
        return True
