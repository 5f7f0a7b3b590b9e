"""A closer look at a line where a simple difference leaves a doubt: a step that suits it, a kink, or neither."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_np.checks.ladder import Ladder
from tinygrad_np.checks.noise import Noise
from tinygrad_np.checks.slopes import EPS, Array, Kind, Line, Slope, central

# Five values, at multiples of the step in no ratio, lest they meet the steps of an f that rounds in step; and
# what is left of them beside the best quadratic: their parts along polynomials of the third and the fourth degree.
PLACES = np.array([-math.sqrt(5), -1.0, 0.0, 1.0, math.sqrt(3)])
LEFT = np.linalg.qr(np.vander(PLACES, increasing=True))[0][:, 3:]
CLEAR = 8.0  # times the rounding of one value, which the left-over of five may be of without a doubt
FAR = 16.0  # times the step, that of the slope by which the usual one is confirmed
SAME = 1e-6  # a part of the slope by which these two may differ
FINE = 1e-7  # a part of the slope, so little in doubt that no step in proportion to a small x need be tried


def examined(line: Line, origin: Array, h: float, finest: float = 1.0) -> Slope:
    """The slope with a step that suits the function, whatever is claimed of it; or known to be a kink, or unresolved.

    Five values that a quadratic goes through up to rounding leave no doubt, if a longer step confirms that. Chainer
    fits such a quadratic at one scale (Tokui et al. (2019), "Chainer: a deep learning framework for accelerating the
    research cycle"). Else f's own rounding is measured, and a ladder of steps is tried, once more in proportion to x
    if ``finest`` says that x is smaller than the steps' unit. Where slopes become steady and those on the two sides
    alike, that is the slope. Where the two sides stay apart there is a kink, and one with any slope at all where f
    ends, as √x at 0, or has a vertical tangent, as ∛x at 0. Where nothing is steady, f is too steep, too noisy or too
    periodic for differences.
    """
    line = _guarded(line, origin)
    simple = central(line, origin, h)
    values, left, noise = five(line, origin, h, simple.value)
    if left <= CLEAR * noise < np.inf and values.any() and _is_confirmed(simple, central(line, origin, FAR * h)):
        return simple
    own = Noise(line, origin, finest)
    ladder = Ladder(line, origin, h, own, finest)
    steady = ladder.steady()
    if finest < 1 and not (steady and steady.uncertainty <= FINE * abs(steady.value)):
        finer = Ladder(line, origin, h * finest, own, finest).steady()
        steady = finer.beside((steady.value, steady.uncertainty)) if finer and steady else finer or steady
    if steady:
        return steady
    anything = simple._replace(lowest=-np.inf, highest=np.inf, uncertainty=0.0)
    if ladder.ends or ladder.is_vertical:
        return anything._replace(kind=Kind.KINK)
    sides = ladder.around_kink()
    if sides is None:
        return anything._replace(kind=Kind.UNRESOLVED)
    around = [*np.diff(values) / np.diff(PLACES * h), *sides]
    return simple._replace(lowest=float(min(around)), highest=float(max(around)), kind=Kind.KINK)


def _is_confirmed(slope: Slope, far: Slope) -> bool:
    """Whether a longer step gives the same slope; where f rounds to steps, five values lie on a line by chance."""
    return abs(far.value - slope.value) <= SAME * abs(slope.value) + slope.uncertainty + far.uncertainty


def _guarded(line: Line, origin: Array) -> Line:
    """The line, NaN where f raises: it may end on the way to a step longer than the usual one."""

    def at(t: float) -> tuple[float, Array]:
        try:
            return line(t)
        except Exception:
            return t, np.full_like(origin, np.nan)

    return at


def five(line: Line, origin: Array, h: float, slope: float) -> tuple[Array, float, float]:
    """φ at five places around 0, less φ(0), what no quadratic explains of it, and the size of rounding.

    Rounding has moved the points themselves, for which ``slope`` makes up.
    """
    places, terms = zip(*[line(float(k * h)) if k else (0.0, origin) for k in PLACES])
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.array([float(np.sum(term - origin)) for term in terms])
        values -= slope * (np.array(places) - PLACES * h)
        left = float(np.hypot(*(LEFT.T @ values)))
        return values, left, 4 * EPS * float(max(np.sum(np.abs(term)) for term in terms))
