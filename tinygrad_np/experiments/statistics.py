"""Two variants compared seed by seed, by SciPy's paired t test; several of them by Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.experiments.packages import imported

LEAST = 3  # pairs below which nothing can be concluded
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """The mean of the differences over ``pairs`` seeds, its 95 % interval from ``low`` to ``high``, and p.

    What cannot be told is None: the interval and p below three pairs, or where all differences are equal.
    """

    pairs: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def paired(values: Mapping[int, float], others: Mapping[int, float]) -> Difference:
    """How much higher ``values`` are than ``others``, each a number by seed, over the seeds that both have.

    Student (1908), "The probable error of a mean"; scipy.stats.ttest_rel. That the differences are roughly normal is
    taken for granted.

    >>> paired({0: 1.0, 1: 2.0, 2: 4.0}, {0: 0.5, 1: 1.0, 2: 2.0})
    Difference(pairs=3, mean=1.166..., low=-0.730..., high=3.063..., p=0.118...)
    >>> paired({0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.0})
    Difference(pairs=2, mean=0.75, low=None, high=None, p=None)
    """
    seeds = [seed for seed in values if seed in others]
    if not seeds:
        return Difference(0)
    x, y = (np.array([of[seed] for seed in seeds]) for of in (values, others))
    with np.errstate(invalid="ignore"):  # of infinite values
        z = x - y
        mean = float(np.mean(z))
    spread = np.ptp(z) if np.isfinite(z).all() else 0.0
    if len(seeds) < LEAST or not spread > 1e-12 * np.abs([x, y]).max():  # the test knows no spread of 0
        return Difference(len(seeds), mean)
    (x, y), exponent = _near_one(np.array([x, y]))
    result = imported("scipy.stats", "a statistical comparison").ttest_rel(x, y)
    low, high = np.ldexp(result.confidence_interval(CONFIDENCE), exponent)
    return Difference(len(seeds), mean, float(low), float(high), float(result.pvalue))


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """The same with each p corrected for how many there are.

    The i-th smallest of m, from 0, becomes (m − i)·p, or that of the one before if it is greater, and at most 1.
    Holm (1979), "A simple sequentially rejective multiple test procedure".

    >>> [found.p for found in holm([Difference(9, p=p) for p in (0.01, 0.04, 0.03, 0.005)])]
    [0.03, 0.06, 0.06, 0.02]
    """
    tested = sorted((found.p, i) for i, found in enumerate(differences) if found.p is not None)
    corrected = list(differences)
    floor = 0.0
    for rank, (p, i) in enumerate(tested):
        floor = min(1.0, max(floor, (len(tested) - rank) * p))
        corrected[i] = replace(differences[i], p=floor)
    return corrected


def mean_and_spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean and the standard deviation of a sample (n − 1); None where there are too few.

    >>> mean_and_spread([1.0, 3.0]), mean_and_spread([1.0]), mean_and_spread([])
    ((2.0, 1.414...), (1.0, None), (None, None))
    """
    if not len(values):
        return None, None
    scaled, exponent = _near_one(np.asarray(values))
    with np.errstate(invalid="ignore"):  # of infinite values
        mean = float(np.ldexp(np.mean(scaled), exponent))
        return mean, float(np.ldexp(np.std(scaled, ddof=1), exponent)) if len(values) > 1 else None


def _near_one(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """``values`` times a power of 2, so that no square of them overflows, and the exponent that takes it back."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent
