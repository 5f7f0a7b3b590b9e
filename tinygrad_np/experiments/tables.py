"""Variants side by side, each beside the best, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinygrad_np.experiments.columns import Column
from tinygrad_np.experiments.outcomes import Row
from tinygrad_np.experiments.results import Result, best_of
from tinygrad_np.experiments.statistics import CONFIDENCE, LEAST, Difference, holm, mean_and_spread, paired


@dataclass(frozen=True)
class Table:
    """``rows``, one dictionary a variant, None where there is nothing; as text with a ``title`` and ``notes``.

    A row has the choices that vary, ``mean``, ``sd`` (of a sample, n − 1), how many runs ``finished`` and ``diverged``,
    whether it is the ``best``, and beside the best: ``difference`` of the means over ``pairs`` seeds, ``low`` and
    ``high`` of its 95 % interval, and ``p_value``.
    """

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        cells = [_cells(row) for row in self.rows]
        heading = list(cells[0])
        lines = [heading, *[[line[name] for name in heading] for line in cells]]
        widths = [max(map(len, column)) for column in zip(*lines)]
        left = [name in self._choices or name.startswith("difference") for name in heading]
        aligned = [
            "  ".join(text.ljust(w) if to_left else text.rjust(w) for text, w, to_left in zip(line, widths, left))
            for line in lines
        ]
        return "\n".join([self.title, *[line.rstrip() for line in aligned], *self.notes])

    __repr__ = __str__

    @property
    def _choices(self) -> list[str]:
        names = list(self.rows[0])
        return names[: names.index("mean")]


def tabled(column: Column, found: Sequence[Result]) -> Table:
    """The final values of ``column``, each variant beside the best."""
    best = best_of(found, column)
    against = [] if best is None else [result for result in found if result is not best]
    theirs = {} if best is None else best.finals(column)
    differences = holm([paired(result.finals(column), theirs) for result in against])
    beside = {id(result): difference for result, difference in zip(against, differences)}
    rows: list[Row] = []
    for result in found:
        values = list(result.finals(column).values())
        mean, spread = mean_and_spread(values)
        row: Row = result.choices | {
            "mean": mean,
            "sd": spread,
            "finished": len(values),
            "diverged": len(result.diverged),
        }
        own = beside.get(id(result), Difference(0))
        row |= {"best": result is best, "difference": own.mean, "pairs": own.pairs}
        rows.append(row | {"low": own.low, "high": own.high, "p_value": own.p})
    which = "lower" if column.sign > 0 else "higher"
    return Table(f"final {column} ({which} is better)", rows, _notes(differences, len(theirs)))


def _notes(differences: Sequence[Difference], runs: int) -> list[str]:
    """What the differences mean, or why there are none."""
    tested = sum(found.p is not None for found in differences)
    notes = []
    if tested:
        notes.append(
            "The best has the best mean of those that diverged least often. A difference to it is the mean over the\n"
            f"seeds that both finished, with Student's {100 * CONFIDENCE:.0f} % interval; p is by the paired t test "
            f"(Student 1908), two-sided,\nand Holm's correction (1979) for {tested} comparison{'s' * (tested > 1)}; "
            "optimistic, as the best was chosen by the same runs."
        )
    few = [found.pairs for found in differences if 0 < found.pairs < LEAST]
    if few:
        notes.append(
            f"Nothing can be concluded from {min(few)} seed{'s' * (min(few) > 1)}: give at least {LEAST}, better 10."
        )
    if any(found.p is None and found.pairs >= LEAST for found in differences):
        notes.append("There is no p where the difference is the same for every seed.")
    if not differences and runs:
        notes.append("There is nothing to compare it with.")
    return notes


def _cells(row: Row) -> dict[str, str]:
    """A row as text."""
    names, p = list(row), row["p_value"]
    cells = {name: str(row[name]) for name in names[: names.index("mean")]}
    cells |= {"mean": _number(row["mean"]), "s.d.": _number(row["sd"]), "n": str(row["finished"])}
    interval = "" if row["low"] is None else f" [{row['low']:+.3g}, {row['high']:+.3g}]"
    difference = "" if row["difference"] is None else f"{row['difference']:+.3g}{interval}"
    return cells | {
        "diverged": str(row["diverged"]),
        "difference [95 %]": "best" if row["best"] else difference,
        "p": "" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
