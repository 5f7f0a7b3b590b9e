"""Callbacks: what is done after each epoch.

A callback is any function ``callback(trainer, row)`` that is called with the Trainer and the epoch's row of the
history, and may return True to stop. An object that is called so may also have ``start(trainer, columns)``, which is
called before anything is trained, with the names that rows will have, and ``finish(trainer)``, which is called when
the fit ends, by Ctrl-C too, but not with an error.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_np import states
from tinygrad_np.arguments import number, size
from tinygrad_np.names import nearest
from tinygrad_np.nn import Module
from tinygrad_np.optim import MovingAverage
from tinygrad_np.saving import CheckpointError, save
from tinygrad_np.saving.atomic import replace
from tinygrad_np.training.history import History, Row

HIGHER = ("accuracy", "r2", "precision", "recall", "f1")  # whose higher values are better
MODES = {"min": 1.0, "max": -1.0}


class Trained(Protocol):
    """What a callback needs of the Trainer."""

    model: Module
    average: MovingAverage | None
    history: History

    def state_dict(self) -> dict[str, Any]:
        """All that the run needs to go on."""


class Monitor:
    """A column of the history, and which of its values is better.

    Without a name it is the validation loss, or the loss where nothing is validated. ``mode`` is "min" or "max"; it
    is known for losses, errors, accuracy and r2. NaN is never better.
    """

    def __init__(self, name: str | None, mode: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"monitor must be the name of a column, such as 'validation_loss', got {name!r}")
        if mode is not None:
            nearest("mode", mode, MODES)
        self.asked, self.mode = name, mode
        self.name, self.sign = "", 1.0

    def choose(self, columns: Sequence[str]) -> None:
        """Find the column among those that there will be; ValueError for one that there will not."""
        usual = "validation_loss" if "validation_loss" in columns else "loss"
        self.name = usual if self.asked is None else self.asked
        if self.name.startswith("validation_") and not any(name.startswith("validation_") for name in columns):
            raise ValueError(
                f"there is no column to monitor {self.name!r}, for nothing is validated: give validation=(X, y), or a "
                "fraction of the rows such as validation=0.2"
            )
        nearest("column to monitor", self.name, dict.fromkeys(columns))
        mode = self.mode
        if mode is None:
            plain = self.name.removeprefix("validation_")
            lower = "loss" in plain or "error" in plain
            mode = "min" if lower else "max" if plain in HIGHER else None
        if mode is None:
            raise ValueError(f'whether a high {self.name} is better is not known; give mode="max" or mode="min"')
        self.sign = MODES[mode]

    def of(self, row: Row) -> float:
        """The row's value, lower for better."""
        value = self.sign * row.get(self.name, math.nan)
        return math.inf if math.isnan(value) else value


class EarlyStopping:
    """A callback that stops after ``patience`` epochs in a row without a better one, and restores the best.

    ``monitor`` is a column of the history, the validation loss by default; better is lower, or for ``mode="max"``
    higher, by more than ``min_delta``, in the column's units. When the fit ends, in whatever way but by an error, the
    model gets back the parameters and buffers of the best epoch, unless ``restore`` is False; the optimizer and the
    Generators stay as they are. ``value`` and ``epoch`` are those of the best one. A second fit of the same Trainer
    goes on counting; with a fresh Trainer all begins anew. What it knows is saved and loaded with the Trainer.
    Prechelt (1998), "Early stopping - but when?".

    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0)
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore: bool = True,
    ) -> None:
        self.min_delta = number(
            "min_delta", min_delta, 0.01, lambda d: 0 <= d < math.inf, "a finite number, at least 0"
        )
        self.monitor, self.patience, self.restore = Monitor(monitor, mode), size("patience", patience), restore
        self._reset()

    def _reset(self) -> None:
        self.best, self.epoch, self.waited = math.inf, 0, 0
        self.weights: dict[str, Any] = {}
        self.average: dict[str, Any] = {}

    @property
    def value(self) -> float:
        """The best value of the column so far; infinite where there is none."""
        return self.monitor.sign * self.best

    def start(self, trainer: Trained, columns: Sequence[str]) -> None:
        """Check the column, and begin anew with a fresh Trainer."""
        self.monitor.choose(columns)
        if not len(trainer.history):
            self._reset()

    def __call__(self, trainer: Trained, row: Row) -> bool:
        value = self.monitor.of(row)
        if value < self.best - self.min_delta:
            self.best, self.epoch, self.waited = value, int(row["epoch"]), 0
            if self.restore:
                self.weights = _arrays(trainer.model.state_dict())
                self.average = {} if trainer.average is None else trainer.average.state_dict()
            return False
        self.waited += 1
        return self.waited >= self.patience

    def finish(self, trainer: Trained) -> None:
        """Give the model the best weights back; a fit after a stop has its whole patience again."""
        if self.waited >= self.patience:
            self.waited = 0
        if self.weights:
            trainer.model.load_state_dict(trainer.model.state_dict() | self.weights)
        if self.average and trainer.average is not None:
            trainer.average.load_state_dict(self.average)

    def state_dict(self) -> dict[str, Any]:
        """The best value, its epoch and its weights, and the epochs waited since."""
        counts = {"best": self.best, "epoch": self.epoch, "waited": self.waited}
        return counts | {"weights": dict(self.weights), "average": dict(self.average)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave."""
        states.check("EarlyStopping", self.state_dict(), state)
        counts = float(state["best"]), int(state["epoch"]), int(state["waited"])
        self.weights, self.average = dict(state["weights"]), dict(state["average"])
        self.best, self.epoch, self.waited = counts

    def __repr__(self) -> str:
        monitor = "" if self.monitor.asked is None else f"monitor={self.monitor.asked!r}, "
        return f"EarlyStopping({monitor}patience={self.patience}, min_delta={self.min_delta:g})"


