"""Every operation with every alteration of each of its derivatives, and which of them the checker finds."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from benchmarks.tables import Table
from tests.cases import ROWS, Row, Variant
from tests.mutants.mutations import MUTATIONS, differentiated, mutated
from tests.mutants.trials import WRONG, Function, check, function, gradients
from tinygrad_np.operations import Composition

SAME = {"rtol": 1e-9, "atol": 1e-12}  # two gradients that differ by rounding alone

RULES = [row for row in ROWS if not isinstance(row.operation, Composition)]


class Mutant(NamedTuple):
    """An operation's call with one derivative altered; ``equivalent`` if that gives the right gradient after all."""

    mutation: str
    operation: str
    name: str
    f: Function
    arrays: Sequence[Any]
    equivalent: bool


def subjects(row: Row, most: int) -> list[tuple[int, Variant]]:
    """The first variants of a row, with their numbers, all of whose arrays have more than one element."""
    return [(i, v) for i, v in enumerate(row.variants) if min(x.size for x in v.arrays) > 1][:most]


def mutants(rows: Sequence[Row], most: int) -> Iterator[Mutant]:
    """All mutants of up to ``most`` variants of each row."""
    for row in rows:
        for number, variant in subjects(row, most):
            right = gradients(function(row, variant), variant.arrays)
            trace = lambda operation, row=row, v=variant: gradients(function(row, v, operation), v.arrays)
            for argument in differentiated(row.operation, trace):
                for mutation, alter in MUTATIONS.items():
                    f = function(row, variant, mutated(row.operation, alter, argument))
                    name = f"{row.name}, variant {number}, derivative {argument}"
                    equivalent = _same(right, gradients(f, variant.arrays))
                    yield Mutant(mutation, row.name, name, f, variant.arrays, equivalent)


def _same(right: Any, altered: Any) -> bool:
    """Whether two lists of gradients have the same shapes, dtypes and, but for rounding, numbers."""
    return altered is not None and all(
        a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, **SAME) for a, b in zip(right, altered)
    )


class Tally:
    """Of one mutation: how many mutants there are, and which of them are equivalent or, by mode, not caught."""

    def __init__(self, modes: Sequence[str]) -> None:
        self.count = 0
        self.equivalent: list[str] = []  # their operations
        self.missed: dict[str, list[str]] = {mode: [] for mode in modes}


def tallied(rows: Sequence[Row], most: int, modes: Sequence[str]) -> dict[str, Tally]:
    """Check every mutant, in every mode."""
    tallies = {mutation: Tally(modes) for mutation in MUTATIONS}
    for mutant in mutants(rows, most):
        tally = tallies[mutant.mutation]
        if mutant.equivalent:
            tally.equivalent.append(mutant.operation)
            continue
        tally.count += 1
        for mode in modes:
            outcome, _ = check(mutant.f, mutant.arrays, mode)
            if outcome != WRONG:
                tally.missed[mode].append(f"{mutant.name}: {outcome}")
    return tallies


def table_of(tallies: dict[str, Tally], modes: Sequence[str]) -> Table:
    """A line for each mutation, one for all, and below them what was missed."""
    heading = ["mutation", "mutants", *[f"caught in {mode}" for mode in modes], "equivalent"]
    total = sum(tally.count for tally in tallies.values())
    missed = {mode: sum(len(tally.missed[mode]) for tally in tallies.values()) for mode in modes}
    table = Table("Derivatives altered", heading)
    for mutation, tally in tallies.items():
        caught = [str(tally.count - len(tally.missed[mode])) for mode in modes]
        table.rows.append([mutation, str(tally.count), *caught, str(len(tally.equivalent))])
    shares = [f"{total - missed[mode]} ({1 - missed[mode] / max(total, 1):.2%})" for mode in modes]
    table.rows.append(["all", str(total), *shares, str(sum(len(t.equivalent) for t in tallies.values()))])
    table.notes += [
        f"missed in {mode}: {mutation} in {name}"
        for mutation, tally in tallies.items()
        for mode in modes
        for name in tally.missed[mode]
    ]
    for mutation, tally in tallies.items():
        if tally.equivalent:
            names = f"equivalent, {mutation}: {', '.join(dict.fromkeys(tally.equivalent))}"
            table.notes += wrap(names, width=110, subsequent_indent="  ")
    return table
