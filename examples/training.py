"""Epochs under a progress bar, and what they did to loss and accuracy."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm  # type: ignore[import-untyped]  # it ships no types

from examples.datasets import Labels, Split
from examples.program import ExampleError

Array = NDArray[np.float64]


class DivergenceError(ExampleError):
    """The loss left the range of numbers, so that there is no trained network."""

    status = 1


@dataclass(frozen=True)
class History:
    """Loss and accuracy on the training data after each epoch, both of shape (epochs,)."""

    losses: Array
    accuracies: Array

    @property
    def epochs_needed(self) -> int | None:
        """The epoch, counted from 1, from which on every row was right; None if some row is wrong at the end."""
        imperfect = np.flatnonzero(self.accuracies < 1)
        first = int(imperfect[-1]) + 2 if len(imperfect) else 1
        return first if first <= len(self.accuracies) else None


@dataclass(frozen=True)
class Trained:
    """A network after training: how it got there, and its accuracy on held-out rows."""

    history: History
    held_out_accuracy: float

    @property
    def accuracy(self) -> float:
        """On the rows that it was trained on."""
        return float(self.history.accuracies[-1])


def learn(
    name: str, epochs: int, train_epoch: Callable[[], float], predict: Callable[[Array], Labels], split: Split
) -> Trained:
    """Train on the training rows of ``split`` and judge the network's ``predict`` on both parts."""
    x, labels = split.inputs, split.training.labels
    history = fit(name, epochs, train_epoch, lambda: float(np.mean(predict(x) == labels)))
    return Trained(history, float(np.mean(predict(split.held_out_inputs) == split.held_out.labels)))


def fit(name: str, epochs: int, train_epoch: Callable[[], float], accuracy: Callable[[], float]) -> History:
    """Run ``train_epoch`` ``epochs`` times, with a progress bar called ``name`` if stderr is a terminal.

    ``train_epoch`` trains once through the data and returns the loss; ``accuracy`` returns the share
    of rows that are then right. Raises DivergenceError, with the epoch, at the first loss that is no number.
    """
    history = History(np.empty(epochs), np.empty(epochs))
    visible = sys.stderr is not None and sys.stderr.isatty()
    with (
        np.errstate(over="raise", invalid="raise"),
        tqdm(total=epochs, desc=name, unit="epoch", disable=not visible, dynamic_ncols=True) as bar,
    ):
        for epoch in range(epochs):
            loss, right = _one_epoch(train_epoch, accuracy)
            if not np.isfinite(loss):
                raise DivergenceError(
                    f"the loss of {name} is no number any more in epoch {epoch + 1}; try a smaller --lr"
                )
            history.losses[epoch], history.accuracies[epoch] = loss, right
            bar.set_postfix(loss=f"{loss:.4f}", accuracy=f"{right:.1%}", refresh=False)
            bar.update()
    return history


def _one_epoch(train_epoch: Callable[[], float], accuracy: Callable[[], float]) -> tuple[float, float]:
    """Loss and accuracy of one epoch; an overflow on the way is a loss that is no number."""
    try:
        return train_epoch(), accuracy()
    except FloatingPointError:
        return np.nan, 0.0
