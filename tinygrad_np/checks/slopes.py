"""Slopes by numbers: differences along a line, what rounding makes of them, and whether the line has a kink.

A line is a function of one number t: the terms, whose sum is f, at the point x + t·v. It gives them
as an array of its own, and beside them how far from x it really went, which rounding may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Line = Callable[[float], tuple[float, Array]]

EPS = 2.0**-52  # of float64, in which all differences are taken
STEP = float(np.cbrt(EPS))  # balances truncation (∝ h²) against rounding (∝ 1/h)
FEWER = 4.0  # by which steps get smaller
SMOOTH = 1e-2  # a part of the slopes around, by which the two sides differ where the step is short enough
LADDER = [FEWER**k for k in range(2, -15, -1)]  # steps to try, as multiples of the usual one

# What is left of five equally spaced values beside the best quadratic: their parts along the cubic and the quartic
# polynomials that are orthogonal on those points.
CUBIC = np.array([-1.0, 2.0, 0.0, -2.0, 1.0]) / np.sqrt(10)
QUARTIC = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / np.sqrt(70)


def units(x: Array) -> Array:
    """What steps are relative to, max(1, |x|) of each element."""
    return np.maximum(1, np.abs(x))


class Slope(NamedTuple):
    """dφ/dt at 0 by numbers: anything from ``lowest`` to ``highest``, which differ only at a kink.

    ``uncertainty`` is how far rounding may put it off; ``bend`` by how much the slopes on the two sides differ.
    """

    lowest: float
    highest: float
    uncertainty: float
    bend: float
    step: float
    kink: bool = False

    @property
    def value(self) -> float:
        """The slope, or at a kink the middle of those around it; NaN where that may be any."""
        return self.lowest if self.lowest == self.highest else (self.lowest + self.highest) / 2


def central(line: Line, origin: Array, h: float) -> Slope:
    """The central difference (φ(h) − φ(−h)) / 2h.

    φ(±h) are rounded to some ε·|φ| each, and the quotient magnifies that by 1/h (Press et al. (2007),
    "Numerical recipes", 5.7): the uncertainty is 4ε·|φ| / h, |φ| the sum of its terms' absolute values.
    """
    (high, above), (low, below) = line(h), line(-h)
    return difference(above, below, origin, (high - low) / 2)


def difference(above: Array, below: Array, origin: Array, h: float) -> Slope:
    """The central difference of terms found already."""
    with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞ is NaN, which agrees with nothing
        value = float(np.sum(above - below)) / (2 * h)
        bend = abs(float(np.sum((above - origin) + (below - origin)))) / h
        uncertainty = 4 * EPS * float(np.sum(np.abs(above) / 2 + np.abs(below) / 2)) / h
    return Slope(value, value, uncertainty, bend, h)


def examined(line: Line, origin: Array, h: float, agrees: Callable[[Slope], bool]) -> Slope:
    """The slope where a simple difference leaves a doubt: with a step that suits the function, or known to be a kink.

    Five values that a quadratic goes through up to rounding leave no doubt. Else the five are taken again
    with a quarter of the step (or with four steps, if rounding would hide them). What a smooth function leaves
    over the quadratic goes with the step's cube; a kink's with the step, or it is out of reach and nothing
    is left over. Chainer fits its quadratic at one scale (Tokui et al. (2019), "Chainer: a deep learning
    framework for accelerating the research cycle"). Where the function is smooth, but not at this scale, the
    step is the one on whose slope the next smaller agrees best (Ridders (1982), "Accurate computation of
    F'(x)"); so it is beside a kink, if what is claimed ``agrees`` with that. Where f ends, as √x at 0, or has a
    vertical tangent, as ∛x at 0, there is a kink with any slope at all.
    """
    simple = central(line, origin, h)
    left, noise, quotients = left_over(line, origin, h)
    if left <= 8 * noise < np.inf:
        return simple
    settled = _settled(line, origin, h)
    if _ends(line, h, settled) or _is_vertical(line, origin, h, quotients):
        return simple._replace(lowest=-np.inf, highest=np.inf, uncertainty=0.0, kink=True)
    if left > 2048 * noise:
        quarter = left_over(line, origin, h / FEWER)[0]
        bent = quarter > left / 16 or quarter < left / 1024
    else:
        bent = left_over(line, origin, h * FEWER)[0] < left * 16
    smooth_beside = settled.bend <= SMOOTH * max(map(abs, quotients)) and agrees(settled)
    if not bent or smooth_beside:
        return settled
    around = [*quotients, settled.value]
    return simple._replace(lowest=min(around), highest=max(around), kink=True)


def left_over(line: Line, origin: Array, h: float) -> tuple[float, float, Sequence[float]]:
    """Of φ at −2h … 2h: what no quadratic explains, the size of rounding, and the slopes between neighbours."""
    terms = [line(k * h)[1] for k in (-2, -1)] + [origin] + [line(k * h)[1] for k in (1, 2)]
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.array([float(np.sum(term - origin)) for term in terms])
        left = float(np.hypot(CUBIC @ values, QUARTIC @ values))
        noise = 4 * EPS * float(max(np.sum(np.abs(term)) for term in terms))
        return left, noise, [float(quotient) for quotient in np.diff(values) / h]


def _ends(line: Line, h: float, settled: Slope) -> bool:
    """Whether the line is NaN on one side, and on one only, however small the step."""
    if not np.isnan(settled.value):
        return False
    (_, above), (_, below) = line(h), line(-h)
    return bool(np.isnan(above).any() != np.isnan(below).any())


def _is_vertical(line: Line, origin: Array, h: float, quotients: Sequence[float]) -> bool:
    """Whether slopes grow without end as the step gets smaller: by more than a steep line's that levels out."""
    near, nearer = [abs(central(line, origin, h / FEWER**k).value) for k in (8, 12)]
    return nearer > FEWER * near > FEWER**2 * max(map(abs, quotients))


def _settled(line: Line, origin: Array, h: float) -> Slope:
    """The slope at the step of the ladder where it changes least from one step to the next."""
    best, least, before = central(line, origin, h), np.inf, np.nan
    for factor in LADDER:
        slope = central(line, origin, factor * h)
        change = abs(slope.value - before)
        before = slope.value
        error = change + slope.uncertainty
        if error < least:
            # What is left of truncation; no more of it than a small part, lest a rough function hide an error.
            truncation = min(change, 1e-4 * abs(slope.value))
            best, least = slope._replace(uncertainty=slope.uncertainty + truncation), error
    return best


def complex_step(line: Callable[[complex], Any]) -> Slope:
    """Im φ(ih) / h with h = 10⁻²⁰: no difference is taken, so nothing cancels and no step is too small.

    It holds where f is analytic: written with +, ·, exp, sin …, and without abs, maximum or comparisons
    (Squire and Trapp (1998), "Using complex variables to estimate derivatives of real functions").
    """
    h = 1e-20
    value = float(np.sum(line(1j * h).imag)) / h
    return Slope(value, value, 8 * EPS * abs(value), 0.0, h)
