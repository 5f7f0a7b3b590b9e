"""The article's gradients by autodiff, by hand and by central differences; and what a check says of four mistakes.

Prints the three gradients of each of the network's numbers on one minibatch. Then, for each classic
mistake in the hand-derived backpropagation, its line of code and what the check finds; draws where and
by how much the gradients are wrong.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and Ctrl-C works in it too
    from examples.program import run

    raise SystemExit(run("gradient_check"))

from collections.abc import Sequence
from pathlib import Path

import tinygrad_np as tg
from examples import datasets, figures
from examples.command import Parser
from examples.datasets import Samples
from models import article, checking, mistakes

SEED = 14  # that of three_class


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example with command-line arguments ``argv``; the exit status is 1 if a mistake is not found."""
    parser = _parser()
    options = parser.parse_args(argv)
    parser.make_directory(options.out)
    minibatch = datasets.three_classes(options.seed).training.take(slice(options.rows))
    model = article.three_classes(options.seed)
    print(f"data      {len(minibatch)} rows, 3 classes, seed {options.seed}")
    print("network   2-3-3 units, tanh and softmax\n")
    print(checking.three_columns(checking.check(model, minibatch.x, minibatch.labels)))
    names = [options.mistake] if options.mistake else list(mistakes.MISTAKES)
    found = [_is_found(name, model, minibatch, options.out) for name in names]
    return 0 if all(found) else 1


def _parser() -> Parser:
    """The options that there are."""
    parser = Parser("gradient_check", SEED, epochs=None, description=__doc__)
    most = datasets.TRAINING_ROWS
    # In a minibatch of one there is no division to forget.
    parser.add_count("--rows", 2, most, article.BATCH_SIZE, f"rows of the minibatch, from 2 to {most}")
    parser.add_argument("--mistake", choices=mistakes.MISTAKES, help="only this one (default: one after the other)")
    return parser


def _is_found(name: str, model: tg.Sequential, minibatch: Samples, directory: Path) -> bool:
    """Make one mistake, print what the check says of it and draw its errors; whether it was found."""
    mistake = mistakes.MISTAKES[name]
    wrong, right = mistakes.lines(mistake)
    print(f"\n\nmistake   {name}: {mistake.__doc__}")
    print(f"wrong     {wrong}\nright     {right}\n")
    try:
        report = checking.check(model, minibatch.x, minibatch.labels, mistake)
    except tg.GradientError as error:
        if error.report is None:
            raise
        print(f"{error}\n")
        figures.write(error.report.plot(), directory / f"{name}.png")
        return True
    print(report)
    return False
