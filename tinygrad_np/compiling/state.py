"""The state of a step: replaced by stand-ins while the step is recorded, and restored afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tinygrad_np.compiling.environment import Environment
from tinygrad_np.compiling.errors import TracingError, UnsettledError
from tinygrad_np.compiling.holding import apart, is_followed
from tinygrad_np.compiling.places import CLOSED, Access, Place, identifier, places
from tinygrad_np.compiling.recorder import Draws
from tinygrad_np.compiling.recording import Recording, StandIn
from tinygrad_np.compiling.scenery import Scenery
from tinygrad_np.compiling.symbols import Symbol
from tinygrad_np.compiling.values import Scalar
from tinygrad_np.optim.group import Group
from tinygrad_np.tape import Leaf, Variable, tick

FLAGS = (bool, str, type(None))  # which a step may set, and a program sets again: it is for those that were there
Update = tuple[Access, Any]
Numbers = dict[tuple[int, Any], Any]  # by the place of each


class State:
    """What the objects ``roots`` hold: arrays, numbers, Generators, and what is built of them."""

    def __init__(self, roots: Sequence[Any]) -> None:
        self.roots = list(roots)

    def numbers(self) -> Numbers:
        """The numbers of the state."""
        found = {place.identity: place.get() for place in places(self.roots)}
        return {place: n for place, n in found.items() if isinstance(n, (int, float, np.generic))}

    def leaves(self) -> list[Leaf]:
        """The places on the tape where gradients of the state arrive."""
        found = [place.get() for place in places(self.roots)]
        tensors = [root for root in self.roots if isinstance(root, Variable)]
        return list(dict.fromkeys([x for x in [*found, *[t._node for t in tensors]] if isinstance(x, Leaf)]))

    def groups(self) -> list[Group]:
        """The groups of optimizers that follow schedules, or did once, and may again."""
        held = [place.get() for place in places(self.roots)]
        return [x for x in held if isinstance(x, Group) and x.shared.scheduled]


class Substitution:
    """One run of a step in which stand-ins play the state.

    ``moving`` are the places of the ints, and of NumPy's numbers, that change from step to step.
    """

    def __init__(
        self, state: State, recording: Recording, moving: set[tuple[int, Any]], environment: Environment
    ) -> None:
        self.state, self.recording, self.moving = state, recording, moving
        self.schedules = [(group, group.schedules) for group in state.groups()]
        for group, _ in self.schedules:
            group.follow()  # a program begins after that
        self.found = places(state.roots)
        self.before = [(place, place.get()) for place in self.found]
        self.by_identity = {place.identity: value for place, value in self.before}
        self.scenery = Scenery(environment, self.by_identity, recording)
        held = [*[place.container for place in self.found], *[value for _, value in self.before]]
        self.containers = list({id(x): x for x in map(_contents, held) if x is not None}.values())
        self.shapes = [(x, x.copy()) for x in self.containers]
        self.orders = [(leaf, leaf.order) for leaf in state.leaves()]
        self.copies = [(a, a.copy()) for _, value in self.before for a in _arrays(value) if a.flags.writeable]
        self.drawn = [(g, g.bit_generator.state) for _, v in self.before for g in _kinds(v, np.random.Generator)]
        self.stand_ins: dict[int, tuple[Any, Any]] = {}  # by the id of what they play
        self.originals: dict[int, tuple[Any, Any]] = {}  # the other way round
        self.numbers: Numbers = {}  # those for numbers, by the place that each reads

    # -- before the step -----------------------------------------------------------------------------

    def begin(self) -> None:
        """Put stand-ins everywhere."""
        for group, _ in self.schedules:
            group.schedules = {}
        for place in self.found:
            value, moves = place.get(), place.identity in self.moving
            if type(value) is float or (moves and type(value) is int):
                played = self.numbers[place.identity] = self._symbol(value, place, place.reader())
            elif moves and isinstance(value, np.generic) and value.dtype.kind in "fiubc":
                played = self.recording.number(value, identifier(place.name), place.reader())
                self.numbers[place.identity] = played
            else:
                played = self._played(value, place, place.reader())
            if played is not value:
                place.set(played)

        self.scenery.begin(lambda value, place: self._played(value, place, place.reader()))

    def _played(self, value: Any, place: Place, get: Callable[[], Any]) -> Any:
        """The stand-in for ``value``, which is at ``place``; or itself, where it stays what it is."""
        if id(value) in self.stand_ins:
            return self.stand_ins[id(value)][0]
        is_state = place.identity in self.by_identity
        if type(value) is float and is_state:
            return self._symbol(value, place, get)
        played = value
        if is_followed(value):
            played = self.recording.live(value, identifier(place.name), value.flags.writeable and is_state)
        elif isinstance(value, np.ndarray) and not is_state:
            self.scenery.fix(value, place.name)
        elif isinstance(value, np.random.Generator) and is_state:
            played = Draws(self.recording, value)
        elif (parts := apart(value)) is not None:
            inner = [(x, replace(place, name=f"{place.name}[{i}]")) for i, x in enumerate(parts[0])]
            items = [self._played(x, p, partial(_item, get, i)) for i, (x, p) in enumerate(inner)]
            if any(a is not b for a, b in zip(items, parts[0])):
                try:
                    played = parts[1](items)
                except (AttributeError, TypeError):
                    self.scenery.fix_all(value, place.name)
        if played is not value:
            self.stand_ins[id(value)] = played, value
            self.originals[id(played)] = value, played
        return played

    def _symbol(self, number: Any, place: Place, get: Callable[[], Any]) -> Symbol:
        moving = place.identity in self.moving
        return Symbol(self.recording, number, Scalar(get, (), identifier(place.name)), moving)

    # -- after it --------------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Let everything be as it was before the step began."""
        for place in places(self.state.roots):  # what the step put somewhere new
            place.set(self._real(place.get()))
        for container, copy in self.shapes:
            by_name = isinstance(container, dict)
            if [*container] != [*copy] if by_name else len(container) != len(copy):  # what is in it follows
                container.clear()
                (container.update if by_name else container.extend)(copy)
        for place, value in self.before:
            place.set(value)
        self.scenery.put_back()
        for array, copy in self.copies:
            array[...] = copy
        for generator, bits in self.drawn:
            generator.bit_generator.state = bits
        for leaf, order in self.orders:
            leaf.order = order
        self._end()

    def finish(self) -> list[Update]:
        """Put arrays and numbers back, and tell what the step leaves in the place of others."""
        updates: list[Update] = []
        self.scenery.finish()
        for place in places(self.state.roots):
            now, was = place.get(), self.by_identity.get(place.identity, self)
            real = self._real(now)
            if real is not now:
                place.set(real)
            player = self.numbers.get(place.identity, self)
            if now is player or (player is self and (now is was or real is was)):
                continue
            updates += self._update(place, was, now, real)
        for place in self.found:
            if not place.exists():
                raise TracingError(f"the step deletes {place.name}, which a compiled step cannot repeat; keep it")
        self._end()
        return updates

    def _update(self, place: Place, was: Any, now: Any, real: Any) -> list[Update]:
        """What to do at ``place`` after each step, where something else is now."""
        settles = isinstance(was, np.generic) and place.identity not in self.moving
        if isinstance(now, Symbol) and was is not self:
            return [(place.setter(), now.scalar)]
        if isinstance(now, StandIn) and was is not self and not settles:
            now.value.number = not isinstance(now.array, np.ndarray)
            return [(place.setter(), now.value)]
        if (now is None and isinstance(was, np.ndarray)) or (isinstance(now, FLAGS) and isinstance(was, FLAGS)):
            return [] if isinstance(was, str) and now == was else [(place.setter(), now)]
        if type(now) is type(was) is np.ndarray:  # made by NumPy of what does not change; each step leaves another
            return [(place.setter(), self.recording.run(np.copy, (now.copy(),), {}).value)]
        if type(now) is type(was) is float and place.identity in self.numbers:
            return [(place.setter(), now)]  # which it is at each step, whatever was there
        if isinstance(now, tuple) and isinstance(was, tuple) and now is not was and not _arrays(real):
            now = self.originals.get(id(now), (now,))[0]
        if now is was or (type(now) is type(was) is int and now == was):
            return []
        # Next time this count is known to change, and a new place exists: then the step can be recorded.
        settles |= isinstance(now, Symbol) or (type(was) is int and type(real) is int)
        instead = "keep such things outside the step"
        if isinstance(real, (list, tuple, dict)):
            instead = "write into what is there, such as a list, x[i] = y, or " + instead
        error = (UnsettledError if settles else TracingError)(
            f"the step changes {place.name}, from {_shown(was, self)} to {_shown(real, self)}, which a compiled step "
            f"would not; {instead}"
        )
        if isinstance(error, UnsettledError) and isinstance(was, np.generic):
            error.place = place.identity
        raise error

    def _real(self, value: Any) -> Any:
        """What ``value`` is without stand-ins."""
        if id(value) in self.originals:
            return self.originals[id(value)][0]
        if isinstance(value, Symbol):
            return value.number
        if isinstance(value, StandIn):
            return value.array
        if isinstance(value, Draws):
            return value.generator
        if isinstance(value, tuple):
            items = [self._real(item) for item in value]
            if any(a is not b for a, b in zip(items, value)):
                return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def _end(self) -> None:
        self.recording.thread = None
        for group, schedules in self.schedules:
            group.schedules = schedules

    def touched(self) -> list[Leaf]:
        """The leaves that the step changed, so that graphs which used them before are out of date."""
        return [leaf for leaf, order in self.orders if leaf.order != order]


