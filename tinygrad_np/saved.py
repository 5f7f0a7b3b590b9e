"""What a derivative closes over is what is saved for the backward pass; here it is found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def saved_arrays(derivatives: Iterable[Callable[..., Any] | None]) -> list[NDArray[Any]]:
    """The arrays that ``derivatives`` keep alive, each once: in closures, defaults and bound arguments, at any depth.

    >>> def rule(x):
    ...     return 2 * x, (lambda g: g * x,)
    >>> value, derivatives = rule(np.array([1.0, 2.0]))
    >>> saved_arrays(derivatives)
    [array([1., 2.])]
    """
    found: dict[int, NDArray[Any]] = {}
    seen: set[int] = set()
    todo: list[Any] = list(derivatives)
    while todo:
        value = todo.pop()
        if isinstance(value, np.ndarray):
            found[id(value)] = value
        elif id(value) not in seen:
            seen.add(id(value))
            todo.extend(_held_by(value))
    return list(found.values())


def _held_by(value: Any) -> Iterator[Any]:
    """What a function, a bound method or a container refers to."""
    if isinstance(value, FunctionType):
        yield from inspect.getclosurevars(value).nonlocals.values()
        yield from value.__defaults__ or ()
    elif isinstance(value, MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, (list, tuple)):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
