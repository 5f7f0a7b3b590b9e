"""What a model consists of, as a tree, and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tinygrad_np.tensor import Tensor


class Part(NamedTuple):
    """A layer of a model, the number of its own parameters, and the parts within it.

    What the model holds ``again`` is not entered, and its parameters are not counted, a second time.
    """

    name: str
    layer: Any
    own: int = 0
    again: bool = False
    inner: tuple[Part, ...] = ()

    @property
    def total(self) -> int:
        """The number of parameters in it and in the parts within it."""
        return self.own + sum(part.total for part in self.inner)


def is_module(value: Any) -> bool:
    """Whether ``value`` is a layer that can hold others, and not a plain function."""
    return hasattr(value, "_children") and not isinstance(value, type)


def is_function(value: Any) -> bool:
    """Whether ``value`` can be a layer without being a Module."""
    return callable(value) and not is_module(value) and not isinstance(value, type)


def tree(layer: Any, name: str = "", met: dict[int, Any] | None = None) -> Part:
    """The parts of ``layer``; of what is ``met`` twice, by id as everywhere in a Module, the first one counts."""
    met = {} if met is None else met
    if not is_module(layer):
        return Part(name, layer)
    if id(layer) in met:
        return Part(name, layer, again=True)
    met[id(layer)] = layer
    own, inner = 0, []
    for key, value in _held(layer._children(), {}):
        if not isinstance(value, Tensor):
            inner.append(tree(value, key, met))
        elif value.is_leaf and id(value) not in met:
            met[id(value)] = value
            own += value.size
    return Part(name, layer, own, inner=tuple(inner))


def _held(items: Iterable[tuple[Any, Any]], containers: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """The layers and Tensors among ``items``, and in lists, tuples and dicts among them."""
    for key, value in items:
        if isinstance(value, Tensor) or is_module(value) or is_function(value):
            yield str(key), value
        elif isinstance(value, (list, tuple, dict)) and id(value) not in containers:
            containers[id(value)] = value
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            yield from _held([(f"{key}.{inner}", item) for inner, item in pairs], containers)


def headline(layer: Any) -> str:
    """A layer in one line: its class and options, or the name of the function that it is.

    >>> import tinygrad_np as tg
    >>> headline(tg.nn.Dropout(0.2, rng=0)), headline(tg.relu)
    ('Dropout(0.2)', 'relu')
    """
    if is_module(layer):
        return f"{type(layer).__name__}({layer.extra_repr()})"
    return getattr(layer, "__name__", None) or repr(layer)


def described(model: Any, usual: Any) -> str:
    """The text of a Module: one line, or a line for each of its layers with how many parameters it has.

    The ``usual`` __repr__ is this one; layers with another write their text themselves.
    """
    return "\n".join(_lines(tree(model), usual))


def _lines(part: Part, usual: Any, indent: str = "", label: str = "") -> Iterator[str]:
    """The lines of a part; all but the outermost have a ``label`` before and the number of parameters after them."""
    layer, start = part.layer, indent + label
    remark = f"  # {counted(part.total)}" if part.total or not label else ""
    if part.again:
        yield f"{start}{headline(layer)}  # the same as before"
    elif label and is_module(layer) and type(layer).__repr__ is not usual:
        first, *rest = repr(layer).split("\n")
        yield from [start + first, *[indent + line for line in rest]]
    elif not part.inner:
        yield f"{start}{headline(layer)}{remark if label else ''}"
    else:
        options = layer.extra_repr()
        yield f"{start}{type(layer).__name__}({options and options + ','}"
        for inner in part.inner:
            yield from _lines(inner, usual, indent + "  ", f"({inner.name}): ")
        yield f"{indent}){remark}"


def counted(n: int) -> str:
    """``n`` parameters, in words.

    >>> counted(1), counted(1234)
    ('1 parameter', '1,234 parameters')
    """
    return f"{n:,} parameter{'s' * (n != 1)}"
