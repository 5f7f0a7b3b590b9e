"""A variant: one choice of everything that is compared, which runs from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from tinygrad_np import optim, states
from tinygrad_np.experiments.outcomes import Label, Outcome
from tinygrad_np.training import DivergenceError, History, Trainer
from tinygrad_np.training.compilation import is_wanted


@dataclass(frozen=True)
class Variant:
    """How to train: the ``labels`` of what was chosen, and all that a Trainer and its fit take.

    ``model_choices`` are arguments of make_model; a ``schedule`` is the optimizer's lr; ``fraction`` is that of the
    rows which validate, if there is no validation data. Where it is ``compiled``, the compiler must be installed
    wherever it runs.
    """

    labels: dict[str, Label]
    make_model: Callable[..., Any]
    optimizer: Any
    loss: Any
    metrics: Any
    epochs: int
    batch_size: int
    fraction: float | None = None
    compiled: bool | str = False
    model_choices: dict[str, Any] = field(default_factory=dict)
    schedule: Any = None

    def __str__(self) -> str:
        return ", ".join(f"{name}={label}" for name, label in self.labels.items())

    def trainer(self, seed: int) -> Trainer:
        """A Trainer whose weights, order of minibatches and masks of Dropout follow from ``seed``, each on its own.

        Whatever the model draws, two variants with the same seed see the same minibatches. Objects with a state, such
        as a plateau, are copied, so that no run begins where another ended.
        """
        weights, order, masks = np.random.SeedSequence(seed).spawn(3)
        model = self.make_model(np.random.default_rng(weights), **deepcopy(self.model_choices))
        rng = np.random.default_rng(order)
        trainer = Trainer(model, self.loss, self._optimizer(), rng, self.metrics)
        states.restore_generator(rng, states.of_generator(np.random.default_rng(order)))  # it has reseeded the model
        model.reseed(np.random.default_rng(masks))
        return trainer

    def fit(self, trainer: Trainer, data: tuple[Any, ...], epochs: int) -> History:
        """Train for so many epochs on ``data``, (X, y) or (X, y, X_valid, y_valid)."""
        validation: Any = data[2:] or self.fraction
        is_wanted(bool(self.compiled))  # or ImportError: numbers must not depend on where it runs
        return trainer.fit(
            data[0], data[1], epochs, self.batch_size, validation, progress=False, compiled=self.compiled
        )

    def run(self, seed: int, *data: Any) -> Outcome:
        """The outcome from ``seed``: on one BLAS thread, so that it is the same wherever it runs.

        Raises KeyboardInterrupt where Ctrl-C ended the fit, for half a run is none.
        """
        with one_thread(), np.errstate(all="ignore"):  # what overflows is noted as diverged
            trainer = self.trainer(seed)
            fault: DivergenceError | None = None
            try:
                self.fit(trainer, data, self.epochs)
            except DivergenceError as error:
                fault = error
        if trainer.history.interrupted:
            raise KeyboardInterrupt
        rows = trainer.history.rows
        return Outcome(self.labels, seed, rows) if fault is None else Outcome(self.labels, seed, rows, *noted(fault))

    def _optimizer(self) -> Any:
        """What makes the optimizer, with the schedule for its lr if there is one; the Trainer copies both."""
        if self.schedule is None:
            return self.optimizer
        made_by = optim.by_name(self.optimizer) if isinstance(self.optimizer, str) else self.optimizer
        return partial(made_by, lr=self.schedule)


def noted(fault: DivergenceError) -> tuple[str, int]:
    """Why a run diverged, and in which epoch."""
    operation = fault.operation.partition("; called at ")[0]  # the line is one of joblib's
    return f"step {fault.step}: {operation}", fault.epoch


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the context BLAS uses one thread, if threadpoolctl is there to say so."""
    if find_spec("threadpoolctl") is None:
        yield
        return
    with import_module("threadpoolctl").threadpool_limits(1):
        yield
