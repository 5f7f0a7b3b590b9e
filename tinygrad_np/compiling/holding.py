"""Arrays within what cannot be changed, such as a tuple: it is taken apart, and rebuilt with others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import BuiltinMethodType, MethodType, MethodWrapperType
from typing import Any

import numpy as np

METHODS = (MethodType, BuiltinMethodType, MethodWrapperType)
HOLDERS = (np.ndarray, tuple, *METHODS)  # where one of these is, an array may be
FOLLOWED = "fiubc"  # the kinds of numbers that stand-ins play


def is_followed(value: Any) -> bool:
    """Whether it is an array that a stand-in can play."""
    return type(value) is np.ndarray and value.dtype.kind in FOLLOWED


def are_equal(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same: numbers, NaN among them, or anything else that can be compared."""
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def apart(value: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]] | None:
    """The items of what cannot be changed, and what makes the like of other items; None for anything else.

    That may raise AttributeError or TypeError, where there is no such method, or tuples are made in a way of their own.
    """
    if isinstance(value, tuple):
        return list(value), lambda items: _like(value, items)
    owner = value.__self__ if isinstance(value, METHODS) else None
    if not isinstance(owner, HOLDERS):
        return None
    if isinstance(value, MethodType):
        return [owner], lambda items: MethodType(value.__func__, items[0])
    return [owner], lambda items: getattr(items[0], value.__name__)


def arrays_in(value: Any) -> Iterator[Any]:
    """The arrays that ``value`` is or holds, at any depth of what cannot be changed."""
    if isinstance(value, np.ndarray):
        yield value
    for item in (apart(value) or ((), None))[0]:
        yield from arrays_in(item)


def _like(value: tuple[Any, ...], items: Sequence[Any]) -> Any:
    """A tuple of the same class, bypassing its own constructor."""
    made = tuple.__new__(type(value), items)
    if hasattr(value, "__dict__"):
        made.__dict__ = value.__dict__  # whose items may be replaced, too
    return made
