"""What a step sees beside its arguments and its state: what its function closes over, and globals that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from tinygrad_np.compiling.asking import TracingError
from tinygrad_np.compiling.noting import StandIn
from tinygrad_np.compiling.places import Place
from tinygrad_np.tape import Variable

NUMBERS = (bool, int, float, str, type(None))


class Surroundings:
    """The variables around ``step``, as they are before it is recorded.

    Plain numbers among them are a part of what a program is recorded for: where one changes, another is recorded. What
    the step itself changes there, it must not.
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        self.before = [(place, place.get()) for place in _variables(step)]
        generators = [g for _, value in self.before for g in _generators(value)]
        self.states = [(g, g.bit_generator.state) for g in generators]
        self.legacy = np.random.get_state()[1:3]  # noqa: NPY002 - to see whether the step draws from it

    def numbers(self) -> list[Place]:
        """Where the plain numbers are."""
        return [place for place, value in self.before if type(value) in NUMBERS]

    def check(self, known: set[int]) -> None:
        """Refuse a step that changed them, or drew from a Generator whose id is not ``known`` as one of the state."""
        for place, value in self.before:
            now = place.get()
            if type(value) in NUMBERS and now is not value and now != value:
                raise TracingError(
                    f"the step changes {place.name} from {value!r} to {now!r}, outside its state, which a compiled step "
                    "would not; count outside the step, or keep it in an object listed in state"
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
        now = np.random.get_state()[1:3]  # noqa: NPY002
        if now[1] != self.legacy[1] or not np.array_equal(now[0], self.legacy[0]):
            raise TracingError(
                "the step draws from NumPy's global generator, so that each step would draw the same; draw from a "
                "np.random.Generator that is held by an object of the state"
            )


def _variables(step: Callable[..., Any]) -> Iterator[Place]:
    """The variables of enclosing functions, and those of the module, that ``step`` names."""
    step = getattr(step, "__func__", step)
    if not isinstance(step, FunctionType):
        return
    for name, cell in zip(step.__code__.co_freevars, step.__closure__ or ()):
        yield Place(cell, "cell_contents", False, name)
    for name in dict.fromkeys(_names(step.__code__)):
        if name in step.__globals__:
            yield Place(step.__globals__, name, True, name)


def _names(code: CodeType) -> Iterator[str]:
    """The names in ``code`` and in the functions that it makes."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _generators(value: Any) -> list[np.random.Generator]:
    """A Generator, or those that an object holds."""
    held = [value, *(vars(value).values() if hasattr(value, "__dict__") and not callable(value) else ())]
    return [x for x in held if isinstance(x, np.random.Generator)]


def _is_recorded(value: Any) -> bool:
    return isinstance(value._array if isinstance(value, Variable) else value, StandIn)
