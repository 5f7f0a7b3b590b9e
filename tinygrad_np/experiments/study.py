"""Study: what became of all runs, as rows, a table and a figure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_np.experiments.columns import Column, aimed, column_of, directed
from tinygrad_np.experiments.figures import drawn
from tinygrad_np.experiments.outcomes import FINISHED, Outcome, Row, strict
from tinygrad_np.experiments.results import results
from tinygrad_np.experiments.tables import Table, tabled
from tinygrad_np.names import nearest
from tinygrad_np.saving.atomic import replace

Path = str | os.PathLike[str]


class Study:
    """The runs of a comparison: what :func:`compare` and :func:`load` give.

    ``outcomes`` are the runs, and ``columns`` what was measured in each epoch and can be compared: losses and metrics.
    ``interrupted`` says whether Ctrl-C ended them. ``target`` may be set at any time: a value of the loss (of the
    validation, if there is one), or of another column as in ``{"validation_accuracy": 0.95}``; the time to get there
    is then among the rows and in the figure.
    """

    def __init__(
        self, outcomes: Iterable[Outcome], columns: Sequence[str], target: Any = None, interrupted: bool = False
    ) -> None:
        self.outcomes, self.columns = list(outcomes), list(columns)
        self.interrupted = interrupted
        self.target = target

    @property
    def target(self) -> Any:
        """The value to be reached, as it was given."""
        return self._target

    @target.setter
    def target(self, target: Any) -> None:
        self._goal = aimed(target, self.columns, self._losses_differ)
        self._target = target

    @property
    def choices(self) -> list[str]:
        """What was compared: ``optimizer``, and the names of the other choices."""
        return list(self.outcomes[0].choices) if self.outcomes else []

    @property
    def seeds(self) -> list[int]:
        """The seeds that all variants share."""
        return list(dict.fromkeys(outcome.seed for outcome in self.outcomes))

    # -- rows --------------------------------------------------------------------------------------

    @property
    def rows(self) -> list[Row]:
        """A row for each run, a dictionary; None where there is nothing, such as what a diverged run ended with.

        Its choices, ``seed``, ``status`` ("finished" or "diverged"), ``reason``, ``diverged`` (the epoch), ``epochs``,
        ``seconds``; for each column ``final_`` and, where it is known which is better, ``best_``; with a target
        ``epochs_to_target`` and ``seconds_to_target``.
        """
        return [self._row(outcome) for outcome in self.outcomes]

    @property
    def curves(self) -> list[Row]:
        """A row for each epoch of each run: its choices, ``seed``, and the row of the run's history."""
        return [outcome.choices | {"seed": outcome.seed} | row for outcome in self.outcomes for row in outcome.rows]

    def _row(self, outcome: Outcome) -> Row:
        rows = outcome.rows
        row: Row = outcome.choices | {"seed": outcome.seed, "status": outcome.status, "reason": outcome.reason}
        row |= {"diverged": outcome.diverged, "epochs": len(rows), "seconds": sum(r["seconds"] for r in rows)}
        for name in self.columns:
            column = directed(name)
            row[f"final_{name}"] = rows[-1][name] if rows and outcome.status == FINISHED else None
            if column is not None:
                row[f"best_{name}"] = column.best(r[name] for r in rows)
        if self._goal is not None:
            row["epochs_to_target"], row["seconds_to_target"] = self._goal.time(rows)
        return row

    def to_csv(self, path: Path, what: str = "rows") -> None:
        """Write the ``"rows"`` or the ``"curves"`` as a table with a heading; nothing where there is no value.

        The file is replaced as a whole. Raises OSError.
        """
        import csv
        import io

        rows = self._chosen(what)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        replace(os.fspath(path), text.getvalue().encode())

    def to_json_lines(self, path: Path, what: str = "rows") -> None:
        """Write the ``"rows"`` or the ``"curves"`` as a JSON object a line, NaN and infinities as strings.

        The file is replaced as a whole. Raises OSError.
        """
        lines = [json.dumps(strict(row), allow_nan=False) for row in self._chosen(what)]
        replace(os.fspath(path), "\n".join([*lines, ""]).encode())

    def _chosen(self, what: str) -> list[Row]:
        rows: list[Row] = nearest("set of rows", what, {"rows": Study.rows, "curves": Study.curves}).__get__(self)
        return rows

    # -- comparisons -------------------------------------------------------------------------------

    def table(self, metric: str | None = None, mode: str | None = None) -> Table:
        """The final values of ``metric`` side by side, each variant beside the best, seed by seed.

        ``metric`` is a column, the validation loss by default, or the loss where nothing is validated; where losses
        differ, the first metric. ``mode`` is "min" or "max", which is better; it is known for losses, errors,
        accuracy and r2. The best is that of the best mean among those that diverged least often.
        """
        column = self._column(metric, mode)
        return tabled(column, results(self.outcomes))

    def plot(self, metric: str | None = None, mode: str | None = None) -> Any:
        """A matplotlib Figure: learning curves, final values by seed, and epochs and seconds to the target if set.

        ``metric`` and ``mode`` as in :meth:`table`. Raises ImportError, with what to install, without matplotlib.
        """
        column = self._column(metric, mode)
        return drawn(column, results(self.outcomes), self._goal)

    @property
    def _losses_differ(self) -> bool:
        return "loss_function" in self.choices

    def _column(self, metric: str | None, mode: str | None) -> Column:
        """The column to compare by."""
        if not self.outcomes:
            raise ValueError("there is nothing to compare: no run has ended yet")
        return column_of(metric, mode, self.columns, self._losses_differ)

    def __repr__(self) -> str:
        variants = {tuple(outcome.choices.items()) for outcome in self.outcomes}
        counts = {"variant": len(variants), "seed": len(self.seeds), "run": len(self.outcomes)}
        variant, seed, run = [f"{count} {what}{'s' * (count != 1)}" for what, count in counts.items()]
        diverged = sum(outcome.status != FINISHED for outcome in self.outcomes)
        return f"Study({variant}, {seed}: {run}, {diverged} diverged{', interrupted' * self.interrupted})"
