"""What compiled() takes for a step and its state, and what a step may give; anything else is refused in plain words."""

from __future__ import annotations

import inspect
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from types import MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_np.compiling.errors import TracingError
from tinygrad_np.compiling.places import CLOSED, Closed, places
from tinygrad_np.compiling.recording import StandIn
from tinygrad_np.compiling.symbols import Symbol

SERIES = (Iterator, range, set, frozenset, KeysView, ValuesView, ItemsView)
LATER = "cannot be compiled, because it runs on after it has returned; return what it computes, such as a list of it"


def check_step(step: Any) -> None:
    """Refuse what is no function, or one that runs on after it has returned."""
    if not callable(step):
        raise TypeError(f"compiled takes a function, got {step!r}; write tg.compiled(step, state=(model, optimizer))")
    for function in (step, type(step).__call__):
        if inspect.isgeneratorfunction(function):
            raise TypeError(f"a generator function, as {step!r} is, {LATER}")
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"an async function, as {step!r} is, {LATER}")


def check_root(root: Any) -> None:
    """Refuse as state what holds nothing that could be followed."""
    if not isinstance(root, (*CLOSED, *SERIES, bytearray)):
        return
    if isinstance(root, SERIES):
        instead = "write the objects in a tuple or a list"
    elif isinstance(root, type):
        instead = f"give the object itself, that is an instance of {root.__name__}"
    elif isinstance(root, (Closed, MethodType, ModuleType)) or callable(root):
        instead = "list the objects that it uses"
    else:
        instead = "put it into an object, a list or a dict that the step takes it from"
    what = f"the class {root.__name__}" if isinstance(root, type) else type(root).__name__
    raise TypeError(f"state holds objects, such as a model and its optimizer, got {what}; {instead}")


def check_result(leaf: Any) -> None:
    """Refuse a result that would hold what it held while the step was recorded."""
    if inspect.isawaitable(leaf) or isinstance(leaf, Iterator):
        raise TracingError(f"a step that returns a {type(leaf).__name__} {LATER}")
    if isinstance(leaf, (*CLOSED, np.ndarray)):
        return
    for place in places([leaf]):
        if isinstance(place.get(), (StandIn, Symbol)):
            raise TracingError(
                f"a compiled step returns arrays, numbers, and nested lists, tuples and dictionaries of them, got "
                f"{type(leaf).__name__}, whose {place.name} the step computed; return that"
            )
