"""Signatures tell calls apart that need programs of their own, by shapes, dtypes, and the values of other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np.recording import current_mode
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import fields_of, leaves_of

NESTED = (list, tuple, dict)
PLAIN = {np.ndarray, Tensor, float, int}  # as most arguments are
NONE: Mapping[str, Any] = MappingProxyType({})


class Signature(NamedTuple):
    """The kind of each argument, and the mode in which they were given, such as within no_grad()."""

    mode: Hashable
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, arguments: Sequence[Any], keywords: Mapping[str, Any] = NONE) -> Signature:
        """That of a call. Raises TypeError for what cannot be an argument."""
        by_name = tuple([(name, _kind(x)) for name, x in keywords.items()]) if keywords else ()
        return cls(current_mode(), tuple(map(_kind, arguments)), by_name)

    def described(self, step: Callable[..., Any]) -> str:
        """The call, as explain() shows it."""
        given = [*zip(_parameters(step, len(self.arguments)), self.arguments), *self.keywords]
        return f"{getattr(step, '__name__', 'step')}({', '.join([f'{name}: {_shown(kind)}' for name, kind in given])})"


def flattened(arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Sequence[Any]:
    """All leaves of the arguments, in order."""
    if keywords or not {*map(type, arguments)} <= PLAIN:
        return [leaf for _, leaf in leaves_of((arguments, keywords))]
    return arguments


def classes_in(tree: Any) -> Iterator[type]:
    """The classes of one's own of nested lists, tuples, dictionaries and dataclasses, whose methods a step may call."""
    held = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, NESTED) else ()
    fields = fields_of(tree)
    if type(tree) not in NESTED and (fields is not None or isinstance(tree, NESTED)):
        yield type(tree)
    for item in held if fields is None else fields.values():
        yield from classes_in(item)


def names(step: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]) -> list[str]:
    """A name for each leaf of the arguments."""
    given = {**dict(zip(_parameters(step, len(arguments)), arguments)), **keywords}
    paths = [name + path for name, x in given.items() for path, _ in leaves_of(x)]
    return ["_".join("".join(c if c.isalnum() else " " for c in path).split()) for path in paths]


def _kind(x: Any) -> Hashable:
    """What of an argument a program is made for: shape and dtype, or the value itself if it is no array."""
    if x.__class__ is np.ndarray:
        return x.shape, x.dtype
    if isinstance(x, Tensor):
        return Tensor, x.shape, x.dtype, x.requires_grad
    if x.__class__ is float:
        return float
    if isinstance(x, NESTED):
        _check_attributes(x, ())
        items = [(key, _kind(value)) for key, value in x.items()] if isinstance(x, dict) else map(_kind, x)
        return (x.__class__, *items)
    if isinstance(x, (np.ndarray, np.generic)):
        return x.__class__, x.shape, x.dtype
    fields = fields_of(x)
    if fields is not None:
        _check_attributes(x, fields)
        return (x.__class__, *[(name, _kind(value)) for name, value in fields.items()])
    _check(x)
    return x.__class__, x


def _check_attributes(x: Any, fields: Container[str]) -> None:
    """Refuse a tuple, a dictionary or the like with attributes besides its items."""
    for name in getattr(x, "__dict__", ()):
        if name not in fields:
            raise TypeError(
                f"a compiled step takes a {type(x).__name__} for what is in it, and would not see that its attribute "
                f"{name} changes; give that as an argument of its own"
            )


def _check(x: Any) -> None:
    """Refuse what changes as the step uses it, or what a signature cannot hold."""
    if isinstance(x, (np.random.Generator, np.random.RandomState, np.random.BitGenerator, Iterator)):
        raise TypeError(
            f"a compiled step takes no {type(x).__name__} as an argument, because it changes with each use; "
            + ("give what it yields, such as an array" if isinstance(x, Iterator) else "list what holds it in state=")
        )
    try:
        hash(x)
    except TypeError:
        fields = " (of a frozen dataclass, its fields)" if is_dataclass(x) else ""
        raise TypeError(f"a compiled step takes arrays, numbers and nested lists of them{fields}, got {x!r}") from None


def _shown(kind: Any) -> str:
    """A kind in a few words, as ``float64[3, 2]``."""
    if kind is float:
        return "float"
    first, *rest = kind
    if isinstance(first, tuple):
        return f"{rest[0]}{list(first)}"
    if issubclass(first, Tensor):
        return f"Tensor {rest[1]}{list(rest[0])}"
    if issubclass(first, (np.ndarray, np.generic)):
        return f"{rest[1]}{list(rest[0])}"
    if is_dataclass(first) and first.__hash__ is None:
        return f"{kind[0].__name__}({', '.join([f'{name}={_shown(x)}' for name, x in rest])})"
    if not issubclass(first, NESTED):
        return repr(rest[0])
    inner = ", ".join([f"{key!r}: {_shown(x)}" for key, x in rest] if issubclass(first, dict) else map(_shown, rest))
    text = f"[{inner}]" if issubclass(first, list) else f"({inner})" if issubclass(first, tuple) else f"{{{inner}}}"
    return text if first in NESTED else f"{first.__name__}{text}"


def _parameters(step: Callable[..., Any], n: int) -> list[str]:
    """The names of the step's first ``n`` parameters, made up where it does not say."""
    try:
        named = [p.name for p in inspect.signature(step).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):
        named = []
    return [named[i] if i < len(named) else f"x{i}" for i in range(n)]
