"""One run of a function on recorded inputs, and what can be asked of it: what the transforms are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_np.forward import Tangents
from tinygrad_np.gradients import Pullback
from tinygrad_np.graph import ancestors, leading_to
from tinygrad_np.numerics import speaking
from tinygrad_np.protocols import plain
from tinygrad_np.recording import current_watchers, is_recording, recorded
from tinygrad_np.tape import GraphError, Leaf, Node
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt

Function = Callable[..., Any]


class Input(Leaf):
    """The leaf of a run's own input: once the function has ``returned`` it is a constant to whatever comes after."""

    __slots__ = ("returned",)

    returned: bool

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.returned = False


class Run:
    """One run of ``f`` on recorded inputs: the leaves of the arguments numbered ``chosen``.

    With ``tangents``, one for each input, they are carried along.
    """

    def __init__(
        self, f: Function, arguments: Sequence[Any], keywords: Any, chosen: Iterable[int], tangents: Any = None
    ) -> None:
        self.recording = is_recording()
        self.inputs: list[Tensor] = []
        arguments = list(arguments)
        with recorded():
            for i in chosen:
                made = [self._input(f"argument {i}{path}", x) for path, x in leaves_of(arguments[i])]
                arguments[i] = rebuilt(arguments[i], made)
                self.inputs += made
        self.given = tangents or []
        self.tangents = Tangents(self.inputs, self.given)
        own = [] if tangents is None else [self.tangents.watch]
        with recorded((*current_watchers(), *own)):
            self.value = f(*arguments, **keywords)
        for tensor in self.inputs:
            if isinstance(tensor._node, Input):
                tensor._node.returned = True
        self.outputs = [_output(path, x) for path, x in leaves_of(self.value)]
        self.frontier: dict[Any, Any] = {tensor._node: tensor.data for tensor in self.inputs}

    def _input(self, name: str, x: Any) -> Tensor:
        """``x`` as a Tensor with a node of its own, behind which are those of a tracked one."""
        if isinstance(x, Tensor) and x.requires_grad and self.recording:
            alias: Any = np.broadcast_to(x, x.shape)
            return alias  # type: ignore[no-any-return]  # a Tensor, which NumPy's stubs do not know of
        array = x.data if isinstance(x, Tensor) else np.asarray(x, like=speaking(x))
        if array.dtype.kind != "f":
            raise TypeError(
                f"{name} is {array.dtype}, by which nothing can be differentiated; give floating numbers, as in 3.0 or "
                "x.astype(float), or leave it out of argnums"
            )
        tensor = Tensor(array)
        tensor._node = Input(tensor._array)
        return tensor

    @cached_property
    def nodes(self) -> list[Node]:
        """What the outputs were computed through, oldest first, from the inputs on."""
        return ancestors([output._node for output in self.outputs if output._node], self.frontier)

    @cached_property
    def depends_on_more(self) -> bool:
        """Whether anything tracked but the inputs takes part, so that results must be Tensors."""
        if not self.recording:
            return False
        own = {tensor._node for tensor in self.inputs if tensor.is_leaf}
        return any((_is_open(node) or node in self.frontier) and node not in own for node in self.nodes)

    def result(self, value: Any) -> Any:
        """A Tensor as the user gets it: itself where it can be differentiated further, else its array or number."""
        if isinstance(value, Tensor):
            if self.recording and value.requires_grad and self.depends_on_more:
                return value
            value = value.data
        return np.array(value, like=speaking(value))[()]  # a copy: it may be the user's own array

    def scalar(self) -> Tensor:
        """The one output, of one element."""
        if isinstance(self.value, (list, tuple, dict)):
            raise TypeError(
                f"the function must give one number, got {type(self.value).__name__}; use tg.jacobian or tg.vjp"
            )
        if self.outputs[0].size != 1:
            raise ValueError(
                f"the function must give one number, got shape {self.outputs[0].shape}; sum it, or use tg.jacobian"
            )
        return self.outputs[0]

    def pulled_back(self, gradients: Sequence[Any]) -> list[Any]:
        """The gradient of each input for the outputs' ``gradients`` (None: 1)."""
        create_graph = self.recording and (self.depends_on_more or any(map(_is_tracked, gradients)))
        with recorded():
            found = Pullback(self.outputs, self.inputs, create_graph, self.frontier)(gradients)
        return [tensor if create_graph and tensor.requires_grad else tensor.data[()] for tensor in found]

    def pushed_forward(self) -> list[Any]:
        """The tangent of each output."""
        if any(node not in self.tangents.found for node in leading_to(self.frontier, self.nodes)):
            raise GraphError(
                "the function computes in another thread or task, to which tangents do not follow; use tg.vjp or "
                "tg.grad, or compute in the thread that calls"
            )
        zeros = [np.zeros(output.shape, output.dtype) for output in self.outputs]
        found = [self.tangents.found.get(output._node, zero) for output, zero in zip(self.outputs, zeros)]
        tracked = self.recording and (self.depends_on_more or any(map(_is_tracked, self.given)))
        return [t if tracked and _is_tracked(t) else np.array(plain(t), like=speaking(plain(t)))[()] for t in found]

    def jacobian(self) -> list[list[Any]]:
        """∂output/∂input, of the one's shape followed by the other's, for each output and each input."""
        with recorded():
            sizes = [sum(t.size for t in tensors) for tensors in (self.outputs, self.inputs)]
            floating = all(output.dtype.kind == "f" for output in self.outputs)  # others have gradient 0, by rows
            by_rows = sizes[0] <= sizes[1] or not (floating and self.inputs)
            blocks = self._rows(self.outputs, self.inputs) if by_rows else self._columns()
            return [
                [self.result(block.reshape(o.shape + t.shape).astype(t.dtype)) for block, t in zip(row, self.inputs)]
                for row, o in zip(blocks, self.outputs)
            ]

    def _rows(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[list[Any]]:
        """For each output and input a matrix whose rows are the gradients of the output's elements."""
        blocks = []
        for output in outputs:
            frontier: dict[Any, Any] = {t._node: t.data for t in inputs}
            pullback = Pullback([output], inputs, self.depends_on_more, frontier)
            rows = [pullback([unit]) for unit in np.eye(output.size).reshape(output.size, *output.shape)]
            blocks.append([_stacked([row[i] for row in rows], t) for i, t in enumerate(inputs)])
        return blocks

    def _columns(self) -> list[list[Any]]:
        """The same from the other side: the inputs' gradients are linear in the outputs', by the transpose of J."""
        seeds = [Tensor(np.zeros(o.shape, o.dtype), requires_grad=True) for o in self.outputs]
        with np.errstate(all="ignore"):  # only the graph is wanted: at 0 the values say nothing
            pulled = Pullback(self.outputs, self.inputs, True, self.frontier)(seeds)
        transposed = self._rows(pulled, seeds)
        return [[block.T for block in column] for column in zip(*transposed)]


def _output(path: str, value: Any) -> Tensor:
    """A leaf of the function's value as a Tensor."""
    if isinstance(value, Tensor):
        return value
    if value is None:
        raise TypeError(f"the function gave None{path and ' at ' + path}; does it end with return?")
    return Tensor(value)


def _is_open(node: Node) -> bool:
    """Whether a leaf's gradient may be asked for elsewhere: it is no input of a function that has returned."""
    return isinstance(node, Leaf) and not (isinstance(node, Input) and node.returned)


def _is_tracked(value: Any) -> bool:
    """Whether ``value`` is a Tensor that requires a gradient."""
    return isinstance(value, Tensor) and value.requires_grad


def _stacked(rows: Sequence[Tensor], like: Tensor) -> Any:
    """Gradients of ``like`` as the rows of a matrix: a Tensor if one of them is tracked, else an array."""
    if any(map(_is_tracked, rows)):
        return np.concatenate([row.reshape(1, -1) for row in rows])
    if not rows:
        return np.zeros((0, like.size), like.dtype)
    return np.concatenate([row.data.reshape(1, -1) for row in rows]).astype(like.dtype, copy=False)
