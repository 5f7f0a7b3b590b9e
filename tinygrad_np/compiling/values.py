"""What programs are made of: Calls, which take Values, Scalars and constants, and give a Value or write into one.

A Value is an array of a known shape and dtype: an argument of the step, a *live* array that is read by reference (a
parameter, an optimizer's state, an array of the user's), or the result of a call. A *view* shares the memory of its
*root*. A Scalar is a Python number that is read or computed anew at each step, such as a learning rate. A *guard* is a
Call that fails where an answer is another one than it was while the step was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(eq=False)
class Value:
    """An array of the program. A view shares the memory of its ``root``, at an ``offset`` in bytes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]
    root: Value | None = None
    offset: int = 0
    array: Array | None = None  # the live one that is read by reference
    name: str = ""
    reading: Callable[[], Any] | None = None  # where the live one is found at each step, if it may be replaced
    number: bool = False  # whether it is handed out as a number of NumPy's, not as an array without axes

    @property
    def memory(self) -> Value:
        """Whose memory this is: the root's, or its own."""
        return self if self.root is None else self.root


@dataclass(eq=False)
class Scalar:
    """A Python number: ``function`` of others, or, with no arguments, a reading such as that of a learning rate."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    name: str = ""


@dataclass(eq=False)
class Call:
    """``function(*arguments, **keywords)``, whose result is ``result``; None where it only writes into an argument.

    ``arguments`` and ``keywords`` may hold Values and Scalars within tuples and lists. A result that an ``out``
    keyword names is that Value. ``writes`` is the Value that the call writes into, if it is there before.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)
    result: Value | None = None
    writes: Value | None = None

    def operands(self) -> Iterator[Any]:
        """The Values and Scalars among the arguments."""
        yield from operands_in((self.arguments, self.keywords))

    @property
    def generator(self) -> np.random.Generator | None:
        """The Generator that it draws from."""
        owner = getattr(self.function, "__self__", None)
        return owner if isinstance(owner, np.random.Generator) else None

    @property
    def ufunc(self) -> np.ufunc | None:
        """The ufunc that it calls, or a method of which it calls, such as ``np.add.reduce``."""
        owner = getattr(self.function, "__self__", self.function)
        return owner if isinstance(owner, np.ufunc) else None

    @property
    def has_effect(self) -> bool:
        """Whether it changes what is there before and after the step: a live array, or a Generator."""
        return self.generator is not None or (self.writes is not None and self.writes.memory.array is not None)


def leaves(tree: Any) -> Iterator[Any]:
    """What is in nested tuples, lists, dicts and slices, in order."""
    if isinstance(tree, (tuple, list)):
        for item in tree:
            yield from leaves(item)
    elif isinstance(tree, dict):
        yield from leaves(list(tree.values()))
    elif isinstance(tree, slice):
        yield from leaves((tree.start, tree.stop, tree.step))
    else:
        yield tree


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """``tree`` with ``function`` of each leaf. Named tuples come as plain ones, which NumPy takes as well."""
    if isinstance(tree, (tuple, list)):
        items = [mapped(function, item) for item in tree]
        return items if isinstance(tree, list) else tuple(items)
    if isinstance(tree, dict):
        return {key: mapped(function, item) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(*[mapped(function, part) for part in (tree.start, tree.stop, tree.step)])
    return function(tree)


def operands_in(tree: Any) -> Iterator[Any]:
    """The Values and Scalars among the leaves."""
    return (x for x in leaves(tree) if isinstance(x, (Value, Scalar)))


def cast(array: Any, dtype: Any) -> Any:
    """``array`` in another dtype: the method astype as a function."""
    return array.astype(dtype)


def has_shape(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether ``value`` has the ``shape`` that it had while recorded, where that depends on numbers."""
    return bool(value.shape == shape)


def guard(value: Any, expected: bool) -> None:
    """A check of the library's own, such as whether labels are in range: it must answer as it did while recorded."""
    if bool(value) is not expected:
        raise GuardError(f"an answer that was {expected} when the step was recorded is {not expected}")


class GuardError(Exception):
    """The answer of a guard is another one than it was while the step was recorded."""
