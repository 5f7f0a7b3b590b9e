"""What a step sees beside its arguments and its state: what its function closes over, and globals that it names."""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from tinygrad_np.compiling.asking import LIBRARY, NUMPY, TracingError
from tinygrad_np.compiling.noting import StandIn
from tinygrad_np.compiling.places import Place, places
from tinygrad_np.nn.module import Module
from tinygrad_np.tape import Variable

NUMBERS = (bool, int, float, str, type(None))


class Surroundings:
    """The variables around ``step``, and what its object holds if it is a method, as they are before it is recorded.

    They are a part of what a program is recorded for: where one is replaced, another is recorded. The step itself must
    not change them.
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        self.before = [(place, place.get()) for place in _variables(step, set())]
        generators = [g for _, value in self.before for g in _generators(value)]
        self.states = [(g, g.bit_generator.state) for g in generators]
        self.legacy = _legacy_state()

    @property
    def places(self) -> list[Place]:
        """Where what must be the same is: plain numbers, arrays, functions, and whatever else is named."""
        return [place for place, _ in self.before]

    def arrays(self, known: set[tuple[int, Any]]) -> list[Place]:
        """Where arrays are, in variables and in the Tensors, Modules and lists there, but for ``known`` places."""
        found = [place for place, _ in self.before]
        held = [value for _, value in self.before if isinstance(value, (Variable, Module, list, dict, tuple))]
        found += [place for place in places(held) if place.identity not in known]
        return [place for place in found if type(place.get()) is np.ndarray and place.get().dtype.kind in "fiub"]

    def check(self, known: set[int]) -> None:
        """Refuse a step that changed them, or drew from a Generator whose id is not ``known`` as one of the state."""
        for place, value in self.before:
            now = place.get()
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
            if id(generator) not in known and generator.bit_generator.state != state:
                raise TracingError(
                    "the step draws from a Generator that is no part of its state, so that each step would draw the "
                    "same; list what holds it in state="
                )
        if _legacy_state() != self.legacy:
            raise TracingError(
                "the step draws from NumPy's global generator, so that each step would draw the same; draw from a "
                "np.random.Generator that is held by an object of the state"
            )


def _variables(step: Any, met: set[int]) -> Iterator[Place]:
    """The variables of enclosing functions and of the module that ``step`` names, and that such functions name."""
    if hasattr(step, "__self__") and hasattr(step.__self__, "__dict__"):
        yield from (Place(step.__self__, name, False, f"self.{name}") for name in vars(step.__self__))
    step = getattr(step, "__func__", step)
    if not isinstance(step, FunctionType) or id(step) in met or step.__code__.co_filename.startswith((LIBRARY, NUMPY)):
        return
    met.add(id(step))
    found = [
        Place(cell, "cell_contents", False, name)
        for name, cell in zip(step.__code__.co_freevars, step.__closure__ or ())
    ]
    names = dict.fromkeys(_names(step.__code__))
    found += [Place(step.__globals__, name, True, name) for name in names if name in step.__globals__]
    for place in found:
        yield place
        yield from _variables(place.get(), met)


def _names(code: CodeType) -> Iterator[str]:
    """The globals that are named in ``code`` and in the functions that it makes."""
    yield from (i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _generators(value: Any) -> list[np.random.Generator]:
    """A Generator, or those that an object holds."""
    held = [value, *(vars(value).values() if hasattr(value, "__dict__") and not callable(value) else ())]
    return [x for x in held if isinstance(x, np.random.Generator)]


def _is_recorded(value: Any) -> bool:
    return isinstance(value._array if isinstance(value, Variable) else value, StandIn)


def _legacy_state() -> str:
    """Where NumPy's global generator stands."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - to see whether the step draws from it
    return f"{state['state']['pos']} {hash(state['state']['key'].tobytes())}"
