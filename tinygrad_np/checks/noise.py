"""How far the values along a line are in doubt, because f rounds on the way to them."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_np.checks.slopes import Array, Line

PLACES = np.array([0.6, 1.7, 3.1, 4.0, 5.3, 5.9, 7.2])  # on each side: uneven, lest they meet f's steps in step
CLOSE = 2.0**-46  # between places: some 60 of float64's numbers near x, over which a smooth f is a quadratic
WIDER = 256.0  # by which places move apart where values are equal, as of an f that computes in float32
WIDEST = 2.0**-6  # an f that computes in float16 is found there
SURE = 8.0  # standard deviations, beyond which no error of a value is thought to go


def noise_of(line: Line, origin: Array, finest: float = 1.0) -> float:
    """How far rounding may put a value of φ off: as far as values at places close together lie beside a quadratic.

    That is the idea of the difference table, in which noise stays where a smooth function vanishes
    (Hamming (1973), "Numerical methods for scientists and engineers"; Moré and Wild (2011), "Estimating computational
    noise", SIAM Journal on Scientific Computing 33), with uneven places. It is done on either side of the
    point, and the lesser one counts: a jump or a kink on one side is no noise. ``finest`` is the size of x, as a part
    of the steps' unit, where x is small.
    """
    spacing = CLOSE * finest
    while spacing <= WIDEST:
        sides = [_side(line, origin, sign * spacing) for sign in (1, -1)]
        told = [(places, values) for places, values in sides if np.count_nonzero(np.diff(values)) > len(PLACES) // 2]
        if told:
            return SURE * min(_deviation(places / spacing, values) for places, values in told)
        spacing *= WIDER
    return 0.0


def _side(line: Line, origin: Array, spacing: float) -> tuple[Array, Array]:
    """Where the line went to on one side, and what φ is there less φ(0)."""
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
