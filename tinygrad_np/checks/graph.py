"""``check_graph``: every operation of a recorded graph held against numbers by itself, to name the first wrong one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import unwrap
from typing import Any

import numpy as np

from tinygrad_np.anomaly import users_line
from tinygrad_np.checks.checker import Check
from tinygrad_np.checks.options import Options
from tinygrad_np.checks.report import GradientError, Outcome
from tinygrad_np.checks.slopes import Array
from tinygrad_np.checks.subject import ANALYTIC, Subject
from tinygrad_np.graph import ancestors, check_equal
from tinygrad_np.recording import current_watchers, recorded
from tinygrad_np.tape import GraphError, Leaf, Node, unbroadcast
from tinygrad_np.tensor import Tensor

UNKNOWN_LINE = "a line that was not noted: record the graph within tg.detect_anomaly(), or give check_graph a function"
SYMMETRIC = ("cholesky", "eigvalsh", "eigenpairs")  # of which NumPy reads one triangle, and the gradient is of both
WRONG = (Outcome.WRONG, Outcome.CHANGES_INPUTS, Outcome.NOT_DETERMINISTIC)  # what a rule must not be


@dataclass(frozen=True, repr=False)
class GraphReport:
    """How many operations were looked at, and of which nothing can be said, each with the reason."""

    operations: int
    unsaid: Sequence[str] = ()

    def __repr__(self) -> str:
        right = self.operations - len(self.unsaid)
        return "\n".join([f"right: {right} of {self.operations} operations", *self.unsaid])


def check_graph(
    loss: Tensor | Callable[[], Tensor], rtol: float = 1e-6, atol: float = 1e-8, seed: int = 0
) -> GraphReport:
    """Hold the derivatives of each operation that ``loss`` was computed by against numbers, from the oldest on.

    Where ``check_gradients`` says that a gradient is wrong, this says which operation makes it so. Of each node
    it takes the arguments' values, has the node's own derivatives, with what they saved, pull back
    random numbers g, and compares that with central differences of ⟨rule(x), g⟩ along random directions.
    Nothing before or after the node takes part, so that one wrong rule does not blame another. In a graph
    of float32 or float16 the tolerances are 1000 ε of that dtype, if ``rtol`` and ``atol`` are less.

    ``loss`` is a Tensor whose graph is not freed, or a function without arguments that computes it; then, and for
    graphs recorded within ``tg.detect_anomaly()``, the line that called the operation is named too.
    Operations at a kink, such as a maximum or a median of equals, and values that are not finite are listed in the
    report that is returned.

    Raises GradientError at the first operation with a wrong derivative, with its call, the shapes, where it was
    called, where its rule is, and what is wrong; GraphError for a graph that is freed or out of date.

    >>> import numpy as np, tinygrad_np as tg
    >>> @tg.operation()
    ... def cube(x):
    ...     return x**3, (lambda g: g * 2 * x**2,)
    >>> x = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> tg.check_graph(lambda: np.sum(np.tanh(x) * cube(x)))
    Traceback (most recent call last):
        ...
    tinygrad_np.checks.report.GradientError: operation 2 of 4, cube(float64 (2,)), called at ...
    """
    options = Options("auto", rtol=rtol, atol=atol, allow_unused=True, seed=seed)
    lines: dict[Node, str] = {}
    if not isinstance(loss, Tensor):
        loss = _recorded(loss, lines)
    if loss._node is None:
        raise GraphError("nothing that this Tensor was computed from requires a gradient; there is no graph to check")
    calls = _calls(loss)
    unsaid = []
    for number, call in enumerate(calls, start=1):
        trouble, is_wrong = call.trouble(options)
        if trouble:
            where = f"operation {number} of {len(calls)}, {call.text}, called at {lines.get(call.node) or call.line}"
            if is_wrong:
                raise GradientError(
                    f"{where}, is the first that is wrong: its rule, at {call.rule}, or an array that it saved and "
                    f"that was written into since\n{trouble}"
                )
            unsaid.append(f"{where}: {trouble}")
    return GraphReport(len(calls), tuple(unsaid))


def _recorded(loss: Callable[[], Tensor], lines: dict[Node, str]) -> Tensor:
    """What ``loss`` computes, with the line of each call noted by its node."""

    def note(node: Node, arrays: Sequence[Any], value: Any) -> None:
        lines[node] = users_line()

    if not callable(loss):
        raise TypeError(f"got {loss!r}; give a Tensor, or a function without arguments that computes one")
    with recorded((*current_watchers(), note)):
        output = loss()
    if not isinstance(output, Tensor):
        raise TypeError(f"the function gave {type(output).__name__} where a Tensor was expected: a loss with its graph")
    return output


def _calls(loss: Tensor) -> list[_Call]:
    """Every recorded call behind ``loss``, oldest first, with the arrays that it was given."""
    values: dict[Any, Any] = {}
    calls = []
    for node in ancestors([loss._node], ()):  # type: ignore[list-item]  # it has a node
        if isinstance(node, Leaf):
            values[node] = node.data
            continue
        arrays = [values[a] if isinstance(a, Node) else a for a in node.arguments]
        values[node] = node.operation.rule(*arrays, **node.keywords)[0]
        calls.append(_Call(node, arrays))
    check_equal(values[loss._node], loss)
    return calls


class _Call:
    """One recorded call: its rule as a function of the tracked arguments, its own derivatives as what is claimed."""

    def __init__(self, node: Node, arrays: Sequence[Any]) -> None:
        self.node, self.arrays = node, arrays
        self.text = node.operation.call(arrays, node.keywords)
        self.tracked = [i for i, a in enumerate(node.arguments) if isinstance(a, Node)]
        code = unwrap(node.operation.rule).__code__
        self.rule = f"{code.co_filename}:{code.co_firstlineno}"

    @property
    def line(self) -> str:
        """Where the call was made, if detect_anomaly noted it."""
        lines = [getattr(derivative, "line", UNKNOWN_LINE) for derivative in self.node.derivatives or () if derivative]
        return lines[0]

    def value(self, *tracked: Array) -> Any:
        """The rule's value for other values of the tracked arguments."""
        arrays = list(self.arrays)
        for i, x in zip(self.tracked, tracked):
            arrays[i] = (x + np.swapaxes(x, -1, -2)) / 2 if self.node.operation.name in SYMMETRIC else x
        return self.node.operation.rule(*arrays, **self.node.keywords)[0]

    def trouble(self, options: Options) -> tuple[str, bool]:
        """What there is to say of the call, if anything, and whether that is a wrong derivative."""
        inputs = [self.arrays[i] for i in self.tracked]
        dtype = np.result_type(*inputs)
        g = np.random.default_rng(options.seed).uniform(0.5, 1.5, self.node.shape)
        least = 1000 * float(np.finfo(dtype).eps) if dtype.itemsize < 8 else 0.0
        options = replace(options, rtol=max(options.rtol, least), atol=max(options.atol, least))
        names = [f"argument {i}" for i in self.tracked]

        def pulled_back(*_: Array) -> list[Array]:
            derivatives: Any = self.node.derivatives
            slopes = [np.asarray(derivatives[i](g.astype(dtype))) for i in self.tracked]
            name = self.node.operation.name
            fitted = [s if s.shape == x.shape else unbroadcast(s, x.shape, name) for s, x in zip(slopes, inputs)]
            return [s if s.dtype != x.dtype else s.astype(np.float64) for s, x in zip(fitted, inputs)]

        with Subject(self.value, inputs, names, pulled_back, g, options.seed, label=ANALYTIC) as subject:
            report = Check(subject, options, 1).run()
        return "" if report.right else str(report), report.outcome in WRONG
