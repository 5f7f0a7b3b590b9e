"""Slopes by numbers: differences along a line, and what rounding makes of them.

A line is a function of one number t: the terms, whose sum is f, at the point x + t·v. It gives them
as an array of its own, and beside them how far from x it really went, which rounding may have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Line = Callable[[float], tuple[float, Array]]

EPS = 2.0**-52  # of float64, in which all differences are taken
STEP = float(np.cbrt(EPS))  # balances truncation (∝ h²) against rounding (∝ 1/h)
FEWER = 4.1  # by which steps get smaller: no whole number, lest all of them meet the same place of a periodic f


def units(x: Array) -> Array:
    """What steps are relative to, max(1, |x|) of each element."""
    return np.maximum(1, np.abs(x))


class Kind(Enum):
    """What a slope is: of one difference; of the steps at which it was steady; around a kink; or any at all."""

    SIMPLE = "simple"
    STEADY = "steady"
    KINK = "kink"
    UNRESOLVED = "unresolved"


class Slope(NamedTuple):
    """dφ/dt at 0 by numbers: anything from ``lowest`` to ``highest``, which differ at kinks and where it is unresolved.

    ``uncertainty`` is how far it may be off; ``bend`` by how much the slope after 0 is larger than that before.
    """

    lowest: float
    highest: float
    uncertainty: float
    bend: float
    step: float
    kind: Kind = Kind.SIMPLE

    @property
    def value(self) -> float:
        """The slope, or at a kink the middle of those around it; NaN where that may be any."""
        return self.lowest if self.lowest == self.highest else (self.lowest + self.highest) / 2

    def beside(self, *others: tuple[float, float]) -> Slope:
        """The slope itself if others, each with its uncertainty, do not contradict it; else anything between them."""
        apart = [value for value, doubt in others if abs(value - self.value) > self.uncertainty + doubt]
        if not apart:
            return self
        return self._replace(lowest=min(self.lowest, *apart), highest=max(self.highest, *apart), kind=Kind.UNRESOLVED)


def central(line: Line, origin: Array, h: float, noise: float = 0.0) -> Slope:
    """The central difference (φ(h) − φ(−h)) / 2h.

    φ(±h) are rounded to some ε·|φ| each, and the quotient magnifies that by 1/h (Press et al. (2007),
    "Numerical recipes", 5.7): the uncertainty is 4ε·|φ| / h, |φ| the sum of its terms' absolute values, or
    ``noise`` / h if f is known to round more on its way.
    """
    (high, above), (low, below) = line(h), line(-h)
    return difference(above, below, origin, (high - low) / 2, high + low, noise)


def difference(above: Array, below: Array, origin: Array, h: float, uneven: float = 0.0, noise: float = 0.0) -> Slope:
    """The central difference of terms found already; one step may be longer than the other."""
    with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞ is NaN, which agrees with nothing
        value = float(np.sum(above - below)) / (2 * h)
        bend = (float(np.sum((above - origin) + (below - origin))) - value * uneven) / h
        uncertainty = max(4 * EPS * float(np.sum(np.abs(above) / 2 + np.abs(below) / 2)), noise) / h
    return Slope(value, value, uncertainty, bend, h)


def complex_step(line: Callable[[complex], Any]) -> Slope:
    """Im φ(ih) / h with h = 10⁻²⁰: no difference is taken, so nothing cancels and no step is too small.

    It holds where f is analytic: written with +, ·, exp, sin …, and without abs, maximum or comparisons
    (Squire and Trapp (1998), "Using complex variables to estimate derivatives of real functions").
    """
    h = 1e-20
    value = float(np.sum(line(1j * h).imag)) / h
    return Slope(value, value, 8 * EPS * abs(value), 0.0, h)
