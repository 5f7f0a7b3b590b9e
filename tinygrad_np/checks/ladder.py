"""Slopes by many steps, each about a quarter of the last, and what they say of the line: smooth, bent, or neither.

Along a smooth line φ(t) = φ(0) + s·t + c·t² + …, the slope by differences is s + O(h²), and the slopes on the two
sides differ by 2ch + O(h³). So Richardson's extrapolation takes the leading term out of both: what is left falls
quickly from step to step, until rounding, ∝ 1/h, takes over (Ridders (1982), "Accurate computation of F'(x) and
F'(x)F''(x)"). A kink within all of the steps leaves the difference of the two sides what it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.checks.noise import Noise
from tinygrad_np.checks.slopes import EPS, FEWER, Array, Kind, Line, Slope, central

POWERS = range(7, -15, -1)  # of FEWER: steps, as multiples of the usual one, from 0.1 to 2·10⁻¹⁴
FALLING = 3.0  # by which changes fall at least from step to step; of a line with a third derivative by 16
RESOLVED = 1e-3  # a part of the largest slope by which a steady slope may be in doubt
STEADY = 0.25  # a part of itself by which the jump at a kink may change from step to step
GROWING = 1.1  # times as steep for a step that is a sixteenth as long, where a tangent is vertical
EXACT = 8 * EPS  # a part of x and of the slope, to which they are known at best: both are rounded
VALUES = 4.0  # whose rounding makes up that of a difference of slopes, φ(0) counted twice
ABOVE = 4.0  # times what rounding may do, from where on a jump stands out of it


class Ladder:
    """The slopes of a line at 0 by steps from ``FEWER**7 * h`` down, with values that are off by some ``noise``.

    All arrays have a number for each step but the two longest, with which the next ones are compared. ``size`` is that
    of x, as a part of the steps' unit: x is rounded too, and the slope at x is off by that times φ″.
    """

    def __init__(self, line: Line, origin: Array, h: float, noise: Noise, size: float = 1.0) -> None:
        self.line = line
        rungs = [central(line, origin, step, noise.at(step)) for step in h * FEWER ** np.array(POWERS)]
        found = np.array([(rung.value, rung.bend, rung.uncertainty, rung.step) for rung in rungs])
        slopes, bends, doubts, steps = found.T
        self.rungs = rungs[2:]
        with np.errstate(invalid="ignore", over="ignore"):
            ratios = steps[:-1] / steps[1:]  # FEWER, but for rounding
            better = slopes[1:] + np.diff(slopes) / (ratios**2 - 1)
            apart = bends[1:] + np.diff(bends) / (ratios - 1)
            self.slopes, self.jumps = better[1:], apart[1:]
            largest = np.fmax.accumulate(np.fmax(np.abs(slopes), np.abs(bends)))[2:]
            curved = np.fmin.accumulate(EXACT * np.abs(bends) / steps)[2:]  # ∝ φ″, of which rounding shows too much
            rounded = doubts[2:] + doubts[1:-1] / FEWER**2 + EXACT * np.abs(self.slopes) + size * curved
            self.errors = np.abs(np.diff(better)) + np.abs(self.jumps) / 2 + rounded
            changes, turns = np.abs(np.diff(slopes)), np.abs(np.diff(apart))
            falling = changes[1:] <= changes[:-1] / FALLING + doubts[2:] + doubts[1:-1]
            blurs = VALUES * (FEWER * doubts[2:] + doubts[1:-1]) / (FEWER - 1)
            straight = np.abs(self.jumps) <= blurs + turns
            bent = (turns <= STEADY * np.abs(self.jumps)) & (np.abs(self.jumps) > ABOVE * blurs)
            self.smooth = falling & straight & ((self.errors <= RESOLVED * largest) | (largest == 0))
        met = [run for run in _runs(bent) if len(run) > 1]
        self.kinked = met[-1] if met else None  # the shortest steps that meet a kink, one after another
        if self.kinked is not None:
            self.smooth[: self.kinked[-1] + 1] = False

    def steady(self) -> Slope | None:
        """The slope at the step that leaves it least in doubt; None if no steps agree on one.

        Where shorter steps agree on another slope than longer ones, as of x + 10⁻⁸·sin 10⁹x, or of an f whose
        rounding looks smooth from close by, it is unresolved, but lies between them.
        """
        runs = _runs(self.smooth)
        pairs = [run for run in runs if len(run) > 1]
        best = [run[np.argmin(self.errors[run])] for run in pairs or runs]
        if not best:
            return None
        k = int(min(best, key=lambda k: float(self.errors[k])))
        value, doubt = float(self.slopes[k]), float(self.errors[k])
        slope = self.rungs[k]._replace(lowest=value, highest=value, uncertainty=doubt, kind=Kind.STEADY)
        return slope.beside(*[(float(self.slopes[j]), float(self.errors[j])) for j in best])

    def around_kink(self) -> tuple[float, float] | None:
        """The slopes on the two sides, by the step that leaves them least in doubt."""
        if self.kinked is None:
            return None
        k = self.kinked[np.argmin(self.errors[self.kinked])]
        middle, half = float(self.slopes[k]), float(self.jumps[k]) / 2
        return middle - half, middle + half

    @property
    def ends(self) -> bool:
        """Whether f is a number on one side, and on one only, however small the step."""
        (_, above), (_, below) = [self.line(sign * self.rungs[-1].step) for sign in (1, -1)]
        return bool(np.isfinite(above).all() != np.isfinite(below).all())

    @property
    def is_vertical(self) -> bool:
        """Whether slopes grow without end as the step gets smaller: by more than a steep line's that levels out."""
        usual, near, nearer = [abs(self.rungs[POWERS.index(power) - 2].value) for power in (0, -8, -12)]
        nearest = self.rungs[-1]
        grows = nearer > FEWER * near > FEWER**2 * usual and abs(nearest.value) > GROWING * nearer
        return grows and abs(nearest.value) > nearest.uncertainty


def _runs(mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The places where a mask holds, those that follow one another together."""
    places = np.flatnonzero(mask)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)]
