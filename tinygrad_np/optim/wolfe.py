"""A step length along a line that satisfies the strong Wolfe conditions.

Nocedal & Wright (2006), "Numerical optimization", algorithms 3.5 (bracketing) and 3.6 (zoom), with the cubic
interpolation of equation 3.59.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

EVALUATIONS = 25  # beyond which a search takes the best that it has


class Point(NamedTuple):
    """How far along the line, the function there, and its slope along the line."""

    step: float
    value: float
    slope: float


def search(at: Callable[[float], Point], start: Point, first: float, c1: float, c2: float) -> Point:
    """A point where f ≤ f₀ + c₁·α·f₀′ and |f′| ≤ c₂·|f₀′|, looked for from α = ``first`` on.

    ``start`` is the point with α = 0, whose slope is negative. If none is found, as where rounding hides any descent,
    the lowest point with the first property is returned, which may be ``start``.

    >>> parabola = lambda a: Point(a, (a - 3) ** 2, 2 * (a - 3))
    >>> search(parabola, parabola(0.0), first=1.0, c1=1e-4, c2=0.1).step
    3.0
    """
    before, step, left = start, first, EVALUATIONS
    while left:
        left -= 1
        point = at(step)
        if _too_high(point, start, c1) or (before is not start and point.value >= before.value):
            return _zoom(at, start, before, point, c1, c2, left)
        if abs(point.slope) <= -c2 * start.slope:
            return point
        if point.slope >= 0:
            return _zoom(at, start, point, before, c1, c2, left)
        before, step = point, _further(before, point)
    return before


def _zoom(
    at: Callable[[float], Point], start: Point, low: Point, high: Point, c1: float, c2: float, left: int
) -> Point:
    """A point between ``low``, the lowest so far, and ``high``, on whose side of it the function falls."""
    for _ in range(left):
        point = at(_between(low, high))
        if point.step in (low.step, high.step):  # the numbers between them are used up
            break
        if _too_high(point, start, c1) or point.value >= low.value:
            high = point
            continue
        if abs(point.slope) <= -c2 * start.slope:
            return point
        if point.slope * (high.step - low.step) >= 0:
            high = low
        low = point
    return low


def _too_high(point: Point, start: Point, c1: float) -> bool:
    """Whether the function decreased too little, or is not finite."""
    return not point.value <= start.value + c1 * point.step * start.slope


def _further(before: Point, point: Point) -> float:
    """Where to look next if the function still falls: the minimum of the cubic, two to ten times as far."""
    step = _cubic(before, point)
    return min(max(step, 2 * point.step), 10 * point.step) if math.isfinite(step) else 2 * point.step


def _between(low: Point, high: Point) -> float:
    """Where to look between two points: the minimum of the cubic, kept a tenth of their distance away from both."""
    left, right = sorted((low.step, high.step))
    margin = (right - left) / 10
    step = _cubic(low, high)
    return min(max(step, left + margin), right - margin) if math.isfinite(step) else (left + right) / 2


def _cubic(a: Point, b: Point) -> float:
    """Where the cubic through both points, with their slopes, has its minimum; NaN if it has none."""
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    square = d1 * d1 - a.slope * b.slope
    if not 0 <= square < math.inf:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.step - a.step)
    bottom = b.slope - a.slope + 2 * d2
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / bottom if bottom else math.nan
