"""Runs of the Trainer that can be stopped and resumed: a saved file after each epoch, and errors in one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_np as tg
from examples.datasets import Parts
from examples.program import ExampleError
from examples.training import DivergenceError

LAST = "last.safetensors"


@dataclass
class Run:
    """A Trainer, what may stop it early, and the file that it is saved in after each epoch.

    ``settings`` are the options that decide it, by name: a run goes on with the same ones alone.
    """

    trainer: tg.Trainer
    path: Path
    settings: Mapping[str, Any]
    stopping: tg.EarlyStopping | None = None

    def fit(self, parts: Parts, epochs: int, batch_size: int, resume: bool) -> tg.History:
        """Train until there are ``epochs``, from the saved file if ``resume``.

        Raises ExampleError for a file that cannot be gone on with, DivergenceError for a loss that is no number,
        and KeyboardInterrupt, with how to go on, after Ctrl-C.
        """
        with one_line_errors():
            if resume:
                self._load(epochs)
            callbacks = [self.stopping, self._save] if self.stopping else [self._save]  # saved is what it knows then
            done = len(self.trainer.history)
            training, validation = parts.training, (parts.validation.x, parts.validation.y)
            history = self.trainer.fit(
                training.x, training.y, 0 if self._stopped else epochs - done, batch_size, validation, None, callbacks
            )
        if history.interrupted:
            whole = len(history)
            raise KeyboardInterrupt(*[f"with --resume it goes on after epoch {whole}"] * bool(whole))
        return history

    @property
    def _stopped(self) -> bool:
        """Whether it had stopped early when it was saved."""
        return self.stopping is not None and self.stopping.waited >= self.stopping.patience

    def _save(self, *_: Any) -> None:
        """Replace the file by one of this moment."""
        stopping = self.stopping and self.stopping.state_dict()
        tg.save(self.path, {"trainer": self.trainer.state_dict(), "stopping": stopping, "settings": self.settings})

    def _load(self, epochs: int) -> None:
        """Take the state from the file."""
        if not self.path.exists():
            raise ExampleError(f"argument --resume: there is no {self.path}; leave it out to begin a run")
        state = tg.load(self.path)
        try:
            for name, value in self.settings.items():
                if state["settings"][name] != value:
                    raise ExampleError(
                        f"argument --resume: {self.path} is a run with {_option(name, state['settings'][name])}, "
                        f"not {_option(name, value)}; give the same options, or leave out --resume"
                    )
            self.trainer.load_state_dict(state["trainer"])
            if self.stopping is not None:
                self.stopping.load_state_dict(state["stopping"])
        except (KeyError, TypeError, ValueError) as error:
            raise ExampleError(f"argument --resume: cannot go on from {self.path}: {error}") from None
        if len(self.trainer.history) > epochs:
            raise ExampleError(f"argument --resume: {self.path} has had {len(self.trainer.history)} epochs already")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What the library raises on account of a file or an option, as an ExampleError that says so."""
    try:
        with np.errstate(all="ignore"):  # what overflows is found and named
            yield
    except tg.CheckpointError as error:
        raise ExampleError(str(error)) from None
    except tg.DivergenceError as error:
        raise DivergenceError(f"the loss is no number any more in epoch {error.epoch}; try a smaller --lr") from None


def _option(name: str, value: Any) -> str:
    """An option as it is written."""
    return " ".join([f"--{name}", *map(str, value if isinstance(value, list) else [value])])
