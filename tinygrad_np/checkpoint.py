"""Checkpointing: a part of a graph that is not kept but computed again when its gradient is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

from tinygrad_np.graph import ancestors, check_equal, placed
from tinygrad_np.operations import Operation, Result, unchanged
from tinygrad_np.recording import current_mode, recorded
from tinygrad_np.tape import Derivatives, GraphError, Leaf, Node, tick
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt


def checkpointed(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``, whose operations keep nothing for the backward pass and are run again when it comes to them.

    A deep network needs memory for one checkpointed part at a time, and for what goes in and out of
    each, at the price of computing the forward pass twice. Values and gradients, of any order, are
    those of f to the last bit. f may be any function or module of Tensors and nested lists, tuples and
    dicts of them; parameters that it closes over get their gradients too. It must give the same when
    called again: random numbers come to it as arguments.

    ``backward`` runs the parts again one by one; ``tg.gradients`` needs the whole graph and runs them all.
    Under ``no_grad``, ``tg.jvp`` and ``detect_anomaly`` f simply runs. Raises GraphError, when it is run
    again, if it gives another value. Chen et al. (2016), "Training deep nets with sublinear memory cost".

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([0.5, 1.0], requires_grad=True)
    >>> block = tg.checkpointed(lambda x: np.tanh(np.exp(x) * x))
    >>> np.sum(block(block(x))).backward()
    >>> x.grad.round(4)
    array([1.0731, 0.0095])
    """
    if not callable(f):
        raise TypeError(f"checkpointed takes a function or a module, got {f!r}; write tg.checkpointed(f)(x)")

    @wraps(f)
    def recomputed(*arguments: Any, **keywords: Any) -> Any:
        if current_mode() is not None:  # nothing is recorded, or somebody watches each call
            return f(*arguments, **keywords)
        part = _Part(partial(f, *arguments, **keywords))
        value = part.run()
        part.end = tick()
        part.outside = part.sources([output for _, output in leaves_of(value)])
        return rebuilt(value, [part.deferred(i, output) for i, (_, output) in enumerate(leaves_of(value))])

    return recomputed


class _Part:
    """One call of a checkpointed function: what is needed to run it again."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run = run
        self.start = self.end = tick()  # between the two the part was recorded
        self.outside: frozenset[Node] = frozenset()  # the nodes that it was computed from
        self.again: list[Tensor] = []

    def is_outside(self, node: Any) -> bool:
        """Whether a node was there before the part: it is a leaf, or older."""
        return isinstance(node, Leaf) or bool(node.order > self.start)

    # What ``ancestors`` takes for its frontier is a container.
    __contains__ = is_outside

    def deferred(self, i: int, output: Any) -> Any:
        """The i-th output, behind which the graph is not kept."""
        if not isinstance(output, Tensor) or output._node is None or self.is_outside(output._node):
            return output
        return placed(output.data, Deferred(self, i, output))

    def outputs(self) -> list[Tensor]:
        """The outputs with the graph behind them, run again the first time that they are asked for."""
        if not self.again:
            with recorded(()):
                again = [leaf for _, leaf in leaves_of(self.run())]
            self._number_as_before(again)
            self.again = again
        return self.again

    def sources(self, outputs: Sequence[Any]) -> frozenset[Node]:
        """The nodes outside of the part that ``outputs`` were computed from."""
        return frozenset(filter(self.is_outside, self._nodes(outputs)))

    def _number_as_before(self, outputs: Sequence[Any]) -> None:
        """Give the new nodes the places in time that the first ones had, or the walk would take them for changes."""
        nodes = self._nodes(outputs)
        new = [node for node in nodes if not self.is_outside(node)]
        if self.sources(outputs) != self.outside or len(new) >= self.start - self.end:
            raise GraphError(
                "a checkpointed function recorded another graph when it was run again: it does not do the same each "
                "time, or a parameter was frozen or replaced since; compute the output again"
            )
        for i, node in enumerate(new, start=1):
            node.order = self.start - i

    def _nodes(self, outputs: Sequence[Any]) -> list[Node]:
        """The nodes behind ``outputs``, oldest first, as far as those outside of the part."""
        return ancestors([t._node for t in outputs if isinstance(t, Tensor) and t._node is not None], self)


def _identity(x: Any) -> Result:
    return x, (unchanged,)


_CHECKPOINTED = Operation(_identity)
_CHECKPOINTED.name = "checkpointed"


class Deferred(Node):
    """A node whose one argument is the output of a part that is run again when it is asked for."""

    __slots__ = ("index", "part", "value")

    def __init__(self, part: _Part, index: int, output: Tensor) -> None:
        self.order, self.operation, self.keywords, self.shape = tick(), _CHECKPOINTED, {}, output.shape
        self.part: _Part | None = part
        self.index, self.value = index, output.data

    def _output(self) -> tuple[Any, ...]:
        if self.part is None:
            return ()
        output = self.part.outputs()[self.index]
        check_equal(output.data, placed(self.value, self))
        return (output._node,)

    def _derivative(self) -> Derivatives | None:
        return None if self.part is None else (unchanged,)

    def _release(self, _: Any) -> None:
        self.part = None

    # Slots of other nodes: to the walk this is a node like them.
    arguments = property(_output, _release)
    derivatives = property(_derivative, _release)
