"""The article's 3,000 epochs as whole programs, from starting Python to trained: ``benchmarks.programs``."""

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

from benchmarks.imports import python
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary

COMPILED = "tinygrad_np, compiled, no cache"
CACHED = "tinygrad_np, compiled, from the cache"
BY_HAND, JAX = "NumPy, by hand", "JAX, lax.scan"
GOALS = {COMPILED: 0.8, CACHED: 0.5}  # seconds


def programs(epochs: int, directory: str, peers: bool) -> dict[str, Callable[[], str]]:
    """Each runs a program, and gives what it prints: its last loss. Compiled programs are kept in ``directory``."""

    def run(program: str, cache: str = "") -> str:
        return python("-m", f"benchmarks.programs.{program}", str(epochs), TINYGRAD_NP_CACHE=cache).stdout

    found: dict[str, Callable[[], str]] = {
        COMPILED: partial(run, "by_compiled_step"),
        CACHED: partial(run, "by_compiled_step", directory),
        BY_HAND: partial(run, "by_hand"),
    }
    return found | ({JAX: partial(run, "by_jax")} if peers and find_spec("jax") else {})


def assert_agreement(calls: dict[str, Callable[[], str]], tolerance: float = 1e-6) -> None:
    """ValueError where a program ends with another loss than the first."""
    (first, expected), *others = [(name, float(call())) for name, call in calls.items()]
    for name, loss in others:
        if not abs(loss - expected) <= tolerance:
            raise ValueError(f"{name} ends with the loss {loss}, {first} with {expected}")


def table(quick: bool, peers: bool) -> Table:
    """Check that the programs end alike, then time them."""
    epochs, rounds = (20, 1) if quick else (3000, 5)
    with tempfile.TemporaryDirectory() as directory:
        assert_agreement(programs(20, directory, peers))
        calls = programs(epochs, directory, peers)
        seconds = interleaved(calls, rounds, 1)
    result = Table(
        f"{epochs:,} epochs of the article's problem, from starting Python to trained",
        ["", "seconds", "times tinygrad_np", "half of the rounds", "goal", "verdict"],
    )
    for name, measured in seconds.items():
        whole, times = summary(measured), ratio(measured, seconds[COMPILED])
        goal = [f"≤ {GOALS[name]} s", verdict(whole.median, GOALS[name])] if name in GOALS else ["", ""]
        result.rows.append([name, f"{whole.median:.2f}", f"{times.median:.2f}", spread(times), *goal])
    result.notes.append(f"Whole processes, medians of {rounds} interleaved rounds; 75 steps an epoch.")
    return result
