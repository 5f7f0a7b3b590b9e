"""A fit: epoch after epoch, until they are done, a callback stops them, or somebody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_np.data import minibatches
from tinygrad_np.optim import global_norm
from tinygrad_np.training.divergence import diagnose, rewind
from tinygrad_np.training.evaluation import Metrics, evaluated, evaluating, scores, training
from tinygrad_np.training.history import History, Row
from tinygrad_np.training.interruption import Interruption
from tinygrad_np.training.progress import Silence
from tinygrad_np.training.rows import Rows
from tinygrad_np.training.steps import Steps

EVALUATED = 256  # rows in a minibatch where nothing is recorded


class Fit:
    """The steps of a run over its rows, and what is measured and called after each epoch."""

    def __init__(
        self,
        steps: Steps,
        metrics: Metrics,
        history: History,
        rows: Rows,
        batches: minibatches,
        validation: Rows | None,
        callbacks: Sequence[Callable[[Row], Any]],
    ) -> None:
        self.steps, self.metrics, self.history = steps, metrics, history
        self.rows, self.batches, self.validation, self.callbacks = rows, batches, validation, callbacks

    def run(self, epochs: int, bar: Silence) -> None:
        """Train for so many ``epochs`` more; Ctrl-C ends it after a whole step, and is noted in the history."""
        self.history.interrupted = False
        try:
            with Interruption() as interruption, training(self.steps.model):
                for _ in range(epochs):
                    stopped = self._epoch(interruption, bar)
                    if interruption.noted:
                        self.history.interrupted = True
                    if stopped or interruption.noted:
                        break
        except KeyboardInterrupt:
            self.history.interrupted = True

    def _epoch(self, interruption: Interruption, bar: Silence) -> bool:
        """Train for one epoch, and add its row to the history; whether a callback asks to stop."""
        begun = perf_counter()
        steps, optimizer = self.steps, self.steps.optimizer
        epoch = int(self.history.rows[-1]["epoch"]) + 1 if len(self.history) else 1
        loss, norm = self._steps(epoch, interruption, bar)
        kept, steps.kept = steps.kept, None
        if steps.taken < len(self.batches):
            return True
        outputs, targets = zip(*kept.values()) if kept else ((), ())
        row: Row = {"epoch": epoch, "loss": loss} | scores(self.metrics, list(outputs), list(targets))
        if self.validation is not None:
            with evaluating(steps.model, steps.average):
                found = evaluated(steps.model, steps.loss, self.metrics, self.validation, EVALUATED)
            row |= {f"validation_{name}": value for name, value in found.items()}
        row["lr"] = optimizer.groups[0].get("lr", np.nan)
        row["gradient_norm"] = norm
        optimizer.observe(row.get("validation_loss", loss))
        row["seconds"] = perf_counter() - begun
        self.history.append(row)
        bar.tell(row)
        answers = [callback(row) for callback in self.callbacks]
        return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)

    def _steps(self, epoch: int, interruption: Interruption, bar: Silence) -> tuple[float, float]:
        """The steps of an epoch; their mean loss, and the norm of the last gradient.

        Where they are broken off, the model is left as it was after the last that was whole.
        """
        steps = self.steps
        start = steps.state_dict()
        steps.kept = {} if self.metrics else None
        try:
            sized = bar.watch(self.rows.sized(self.batches, steps.together()), lambda item: len(item[1]))
            loss = steps.take(sized, interruption)
            norm = global_norm(steps.optimizer)
            steps.require_finite(start, norm)
            return loss, norm
        except (ArithmeticError, ValueError, RuntimeWarning) as error:  # a warning may have been made an error
            trouble = error
        except KeyboardInterrupt:
            steps.kept = None
            rewind(steps, start, self.batches)
            raise
        steps.kept = None
        diagnose(steps, start, self.batches, epoch, trouble)  # here, so that the traceback is of what it finds
        raise trouble
