"""Gradients with respect to chosen Tensors, differentiable again if wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_np.tape import CHANGED, FREED, Derivatives, GraphError, Leaf, Node, walk
from tinygrad_np.tensor import Tensor

OTHER_VALUE = (
    "running the graph of this {!r} again gave another value: an array that it used was written into since, or a rule "
    "draws random numbers; compute the output again, and give random numbers to a rule as an argument"
)


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
    targets = []
    for i, tensor in enumerate(wanted):
        if tensor._node is None:
            raise GraphError(f"input {i} does not require a gradient; set requires_grad=True before it is used")
        targets.append(tensor._node)
    seeds = _seeds(outputs, output_gradients, create_graph)
    ends = frozenset(targets)
    ancestors = _ancestors(seeds, ends)
    leading = _leading_to(ends, ancestors)
    again = _run_again(ancestors, wanted, outputs) if create_graph else {}
    pruned = {node: _pruned(node.arguments, again.get(node, node.derivatives), leading) for node in leading}
    found = walk({node: g for node, g in seeds.items() if node in leading}, pruned, keep=ends)
    results = tuple([_result(found.get(node), tensor) for node, tensor in zip(targets, wanted)])
    return results[0] if isinstance(inputs, Tensor) else results


def _seeds(outputs: Sequence[Tensor], given: Any, create_graph: bool) -> dict[Node, Any]:
    """The gradient of each output's node, as Tensors if they are to be recorded."""
    if given is None:
        given = [None] * len(outputs)
    if len(given) != len(outputs):
        raise ValueError(f"{len(given)} output gradients for {len(outputs)} outputs; give one each")
    seeds: dict[Node, Any] = {}
    for output, gradient in zip(outputs, given):
        if output._node is None:
            continue
        g = output.seed(gradient)
        if create_graph:
            g = gradient if isinstance(gradient, Tensor) else Tensor(g)
        seeds[output._node] = seeds[output._node] + g if output._node in seeds else g
    return seeds


def _ancestors(roots: Iterable[Node], targets: Collection[Node]) -> list[Node]:
    """All nodes that ``roots`` were computed from and they themselves, oldest first."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if node.derivatives is None and node not in targets:
            raise GraphError(FREED.format(node.operation.name))
        for argument in node.arguments:
            if not isinstance(argument, Node):
                continue
            if argument.order < node.order:
                raise GraphError(CHANGED.format(node.operation.name, argument.shape))
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
    return sorted(seen, key=attrgetter("order"), reverse=True)


def _leading_to(targets: Collection[Node], ancestors: Iterable[Node]) -> set[Node]:
    """Those of ``ancestors`` (oldest first) that were computed from one of ``targets``, and the targets among them."""
    leading: set[Node] = set()
    for node in ancestors:
        if node in targets or any(isinstance(a, Node) and a in leading for a in node.arguments):
            leading.add(node)
    return leading


def _pruned(arguments: tuple[Any, ...], derivatives: Derivatives | None, leading: set[Node]) -> Derivatives:
    """``derivatives`` without those whose argument leads nowhere; none for a target whose graph was freed behind it."""
    if derivatives is None:
        return ()
    return tuple([d if isinstance(a, Node) and a in leading else None for a, d in zip(arguments, derivatives)])


def _run_again(
    ancestors: Iterable[Node], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> dict[Node, Derivatives]:
    """The derivatives of each node as functions of Tensors.

    The first run closed over plain arrays, which are constants to a second derivative. Here each
    rule sees Tensors that hold the same values and sit at the same nodes. The values of ``inputs``
    are known, so the graph behind them may have been freed; those of ``outputs`` must come out again.
    """
    known = {tensor._node: tensor._data for tensor in inputs}
    tensors: dict[Node | None, Tensor] = {}
    derivatives: dict[Node, Derivatives] = {}
    for node in ancestors:
        if isinstance(node, Leaf):
            data, derivatives[node] = node.data, ()
        elif node.derivatives is None:
            data, derivatives[node] = known[node], ()
        else:
            n = len(node.derivatives)
            arrays = [tensors[a] if isinstance(a, Node) else _constant(a) for a in node.arguments[:n]]
            value, derivatives[node] = node.operation.rule(*arrays, *node.arguments[n:], **node.keywords)
            data = value._data
        tensors[node] = _placed(data, node)
    for output in outputs:
        if output._node in tensors:
            _check_equal(tensors[output._node].data, output)
    return derivatives


def _check_equal(value: Any, output: Tensor) -> None:
    """Refuse to go on where the second run gave another value than the first."""
    # No more than close, for a product may add in another order when its arrays lie elsewhere in memory.
    tolerance = np.sqrt(np.finfo(value.dtype).eps)
    if not np.allclose(value, output.data, tolerance, tolerance, equal_nan=True):
        operation: Any = output._node and output._node.operation
        raise GraphError(OTHER_VALUE.format(operation.name))


def _constant(value: Any) -> Any:
    """An untracked argument as the second run sees it: arrays as Tensors, so that a rule may call their methods."""
    return Tensor(value) if isinstance(value, np.ndarray) else value


def _placed(data: Any, node: Node | None) -> Tensor:
    """A Tensor of its own with this value and this place on the tape."""
    tensor = Tensor.__new__(Tensor)
    tensor._data, tensor._node = data, node
    return tensor


def _result(g: Any, like: Tensor) -> Tensor:
    """The gradient ``g`` of ``like`` as a Tensor of its own, of like's dtype."""
    if g is None:
        return Tensor(np.zeros_like(like.data))
    if isinstance(g, Tensor):
        g = g if g.dtype == like.dtype else g.astype(like.dtype)
        return _placed(np.array(g.data), g._node)
    return Tensor(np.array(g, like.dtype))
