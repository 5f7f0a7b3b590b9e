"""What the examples' command lines have in common: options with limits."""

import argparse
import math
import os
from collections.abc import Callable
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
            help="directory for the pictures (default: %(default)s)",
        )

    def add_count(self, option: str, low: int, high: int, default: int, what: str) -> None:
        """Add an option that takes one whole number from ``low`` to ``high``."""
        help_text = f"{what} (default: %(default)s)"
        self.add_argument(option, type=whole(low, high), default=default, metavar="N", help=help_text)

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
