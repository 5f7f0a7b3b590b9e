"""What a step reads besides its arguments and its state: the variables it closes over, and globals that it names.

A program holds only while these are what they were, and the step must leave them alone.
"""

from __future__ import annotations

import operator
import random
from collections import deque
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.captures import Captures
from tinygrad_np.compiling.errors import TracingError
from tinygrad_np.compiling.places import Place, places
from tinygrad_np.compiling.recording import StandIn
from tinygrad_np.compiling.symbols import Symbol
from tinygrad_np.compiling.values import leaves
from tinygrad_np.nn.module import Module
from tinygrad_np.tape import Variable

NUMBERS = (bool, int, float, str, type(None))
COMPUTED = "the step puts what it computed into {}, which a compiled step would not; return it"


class Environment:
    """What is around ``step`` and ``arguments``, and around functions that ``roots`` hold, before it is recorded.

    It is a part of what a program is recorded for: where something is replaced, another is recorded. The step itself
    must not change it.
    """

    def __init__(self, step: Callable[..., Any], roots: Sequence[Any] = (), arguments: Sequence[Any] = ()) -> None:
        state = places(roots)
        held = [leaf for place in state for leaf in leaves(place.get()) if callable(leaf)]
        self.step = [step]  # another is called in its place, where it is a method of a tuple with arrays
        captured = Captures(
            (step, *held, *arguments), {id(thing) for thing in (*roots, *[place.container for place in state])}
        )
        self.before = [(place, place.get()) for place in captured.places.values()]
        library = [thing for thing in captured.met.values() if isinstance(thing, (Variable, Module))]
        self._slots = [Place(self.step, 0, True, "the step"), *captured.slots, *places(library)]
        self.hidden, self.captured = captured.hidden, captured
        self.attributes = [(name, vars(thing)) for name, thing in captured.objects]
        self.contents = [(name, container, container.copy()) for name, container in captured.containers]
        generators = {id(g): g for _, value in self.before for g in _generators(value)}.values()
        self.states = [(g, g.bit_generator.state) for g in generators]
        self.globals = _global_states()

    @property
    def places(self) -> list[Place]:
        """Where what must be the same is: plain numbers, arrays, functions, and whatever else is named."""
        return [place for place, _ in self.before]

    @property
    def containers(self) -> list[Any]:
        """The lists, dictionaries and sets that are read."""
        return [container for _, container, _ in self.contents]

    def slots(self, known: Container[tuple[int, Any]]) -> list[Place]:
        """Where arrays are, or what may hold some and cannot be changed itself, but for ``known`` places."""
        return list({place.identity: place for place in self._slots if place.identity not in known}.values())

    def check(self, known: Container[tuple[int, Any]], generators: set[int]) -> None:
        """Refuse a step that changed them, besides what is at ``known`` places, which are those of the state.

        ``generators`` are the ids of those of the state, from which it may draw.
        """
        for place, value in self.before:
            now = place.get()
            if place.identity in known:
                continue
            if _is_recorded(now):
                raise TracingError(COMPUTED.format(place.name))
            if not (now is value or (type(now) is type(value) in NUMBERS and now == value)):
                raise TracingError(
                    f"the step changes {place.name} from {value!r} to {now!r}, outside its state, which a compiled "
                    "step would not; count outside the step, or keep it in an object listed in state"
                )
        for name, container in [*self.attributes, *[(name, container) for name, container, _ in self.contents]]:
            if any(map(_is_recorded, _values(container))):
                raise TracingError(COMPUTED.format(name))
        for name, container, copy in self.contents:
            if not _are_same(container, copy):
                raise TracingError(
                    f"the step changes {name}, outside its state, which a compiled step would not; list what holds it "
                    "in state="
                )
        for generator, state in self.states:
            if id(generator) not in generators and generator.bit_generator.state != state:
                raise TracingError(
                    "the step draws from a Generator that is no part of its state, so that each step would draw the "
                    "same; list what holds it in state="
                )
        for (name, before), (_, after) in zip(self.globals, _global_states()):
            if before != after:
                raise TracingError(
                    f"the step draws from {name} global generator, so that each step would draw the same; draw from a "
                    "np.random.Generator that is held by an object of the state"
                )

    def put_back(self) -> None:
        """Let numbers, lists and Generators be as they were before."""
        for place, value in self.before:
            if place.get() is not value:
                place.set(value)
        for _, container, copy in self.contents:
            if not _are_same(container, copy):
                container.clear()
                (container.extend if isinstance(container, (list, deque)) else container.update)(copy)
        for generator, state in self.states:
            generator.bit_generator.state = state


def _values(container: Any) -> list[Any]:
    """What a list, a dictionary, a set or the like holds."""
    return list(container.values() if isinstance(container, dict) else container)


def _are_same(container: Any, copy: Any) -> bool:
    """Whether a container holds the same objects as when it was copied."""
    if isinstance(container, set) or (isinstance(container, dict) and container.keys() != copy.keys()):
        return bool(container == copy) and isinstance(container, set)
    now, before = _values(container), _values(copy)
    return len(now) == len(before) and all(map(operator.is_, now, before))


def _generators(value: Any) -> list[np.random.Generator]:
    """A Generator, or those that an object, a list or a dictionary holds."""
    held = [value, *(vars(value).values() if hasattr(value, "__dict__") and not callable(value) else ())]
    return [x for thing in held for x in leaves(thing) if isinstance(x, np.random.Generator)]


def _is_recorded(value: Any) -> bool:
    return isinstance(value._array if isinstance(value, Variable) else value, (StandIn, Symbol))


def _global_states() -> list[tuple[str, Any]]:
    """Where the generators stand that are shared by all, to see whether the step draws from them."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - it is only looked at
    numpy = f"{state['state']['pos']} {hash(state['state']['key'].tobytes())}"
    return [("NumPy's", numpy), ("Python's", hash(random.getstate()))]
