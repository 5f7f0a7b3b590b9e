"""The table of a model's layers, with the shapes that come out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from tinygrad_np.nn.description import Part, headline, is_function, tree
from tinygrad_np.recording import no_grad
from tinygrad_np.tensor import Tensor

HEADING = ("name", "layer", "output shape", "parameters")
NOT_CALLED = "not called"


def table(model: Any, input_shape: tuple[int, ...]) -> str:
    """The table of ``model``: see :meth:`Module.summary`."""
    if not isinstance(input_shape, (tuple, list)) or not all(isinstance(n, (int, np.integer)) for n in input_shape):
        raise TypeError(
            f"input_shape must be a tuple of integers, such as (32, 2) for 32 rows of 2 features, got {input_shape!r}"
        )
    if any(n < 0 for n in input_shape):
        raise ValueError(f"input_shape must hold no negative lengths, got {input_shape!r}")
    tensors = [value for _, value in model._held() if isinstance(value, Tensor)]
    twin = deepcopy(model, {id(tensor): tensor for tensor in tensors}).eval()  # which shares them
    shapes: dict[int, str] = {}
    for _, module in list(twin.named_modules()):
        _record(module, shapes)
    parts = tree(twin)  # before it runs, for it may keep what it computes
    parameters = model.parameters()
    dtype = parameters[0].dtype if parameters else np.dtype(np.float64)
    with no_grad(), np.errstate(all="ignore"):  # which numbers come out does not matter
        twin(np.zeros(tuple(input_shape), dtype))
    rows = [row for name, part in _named(parts) if (row := _row(name, part, shapes)) is not None]
    return _aligned([HEADING, *rows, ("total", "", "", f"{parts.total:,}")])


def _record(module: Any, shapes: dict[int, str]) -> None:
    """Let ``module``, and the functions that it holds, note the shapes of what they give."""

    def noted(value: Any) -> Any:
        return _Noted(value, shapes) if is_function(value) else value

    def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
        y = super(noting, self).__call__(*arguments, **keywords)
        shapes.setdefault(id(self), _shape(y))
        return y

    for name, value in vars(module).items():
        if type(value) in (list, tuple):
            value = type(value)([noted(item) for item in value])
        elif type(value) is dict:
            value = {key: noted(item) for key, item in value.items()}
        vars(module)[name] = noted(value)
    noting: Any = type(type(module).__name__, (type(module),), {"__call__": call})
    module.__class__ = noting


class _Noted:
    """A function that notes the shape of what it gives."""

    def __init__(self, function: Any, shapes: dict[int, str]) -> None:
        self.function, self.shapes = function, shapes
        self.__name__ = headline(function)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        y = self.function(*arguments, **keywords)
        self.shapes.setdefault(id(self), _shape(y))
        return y


def _shape(y: Any) -> str:
    """The shape of an array or Tensor, or what else it is."""
    return str(y.shape) if hasattr(y, "shape") else type(y).__name__


def _named(part: Part, prefix: str = "") -> Iterator[tuple[str, Part]]:
    """A part and all within it, each with its dotted name."""
    name = f"{prefix}{part.name}"
    yield name, part
    for inner in part.inner:
        yield from _named(inner, f"{name}." if name else "")


def _row(name: str, part: Part, shapes: Mapping[int, str]) -> tuple[str, str, str, str] | None:
    """The cells of a part. Nothing for what adds nothing: the model as a whole, and a function that was not called."""
    called = id(part.layer) in shapes
    if (part.inner and not name and not part.own) or (is_function(part.layer) and not called):
        return None
    text = type(part.layer).__name__ if part.inner else headline(part.layer)
    count = "as before" if part.again else "" if part.inner and not part.own else f"{part.own:,}"
    return name, text, shapes.get(id(part.layer), NOT_CALLED), count


def _aligned(rows: list[tuple[str, str, str, str]]) -> str:
    """The rows in columns, of which the last holds numbers."""
    *left, right = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for *cells, last in rows:
        lines.append("  ".join([*[cell.ljust(width) for cell, width in zip(cells, left)], last.rjust(right)]))
    return "\n".join(lines)
