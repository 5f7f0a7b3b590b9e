"""What a step sees beside its arguments and its state: what functions close over, and globals that they name."""

from __future__ import annotations

import dis
import random
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_np.compiling.asking import LIBRARY, NUMPY, TracingError
from tinygrad_np.compiling.noting import StandIn, leaves
from tinygrad_np.compiling.places import Place, places
from tinygrad_np.nn.module import Module
from tinygrad_np.tape import Variable

NUMBERS = (bool, int, float, str, type(None))


class Surroundings:
    """The variables around ``step`` and around functions that ``roots`` hold, as they are before it is recorded.

    They are a part of what a program is recorded for: where one is replaced, another is recorded. The step itself must
    not change them.
    """

    def __init__(self, step: Callable[..., Any], roots: Sequence[Any] = ()) -> None:
        held = [leaf for place in places(roots) for leaf in leaves(place.get()) if callable(leaf)]
        met: dict[int, Any] = {}
        found = [place for function in (step, *held) for place in _variables(function, met)]
        self.before = [(place, place.get()) for place in {place.identity: place for place in found}.values()]
        self.contents = [(value, value.copy()) for _, value in self.before if type(value) in (list, dict)]
        generators = {id(g): g for _, value in self.before for g in _generators(value)}.values()
        self.states = [(g, g.bit_generator.state) for g in generators]
        self.globals = _global_states()

    @property
    def places(self) -> list[Place]:
        """Where what must be the same is: plain numbers, arrays, functions, and whatever else is named."""
        return [place for place, _ in self.before]

    def arrays(self, known: set[tuple[int, Any]]) -> list[Place]:
        """Where arrays are, in variables and in the Tensors, Modules and lists there, but for ``known`` places."""
        found = [place for place, _ in self.before]
        held = [value for _, value in self.before if isinstance(value, (Variable, Module, list, dict, tuple))]
        found = [place for place in [*found, *places(held)] if place.identity not in known]
        return [place for place in found if type(place.get()) is np.ndarray and place.get().dtype.kind in "fiub"]

    def check(self, known: Container[tuple[int, Any]], generators: set[int]) -> None:
        """Refuse a step that changed them, beside what is at ``known`` places, which are those of the state.

        ``generators`` are the ids of those of the state, from which it may draw.
        """
        for place, value in self.before:
            now = place.get()
            if place.identity in known:
                continue
            if type(value) in NUMBERS and now is not value and now != value:
                raise TracingError(
                    f"the step changes {place.name} from {value!r} to {now!r}, outside its state, which a compiled "
                    "step would not; count outside the step, or keep it in an object listed in state"
                )
            if isinstance(now, (list, dict)) and any(map(_is_recorded, now.values() if isinstance(now, dict) else now)):
                raise TracingError(
                    f"the step puts what it computed into {place.name}, which a compiled step would not; return it"
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
            if type(value) in NUMBERS and place.get() is not value:
                place.set(value)
        for container, copy in self.contents:
            container.clear()
            (container.extend if isinstance(container, list) else container.update)(copy)
        for generator, state in self.states:
            generator.bit_generator.state = state


def _variables(function: Any, met: dict[int, Any]) -> Iterator[Place]:
    """The variables of enclosing functions and of the module that ``function`` names, and that such functions name.

    A function of the library has none of its own, but may hold one of the user's.
    """
    if id(function) in met:
        return
    met[id(function)] = function
    if isinstance(function, partial):
        for part in (function.func, *function.args, *function.keywords.values()):
            yield from _variables(part, met)
        return
    if hasattr(function, "__self__") and hasattr(function.__self__, "__dict__"):
        yield from (Place(function.__self__, name, False, f"self.{name}") for name in vars(function.__self__))
    code = getattr(function, "__func__", function)
    if not isinstance(code, FunctionType):
        return
    own = not code.__code__.co_filename.startswith((LIBRARY, NUMPY))
    cells = zip(code.__code__.co_freevars, code.__closure__ or ())
    found = [Place(cell, "cell_contents", False, name) for name, cell in cells]
    if own:
        named = [name for name in dict.fromkeys(_names(code.__code__)) if name in code.__globals__]
        found += [Place(code.__globals__, name, True, name) for name in named]
    for place in found:
        value = place.get()
        if own and not isinstance(value, ModuleType):
            yield place
        yield from _variables(value, met)


def _names(code: CodeType) -> Iterator[str]:
    """The globals that are named in ``code`` and in the functions that it makes."""
    yield from (i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _generators(value: Any) -> list[np.random.Generator]:
    """A Generator, or those that an object, a list or a dictionary holds."""
    held = [value, *(vars(value).values() if hasattr(value, "__dict__") and not callable(value) else ())]
    return [x for thing in held for x in leaves(thing) if isinstance(x, np.random.Generator)]


def _is_recorded(value: Any) -> bool:
    return isinstance(value._array if isinstance(value, Variable) else value, StandIn)


def _global_states() -> list[tuple[str, Any]]:
    """Where the generators stand that are shared by all, to see whether the step draws from them."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - it is only looked at
    numpy = f"{state['state']['pos']} {hash(state['state']['key'].tobytes())}"
    return [("NumPy's", numpy), ("Python's", hash(random.getstate()))]
