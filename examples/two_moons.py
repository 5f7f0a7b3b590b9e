"""Two moons with 3 and with 20 hidden units, and whether the larger network overfits.

The article shows its decision regions and suspects so. Here both networks are also judged on
points that they were not trained on, which turns the suspicion into numbers; one picture shows
the decision regions side by side.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("two_moons"))

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser, number
from examples.datasets import Split
from examples.training import Trained, learn
from models import article

HIDDEN = (3, 20)
SEED = 1  # of seeds 0 to 3 the clearest; with none of them does the larger network do better on held-out points
NOISE = 0.2  # the moons overlap a little: no network can be right everywhere, but a large one can learn the noise
MARGIN = 0.5  # how far the decision regions reach beyond the data


@dataclass(frozen=True)
class Result:
    """A trained network, and its mean loss on each part of the data after the last step."""

    name: str
    model: tg.Sequential
    trained: Trained
    loss: float
    held_out_loss: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("two_moons", seed=SEED, epochs=3000, description=__doc__)
    parser.add_argument(
        "--noise",
        type=number(lambda value: 0 <= value <= 10, "from 0 to 10"),
        default=NOISE,
        metavar="DEVIATION",
        help="standard deviation of the noise on each coordinate (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    parser.make_directory(options.out)
    split = datasets.two_moons(options.seed, options.noise)
    print(
        f"data      {len(split.training)} points to train on, {len(split.held_out)} held out, noise {options.noise:g}"
    )
    print(f"training  the article's, {options.epochs} epochs, seed {options.seed}\n")

    results = [_train(hidden, split, options) for hidden in HIDDEN]
    _report(results)
    _draw(options.out / "regions.png", split, results)
    return 0


def _train(hidden: int, split: Split, options: argparse.Namespace) -> Result:
    """Train 2-``hidden``-2 in the article's way."""
    name = f"2-{hidden}-2"
    rng = np.random.default_rng(options.seed)
    model = article.moons(rng, hidden)
    optimizer = article.momentum_sgd(model, article.first_velocities(model, rng))
    x, labels = split.inputs, split.training.labels
    trained = learn(
        name,
        options.epochs,
        lambda: article.train_epoch(model, optimizer, x, labels),
        lambda points: article.predict(model, points),
        split,
    )
    with tg.no_grad():
        loss = tg.softmax_cross_entropy(model(x), labels).item()
        held_out_loss = tg.softmax_cross_entropy(model(split.held_out_inputs), split.held_out.labels).item()
    return Result(name, model, trained, loss, held_out_loss)


def _report(results: Sequence[Result]) -> None:
    """Print a row for each network, and what the larger one won."""
    print(f"{'':10}{'training':>22}{'held out':>22}")
    print(f"{'network':10}" + f"{'accuracy':>12}{'loss':>10}" * 2)
    for r in results:
        seen, unseen = f"{r.trained.accuracy:12.2%}{r.loss:10.4f}", f"{r.trained.held_out_accuracy:12.2%}"
        print(f"{r.name:10}{seen}{unseen}{r.held_out_loss:10.4f}")
    small, large = (r.trained for r in results)
    seen_gain, unseen_gain = large.accuracy - small.accuracy, large.held_out_accuracy - small.held_out_accuracy
    print(f"\nfrom {HIDDEN[0]} to {HIDDEN[1]} hidden units, accuracy changes by")
    print(f"{100 * seen_gain:+.2f} points in training and {100 * unseen_gain:+.2f} points held out\n")


def _draw(path: Path, split: Split, results: Sequence[Result]) -> None:
    """Draw the decision regions of the networks side by side."""
    with figures.picture(path, columns=len(results)) as panels, tg.no_grad():
        for axes, result in zip(panels, results):
            _draw_panel(axes, split, result)


def _draw_panel(axes: Axes, split: Split, r: Result) -> None:
    """One network's decision regions, and under its name how it does on each part of the data."""
    title = (
        f"{r.name}\n"
        f"training: accuracy {r.trained.accuracy:.1%}, loss {r.loss:.3f}\n"
        f"held out: accuracy {r.trained.held_out_accuracy:.1%}, loss {r.held_out_loss:.3f}"
    )
    figures.draw_regions(axes, split.training, lambda x: r.model(x).data, MARGIN, title)
