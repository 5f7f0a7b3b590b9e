"""Handwritten digits, 8 × 8 pixels each, read by a network with one hidden layer, dropout and averaged weights.

The network was chosen by its accuracy on the digits of the validation part, over several seeds, and is judged on
digits that neither it nor its choice has seen. Draws loss and accuracy over the epochs, which digits are taken for
which, and those that it got wrong.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("digits"))

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser
from examples.datasets import Parts, Rows
from examples.runs import LAST, Run

RATES = {"adam": 0.003, "adamw": 0.003, "rmsprop": 0.001, "momentum": 0.1, "nesterov": 0.1, "sgd": 0.5}
HIDDEN = 256
PIXELS_DROPPED, UNITS_DROPPED = 0.1, 0.5
AVERAGED = 0.995  # the decay of the weights' moving average: over some 200 steps, or five epochs
BATCH_SIZE = 32
CLASSES = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("digits", seed=0, epochs=60, description=__doc__)
    parser.add_optimizer(RATES)
    parser.add_hidden(HIDDEN)
    parser.add_resume()
    options = parser.parse_args(argv)
    options.lr = options.lr or RATES[options.optimizer]
    parser.make_directory(options.out)

    parts = datasets.split_digits(options.seed)
    _introduce(parts, options)
    trainer = _trainer(options)
    settings = {name: getattr(options, name) for name in ("seed", "optimizer", "lr", "hidden")}
    history = Run(trainer, options.out / LAST, settings).fit(parts, options.epochs, BATCH_SIZE, options.resume)
    predicted = trainer.predict(parts.held_out.x).argmax(axis=1)
    _report(trainer, parts, predicted)
    _draw(options.out, history, parts.held_out, predicted)
    return 0


def _introduce(parts: Parts, options: argparse.Namespace) -> None:
    """Print what is about to be trained, on what and how."""
    sizes = "-".join(map(str, (parts.training.x.shape[1], *options.hidden, CLASSES)))
    print(f"data      {_counts(parts)}")
    print(f"network   {sizes} units, ReLU, dropout of {PIXELS_DROPPED:.0%} of pixels and {UNITS_DROPPED:.0%} of units")
    print(f"training  {options.optimizer}, lr {options.lr:g}, {options.epochs} epochs, seed {options.seed}\n")


def _counts(parts: Parts) -> str:
    return (
        f"{len(parts.training)} digits to train on, {len(parts.validation)} to validate with, "
        f"{len(parts.held_out)} held out"
    )


def _trainer(options: argparse.Namespace) -> tg.Trainer:
    """The network of ``options``, its weights drawn by the seed, and how it is trained."""
    rng = np.random.default_rng(options.seed)
    layers: list[tg.nn.Module] = [tg.nn.Dropout(PIXELS_DROPPED)]
    for units, following in pairwise((64, *options.hidden)):
        layers += [tg.nn.Linear(units, following, rng=rng, dtype=np.float32), tg.nn.ReLU()]
        layers.append(tg.nn.Dropout(UNITS_DROPPED))
    layers.append(tg.nn.Linear(options.hidden[-1], CLASSES, rng=rng, dtype=np.float32))
    model = tg.Sequential(*layers)
    optimizer = partial(tg.optim.by_name(options.optimizer), lr=options.lr)
    average = tg.optim.MovingAverage(model, AVERAGED)
    with np.errstate(over="ignore"):  # a rate beyond float32's numbers is found in training
        return tg.Trainer(model, "softmax_cross_entropy", optimizer, options.seed, ["accuracy"], average=average)


def _report(trainer: tg.Trainer, parts: Parts, predicted: NDArray[np.intp]) -> None:
    """Print loss and accuracy on each part, without dropout and with the averaged weights."""
    named = {"training": parts.training, "validation": parts.validation, "held out": parts.held_out}
    found = [trainer.evaluate(part.x, part.y) for part in named.values()]
    print(f"{'':8}" + "".join(f"{name:>14}" for name in named))
    print(f"{'loss':8}" + "".join(f"{scores['loss']:14.4f}" for scores in found))
    print(f"{'accuracy':8}" + "".join(f"{scores['accuracy']:14.2%}" for scores in found))
    print(f"\n{np.sum(predicted != parts.held_out.y)} of {len(predicted)} held-out digits are read wrongly\n")


def _draw(directory: Path, history: tg.History, held_out: Rows, predicted: NDArray[np.intp]) -> None:
    """Draw the three figures."""
    with figures.picture(directory / "curves.png", columns=2) as (left, right):
        names = {"loss": "training (with dropout)", "validation_loss": "validation (averaged weights)"}
        figures.draw_curves(left, history, names, "cross-entropy (nats)", "Loss")
        names = {"accuracy": "training (with dropout)", "validation_accuracy": "validation (averaged weights)"}
        figures.draw_curves(right, history, names, "accuracy", "Accuracy")
    accuracy = np.mean(predicted == held_out.y)
    with figures.picture(directory / "confusion.png") as axes:
        counts = np.zeros((CLASSES, CLASSES), int)
        np.add.at(counts, (held_out.y, predicted), 1)
        figures.draw_confusion(axes, counts, f"{len(predicted)} held-out digits: {accuracy:.1%} are right")
    wrong = np.flatnonzero(predicted != held_out.y)
    images = held_out.x[wrong].reshape(-1, 8, 8)
    captions = [f"{held_out.y[row]}, taken for {predicted[row]}" for row in wrong]
    figures.draw_images(directory / "wrong.png", images, captions, f"Read wrongly: {len(wrong)} of {len(predicted)}")
