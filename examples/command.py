"""What the examples' command lines have in common: options with limits."""

import argparse
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from examples.program import ExampleError

MAX_SEED = 2**32 - 1  # scikit-learn's limit
MAX_EPOCHS = 10**7


class Parser(argparse.ArgumentParser):
    """An argparse parser with the options of all examples; what the user gave wrongly is a ExampleError.

    ``epochs`` is the default of --epochs, None for an example that trains nothing.
    """

    def __init__(self, program: str, seed: int, epochs: int | None, **options: Any) -> None:
        super().__init__(
            prog=f"python -m examples.{program}", formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )
        self.add_count("--seed", 0, MAX_SEED, seed, "seed of everything random, from 0")
        if epochs is not None:
            self.add_count("--epochs", 1, MAX_EPOCHS, epochs, "how often to go through the data, from 1")
        self.add_argument(
            "--out",
            type=Path,
            default=Path("out", program),
            metavar="DIR",
            help="directory for what is written (default: %(default)s)",
        )

    def add_count(self, option: str, low: int, high: int, default: int, what: str) -> None:
        """Add an option that takes one whole number from ``low`` to ``high``."""
        help_text = f"{what} (default: %(default)s)"
        self.add_argument(option, type=whole(low, high), default=default, metavar="N", help=help_text)

    def add_optimizer(self, rates: Mapping[str, float], why: str = "") -> None:
        """Add --optimizer, by default the first of ``rates``, and --lr, whose default is the optimizer's rate."""
        default = next(iter(rates))
        self.add_argument("--optimizer", choices=rates, default=default, help=f"default: %(default)s{why}")
        listed = ", ".join(f"{rate:g} for {name}" for name, rate in rates.items())
        self.add_argument("--lr", type=positive, metavar="RATE", help=f"learning rate, above 0 (default: {listed})")

    def add_hidden(self, *default: int) -> None:
        """Add --hidden, the units of one hidden layer or of several."""
        shown = " ".join(map(str, default))
        self.add_argument(
            "--hidden",
            type=whole(1, 1000),
            nargs="+",
            default=list(default),
            metavar="UNITS",
            help=f"units of the hidden layer, or of several (default: {shown})",
        )

    def add_resume(self) -> None:
        """Add --resume."""
        what = "go on with the run that is saved in the directory, up to --epochs; equal to one that never stopped"
        self.add_argument("--resume", action="store_true", help=what)

    def add_study(self, seeds: int) -> None:
        """Add what a study of many runs takes: --seeds and --jobs."""
        self.add_count("--seeds", 1, 1000, seeds, "how many seeds, from --seed on, from 1")
        self.add_count("--jobs", 1, 256, 1, "how many processes, from 1; the results are the same")

    def error(self, message: str) -> NoReturn:
        """End the program over what the user gave."""
        raise ExampleError(message)

    def make_directory(self, path: Path) -> None:
        """Make the directory that --out names, before minutes of training and not after them."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.error(f"argument --out: cannot make the directory {path}: {error.strerror}")
        if not os.access(path, os.W_OK | os.X_OK):
            self.error(f"argument --out: cannot write to the directory {path}")


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, got {text!r}")
        return value

    return parse


def number(holds: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    """The type of an option that takes a number for which ``holds`` is true; ``expected`` says so in words."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and holds(value)):
            raise argparse.ArgumentTypeError(f"must be a number {expected}, got {text!r}")
        return value

    return parse


positive = number(lambda value: value > 0, "above 0")
