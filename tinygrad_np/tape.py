"""The tape: what was computed from what, and the walk that carries gradients back over it.

Nothing here knows which operations exist or what a Tensor looks like to its user.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

_sum: Any = np.add.reduce  # on small arrays half the time of np.sum
_half = np.dtype(np.float16)

Array = Any  # an ndarray, or whatever speaks NumPy's protocols in its place
Derivative = Callable[[Array], Array]  # from the gradient of the output to that of one argument
Derivatives = tuple[Derivative | None, ...]

# The clock counts down, so that the newest node is the smallest: the first one off a heap.
tick = count(0, -1).__next__


FREED = (
    "this graph was freed by an earlier backward(), which may have failed on its way (met at {!r}); call "
    "backward(retain_graph=True) the first time, or compute the output again"
)
CHANGED = (
    "an argument of {!r}, of shape {}, was changed after it was used (a step of an optimizer, new data, "
    "requires_grad=False); compute the output again before asking for its gradient"
)
NO_ARRAY = (
    "a derivative of {!r} gave {!r}, which is no array; give one of the argument's shape, or of the output's if it was "
    "broadcast, as in lambda g: g * slope"
)


class GraphError(ValueError):
    """A walk that cannot be right: over a freed graph, or past an array changed since it was used."""


class Node:
    """One recorded call of an operation.

    ``arguments`` holds a Node where the argument was tracked and the plain value elsewhere;
    ``derivatives`` runs parallel to it, with None where no gradient is wanted. What the derivatives
    close over is all that a node keeps of the arrays: the values in between are free to go. There is
    no constructor, because calling one would cost as much as the rest of recording: an operation
    fills in the slots.
    """

    __slots__ = ("arguments", "derivatives", "keywords", "operation", "order", "shape")

    order: int
    operation: Any
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    derivatives: Derivatives | None
    shape: tuple[int, ...]


class Leaf(Node):
    """Where the tape begins: an array that gradients are wanted for, and its gradient."""

    __slots__ = ("data", "grad")

    data: Array
    grad: Array | None

    def __init__(self, data: Array) -> None:
        self.order = tick()
        self.operation = None
        self.arguments = self.derivatives = ()
        self.keywords = {}
        self.shape = data.shape
        self.data = data
        self.grad = None


class Variable:
    """An array and its place on the tape (None: it has none)."""

    __slots__ = ("__weakref__", "_array", "_node")

    _array: NDArray[Any]
    _node: Node | None


def walk(
    gradients: dict[Node, Array], derivatives_of: Any = None, keep: Collection[Node] = (), release: bool = False
) -> dict[Node, Array]:
    """Carry the outputs' ``gradients`` back, and return the gradients of the leaves and of ``keep``.

    Reverse accumulation (Linnainmaa 1970): the gradient of a node is the sum over its uses. The
    newest node goes first; all that used it is newer still, so its sum is then complete. A gradient
    is dropped as soon as it has been passed on, and what is left in the dictionary are the leaves'.
    ``derivatives_of`` stands in for the nodes' own derivatives; with ``release`` each node lets go of
    its arrays and its parents once it is done.
    """
    heap = [(node.order, node) for node in gradients if node.operation is not None]
    heapify(heap)
    while heap:
        order, node = heappop(heap)
        g = gradients[node] if node in keep else gradients.pop(node)
        arguments = node.arguments
        derivatives = node.derivatives if derivatives_of is None else derivatives_of[node]
        if derivatives is None:
            raise GraphError(FREED.format(node.operation.name))
        if release:
            node.arguments, node.derivatives = (), None
        for parent, derivative in zip(arguments, derivatives):
            if derivative is None:
                continue
            if parent.order < order:
                raise GraphError(CHANGED.format(node.operation.name, parent.shape))
            try:
                gx = derivative(g)
            except FloatingPointError:
                gx = _to_zero(derivative, g)
            try:
                shape = gx.shape
            except AttributeError:
                raise TypeError(NO_ARRAY.format(node.operation.name, gx)) from None
            if shape != parent.shape:
                gx = unbroadcast(gx, parent.shape, node.operation.name)
            if parent in gradients:
                gx = gradients[parent] + gx  # a new array, never in place: the first may be shared with another node
            elif parent.operation is not None:
                if gx is g and g.__class__ is ndarray:  # others may get it too: none may write into it
                    g.setflags(False)  # type: ignore[call-arg]  # by name, write=False, it takes twice as long
                heappush(heap, (parent.order, parent))
            elif gx is g:
                gx = +gx  # a copy, for two leaves must not share an array; a Tensor is safe as it is
            gradients[parent] = gx
    return gradients


@lru_cache(maxsize=8)
def _ones(n: int, dtype: Any) -> Array:
    """n ones: a product with them sums the rows of a small matrix in half the time of np.add.reduce."""
    return np.ones(n, dtype)


@np.errstate(under="ignore")
def _to_zero(derivative: Derivative, g: Array) -> Array:
    """A gradient too small for its dtype, which is 0 even where the user made underflow an error."""
    return derivative(g)


def unbroadcast(g: Array, shape: tuple[int, ...], name: str) -> Array:
    """Sum ``g`` over the axes along which an argument of ``shape`` was broadcast.

    The transpose of broadcasting: y[i, j] = x[j] gives ∂L/∂x[j] = Σᵢ g[i, j]. NumPy sums float16 in
    float16, where 2048 + 1 is 2048: those are summed in float32.
    """
    if len(shape) == 1 and g.shape[1:] == shape:  # by far the commonest: a bias added to rows
        return g.T.dot(_ones(len(g), g.dtype))
    if g.dtype == _half:
        return unbroadcast(g.astype(np.float32), shape, name).astype(_half)
    extra = len(g.shape) - len(shape)
    if extra > 0:
        g = _sum(g, tuple(range(extra)))
    if g.shape == shape:
        return g
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 != g.shape[i]) if extra >= 0 else ()
    if stretched:
        g = _sum(g, stretched, keepdims=True)
    if g.shape != shape:
        raise GraphError(f"the rule of {name!r} gave a gradient of shape {g.shape} for an argument of shape {shape}")
    return g
