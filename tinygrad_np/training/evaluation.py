"""A model in evaluation: what it predicts, and how good that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from tinygrad_np.arguments import size
from tinygrad_np.data import minibatches
from tinygrad_np.nn import Module
from tinygrad_np.optim import MovingAverage
from tinygrad_np.recording import no_grad
from tinygrad_np.targets import data_of
from tinygrad_np.training.rows import Rows, joined
from tinygrad_np.training.steps import Loss
from tinygrad_np.trees import mapped

Metrics = Mapping[str, Callable[[Any, Any], float]]


@contextmanager
def mode(model: Module, training: bool) -> Iterator[None]:
    """Within the context the whole model trains, or does not; afterwards each Module is as it was."""
    before = [(module, module.training) for _, module in model.named_modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, flag in before:
            module.training = flag


def training(model: Module) -> AbstractContextManager[None]:
    """A context in which the model trains: as a whole if it is in evaluation, and else as its parts are set."""
    return nullcontext() if model.training else mode(model, True)


@contextmanager
def evaluating(model: Module, average: MovingAverage | None) -> Iterator[None]:
    """Within the context the model is in evaluation, with the average for weights if there is one; unrecorded."""
    with mode(model, False), no_grad(), nullcontext() if average is None else average.swapped():
        yield


def evaluated(model: Module, loss: Loss, metrics: Metrics, rows: Rows, batch_size: int) -> dict[str, float]:
    """The loss, weighted by what rows count (0 where none does), and the metrics of all rows at once."""
    total = counted = 0.0
    outputs = []
    targets = []
    for (X, y, *weight), (share,) in rows.sized(rows.batches(batch_size)):
        output = model(X)
        total += float(loss(output, y, sample_weight=weight[0]) if weight else loss(output, y)) * share
        counted += share
        if metrics:
            outputs.append(mapped(data_of, output))
            targets.append(y)
    return {"loss": total / counted if counted else 0.0} | scores(metrics, outputs, targets)


def scores(metrics: Metrics, outputs: list[Any], targets: list[Any]) -> dict[str, float]:
    """Each of ``metrics`` of all rows at once, given some at a time."""
    if not metrics:
        return {}
    output, target = joined(outputs), joined(targets)
    return {name: _number(name, metric(output, target)) for name, metric in metrics.items()}


def predicted(model: Module, X: Any, batch_size: int) -> Any:
    """The model's output for every row of ``X``."""
    return joined(
        [mapped(data_of, model(batch)) for batch in minibatches(X, size("batch_size", batch_size), shuffle=False)]
    )


def _number(name: str, value: Any) -> float:
    """What a metric gave, as a plain number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} must give one number, got {value!r}; reduce it with .mean()") from None
