"""The article's three-class network, trained by autodiff and, from the same start, by its hand-derived backpropagation.

Prints loss, accuracy on the training data and on held-out data, and how far the two ways differ;
draws the article's three figures: the data, the loss over the epochs, the decision regions.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("three_class"))

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from examples import csv_data, datasets, figures
from examples.command import Parser, number
from examples.datasets import Split
from examples.training import Trained, learn
from models import article, reference

Array = NDArray[np.float64]

SEED = 14  # three clusters that overlap somewhat, so that the accuracy says something
MARGIN = 0.5  # how far the decision regions reach beyond the data, in units of the network's inputs
RATES = {"momentum": article.LEARNING_RATE, "sgd": 0.5, "adam": 0.01}  # the default --lr of each --optimizer
TRACED = 1e-8  # loss curves that differ by less are one curve
ROUNDING = 1e-10  # gradients that differ by less than this share of the largest agree


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; returns the exit status."""
    options, split = _arguments(argv)
    rng = np.random.default_rng(options.seed)
    sizes = (2, *options.hidden, len(split.training.classes))
    model = article.classifier(sizes, rng)
    velocities = article.first_velocities(model, rng) if options.optimizer == "momentum" else None
    by_hand = article.hand_derived(model, velocities)
    _introduce(options, split, sizes)

    before = _gradient_difference(model, split)
    optimizer = _optimizer(options, model, velocities)
    trained = {"autodiff": _train_by_autodiff(model, optimizer, split, options.epochs)}
    if options.optimizer != "adam":  # plain SGD is the article's rule with momentum 0
        trained["hand-derived"] = _train_by_hand(by_hand, options, split)
    _report(trained, np.maximum(before, _gradient_difference(model, split)))
    _draw(options.out, split, model, trained)
    return 0


def _arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, Split]:
    """The options, with the defaults that depend on others filled in, and the data that they ask for."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.momentum is not None and options.optimizer != "momentum":
        parser.error(f"argument --momentum: {options.optimizer} has none; leave it out or use --optimizer momentum")
    options.lr = options.lr or RATES[options.optimizer]
    if options.momentum is None:
        options.momentum = article.MOMENTUM if options.optimizer == "momentum" else 0.0
    split = _data(options)
    parser.make_directory(options.out)
    return options, split


def _parser() -> Parser:
    """The options that there are."""
    parser = Parser(
        "three_class", SEED, epochs=3000, description=__doc__, epilog=f"format of --data:\n{csv_data.FORMAT}"
    )
    parser.add_argument("--data", type=Path, metavar="FILE.csv", help="train on your own data instead (see below)")
    parser.add_optimizer(RATES, ", as in the article")
    parser.add_argument(
        "--momentum",
        type=number(lambda value: 0 <= value < 1, "from 0 to below 1"),
        metavar="M",
        help=f"momentum of the weights, from 0 to below 1 (default: {article.MOMENTUM})",
    )
    parser.add_hidden(3)
    return parser


def _data(options: argparse.Namespace) -> Split:
    """The article's data, or the person's own."""
    if options.data is None:
        return datasets.three_classes(options.seed)
    return datasets.hold_out(csv_data.read_samples(options.data), np.random.default_rng(options.seed))


def _introduce(options: argparse.Namespace, split: Split, sizes: Sequence[int]) -> None:
    """Print what is about to be trained, on what and how."""
    classes = len(split.training.classes)
    print(f"data      {len(split.training)} rows to train on, {len(split.held_out)} held out, {classes} classes")
    print(f"network   {'-'.join(map(str, sizes))} units, tanh and softmax")
    momentum = f", momentum {options.momentum:g}" if options.optimizer == "momentum" else ""
    print(f"training  {options.optimizer}, lr {options.lr:g}{momentum}, {options.epochs} epochs, seed {options.seed}\n")


def _optimizer(
    options: argparse.Namespace, model: tg.Sequential, velocities: Sequence[Array] | None
) -> tg.optim.Optimizer:
    """The optimizer that --optimizer names."""
    if options.optimizer == "momentum":
        return article.momentum_sgd(model, velocities, options.lr, options.momentum)
    return (tg.optim.SGD if options.optimizer == "sgd" else tg.optim.Adam)(model.parameters(), options.lr)


def _train_by_autodiff(model: tg.Sequential, optimizer: tg.optim.Optimizer, split: Split, epochs: int) -> Trained:
    """Train ``model`` by the gradients that the library finds."""
    x, labels = split.inputs, split.training.labels
    return learn(
        "autodiff",
        epochs,
        lambda: article.train_epoch(model, optimizer, x, labels),
        lambda points: article.predict(model, points),
        split,
    )


def _train_by_hand(by_hand: reference.Network, options: argparse.Namespace, split: Split) -> Trained:
    """Train the network of plain NumPy by the gradients that the article derives."""
    x, t = split.inputs, reference.one_hot(split.training.labels, len(split.training.classes))
    return learn(
        "hand-derived",
        options.epochs,
        lambda: by_hand.train_epoch(x, t, lr=options.lr, momentum=options.momentum),
        by_hand.predict,
        split,
    )


def _gradient_difference(model: tg.Sequential, split: Split) -> Array:
    """The largest difference between the two ways' gradients over all minibatches, and the largest gradient."""
    by_hand = article.hand_derived(model)
    weights, biases = article.weights_and_biases(model)
    x, labels = split.inputs, split.training.labels
    t = reference.one_hot(labels, len(split.training.classes))
    largest = np.zeros(2)
    for start in range(0, len(x), article.BATCH_SIZE):
        rows = slice(start, start + article.BATCH_SIZE)
        loss = tg.softmax_cross_entropy(model(x[rows]), labels[rows])
        w_grads, b_grads = by_hand.gradients(x[rows], t[rows])
        for ours, theirs in zip(tg.gradients(loss, weights + biases), w_grads + b_grads):
            largest = np.maximum(largest, [np.abs(ours.data - theirs).max(), np.abs(theirs).max()])
    return largest


