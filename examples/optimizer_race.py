"""Optimizers race on the article's three classes and on handwritten digits, from the same weights and minibatches.

Each starts from several seeds. Prints for each problem a table of the loss on rows that are not trained on, with each
optimizer beside the best, seed by seed; writes it, and draws how they learn, where they end and how long they take to
a certain loss. Each has the learning rate of the least such loss, of rates half a decade apart, from four seeds that
are far from these. Runs that have finished are kept in the directory, and are not run again.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("optimizer_race"))

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser
from examples.program import one_line
from examples.studies import compare
from models import article
from tinygrad_np.names import nearest

# The rate on the article's problem and on the digits.
RATES = {
    "sgd": (0.1, 1.0),
    "momentum": (0.01, 0.1),
    "corrected_momentum": (0.01, 0.1),
    "nesterov": (0.01, 0.1),
    "adagrad": (0.3, 0.1),
    "adadelta": (10.0, 3.0),
    "rmsprop": (0.01, 0.01),
    "adam": (0.01, 0.01),
    "adamw": (0.01, 0.01),
    "amsgrad": (0.01, 0.01),
    "nadam": (0.01, 0.01),
    "lion": (0.001, 0.0003),
}
DEFAULT = "sgd,momentum,adam"
ARTICLE_SEED = 14  # of the data: that of three_class
HELD_OUT = 0.2  # of the digits, others for each seed


@dataclass(frozen=True)
class Problem:
    """What the optimizers race on: a network, its data, and the loss until which the time is taken."""

    title: str
    make_model: Callable[[np.random.Generator], tg.Sequential]
    data: tuple[NDArray[Any], NDArray[Any]]
    validation: tuple[NDArray[Any], NDArray[Any]] | float
    batch_size: int
    target: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("optimizer_race", seed=0, epochs=30, description=__doc__)
    what = f"of {', '.join(RATES)} (default: %(default)s)"
    parser.add_argument("--optimizers", type=_names, default=DEFAULT, metavar="NAME,NAME", help=what)
    parser.add_study(seeds=10)
    options = parser.parse_args(argv)
    parser.make_directory(options.out)
    print(f"training  {options.epochs} epochs, {options.seeds} seeds from {options.seed}")
    for i, (name, problem) in enumerate({"article": _article(), "digits": _digits()}.items()):
        rates = {optimizer: RATES[optimizer][i] for optimizer in options.optimizers}
        _race(name, problem, rates, options)
    return 0


def _names(text: str) -> list[str]:
    """The type of an option that takes names of optimizers."""
    names = text.split(",")
    for name in names:
        try:
            nearest("optimizer", name, RATES)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"must be different names, got {text!r}")
    return names


def _article() -> Problem:
    """The article's network and data, in its minibatches."""
    split = datasets.three_classes(ARTICLE_SEED)
    title = f"2-3-3 units, tanh, {len(split.training)} points to train on, {len(split.held_out)} to validate with"
    data, validation = (split.inputs, split.training.labels), (split.held_out_inputs, split.held_out.labels)
    return Problem(title, article.three_classes, data, validation, article.BATCH_SIZE, target=0.25)


def _digits() -> Problem:
    """A network for the handwritten digits, without dropout."""
    digits = datasets.digits()
    title = f"64-64-10 units, ReLU, {len(digits)} digits, {HELD_OUT:.0%} of them to validate with, others for each seed"
    return Problem(title, digit_reader, (digits.x / datasets.BRIGHTEST, digits.y), HELD_OUT, batch_size=32, target=0.2)


def digit_reader(rng: np.random.Generator) -> tg.Sequential:
    """64-64-10 with ReLU, its weights drawn by ``rng``."""
    hidden = tg.nn.Linear(64, 64, rng=rng, dtype=np.float32)
    return tg.Sequential(hidden, tg.nn.ReLU(), tg.nn.Linear(64, 10, rng=rng, dtype=np.float32))


def _race(name: str, problem: Problem, rates: Mapping[str, float], options: argparse.Namespace) -> None:
    """Run one problem's study, and print, write and draw what came out."""
    print(f"\n{name:9} {problem.title}")
    print(f"{'rates':9} {', '.join(f'{rate:g} for {optimizer}' for optimizer, rate in rates.items())}\n")
    study = compare(
        options,
        options.out / "-".join([name, *rates, str(options.epochs), "epochs"]),
        problem.make_model,
        problem.data,
        {optimizer: partial(tg.optim.by_name(optimizer), lr=rate) for optimizer, rate in rates.items()},
        validation=problem.validation,
        batch_size=problem.batch_size,
        metrics=["accuracy"],
        target=problem.target,
    )
    accuracy = replace(study.table("validation_accuracy"), notes=[])  # the same as those of the loss
    table = f"{accuracy}\n\n{study.table()}\n"
    print(table)
    (options.out / f"{name}.txt").write_text(table, encoding="utf-8")
    print(one_line(f"wrote {options.out / name}.txt"))
    for what in ("rows", "curves"):
        path = options.out / f"{name}_{what}.csv"
        study.to_csv(path, what)
        print(one_line(f"wrote {path}"))
    figure = study.plot()
    figure.suptitle(f"{name}: {problem.title}", x=0.01, ha="left", fontsize=11)
    figures.write(figure, options.out / f"{name}.png")
