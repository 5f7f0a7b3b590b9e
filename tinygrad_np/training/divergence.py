"""When a run goes wrong in the middle of an epoch, its steps are taken back, and taken again up to there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_np.anomaly import AnomalyError, detect_anomaly
from tinygrad_np.training.steps import NotFiniteError, Steps

Fault = tuple[str, Exception | None]  # what went wrong, and the error that says so


class DivergenceError(ArithmeticError):
    """A run whose loss, gradients, parameters or buffers became NaN or infinite.

    ``epoch`` and ``step`` say when, both counted from 1, the step within the epoch; ``operation`` says which operation
    gave the first such number, and where it was called. The model, its optimizer and its Generators are as they were
    before that step, and the history holds the epochs before.
    """

    def __init__(self, epoch: int, step: int, operation: str) -> None:
        super().__init__(epoch, step, operation)
        self.epoch, self.step, self.operation = epoch, step, operation

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch}, step {self.step}: {self.operation}. The weights are finite, those of before this "
            "step; go on with a lower lr, or with hooks=[partial(tg.optim.clip_by_global_norm, max_norm=1.0)]"
        )


def rewind(steps: Steps, start: Mapping[str, Any], batches: Iterable[Any]) -> None:
    """Go back to the last step that was whole: to ``start``, and from there the same steps again."""
    whole = steps.taken
    steps.load_state_dict(start)
    try:
        for batch in islice(batches, whole):
            _step(steps, batch)
    except BaseException:  # an impatient Ctrl-C; the start of the epoch is whole as well
        steps.load_state_dict(start)
        raise


def diagnose(steps: Steps, start: Mapping[str, Any], batches: Iterable[Any], epoch: int, error: Exception) -> None:
    """Take the steps of an epoch again from its ``start``, and raise DivergenceError for the one that goes wrong.

    Afterwards all is as it was before that step, which otherwise is the one in which ``error`` came up.
    """
    before, fault = start, None
    number = 0
    suspects = steps.taken + steps.under_way
    steps.load_state_dict(start)
    try:
        with np.errstate(all="ignore"):
            for batch in islice(batches, suspects):
                number += 1
                before = steps.state_dict()
                if fault := _fault(steps, batch, before):
                    break
    finally:
        steps.load_state_dict(before)
    if fault:
        raise DivergenceError(epoch, number, fault[0]) from fault[1]
    if isinstance(error, NotFiniteError):
        why = "something draws from a generator not of the model"
        if steps.compiled is not None:
            why = "compiled steps, which round in another way, may differ where numbers are that large; compiled=False"
        message = f"{error}, but not when the epoch was repeated: {why}"
        raise DivergenceError(epoch, number, message) from error


def _fault(steps: Steps, batch: Any, before: Mapping[str, Any]) -> Fault | None:
    """Take one step, or say what in it is not finite."""
    optimizer, loss_of = steps.optimizer, partial(steps.loss_of, *batch)
    loss = optimizer.evaluate(loss_of).item()
    gradients = [p.grad for _, p in optimizer.named_parameters() if p.grad is not None]
    finite = math.isfinite(loss) and all(np.isfinite(g).all() for g in gradients)
    steps.load_state_dict(before)  # for the same masks of Dropout once more
    if finite:
        _step(steps, batch)
        try:
            steps.require_finite(before)
        except NotFiniteError as error:
            return f"{error} after the update of {optimizer!r}", error
        return None
    try:
        with detect_anomaly():
            optimizer.evaluate(loss_of)
    except AnomalyError as error:
        return str(error), error
    return (
        f"the loss is {loss}, or its gradient not finite, and none of the operations that were recorded is at fault",
        None,
    )


def _step(steps: Steps, batch: Any) -> None:
    """One step as :meth:`Steps.take` takes it."""
    steps.step(*batch)
    if steps.average is not None:
        steps.average.update()