def moved(before: Numbers, after: Numbers) -> set[tuple[int, Any]] | None:
    """The places of ints, and of NumPy's numbers, that are not those of ``before``; None if ints came or went.

    A number of NumPy's is a new object where it was computed. Floats are read anyway.
    """
    for some, others in ((before, after), (after, before)):
        if any(type(n) is int and place not in others for place, n in some.items()):
            return None
    changed = {place: n for place, n in after.items() if place in before and n is not before[place]}
    return {
        place for place, n in changed.items() if isinstance(n, np.generic) or (type(n) is int and n != before[place])
    }


def touch(leaves: Sequence[Leaf]) -> None:
    """Let graphs that used ``leaves`` be out of date, as an optimizer does."""
    stamp = tick()
    for leaf in leaves:
        leaf.order = stamp


def _contents(thing: Any) -> Any:
    """What may come to have more or fewer items: a list, a queue, a dict, the attributes of an object of the user's."""
    if type(thing) in (list, dict, deque):
        return thing
    own = not type(thing).__module__.startswith(("tinygrad_np", "numpy"))
    return vars(thing) if own and not isinstance(thing, CLOSED) and hasattr(thing, "__dict__") else None


def _item(get: Callable[[], Any], i: int) -> Any:
    return get()[i]


def _kinds(value: Any, kind: Any) -> list[Any]:
    """What is of a ``kind``, at any depth of tuples."""
    if isinstance(value, tuple):
        return [x for item in value for x in _kinds(item, kind)]
    return [value] if isinstance(value, kind) else []


def _arrays(value: Any) -> list[Any]:
    return _kinds(value, np.ndarray)


def _shown(value: Any, nothing: Any) -> str:
    return (
        "nothing"
        if value is nothing
        else type(value).__name__
        if isinstance(value, (list, dict, tuple))
        else repr(value)
    )
