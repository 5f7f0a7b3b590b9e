"""A program knows addresses and constants. Before each run a generated function asks, in little time, if they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence, Set
from typing import Any

import numpy as np

from tinygrad_np.compiling.captures import Captures
from tinygrad_np.compiling.environment import NUMBERS, Environment
from tinygrad_np.compiling.places import Access, Place, places
from tinygrad_np.compiling.program import Program, scalars_in
from tinygrad_np.compiling.state import Substitution
from tinygrad_np.compiling.text import is_name
from tinygrad_np.compiling.values import Call, Value, operands_in
from tinygrad_np.nn.module import Module
from tinygrad_np.tape import Leaf, Variable

GONE = AttributeError, LookupError  # where an attribute or an item is no more


def state_guards(substitution: Substitution, program: Program, environment: Environment) -> StateGuards:
    """What says whether ``program`` may run on the state as it is.

    Arrays that the program uses must be the ones that they were, because it knows where each lies in memory; but an
    array without dimensions, and an array that the step itself replaces, are looked up at each step. Numbers that had
    stand-ins are read anew, and need only be of the same kind, because a float is weak next to an array where one of
    NumPy's is not. Anything else must be the same, and so must be the ``environment``.
    """
    began_with, of_state = Began(substitution, environment, program), places(substitution.state.roots)
    found = [*of_state, *began_with.others]
    updated = {put.place for put, _ in program.updates if isinstance(put, Access)}
    _let_be_replaced(found, began_with, updated, substitution)
    used = began_with.used.values()
    readers = [*[scalar.function for scalar in scalars_in(program)], *[value.reading for value in used]]
    reading = {reader.place for reader in readers if isinstance(reader, Access)}
    checks = StateGuards({id(place.get()) for place in found if place.is_final})
    read = Read(substitution.state.roots, of_state, environment.captured)
    for container in substitution.containers:
        if id(container) in read.attributes:
            checks.absent(container, read.attributes[id(container)])
        elif id(container) in read.things:
            checks.length(container)
    for place in found:
        began, value = began_with.get(place.identity), began_with.value(place)
        if place.identity in substitution.numbers:
            if place.identity in reading:
                checks.kind(place, type(began))
        elif value is None and place.identity in read.unnamed:
            continue
        elif began is None and place.identity in began_with:
            checks.same(place, None)
            checks.forgotten += checks.lines[-1:] * isinstance(place.container, Leaf)
        elif value is not None or place.identity not in began_with.unnamed:
            checks.add(place, began, value, updated)
    for module in {id(p.container): p.container for p in found if isinstance(p.container, Module)}.values():
        if "training" not in vars(module):
            checks.same(Place(module, "training", False), module.training)
    for container in environment.containers:
        checks.items(container)
    for place in environment.places:
        if type(place.get()) is not np.ndarray and place.identity not in began_with:  # arrays that it uses are
            checks.same(place, place.get())
    return checks


class Read:
    """What of the state the code of the step may read: the ``things``, by id, to which it comes by names that it has.

    ``unnamed`` are the places of the rest, such as a list of losses that a loop around the step goes on with. Of
    objects of the user's, ``attributes`` has, by the id of their ``__dict__``, the names that would be read if they
    came.
    """

    def __init__(self, roots: Sequence[Any], of_state: Sequence[Place], captured: Captures) -> None:
        found = places(roots, captured.may_read)
        self.things = set(map(id, [*roots, *[place.get() for place in found]]))
        self.unnamed = {place.identity for place in of_state} - {place.identity for place in found}
        objects = {id(x): x for x in [*roots, *[place.get() for place in of_state]] if hasattr(x, "__dict__")}
        self.attributes: dict[int, set[str]] = {}
        for thing in objects.values():
            if captured.knows_code_of(thing):
                kept = {name for name in captured.names if name in vars(thing) or hasattr(type(thing), name)}
                self.attributes[id(vars(thing))] = captured.names - kept


class Began(dict[tuple[int, Any], Any]):
    """What was at each place before the step, which may have left something else there.

    ``used`` are the live arrays that the program uses, by id; ``others`` the places around the step that the state does
    not hold; ``unnamed`` those of them that no code names, which matter only if the program uses the array there.
    """

    def __init__(self, substitution: Substitution, environment: Environment, program: Program) -> None:
        self.used = _used(program)
        compared = set(map(id, environment.containers))  # item by item
        outside = [
            (place, array) for place, array in substitution.scenery.arrays if id(place.container) not in compared
        ]
        super().__init__(substitution.by_identity | {place.identity: array for place, array in outside})
        self.others = [place for place, _ in outside]
        own = [place.identity for place in self.others if not isinstance(place.container, (Variable, Leaf))]
        self.unnamed = set(own) - {place.identity for place in environment.places}

    def value(self, place: Place) -> Value | None:
        """What the program knows the array at ``place`` by, if it uses it."""
        began = self.get(place.identity)
        return self.used.get(id(began)) if isinstance(began, np.ndarray) else None


def _let_be_replaced(found: Sequence[Place], began_with: Began, updated: set[Any], substitution: Substitution) -> None:
    """Let the program look up at each step the arrays that may be replaced: say how they are read."""
    times = Counter(map(id, substitution.scenery.all_arrays()))  # that an array is met around the step
    for place in found:
        value = began_with.value(place)
        alone = times[id(began_with.get(place.identity))] + (place.identity in substitution.by_identity) < 2
        if value is not None and _may_be_replaced(value, place, substitution, updated, began_with.used, alone):
            value.reading = place.reader()


class StateGuards:
    """Conditions on places, as text. ``kept`` are the ids of containers whose numbers are always of one kind.

    ``forgotten`` are those of the conditions that say that there is no gradient, ``fixed`` the places of numbers that
    must be equal.
    """

    def __init__(self, kept: Set[int]) -> None:
        self.kept = kept
        self.lines: list[str] = []
        self.forgotten: list[str] = []
        self.fixed: set[tuple[int, Any]] = set()
        self.bound: dict[str, Any] = {}

    def add(self, place: Place, began: Any, value: Value | None, updated: set[Any]) -> None:
        """What must be so at ``place``, where the program found ``value``, if ``began`` is an array that it uses."""
        now = place.get()
        if place.is_final:
            return
        if value is not None and value.reading is not None:
            if value.shape or not self._is_kept(place):
                self.alike(place, value)
        elif place.identity in updated and not isinstance(began, np.ndarray):
            self.same(place, began)
        elif value is None and (isinstance(now, np.ndarray) or isinstance(began, np.ndarray)):
            if isinstance(place.container, Leaf):  # a gradient, which is an array or None
                self.lines.append(f"{self.at(place)} is not None")
            elif place.identity in updated:
                self.lines.append(f"{self.at(place)}.__class__ is {self.named(np.ndarray)}")
            else:  # the step may have put there what was there
                self.same(place, now)
        elif _of_numbers(now) and not place.is_item and place.identity not in updated:
            self.lines.append(f"{self.at(place)} is not None")  # they are read anew
            if not self._is_kept(place):
                self.lines.append(f"[*map(type, {self.at(place)})] == {self.named([float] * len(now))}")
        elif value is not None:
            self.same(place, began)
        elif place.identity not in updated or (isinstance(now, tuple) and place.is_item):
            self.same(place, now)

    def length(self, container: Any) -> None:
        """As many items, or attributes, as there are now."""
        self.lines.append(f"len({self.named(container)}) == {len(container)}")

    def absent(self, attributes: dict[str, Any], names: set[str]) -> None:
        """None of the names among the attributes of an object."""
        if names:
            self.lines.append(f"{self.named(attributes)}.keys().isdisjoint({self.named(frozenset(names))})")

    def items(self, container: Any) -> None:
        """The same items as there are now: the same objects, or numbers that are equal."""
        name, items = self.named(container), [*(container.values() if isinstance(container, dict) else container)]
        plain = all(isinstance(x, NUMBERS) for x in items)
        values = f"{name}.values()" if isinstance(container, dict) else name
        if plain or isinstance(container, set):
            self.lines.append(f"{name} == {self.named(container.copy())}")
            if plain:  # equal numbers may be of other kinds, or zeros of another sign
                told = repr if 0.0 in items else type
                self.lines.append(f"[*map({self.named(told)}, {values})] == {self.named([*map(told, items)])}")
            return
        self.bound[f"kept{id(items)}"] = items  # so that their ids are not given to others
        if isinstance(container, dict):
            self.lines.append(f"[*{name}] == {self.named([*container])}")
        self.lines.append(f"[*map(id, {values})] == {self.named([*map(id, items)])}")

    def kind(self, place: Place, kind: type) -> None:
        """A number of the same kind."""
        if not self._is_kept(place):
            self.lines.append(f"{self.at(place)}.__class__ is {self.named(kind)}")

    def _is_kept(self, place: Place) -> bool:
        """Whether only an optimizer sets the place, which holds a number of one kind."""
        return id(place.container) in self.kept or type(place.container).__module__.startswith("tinygrad_np.optim")

    def same(self, place: Place, value: Any) -> None:
        """The same object, or the same number."""
        if value is None or isinstance(value, bool):
            self.lines.append(f"{self.at(place)} is {value}")
        elif isinstance(value, (float, np.floating)) and value == 0:  # of either sign
            self.lines.append(f"{self.named(repr)}({self.at(place)}) == {self.named(repr(value))}")
        elif isinstance(value, (int, float, str, np.generic)) and value == value:  # no NaN
            self.lines.append(f"{self.at(place)} == {self.named(value)}")
            self.kind(place, type(value))
            self.fixed.add(place.identity)
        elif isinstance(value, set):
            self.lines.append(f"{self.at(place)} == {self.named(value.copy())}")
        else:
            self.lines.append(f"{self.at(place)} is {self.named(value)}")

    def alike(self, place: Place, value: Value) -> None:
        """An array of the same shape and dtype."""
        self.lines.append(f"{self.at(place)}.__class__ is {self.named(np.ndarray)}")
        self.lines.append(f"{self.at(place)}.shape == {value.shape}")
        self.lines.append(f"{self.at(place)}.dtype is {self.named(value.dtype)}")

    def at(self, place: Place) -> str:
        container = self.named(place.container)
        if place.is_item:
            return f"{container}[{self.named(place.key)}]"
        return f"{container}.{place.key}" if is_name(place.key) else f"getattr({container}, {place.key!r})"

    def named(self, thing: Any) -> str:
        name = f"o{id(thing)}"
        self.bound[name] = thing
        return name

    @property
    def text(self) -> str:
        """All of them as one expression, which is false, or raises GONE, where they do not hold."""
        return self.without(())

    def without(self, some: Collection[str]) -> str:
        """The expression for all but ``some``."""
        return " and ".join(line for line in dict.fromkeys(self.lines) if line not in some) or "True"

    def function(self, but: Collection[str] = ()) -> Callable[[], bool]:
        """The function that says whether they hold, all ``but`` some."""
        lines = [f"try: return {self.without(but)}", "except GONE: return False"]
        text = f"def bind({', '.join(self.bound)}):\n def fits():\n  " + "\n  ".join(lines) + "\n return fits\n"
        namespace: dict[str, Any] = {"GONE": GONE}
        exec(compile(text, "<fits>", "exec"), namespace)
        # In order: by name each would be looked for among all.
        fits: Callable[[], bool] = namespace["bind"](*self.bound.values())
        return fits


def _used(program: Program) -> dict[int, Value]:
    """The live arrays that the program uses, by id."""
    trees = [(list(call.operands()), call.writes) for call in program.calls]
    found = operands_in((trees, program.outputs, [x for _, x in program.updates]))
    values = [v for v in found if isinstance(v, Value)]
    return {id(v.array): v for v in values if v.array is not None}


def _may_be_replaced(
    value: Value, place: Place, substitution: Substitution, updated: set[Any], used: dict[int, Value], alone: bool
) -> bool:
    """Whether the array at ``place``, which is ``alone`` if it is at no other, may be another at each step."""
    calls = substitution.recording.calls
    if any(v.memory is value.memory for v in used.values() if v is not value):
        return False
    if place.identity in updated:
        _detach(value, calls)
        return True
    written = any(call.writes is not None and call.writes.memory is value for call in calls)
    return alone and value.root is None and not value.shape and not written


def _detach(view: Value, calls: Sequence[Call]) -> None:
    """Let a view be memory of its own, of which others are views, as that at its place will be at the next step."""
    memory, offset = view.memory, view.offset
    for call in calls:
        for value in [*call.operands(), call.result, call.writes]:
            if isinstance(value, Value) and value is not view and value.root is memory:
                value.root, value.offset = view, value.offset - offset
    view.root, view.offset = None, 0


def _of_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(type(x) is float for x in value)
