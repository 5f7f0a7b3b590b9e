"""Timing of contestants side by side, in one process, so that what slows the machine slows all of them."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import NamedTuple


class Summary(NamedTuple):
    """Median and quartiles of repeated measurements."""

    median: float
    low: float
    high: float


def interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int, steps: int) -> dict[str, list[float]]:
    """Seconds a step of each contestant, one number a round.

    In a round each contestant takes ``steps`` steps in a row; the round after begins with the next
    contestant. The first round, in which caches fill, is not counted. The garbage collector is left
    as it is. Every round is called from another depth: CPython keeps its frames in chunks of 16 KB, and a call that
    needs a chunk of its own allocates one, which makes whoever happens to make it in a loop up to ten times as slow.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for i in range(-1, rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            elapsed = at_depth(5 * i % 150, partial(timed, contestants[name], steps))
            if i >= 0:
                seconds[name].append(elapsed / steps)
    return seconds


def timed(step: Callable[[], object], steps: int) -> float:
    """Seconds that ``steps`` steps in a row take."""
    start = perf_counter()
    for _ in range(steps):
        step()
    return perf_counter() - start


def at_depth(depth: int, function: Callable[[], float]) -> float:
    """What ``function`` gives, called from so many frames further down; 150 of them fill a chunk."""
    return at_depth(depth - 1, function) if depth else function()


def summary(values: Iterable[float]) -> Summary:
    """Median and quartiles of ``values``; of one value, three times that.

    >>> summary([4.0, 1.0, 2.0, 3.0, 5.0])
    Summary(median=3.0, low=2.0, high=4.0)
    """
    values = list(values)
    if len(values) == 1:
        return Summary(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, low, high)


def ratio(of: Sequence[float], to: Sequence[float]) -> Summary:
    """How many times as long ``of`` takes as ``to``: taken round by round, then summed up.

    >>> ratio([2.0, 6.0, 4.0], [1.0, 2.0, 2.0]).median
    2.0
    """
    return summary([a / b for a, b in zip(of, to, strict=True)])
