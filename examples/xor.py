"""XOR, which no network without a hidden layer can learn, by the article's class of network from ten starts.

Prints for each seed whether all four points are right and from which epoch on; draws the decision
regions of the first network that succeeded and the loss of all.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("xor"))

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tinygrad_np as tg
from examples import figures
from examples.command import Parser, whole
from examples.datasets import Samples
from examples.training import History, fit
from models import article

STARTS = 10
HIDDEN = 5  # of seeds 0 to 39, 32 succeed with 3 hidden units and all with 5
MARGIN = 0.5  # how far the decision regions reach beyond the points
POINTS = Samples(
    x=np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    labels=np.array([0, 1, 1, 0]),
    classes=("0", "1"),
    label="x1 XOR x2",
)


@dataclass(frozen=True)
class Start:
    """A network trained from one seed."""

    seed: int
    model: tg.Sequential
    history: History

    @property
    def solved(self) -> bool:
        """Whether all four points are right at the end."""
        return self.history.epochs_needed is not None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    parser = Parser("xor", seed=0, epochs=1000, description=__doc__)
    parser.add_argument(
        "--hidden",
        type=whole(1, 1000),
        default=HIDDEN,
        metavar="UNITS",
        help="units of the hidden layer (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    parser.make_directory(options.out)
    print(f"network   2-{options.hidden}-2 units, tanh and softmax")
    print(f"training  the article's, {options.epochs} epochs, {STARTS} seeds from {options.seed}\n")
    starts = [_train(options.seed + i, options) for i in range(STARTS)]
    _report(starts)
    _draw(options.out / "xor.png", starts)
    return 0


def _train(seed: int, options: argparse.Namespace) -> Start:
    """Train a network in the article's way; a minibatch of 4 is all of XOR."""
    rng = np.random.default_rng(seed)
    model = article.xor(rng, options.hidden)
    optimizer = article.momentum_sgd(model, article.first_velocities(model, rng))
    history = fit(
        f"seed {seed}",
        options.epochs,
        lambda: article.train_epoch(model, optimizer, POINTS.x, POINTS.labels),
        lambda: article.accuracy(model, POINTS.x, POINTS.labels),
    )
    return Start(seed, model, history)


def _report(starts: Sequence[Start]) -> None:
    """Print a row for each seed."""
    print(f"{'seed':>10}{'accuracy':>10}{'epochs needed':>16}{'final loss':>14}")
    for start in starts:
        history = start.history
        needed = history.epochs_needed or "-"
        print(f"{start.seed:10}{history.accuracies[-1]:10.0%}{needed:>16}{history.losses[-1]:14.6f}")
    print(f"\n{sum(start.solved for start in starts)} of {len(starts)} seeds learn XOR to 100%\n")


def _draw(path: Path, starts: Sequence[Start]) -> None:
    """Draw one network's decision regions beside every network's loss."""
    shown = next((start for start in starts if start.solved), starts[0])
    with figures.picture(path, columns=2) as (left, right), tg.no_grad():
        title = f"Decision regions, seed {shown.seed}: accuracy {shown.history.accuracies[-1]:.0%}"
        figures.draw_regions(left, POINTS, lambda x: shown.model(x).data, MARGIN, title)
        solved = sum(start.solved for start in starts)
        title = f"Loss: {solved} of {len(starts)} seeds learn XOR"
        figures.draw_many_losses(right, [(start.history.losses, start.solved) for start in starts], title)
