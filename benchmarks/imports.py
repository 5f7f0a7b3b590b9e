"""What ``import tinygrad_np`` adds to ``import numpy``, in fresh interpreters."""

import os
import subprocess
import sys
from pathlib import Path

import tinygrad_np
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import Summary, interleaved, summary

MILLISECONDS = 25.0
NUMPY, OURS = "import numpy", "import numpy, tinygrad_np"


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter where the package is found, and may keep its compiled modules.

    ``variables`` are added to those of the environment.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | variables
    root = Path(tinygrad_np.__file__).parents[1]
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, check=True, capture_output=True, text=True
    )


def heaviest(count: int = 10) -> list[list[str]]:
    """The slowest modules that tinygrad_np imports beyond NumPy's: name, ms in itself, ms with what it imports."""
    report = python("-X", "importtime", "-c", "import numpy; import tinygrad_np").stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in report if line.startswith("import time:")]
    names = [row[2].rstrip() for row in rows]
    added = rows[names.index(" numpy") + 1 :]
    added.sort(key=lambda row: int(row[0]), reverse=True)
    return [[row[2].strip(), f"{int(row[0]) / 1e3:.2f}", f"{int(row[1]) / 1e3:.2f}"] for row in added[:count]]


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Time whole interpreters that import the one or both, and subtract round by round."""
    rounds = 3 if quick else 40
    seconds = interleaved({line: lambda line=line: python("-c", line) for line in (NUMPY, OURS)}, rounds, 1)  # type: ignore[misc]  # mypy infers no default of a lambda
    added = summary([with_ours - numpy for with_ours, numpy in zip(seconds[OURS], seconds[NUMPY], strict=True)])
    table = Table("Import", ["", "ms", "half of the rounds", "goal", "verdict"])
    results: dict[str, Summary] = {line: summary(measured) for line, measured in seconds.items()}
    for line, measured in results.items():
        table.rows.append([line, f"{measured.median * 1e3:.1f}", spread(measured, ".1f", 1e3), "", ""])
    goal = [f"≤ {MILLISECONDS:g} ms", verdict(added.median * 1e3, MILLISECONDS)]
    table.rows.append(["what tinygrad_np adds", f"{added.median * 1e3:.1f}", spread(added, ".1f", 1e3), *goal])
    table.notes.append(f"Whole processes, medians of {rounds} interleaved rounds, file cache warm.")
    if not verbose:
        return [table]
    return [
        table,
        Table("Heaviest modules beyond NumPy's", ["", "ms in itself", "ms with what it imports"], heaviest()),
    ]
