"""Nested lists, tuples, dicts and dataclasses of arrays: taken apart into their leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any


def leaves_of(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves in order, each with the path that leads to it, as ``[0]['weight']``.

    >>> list(leaves_of([1.0, {"a": (2.0,)}]))
    [('[0]', 1.0), ("[1]['a'][0]", 2.0)]
    """
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves_of(value, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for i, value in enumerate(tree):
            yield from leaves_of(value, f"{path}[{i}]")
    elif (held := fields_of(tree)) is not None:
        for name, value in held.items():
            yield from leaves_of(value, f"{path}.{name}")
    else:
        yield path, tree


def rebuilt(tree: Any, leaves: Iterable[Any]) -> Any:
    """A tree like ``tree`` with other ``leaves``.

    >>> rebuilt([1.0, {"a": (2.0,)}], "xy")
    ['x', {'a': ('y',)}]
    """
    remaining = iter(leaves)
    return mapped(lambda _: next(remaining), tree)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree like ``tree`` with ``function`` of each leaf."""
    if isinstance(tree, dict):
        items = {key: mapped(function, value) for key, value in tree.items()}
        if type(tree) is dict:
            return items
        other = copy(tree)  # of the same kind, such as an OrderedDict, or a defaultdict with its factory
        other.update(items)
        return other
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):  # a named tuple takes its values one by one
        return type(tree)(*[mapped(function, value) for value in tree])
    if isinstance(tree, (list, tuple)):
        return type(tree)([mapped(function, value) for value in tree])
    held = fields_of(tree)
    if held is None:
        return function(tree)
    other = copy(tree)
    for name, value in held.items():
        setattr(other, name, mapped(function, value))
    return other


def fields_of(tree: Any) -> dict[str, Any] | None:
    """The fields of a dataclass; None for anything else, and for a frozen one, which has a hash and is one value.

    >>> from dataclasses import make_dataclass
    >>> Batch = make_dataclass("Batch", ["x", "t"])
    >>> fields_of(Batch(1.0, [2.0]))
    {'x': 1.0, 't': [2.0]}
    """
    if not is_dataclass(tree) or isinstance(tree, type) or callable(tree) or type(tree).__hash__ is not None:
        return None
    return {field.name: getattr(tree, field.name) for field in fields(tree)}
