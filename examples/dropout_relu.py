"""tanh, ReLU, and ReLU with dropout: the same network from the same seeds, on few enough digits that it overfits.

Each seed draws other digits to train on, and the three networks of a seed share digits, first weights and minibatches.
Prints loss and accuracy on all other digits, which are held out, with their spread over the seeds, and whether dropout
helped; draws both. Runs that have finished are kept in the directory, and are not run again.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("dropout_relu"))

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser
from examples.studies import compare

Array = NDArray[np.float64]
Curves = Mapping[str, Mapping[str, Array]]  # by network and column, (seeds, epochs)

NETWORKS = ("tanh", "ReLU", "ReLU + dropout")
HIDDEN = (256, 256)
DROPPED = 0.5
LR = 0.001  # of Adam


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("dropout_relu", seed=0, epochs=100, description=__doc__)
    parser.add_study(seeds=10)
    parser.add_count("--rows", 20, 1000, 200, "digits to train on, from 20 to 1000")
    options = parser.parse_args(argv)
    parser.make_directory(options.out)
    digits = datasets.digits()
    print(f"data      {options.rows} digits to train on, others for each seed, {len(digits) - options.rows} held out")
    print(f"network   64-{'-'.join(map(str, HIDDEN))}-10 units; dropout of {DROPPED:.0%} of units")
    print(f"training  adam, lr {LR:g}, {options.epochs} epochs, {options.seeds} seeds from {options.seed}\n")
    curves = _trained(options, digits)
    _report(curves)
    _draw(options.out / "dropout_relu.png", curves)
    return 0


def make_model(rng: np.random.Generator, network: str) -> tg.Sequential:
    """The network of one of the NETWORKS, its weights drawn by ``rng``."""
    activation = tg.nn.Tanh if network == "tanh" else tg.nn.ReLU
    layers: list[tg.nn.Module] = []
    units = 64
    for following in HIDDEN:
        layers += [tg.nn.Linear(units, following, rng=rng, dtype=np.float32), activation()]
        layers += [tg.nn.Dropout(DROPPED)] if network == "ReLU + dropout" else []
        units = following
    return tg.Sequential(*layers, tg.nn.Linear(units, 10, rng=rng, dtype=np.float32))


def _trained(options: argparse.Namespace, digits: datasets.Rows) -> Curves:
    """What the held-out digits said after each epoch of each network."""
    study = compare(
        options,
        options.out / f"{options.rows}-rows-{options.epochs}-epochs",
        make_model,
        (digits.x / datasets.BRIGHTEST, digits.y),
        {"adam": partial(tg.optim.Adam, lr=LR)},
        metrics=["accuracy"],
        validation=1 - options.rows / len(digits),
        choices={"network": list(NETWORKS)},
    )
    runs = {name: [o for o in study.outcomes if o.choices["network"] == name] for name in NETWORKS}
    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {
        name: {column: np.array([[row[column] for row in o.rows] for o in outcomes]) for column in columns}
        for name, outcomes in runs.items()
    }


def _report(curves: Curves) -> None:
    """Print a row for each network, and what dropout did for the ReLU network, seed by seed."""
    print(f"{'':16}{'training':>10}{'held out: mean ± s.d. over seeds':>38}{'lowest':>12}")
    print(f"{'network':16}{'accuracy':>10}{'accuracy':>20}{'loss':>18}{'loss at':>12}")
    for name, values in curves.items():
        loss = values["validation_loss"]
        print(
            f"{name:16}{values['accuracy'][:, -1].mean():10.2%}"
            f"{_spread(100 * values['validation_accuracy'][:, -1], 2):>19}%{_spread(loss[:, -1], 3):>18}"
            f"{'epoch ' + str(loss.mean(axis=0).argmin() + 1):>12}"
        )
    print("\nwith dropout, of the ReLU network the held-out")
    for column, sign, unit in (("accuracy", 1, 100), ("loss", -1, 1)):
        plain, dropped = (unit * curves[name][f"validation_{column}"][:, -1] for name in NETWORKS[1:])
        changes = dropped - plain
        ends = f"by {changes.mean():+.3f}{' points' * (unit == 100)}"
        better = f"better for {np.sum(sign * changes > 0)} of {len(changes)} seeds"
        print(f"  {column:9} changes {ends}, {better}: {_verdict(sign * changes)}")
    print()


def _spread(values: Array, digits: int) -> str:
    """Mean and standard deviation, the latter if there are two values to have one."""
    deviation = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{deviation}"


def _verdict(gains: Array) -> str:
    """Whether the mean gain is more than twice its standard error."""
    if len(gains) < 2:
        return "one seed says little"
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    if abs(gains.mean()) <= 2 * error:
        return "no difference that these seeds can show"
    return "dropout helps here" if gains.mean() > 0 else "dropout does not help here, it harms"


def _draw(path: Path, curves: Curves) -> None:
    """Draw the held-out loss over the epochs, and the accuracy at the end."""
    seeds = len(curves[NETWORKS[0]]["accuracy"])
    band = f"mean ± 1 s.d., n = {seeds}" if seeds > 1 else "one seed"
    with figures.picture(path, columns=2) as (left, right):
        losses = {name: values["validation_loss"] for name, values in curves.items()}
        figures.draw_bands(left, losses, "cross-entropy (nats)", f"Held-out loss: {band}")
        left.set_ylim(0, 0.8)
        accuracies = {name: 100 * values["validation_accuracy"][:, -1] for name, values in curves.items()}
        figures.draw_points(right, accuracies, "%", "Held-out accuracy at the end, by seed")
