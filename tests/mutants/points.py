"""Right derivatives at random points of every operation's domain, all of which have to pass."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from benchmarks.tables import Table
from tests.cases import Row, Variant
from tests.cases.domains import domain
from tests.mutants.trials import KINK, RIGHT, check, function

PERTURBED = 0.05  # a part of each number by which it is moved, at most


def drawn(row: Row, n: int) -> list[Variant]:
    """Up to n variants that hypothesis draws from the domain of a row, always the same ones.

    A domain may hold NaN, where no difference can be taken, and arrays of no elements, of which nothing can be
    wrong: those are left out.
    """
    found: list[Variant] = []

    @settings(
        max_examples=n,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(domain(row))
    def collect(variant: Variant) -> None:
        if _is_checkable(variant):
            found.append(variant)

    collect()
    return found


def perturbed(row: Row, n: int) -> list[Variant]:
    """n times a variant of the row itself, every number of it moved a little; zeros stay."""
    rng = np.random.default_rng(list(row.name.encode()))
    variants = [variant for variant in row.variants if _is_checkable(variant)]
    chosen = [variants[i % len(variants)] for i in range(n)]
    factors = [[1 + PERTURBED * rng.uniform(-1, 1, x.shape) for x in v.arrays] for v in chosen]
    return [
        v._replace(arrays=tuple([np.asarray(x * by) for x, by in zip(v.arrays, f)])) for v, f in zip(chosen, factors)
    ]


def _is_checkable(variant: Variant) -> bool:
    return all(x.size and np.isfinite(x).all() for x in variant.arrays)


def points(rows: Sequence[Row], n: int) -> Iterator[tuple[str, Row, Variant]]:
    """About n points, spread evenly over the rows: half of them drawn, half perturbed."""
    each = max(2, -(-n // len(rows)))
    for row in rows:
        some = drawn(row, each // 2)
        for variant in some:
            yield "drawn from the domain", row, variant
        for variant in perturbed(row, each - len(some)):
            yield "around the table's cases", row, variant


class Alarms:
    """How checks of right rules ended, by where their points come from, and all that could reproduce a failure."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[tuple[str, str]]] = {}
        self.false: list[str] = []

    def count(self, origin: str, mode: str, outcome: str) -> None:
        self.outcomes.setdefault(origin, Counter())[mode, outcome] += 1

    def total(self, outcome: str | None = None) -> int:
        """How many checks there were, or those of one outcome."""
        return sum(n for some in self.outcomes.values() for (_, o), n in some.items() if outcome in (None, o))


def alarms(rows: Sequence[Row], n: int, modes: Sequence[str]) -> Alarms:
    """Check the right rules at n points, in every mode."""
    found = Alarms()
    for origin, row, variant in points(rows, n):
        for mode in modes:
            outcome, report = check(function(row, variant), variant.arrays, mode)
            found.count(origin, mode, outcome)
            if outcome not in (RIGHT, KINK):
                found.false.append(f"{mode}, {row.name}{_shown(variant)}: {outcome}\n{report}")
    return found


def _shown(variant: Variant) -> str:
    """The arrays and options with all their digits."""
    arrays: list[Any] = [x.tolist() for x in variant.arrays]
    return f"(*{arrays}, **{dict(variant.options)})"


def table_of(found: Alarms, modes: Sequence[str]) -> Table:
    """A line for each origin of points and each mode, and below them every false alarm."""
    table = Table("Right derivatives at random points", ["points", "mode", "checks", "right", "kinks", "false alarms"])
    for origin, outcomes in found.outcomes.items():
        for mode in modes:
            total = sum(n for (m, _), n in outcomes.items() if m == mode)
            right, kinks = outcomes[mode, RIGHT], outcomes[mode, KINK]
            table.rows.append([origin, mode, *map(str, (total, right, kinks, total - right - kinks))])
    table.notes += [f"false alarm: {alarm}" for alarm in found.false]
    return table
