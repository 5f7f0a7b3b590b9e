"""Forward mode: tangents carried along while a function runs, by the same rules that carry gradients back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_np.gradients import Pullback
from tinygrad_np.graph import constant, placed
from tinygrad_np.operations import Operation
from tinygrad_np.recording import current_watchers, recorded
from tinygrad_np.tape import Array, Node, unbroadcast, walk
from tinygrad_np.tensor import Tensor


class Tangents:
    """The tangent of each node that the ``inputs`` lead to, found as soon as the node is recorded.

    With ẋ the tangent of an argument and J the Jacobian of the operation, the node's is ẏ = Σ J ẋ over
    its arguments (Wengert (1964), "A simple automatic derivative evaluation program"). No rule is
    written for J: where it is symmetric, as an elementwise operation's is, the derivative, which
    multiplies by the transpose, multiplies by J too; a linear operation's is the operation itself; and
    else the derivative, a linear function of g, is transposed by differentiating it with respect to g.

    Where an argument depends on anything but the inputs' own leaves, as within another transform,
    tangents are Tensors and recorded.
    """

    def __init__(self, inputs: Sequence[Tensor], tangents: Sequence[Any]) -> None:
        self.found: dict[Any, Any] = {tensor._node: tangent for tensor, tangent in zip(inputs, tangents)}
        self.own: set[Any] = {t._node for t in inputs if t.is_leaf}  # nodes that depend on nothing else
        self.outer = current_watchers()

    def watch(self, node: Node, arrays: Sequence[Any], value: Array) -> None:
        """Find the tangent of a node that has just been recorded."""
        parents = [a for a in node.arguments if isinstance(a, Node)]
        if all(parent in self.own for parent in parents):
            self.own.add(node)
        active = {i: self.found[a] for i, a in enumerate(node.arguments) if isinstance(a, Node) and a in self.found}
        if not active:
            return
        plain = node in self.own and not any(isinstance(tangent, Tensor) for tangent in active.values())
        call = _Call(node, arrays, value, plain)
        with recorded(self.outer):
            self.found[node] = call.pushed(active)


class _Call:
    """One recorded call, asked for the tangent of its value: an array if all is plain, else a Tensor."""

    def __init__(self, node: Node, arrays: Sequence[Any], value: Array, plain: bool) -> None:
        self.node, self.arrays, self.dtype, self.plain = node, arrays, value.dtype, plain
        self.operation: Operation = node.operation
        self.derivatives: Any = node.derivatives

    def pushed(self, tangents: dict[int, Any]) -> Any:
        """Σ J ẋ over the arguments that have a tangent, which are named by their numbers."""
        linear = self.operation.linear
        if linear == "together":
            still = [_zero(x) if j < len(self.derivatives) else x for j, x in enumerate(self.arrays)]
            return self._of([tangents.get(j, x) for j, x in enumerate(still)])
        parts = [self._with(i, t, linear) if i < linear else self._by_derivative(i, t) for i, t in tangents.items()]
        return sum(parts[1:], start=parts[0])

    def _with(self, i: int, tangent: Any, linear: int) -> Any:
        """The operation with the tangent in the place of the i-th argument, and without the arrays that it adds."""
        others = self.arrays if self.plain else self._tensors()
        arguments = [None if linear <= j < len(self.derivatives) else a for j, a in enumerate(others)]
        arguments[i] = tangent
        return self._of(arguments)

    def _of(self, arguments: Sequence[Any]) -> Any:
        """The operation of these arguments."""
        if self.plain:
            return self.operation.rule(*arguments, **self.node.keywords)[0]
        return Operation.__call__(self.operation, *arguments, **self.node.keywords)

    def _by_derivative(self, i: int, tangent: Any) -> Any:
        """J ẋ from the derivative, which multiplies by Jᵀ."""
        if not self.operation.symmetric:
            return self._transposed(i, tangent)
        derivatives = self.derivatives if self.plain else self._again(self._tensors())
        return derivatives[i](np.broadcast_to(tangent, self.node.shape))

    def _transposed(self, i: int, tangent: Any) -> Any:
        """The derivative is w = Jᵀ u for any u, so that J ẋ is the gradient of ẋ·w with respect to u."""
        u: Any = Tensor(np.zeros(self.node.shape, self.dtype), requires_grad=True)
        tensors = [] if self.plain else self._tensors()
        with np.errstate(all="ignore"):  # only the graph is wanted: at 0 the value says nothing
            w = self._alone(i, u) if self.plain else self._again(tensors)[i](u)
            parent = self.node.arguments[i]
            if w.shape != parent.shape:
                w = unbroadcast(w, parent.shape, self.operation.name)
        if not isinstance(w, Tensor) or w._node is None:  # nothing of u reaches this argument
            return np.zeros(u.shape, u.dtype)
        if self.plain:
            return walk({w._node: tangent}, release=True)[u._node]
        frontier = {t._node: t.data for t in [u, *tensors] if isinstance(t, Tensor) and t._node is not None}
        return Pullback([w], [u], True, frontier)([tangent])[0]

    def _alone(self, i: int, u: Tensor) -> Any:
        """The i-th derivative of ``u`` alone: the arrays that it saved are constants."""
        try:
            return self.derivatives[i](u)
        except TypeError:  # an array's method takes no Tensor, as in x.dot(u): the second run has a Tensor for x
            return self._again(self._tensors())[i](u)

    def _again(self, tensors: Sequence[Any]) -> Any:
        """The derivatives as functions of Tensors: the rule is run again on ``tensors``."""
        return self.operation.rule(*tensors, **self.node.keywords)[1]

    def _tensors(self) -> list[Any]:
        """The arguments as Tensors: at their places on the tape, or nowhere if all is plain."""
        n, places = len(self.derivatives), self.node.arguments
        return [
            placed(x, None if self.plain else a) if isinstance(a, Node) else constant(x) if j < n else x
            for j, (x, a) in enumerate(zip(self.arrays, places))
        ]


def _zero(x: Any) -> Any:
    """The tangent of what does not move: zeros in the place of an array, 0 in that of a number."""
    return np.zeros_like(x) if isinstance(x, np.ndarray) else 0
