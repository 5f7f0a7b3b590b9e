"""The graph behind an output: which nodes it was computed through, and their rules run again on Tensors."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_np.numerics import speaking
from tinygrad_np.tape import CHANGED, FREED, Derivatives, GraphError, Leaf, Node
from tinygrad_np.tensor import Tensor

OTHER_VALUE = (
    "running the graph of this {!r} again gave another value: an array that it used was written into since, or a rule "
    "draws random numbers; compute the output again, and give random numbers to a rule as an argument"
)


PLAIN_VALUE = (
    "the rule of {!r} gave a plain array when it was run on Tensors, as forward mode, higher derivatives and views of "
    "a graph do: it calls something that is no operation. Mirror that, as in @tg.operation(scipy.special.erf)"
)


def ancestors(roots: Iterable[Node], frontier: Container[Node]) -> list[Node]:
    """All nodes that ``roots`` were computed from and they themselves, oldest first; none behind ``frontier``."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        if node in frontier:
            continue
        if node.derivatives is None:
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


def leading_to(targets: Container[Node], ancestors: Iterable[Node]) -> set[Node]:
    """Those of ``ancestors`` (oldest first) that were computed from one of ``targets``, and the targets among them."""
    leading: set[Node] = set()
    for node in ancestors:
        if node in targets or any(isinstance(a, Node) and a in leading for a in node.arguments):
            leading.add(node)
    return leading


@np.errstate(all="ignore")  # what there was to warn of was said in the first run
def run_again(
    ancestors: Iterable[Node], frontier: Mapping[Node, Any], outputs: Sequence[Tensor]
) -> tuple[dict[Node, Tensor], dict[Node, Derivatives]]:
    """The value of each node, and its derivatives as functions of Tensors.

    The first run closed over plain arrays, which are constants to a second derivative. Here each
    rule sees Tensors that hold the same values and sit at the same nodes. ``frontier`` has the
    values of the nodes behind which it does not go; those of ``outputs`` must come out again.
    """
    tensors: dict[Node, Tensor] = {}
    derivatives: dict[Node, Derivatives] = {}
    for node in ancestors:
        if isinstance(node, Leaf):
            data, derivatives[node] = node.data, ()
        elif node in frontier:
            data, derivatives[node] = frontier[node], ()
        else:
            n = len(node.derivatives or ())
            arrays = [tensors[a] if isinstance(a, Node) else constant(a) for a in node.arguments[:n]]
            for derivative in node.derivatives or ():
                getattr(derivative, "check", _nothing)()  # what detect_anomaly watches
            value, derivatives[node] = node.operation.rule(*arrays, *node.arguments[n:], **node.keywords)
            if not isinstance(value, Tensor):
                raise TypeError(PLAIN_VALUE.format(node.operation.name))
            data = value._array
        tensors[node] = placed(data, node)
    for output in outputs:
        if output._node in tensors:
            check_equal(tensors[output._node].data, output)
    return tensors, derivatives


def check_equal(value: Any, output: Tensor) -> None:
    """Refuse to go on where the second run gave another value than the first."""
    # No more than close, for a product may add in another order when its arrays lie elsewhere in memory.
    tolerance = np.sqrt(np.finfo(value.dtype).eps)
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(output.data), initial=0, where=np.isfinite(output.data))
        close = value.shape == output.shape and np.allclose(value, output.data, tolerance, tolerance * scale, True)
    if not close:
        operation: Any = output._node and output._node.operation
        raise GraphError(OTHER_VALUE.format(operation.name))


def constant(value: Any) -> Any:
    """An untracked argument as the second run sees it: arrays as Tensors, so that a rule may call their methods."""
    return value if speaking(value) is None else Tensor(value)


def _nothing() -> None:
    """What there is to check of a derivative that nobody watches."""


def placed(data: Any, node: Node | None) -> Tensor:
    """A Tensor of its own with this value and this place on the tape."""
    tensor = Tensor.__new__(Tensor)
    tensor._array, tensor._node = data, node
    return tensor
