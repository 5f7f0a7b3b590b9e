"""Gradients with respect to chosen Tensors, differentiable again if wanted."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_np.graph import ancestors, leading_to, placed, run_again
from tinygrad_np.numerics import speaking
from tinygrad_np.tape import Derivatives, GraphError, Node, walk
from tinygrad_np.tensor import Tensor


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    create_graph: bool = False,
    output_gradients: Any = None,
) -> Any:
    """∂L/∂input for each of ``inputs``, where L is the sum of the scalar ``outputs``: Tensors of the inputs' shapes.

    One Tensor gives one Tensor, a sequence a tuple. ``inputs`` may be leaves or anything on the way.
    ``output_gradients``, given as ``outputs`` are and of their shapes, are needed for outputs that are
    not scalars. No ``grad`` changes and the graph is kept. An input that the outputs do not depend on has
    gradient 0. With ``create_graph`` the result is itself recorded and can be differentiated, exactly
    and to any order: every rule on the way is run again on Tensors, so that its derivatives are
    operations of theirs (Baydin et al. (2018), "Automatic differentiation in machine learning: a
    survey", on nesting reverse mode).

    Raises GraphError where an input does not require a gradient, or the graph was freed or is out of
    date; ValueError for an output that is not scalar without its gradient.

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor(2.0, requires_grad=True)
    >>> slope = tg.gradients(x**3, x, create_graph=True)
    >>> slope.item(), tg.gradients(slope, x).item()
    (12.0, 12.0)
    """
    if isinstance(outputs, Tensor):
        outputs, output_gradients = [outputs], None if output_gradients is None else [output_gradients]
    wanted = [inputs] if isinstance(inputs, Tensor) else inputs
    for name, tensors in ("outputs", outputs), ("inputs", wanted):
        if not (isinstance(tensors, (list, tuple)) and all(isinstance(t, Tensor) for t in tensors)):
            raise TypeError(f"{name} must be a Tensor, or a list or tuple of Tensors, got {tensors!r}")
    for i, tensor in enumerate(wanted):
        if tensor._node is None:
            raise GraphError(f"input {i} does not require a gradient; set requires_grad=True before it is used")
    # One alone cannot have another behind it, and behind a freed one nothing is left to look at.
    alone = len({tensor._node for tensor in wanted}) < 2
    frontier = {t._node: t.data for t in wanted if t._node and (alone or t._node.derivatives is None)}
    results = Pullback(outputs, wanted, create_graph, frontier)(output_gradients)
    return results[0] if isinstance(inputs, Tensor) else results


class Pullback:
    """The function from gradients of ``outputs`` to those of tracked ``inputs``, made ready once for many calls.

    ``frontier`` has the nodes behind which there is nothing to look for, and their values.
    """

    def __init__(
        self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], create_graph: bool, frontier: Mapping[Node, Any]
    ) -> None:
        self.outputs, self.inputs, self.create_graph = outputs, inputs, create_graph
        self.ends = frozenset([tensor._node for tensor in inputs if tensor._node])
        order = ancestors([output._node for output in outputs if output._node], frontier)
        leading = leading_to(self.ends, order)
        again = run_again(order, frontier, outputs)[1] if create_graph else {}
        self.derivatives = {
            node: _pruned(node, again.get(node, node.derivatives), leading, frontier) for node in leading
        }

    def __call__(self, output_gradients: Any = None) -> tuple[Tensor, ...]:
        seeds = _seeds(self.outputs, output_gradients, self.create_graph)
        leading = {node: g for node, g in seeds.items() if node in self.derivatives}
        found: Any = walk(leading, self.derivatives, keep=self.ends)
        return tuple([_result(found.get(tensor._node), tensor) for tensor in self.inputs])


def _pruned(
    node: Node, derivatives: Derivatives | None, leading: Container[Node], frontier: Container[Node]
) -> Derivatives:
    """``derivatives`` without those whose argument leads nowhere; none at the frontier."""
    if derivatives is None or node in frontier:
        return ()
    return tuple([d if isinstance(a, Node) and a in leading else None for a, d in zip(node.arguments, derivatives)])


def _seeds(outputs: Sequence[Tensor], given: Any, create_graph: bool) -> dict[Node, Any]:
    """The gradient of each output's node, as Tensors if they are to be recorded."""
    if given is None:
        given = [None] * len(outputs)
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"output_gradients must be a list like the outputs, got {given!r}; give one gradient each")
    if len(given) != len(outputs):
        raise ValueError(f"{len(given)} output gradients for {len(outputs)} outputs; give one each")
    seeds: dict[Node, Any] = {}
    for output, gradient in zip(outputs, given):
        if output._node is None:
            continue
        g = output.seed(gradient)
        if create_graph:
            g = gradient if isinstance(gradient, Tensor) else Tensor(g.copy())  # the graph keeps it, and g is a view
        seeds[output._node] = seeds[output._node] + g if output._node in seeds else g
    return seeds


def _result(g: Any, like: Tensor) -> Tensor:
    """The gradient ``g`` of ``like`` as a Tensor of its own, of like's dtype."""
    if g is None:
        return Tensor(np.zeros_like(like.data))
    if isinstance(g, Tensor):
        g = g if g.dtype == like.dtype else g.astype(like.dtype)
        return placed(np.array(g.data, like=speaking(g.data)), g._node)
    return Tensor(np.array(g, like.dtype, like=speaking(g)))
