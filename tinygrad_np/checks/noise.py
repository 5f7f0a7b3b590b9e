"""How far the values along a line are in doubt, because f rounds on the way to them."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_np.checks.slopes import Array, Line

PLACES = np.sqrt([0.4, 3, 10, 15, 28, 35, 51])  # on each side: in no ratio, lest they meet f's steps in step
LEVELS = 2.0 ** np.arange(-46, -5, 10)  # between places: from some 60 of float64's numbers near x to 0.02
SURE = 8.0  # standard deviations, beyond which no error of a value is thought to go
WITHIN = 64.0  # of the distances between places lie in a step, for which what is left there is no curvature but noise
ALIKE = 10.0  # times the noise on one side, up to which that on the other is believed


class Noise:
    """How far rounding may put a value of φ off, by what values close together leave over a quadratic.

    That is the idea of the difference table, in which noise stays where a smooth function vanishes
    (Hamming (1973), "Numerical methods for scientists and engineers"; Moré and Wild (2011), "Estimating computational
    noise", SIAM Journal on Scientific Computing 33), with uneven places. It is done on either side of the
    point, and the lesser one counts: a jump or a kink on one side is no noise. It is done at several distances, for
    noise may look smooth from close by; where values are equal, as of an f that computes in float32, it is not
    seen at all. ``finest`` is the size of x, as a part of the steps' unit, where x is small.
    """

    def __init__(self, line: Line, origin: Array, finest: float = 1.0) -> None:
        self.levels = []
        for spacing in LEVELS * finest:
            sides = [_side(line, origin, sign * float(spacing)) for sign in (1, -1)]
            told = [side for side in sides if np.count_nonzero(np.diff(side[1])) > len(PLACES) // 2]
            found = [_deviation(places / spacing, values) for places, values in told]
            if found:
                self.levels.append((float(spacing), SURE * min(max(found), ALIKE * min(found))))

    def at(self, step: float) -> float:
        """The noise of values that are a step apart: the most that was found between them, if any was."""
        near = [noise for i, (spacing, noise) in enumerate(self.levels) if i == 0 or WITHIN * spacing <= step]
        return max(near, default=0.0)

    @property
    def deviation(self) -> float:
        """The standard deviation of values close together."""
        return self.at(0.0) / SURE


def _side(line: Line, origin: Array, spacing: float) -> tuple[Array, Array]:
    """Where the line went to on one side, and what φ is there less φ(0); zeros where that is not finite."""
    places, terms = zip(*[line(float(place * spacing)) for place in PLACES])
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.array([float(np.sum(term - origin)) for term in terms])
    return np.array(places), values if np.isfinite(values).all() else np.zeros(len(values))


def _deviation(places: Array, values: Array) -> float:
    """The standard deviation of values from the quadratic that fits them best."""
    powers, _ = np.linalg.qr(np.vander(places, 3))
    size = float(np.max(np.abs(values)))  # whose square may be no number
    left = values / size - powers @ (powers.T @ (values / size))
    return size * math.sqrt(float(left @ left) / (len(values) - 3))
