"""How far diabetes went in a year, from ten measurements of 442 patients: a network beside linear models.

All are fitted to the same rows. The validation rows decide when the network stops and how strong the penalty of ridge
regression is, and the held-out rows, by which nothing was chosen, judge them. Draws what the network predicts for the
held-out rows over what was true, and its loss over the epochs.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("regression"))

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, Ridge  # type: ignore[import-untyped]  # it ships no types

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser
from examples.datasets import Parts
from examples.runs import LAST, Run

Array = NDArray[np.float64]

RATES = {"adam": 0.003, "adamw": 0.003, "rmsprop": 0.001, "momentum": 0.01, "nesterov": 0.01, "sgd": 0.03}
LOSSES = {"squared_error": "squared error", "huber": "Huber loss"}
HIDDEN = 64
DROPPED = 0.5
PATIENCE = 30  # epochs without a lower validation loss
BATCH_SIZE = 32
PENALTIES = 10.0 ** np.arange(-2, 4)
SAMPLES = 10_000  # of the held-out rows, drawn with replacement
UNIT = "progression after a year"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("regression", seed=0, epochs=500, description=__doc__)
    parser.add_optimizer(RATES)
    parser.add_hidden(HIDDEN)
    parser.add_argument("--loss", choices=LOSSES, default="squared_error", help="default: %(default)s")
    parser.add_resume()
    options = parser.parse_args(argv)
    options.lr = options.lr or RATES[options.optimizer]
    parser.make_directory(options.out)

    parts, units = datasets.split_diabetes(options.seed)
    _introduce(parts, options)
    trainer, stopping = _trainer(options), tg.EarlyStopping(patience=PATIENCE)
    settings = {name: getattr(options, name) for name in ("seed", "optimizer", "lr", "hidden", "loss")}
    run = Run(trainer, options.out / LAST, settings, stopping)
    history = run.fit(parts, options.epochs, BATCH_SIZE, options.resume)
    print(f"after {len(history)} epochs, with the weights of epoch {stopping.epoch}, the best in validation\n")

    predicted = _linear(parts) | {f"network, {LOSSES[options.loss]}": trainer.predict(parts.held_out.x)}
    in_units = {name: units.inverse(values).ravel() for name, values in predicted.items()}
    true = units.inverse(parts.held_out.y).ravel()
    _report(in_units, true, options.seed)
    with figures.picture(options.out / "regression.png", columns=2) as (left, right):
        title = f"{len(true)} held-out patients: r² = {r2(true, list(in_units.values())[-1]):.3f}"
        figures.draw_agreement(left, true, list(in_units.values())[-1], UNIT, title)
        names = {"loss": "training (with dropout)", "validation_loss": "validation"}
        title = f"Best in validation: epoch {stopping.epoch}"
        figures.draw_curves(
            right, history, names, f"{LOSSES[options.loss]}, targets standardized", title, stopping.epoch
        )
    return 0


def r2(true: Array, predicted: Array) -> float:
    """The share of the variance of ``true`` that is predicted."""
    return tg.metrics.r2(predicted, true)


def _introduce(parts: Parts, options: argparse.Namespace) -> None:
    """Print what is about to be trained, on what and how."""
    sizes = "-".join(map(str, (parts.training.x.shape[1], *options.hidden, 1)))
    rows = [len(part) for part in (parts.training, parts.validation, parts.held_out)]
    print(f"data      {rows[0]} patients to train on, {rows[1]} to validate with, {rows[2]} held out")
    print(f"network   {sizes} units, SiLU, dropout of {DROPPED:.0%} of units")
    print(
        f"training  {LOSSES[options.loss]}, {options.optimizer}, lr {options.lr:g}, at most {options.epochs} epochs, "
        f"seed {options.seed}\n"
    )


def _trainer(options: argparse.Namespace) -> tg.Trainer:
    """The network of ``options``, its weights drawn by the seed, and how it is trained."""
    rng = np.random.default_rng(options.seed)
    layers: list[tg.nn.Module] = []
    for units, following in pairwise((10, *options.hidden)):
        layers += [tg.nn.Linear(units, following, rng=rng), tg.nn.SiLU(), tg.nn.Dropout(DROPPED)]
    layers.append(tg.nn.Linear(options.hidden[-1], 1, rng=rng))
    optimizer = partial(tg.optim.by_name(options.optimizer), lr=options.lr)
    return tg.Trainer(tg.Sequential(*layers), options.loss, optimizer, options.seed)


def _linear(parts: Parts) -> dict[str, Array]:
    """What scikit-learn's linear models predict for the held-out rows, (n, 1) each."""
    training, validation = parts.training, parts.validation
    ridges = [Ridge(penalty).fit(training.x, training.y) for penalty in PENALTIES]
    ridge = max(ridges, key=lambda model: model.score(validation.x, validation.y))
    models = {
        "linear regression": LinearRegression().fit(training.x, training.y),
        f"ridge, penalty {ridge.alpha:g}": ridge,
    }
    return {name: model.predict(parts.held_out.x).reshape(-1, 1) for name, model in models.items()}


def _report(predicted: Mapping[str, Array], true: Array, seed: int) -> None:
    """Print a row for each model, and whether the network is better than these few rows can tell."""
    print(f"{'held out':26}{'r²':>8}{'mean error':>14}")
    for name, values in predicted.items():
        print(f"{name:26}{_brief(r2(true, values)):>8}{_brief(np.abs(values - true).mean(), 1):>14}")
    ridge, network = list(predicted.values())[-2:]
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(true), size=(SAMPLES, len(true)))
    variance = ((true[rows] - true[rows].mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    gains = (((ridge - true) ** 2 - (network - true) ** 2)[rows].sum(axis=1)) / variance
    low, high = np.quantile(gains, [0.025, 0.975])
    change, low_text, high_text = (_brief(x, sign="+") for x in (r2(true, network) - r2(true, ridge), low, high))
    print(f"\nfrom ridge to the network, r² changes by {change}, and by {low_text} to")
    print(f"{high_text} in 95% of {SAMPLES} samples of these rows (bootstrap): {_verdict(low, high)}\n")


def _brief(x: float, digits: int = 3, sign: str = "-") -> str:
    """``x`` with so many digits after the point, or as a power of ten where it is beyond all sense."""
    return f"{x:{sign}.{digits}f}" if abs(x) < 1e6 else f"{x:{sign}.2e}"


def _verdict(low: float, high: float) -> str:
    """What an interval of gains says."""
    if low > 0:
        return "the network is better here"
    return "the network is worse here" if high < 0 else "no difference that they can show"
