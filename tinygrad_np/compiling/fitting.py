"""Whether the state is still what a program was recorded for: a function that asks for no more than it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_np.compiling.places import Access, Place, places
from tinygrad_np.compiling.program import Program, Value, operands_in
from tinygrad_np.compiling.state import Performance
from tinygrad_np.compiling.surroundings import NUMBERS, Surroundings
from tinygrad_np.nn.module import Module
from tinygrad_np.tape import Leaf, Variable

GONE = AttributeError, LookupError  # where an attribute or an item is no more


def conditions(performance: Performance, program: Program, surroundings: Surroundings) -> Checks:
    """What says whether ``program`` may run on the state as it is.

    Arrays that the program uses must be the ones that they were, for it knows where each lies in memory; but a number
    in an array without dimensions, and an array that the step itself replaces, are looked up at each step. Floats are
    read anew; anything else must be the same, and so must be the ``surroundings``.
    """
    used = _used(program)
    updated = {put.place for put, _ in program.updates if isinstance(put, Access)}
    compared = set(map(id, surroundings.containers))  # item by item
    outside = [(place, array) for place, array in performance.scenery.arrays if id(place.container) not in compared]
    found = [*places(performance.state.roots), *[place for place, _ in outside]]
    began_with = performance.by_identity | {place.identity: array for place, array in outside}
    named = {place.identity for place in surroundings.places}
    own = [place for place, _ in outside if not isinstance(place.container, (Variable, Leaf))]
    unread = {place.identity for place in own} - named  # unless the program uses the array there
    times = Counter(map(id, performance.scenery.all_arrays()))  # that an array is met around the step
    checks = Checks()
    for container in performance.containers:
        checks.length(container)
    for place in found:
        began = began_with.get(place.identity)  # with this; the step may have left another array there
        value = used.get(id(began)) if isinstance(began, np.ndarray) else None
        alone = times[id(began)] + (place.identity in performance.by_identity) < 2
        if value is not None and _may_be_replaced(value, place, performance, updated, used, alone):
            value.reading = place.reader()
        if began is None and place.identity in began_with:
            checks.same(place, None)
        elif value is not None or place.identity not in unread:
            checks.add(place, value, updated)
    for module in {id(p.container): p.container for p in found if isinstance(p.container, Module)}.values():
        if "training" not in vars(module):
            checks.same(Place(module, "training", False), module.training)
    for container in surroundings.containers:
        checks.items(container)
    for place in surroundings.places:
        if type(place.get()) is not np.ndarray and place.identity not in began_with:  # as what the program uses is
            checks.same(place, place.get())
    return checks


class Checks:
    """Conditions on places, as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bound: dict[str, Any] = {}

    def add(self, place: Place, value: Value | None, updated: set[Any]) -> None:
        """What must be so at ``place``, where the program found ``value``, if an array that it uses."""
        now = place.get()
        if place.is_final:
            return
        if isinstance(now, np.ndarray):
            if value is None:
                self.lines.append(f"{self.at(place)} is not None")
            elif value.reading is None:
                self.same(place, now)
            elif value.shape:
                self.alike(place, now)
        elif _of_numbers(now) and not place.is_item and place.identity not in updated:
            self.lines.append(f"{self.at(place)} is not None")  # they are read anew
        elif (isinstance(now, tuple) and place.is_item) or (place.identity not in updated and type(now) is not float):
            self.same(place, now)

    def length(self, container: Any) -> None:
        """As many items, or attributes, as there are now."""
        self.lines.append(f"len({self.named(container)}) == {len(container)}")

    def items(self, container: Any) -> None:
        """The same items as there are now: the same objects, or numbers that are equal."""
        name, items = self.named(container), [*(container.values() if isinstance(container, dict) else container)]
        if isinstance(container, set) or all(isinstance(x, NUMBERS) for x in items):
            self.lines.append(f"{name} == {self.named(container.copy())}")
            return
        self.bound[f"kept{id(items)}"] = items  # so that their ids are not given to others
        if isinstance(container, dict):
            self.lines.append(f"[*{name}] == {self.named([*container])}")
            name += ".values()"
        self.lines.append(f"[*map(id, {name})] == {self.named([*map(id, items)])}")

    def same(self, place: Place, value: Any) -> None:
        """The same object, or the same number."""
        if value is None or isinstance(value, bool):
            self.lines.append(f"{self.at(place)} is {value}")
        elif isinstance(value, (int, float, str, np.generic)) and value == value:  # no NaN
            self.lines.append(f"{self.at(place)} == {self.named(value)}")
        elif isinstance(value, set):
            self.lines.append(f"{self.at(place)} == {self.named(value.copy())}")
        else:
            self.lines.append(f"{self.at(place)} is {self.named(value)}")

    def alike(self, place: Place, array: Any) -> None:
        """An array of the same shape and dtype."""
        name = self.at(place)
        self.lines.append(
            f"{name} is not None and {name}.shape == {array.shape} and {name}.dtype is {self.named(array.dtype)}"
        )

    def at(self, place: Place) -> str:
        container = self.named(place.container)
        return f"{container}[{self.named(place.key)}]" if place.is_item else f"{container}.{place.key}"

    def named(self, thing: Any) -> str:
        name = f"o{id(thing)}"
        self.bound[name] = thing
        return name

    @property
    def text(self) -> str:
        """All of them as one expression, which is false, or raises GONE, where they do not hold."""
        return " and ".join(dict.fromkeys(self.lines)) or "True"

    def function(self) -> Callable[[], bool]:
        """The function that says whether they hold."""
        lines = [f"try: return {self.text}", "except GONE: return False"]
        text = f"def bind({', '.join(self.bound)}):\n def fits():\n  " + "\n  ".join(lines) + "\n return fits\n"
        namespace: dict[str, Any] = {"GONE": GONE}
        exec(compile(text, "<fits>", "exec"), namespace)
        # In order: by name each would be looked for among all.
        fits: Callable[[], bool] = namespace["bind"](*self.bound.values())
        return fits


def _used(program: Program) -> dict[int, Value]:
    """The live arrays that the program uses, by id."""
    trees = [(list(call.operands()), call.writes) for call in program.calls]
    values = [v for v in operands_in((trees, program.outputs)) if isinstance(v, Value)]
    return {id(v.array): v for v in values if v.array is not None}


def _may_be_replaced(
    value: Value, place: Place, performance: Performance, updated: set[Any], used: dict[int, Value], alone: bool
) -> bool:
    """Whether the array at ``place``, which is ``alone`` if it is at no other, may be another at each step."""
    if value.root is not None or any(v.root is value for v in used.values()):
        return False
    if place.identity in updated:
        return True
    written = any(call.writes is not None and call.writes.memory is value for call in performance.recording.calls)
    return alone and not value.shape and not written


def _of_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(type(x) is float for x in value)