class Checkpoints:
    """A callback that saves the Trainer into a ``folder``: ``last.safetensors`` and ``best.safetensors``.

    The last is saved after each epoch (each ``every``-th), the best when the column ``monitor`` became better, the
    validation loss by default; ``mode`` is as in EarlyStopping. ``best=False`` or ``last=False`` leaves one out. Each
    is read by ``Trainer.load``, and a run that goes on from the last equals one that was never stopped. What is best is
    known from the history, so that a resumed run keeps the best of before. The folder is made, and tried, before
    anything is trained. Raises CheckpointError where it cannot be written; the earlier file is whole.

    >>> Checkpoints("runs/first", monitor="validation_accuracy")
    Checkpoints('runs/first')
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        best: bool = True,
        last: bool = True,
        monitor: str | None = None,
        mode: str | None = None,
        every: int = 1,
    ) -> None:
        if not best and not last:
            raise ValueError("best=False and last=False leave nothing to save")
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"the folder must be a path, a string or a Path, got {folder!r}")
        self.folder = os.fsdecode(folder)
        self.last = os.path.join(self.folder, "last.safetensors") if last else None
        self.best = os.path.join(self.folder, "best.safetensors") if best else None
        self.monitor, self.every = Monitor(monitor, mode), size("every", every)
        self.value = math.inf

    def start(self, trainer: Trained, columns: Sequence[str]) -> None:
        """Check the column and the folder, and find the best value so far."""
        if self.best:
            self.monitor.choose(columns)
        _try(self.folder)
        known = self.best is not None and os.path.exists(self.best)
        self.value = min([self.monitor.of(row) for row in trainer.history.rows if known], default=math.inf)

    def __call__(self, trainer: Trained, row: Row) -> None:
        better = self.best is not None and self.monitor.of(row) < self.value
        due = self.last is not None and row["epoch"] % self.every == 0
        state = trainer.state_dict() if better or due else {}
        if self.best is not None and better:  # first: a run that goes on from the last takes it for saved
            save(self.best, state)
            self.value = self.monitor.of(row)
        if self.last is not None and due:
            save(self.last, state)

    def __repr__(self) -> str:
        return f"Checkpoints({self.folder!r})"


def _arrays(state: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters and buffers in the state of a model, without the states of its Generators."""
    return {name: value for name, value in state.items() if isinstance(value, np.ndarray)}


def _try(folder: str) -> None:
    """Make the folder, and a file in it, which is deleted again."""
    trial = os.path.join(folder, f".trial.{os.urandom(8).hex()}")
    try:
        os.makedirs(folder, exist_ok=True)
        replace(trial, b"")
        os.unlink(trial)
    except OSError as error:
        raise CheckpointError(f"cannot save into {folder!r}: {error}; choose another folder") from error