def _report(trained: Mapping[str, Trained], gradients: Array) -> None:
    """Print what came out, a column for each way of training."""
    ways = trained.values()
    print(f"{'':20}" + "".join(f"{name:>14}" for name in trained))
    print(f"{'final loss':20}" + "".join(f"{way.history.losses[-1]:14.6f}" for way in ways))
    print(f"{'training accuracy':20}" + "".join(f"{way.accuracy:14.2%}" for way in ways))
    print(f"{'held-out accuracy':20}" + "".join(f"{way.held_out_accuracy:14.2%}" for way in ways))
    print(f"\nlargest gradient difference    {gradients[0]:.1e}  (gradients are up to {gradients[1]:.2g})")
    if len(trained) == 2:
        ours, theirs = (way.history.losses for way in ways)
        difference = np.abs(ours - theirs)
        print(f"largest loss-curve difference  {difference.max():.1e}")
        if difference.max() > TRACED and gradients[0] < ROUNDING * gradients[1]:
            epoch = int(np.argmax(difference > TRACED)) + 1
            print(
                f"  above {TRACED:g} only from epoch {epoch} on: the gradients agree, but the training is chaotic and"
            )
            print("  magnifies rounding in the last digit; try a smaller --lr or another --seed")
    print()


def _draw(directory: Path, split: Split, model: tg.Sequential, trained: Mapping[str, Trained]) -> None:
    """Draw the article's three figures."""
    ours, samples = trained["autodiff"], split.training
    with figures.picture(directory / "data.png") as axes:
        figures.draw_samples(axes, samples, f"Training data: {len(samples)} samples, {len(samples.classes)} classes")
    with figures.picture(directory / "loss.png") as axes:
        curves = {name: way.history.losses for name, way in trained.items()}
        title = f"Loss over {len(ours.history.losses)} epochs"
        if len(curves) == 2:
            title += f"\nlargest difference between the two ways {np.abs(np.subtract(*curves.values())).max():.1e}"
        figures.draw_losses(axes, curves, title)
    with figures.picture(directory / "regions.png") as axes, tg.no_grad():
        title = f"Decision regions\naccuracy {ours.accuracy:.1%} in training, {ours.held_out_accuracy:.1%} held out"
        margin = MARGIN * split.scaling.deviation
        figures.draw_regions(axes, samples, lambda x: model(split.scaling(x)).data, margin, title)
