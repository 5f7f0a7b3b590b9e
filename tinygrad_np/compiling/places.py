"""Where the state of a step is kept: every attribute and item of its objects.

Stand-ins are put into these places while the step is recorded, and a program reads and sets numbers there.
"""

from __future__ import annotations

import operator
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_np.compiling.recorder import Draws
from tinygrad_np.compiling.recording import StandIn
from tinygrad_np.compiling.symbols import Symbol
from tinygrad_np.operations import Operation
from tinygrad_np.optim.group import Group
from tinygrad_np.tape import Leaf, Node

# Types that are not searched: they hold no state of the step.
CLOSED: tuple[Any, ...] = (
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    np.ndarray,
    np.generic,
    np.dtype,
    np.ufunc,
)
CLOSED += (str, bytes, int, float, complex, type(None), np.random.Generator, Operation, weakref.ref, set, frozenset)
CLOSED += (StandIn, Symbol, Draws)


class Closed:
    """An object that is not gone into: a compiled step, whose programs are no state of a step that can call it."""


CLOSED += (Closed,)
PRIVATE = {"_array", "_node", "data", "__dict__", "__weakref__"}  # left out of printed names


UNSAID = {"groups", "flats", "arguments", "numbers", "shared"}  # in names of Values


class Access(partial[Any]):
    """Reads or sets a place, in a third of the time that a method takes. ``place`` is the place's identity."""

    name: str
    place: tuple[int, Any]


@dataclass(frozen=True, eq=False)
class Place:
    """An attribute of an object, or an item of a list, a queue or a dict."""

    container: Any
    key: Any
    is_item: bool
    name: str = ""

    def exists(self) -> bool:
        """Whether there is such an item or attribute still."""
        if not self.is_item:
            return hasattr(self.container, self.key)
        listed = isinstance(self.container, (list, deque))
        return self.key < len(self.container) if listed else self.key in self.container

    @property
    def is_final(self) -> bool:
        """Whether it holds one thing for good: the library's classes say so of attributes, which mypy holds them to."""
        kind = type(self.container)
        own = kind.__module__.startswith("tinygrad_np.") and not self.is_item
        return own and str(vars(kind).get("__annotations__", {}).get(self.key)).startswith("Final")

    def get(self) -> Any:
        if not self.is_item:
            return getattr(self.container, self.key, None)
        return _kind(self.container).__getitem__(self.container, self.key)

    def set(self, value: Any) -> None:
        if self.is_item:
            _kind(self.container).__setitem__(self.container, self.key, value)
        else:  # bypassing its own `__setattr__`, such as that of an optimizer's hyperparameters
            _setter(self.container)(self.container, self.key, value)

    def reader(self) -> Access:
        """What reads the place at each step."""
        inner = (
            (operator.getitem, self.container, self.key) if self.is_item else (getattr, self.container, self.key, None)
        )
        return self._named(Access(*inner))

    def setter(self) -> Access:
        """What sets it."""
        return self._named(
            Access(operator.setitem if self.is_item else _setter(self.container), self.container, self.key)
        )

    def _named(self, access: Access) -> Access:
        access.name, access.place = self.name, self.identity
        return access

    @property
    def identity(self) -> tuple[int, Any]:
        """What tells it from any other place while its container exists."""
        return id(self.container), self.key


def _kind(container: Any) -> Any:
    """The class whose methods reach the items of a container, bypassing overrides."""
    return next(kind for kind in (dict, list, deque, type(container)) if isinstance(container, kind))


def _setter(container: Any) -> Any:
    """What sets attributes, bypassing the object's own `__setattr__`; classes, modules and partials have their own."""
    if isinstance(container, partial):
        return _set_of_partial
    return setattr if isinstance(container, (type, ModuleType)) else object.__setattr__


def _set_of_partial(function: Any, key: str, value: Any) -> None:
    """Set an attribute of a partial, or what it calls and with which arguments, as unpickling does."""
    if key not in ("func", "args"):
        object.__setattr__(function, key, value)
        return
    parts = {"func": function.func, "args": function.args} | {key: value}
    function.__setstate__((parts["func"], parts["args"], function.keywords, vars(function)))


def places(roots: Sequence[Any], where: Callable[[Place], bool] | None = None) -> list[Place]:
    """All places in ``roots`` and whatever they hold, each once, in order; or those ``where`` that is true."""
    found: list[Place] = []
    met: set[int] = set()
    stack = [(root, type(root).__name__.lower()) for root in reversed(roots)]
    while stack:
        thing, name = stack.pop()
        if isinstance(thing, CLOSED) or id(thing) in met or (isinstance(thing, Node) and not isinstance(thing, Leaf)):
            continue
        met.add(id(thing))
        if isinstance(thing, tuple):
            stack += [(item, f"{name}.{i}") for i, item in reversed(list(enumerate(thing)))]
            continue
        inner = [place for place in _places_of(thing, name) if where is None or where(place)]
        found += inner
        stack += [(place.get(), place.name) for place in reversed(inner)]
    return found


def _places_of(thing: Any, name: str) -> Iterator[Place]:
    """The places of one container."""
    if isinstance(thing, (list, dict, deque)):
        for key in thing if isinstance(thing, dict) else range(len(thing)):
            yield Place(thing, key, True, f"{name}.{key}")
        return
    for key in _attributes(thing):
        yield Place(thing, key, False, name if key in PRIVATE else f"{name}.{key}")


def _attributes(thing: Any) -> Iterator[str]:
    """The names of what an object holds itself."""
    if isinstance(thing, Leaf):
        yield from ("data", "grad")
        return
    yield from getattr(thing, "__dict__", ())
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for key in (slots,) if isinstance(slots, str) else slots:
            schedules = key == "schedules" and isinstance(thing, Group)  # which are asked outside the program
            if key not in PRIVATE - {"_array", "_node", "data"} and hasattr(thing, key) and not schedules:
                yield key


def identifier(name: str) -> str:
    """The name of a place as one in a program, without what is the same in all of them."""
    if name.isidentifier():
        return name.strip("_")
    parts = name.split(".")
    kept = [
        part for before, part in pairwise(parts) if part not in UNSAID and not (before in UNSAID and part.isdigit())
    ]
    return "".join(c if c.isalnum() else "_" for c in "_".join(kept) or name).strip("_")
