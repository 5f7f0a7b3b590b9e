"""The runs of a variant together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.experiments.columns import Column
from tinygrad_np.experiments.outcomes import FINISHED, Label, Outcome
from tinygrad_np.experiments.statistics import mean_and_spread


@dataclass(frozen=True)
class Result:
    """A variant by the labels of its ``choices``, with its runs that ``finished`` and those that ``diverged``."""

    choices: dict[str, Label]
    finished: list[Outcome]
    diverged: list[Outcome]

    @property
    def label(self) -> str:
        """A name for figures, such as ``adam, width 8``: words by themselves, numbers with what they are."""
        return ", ".join(v if isinstance(v, str) else f"{name} {v}" for name, v in self.choices.items())

    def finals(self, column: Column) -> dict[int, float]:
        """The column's value in the last epoch of each finished run, by seed."""
        return {outcome.seed: outcome.rows[-1][column.name] for outcome in self.finished}

    def curves(self, column: Column) -> NDArray[Any]:
        """The column of the finished runs, (runs, epochs)."""
        return np.array([[row[column.name] for row in outcome.rows] for outcome in self.finished])

    def mean(self, column: Column) -> float | None:
        """The mean of the final values; None where no run has finished."""
        return mean_and_spread(list(self.finals(column).values()))[0]


def results(outcomes: Iterable[Outcome]) -> list[Result]:
    """Outcomes by variant, in the order in which variants come up; choices that are the same in all are left out."""
    variants: dict[tuple[Any, ...], list[Outcome]] = {}
    for outcome in outcomes:
        variants.setdefault(tuple(outcome.choices.items()), []).append(outcome)
    vary = {name for names in zip(*variants) for name, _ in names if len({dict(key)[name] for key in variants}) > 1}
    vary = vary or {"optimizer"}  # of a single variant
    grouped: list[Result] = []
    for key, runs in variants.items():
        by_status = [[run for run in runs if (run.status == FINISHED) is finished] for finished in (True, False)]
        grouped.append(Result({name: label for name, label in key if name in vary}, *by_status))
    return grouped


def best_of(found: Sequence[Result], column: Column) -> Result | None:
    """That of the best mean among those which diverged least often; None where no run has finished."""
    means = [
        (len(result.diverged), column.sign * mean, i)
        for i, result in enumerate(found)
        if (mean := result.mean(column)) is not None and mean == mean
    ]
    return found[min(means)[2]] if means else None
