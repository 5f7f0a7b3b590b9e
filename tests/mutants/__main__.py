"""The command line: ``python -m tests.mutants --help``."""

import argparse
import sys
from collections.abc import Sequence
from time import perf_counter

from benchmarks.tables import Table
from tests.cases import ROWS
from tests.mutants import altered, kinks, points
from tests.mutants.trials import KINK, MODES

GOALS = {"fast": 0.99, "full": 1.0}  # shares of the mutants that have to be caught
RARE = 0.001  # share of the checks of right rules at random points that may end at a kink
QUICK = 13  # of how many rows a quick run takes one


def run(n: int, modes: Sequence[str], quick: bool = False) -> tuple[list[Table], dict[str, bool]]:
    """The tables of all three parts, and which claims hold."""
    step = QUICK if quick else 1
    tallies = altered.tallied(altered.RULES[::step], 1 if quick else 2, modes)
    found = points.alarms(ROWS[::step], n, modes)
    at_kinks, kinks_hold = kinks.table_of(list(kinks.KINKS), modes)
    total = sum(tally.count for tally in tallies.values())
    claims = {}
    for mode in modes:
        missed = sum(len(tally.missed[mode]) for tally in tallies.values())
        claims[f"at least {GOALS[mode]:.0%} of {total} mutants are caught in {mode} mode"] = (
            total - missed >= GOALS[mode] * total > 0
        )
    claims[f"no false alarm in {found.total()} checks of right rules at random points"] = not found.false
    claims[f"at most {RARE:.1%} of these end at a kink"] = found.total(KINK) <= RARE * found.total()
    claims["kinks are called kinks, never bugs, and hide none elsewhere"] = kinks_hold
    return [altered.table_of(tallies, modes), points.table_of(found, modes), at_kinks], claims


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and the claims; 1 if one of them does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Hold the gradient checker to account."
    )
    parser.add_argument("--points", type=int, default=10_000, help="random points at which right rules are checked")
    parser.add_argument("--mode", choices=[*MODES, "both"], default="both", help="which mode of check_gradients")
    parser.add_argument("--quick", action="store_true", help="one operation of thirteen, of one variant each")
    options = parser.parse_args(arguments)
    start = perf_counter()
    tables, claims = run(options.points, MODES if options.mode == "both" else [options.mode], options.quick)
    for table in tables:
        print(table.text(), end="\n\n")
    for claim, holds in claims.items():
        print(f"{'holds' if holds else 'FAILS'}: {claim}")
    print(f"{perf_counter() - start:.0f} seconds")
    return 0 if all(claims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
