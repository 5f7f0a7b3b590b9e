"""Full mode: every partial derivative by numbers, in stacks of points where the function takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tinygrad_np.checks.closer import CLEAR
from tinygrad_np.checks.measuring import Measure
from tinygrad_np.checks.report import Checked
from tinygrad_np.checks.slopes import FEWER, Array, Kind, Slope, central, difference, units
from tinygrad_np.checks.stacks import Stack
from tinygrad_np.checks.subject import Subject

NEIGHBOURS = 32  # of a kink: enough to meet each order of three equal elements but for a chance of 1 in 400,000
APART = 1e-2  # a part of the slopes beside a point, by which they differ where there is a kink
FURTHER = 16.0  # times as far, where slopes differ more if they change smoothly
TINY = 1e-280  # of an x, parts of which are numbers still
TRIES = 2  # wrong elements without a kink of their own, before others are no longer looked at from points beside


class Element(NamedTuple):
    """One element of the i-th input, and the ``unit`` that steps by it are relative to."""

    i: int
    place: tuple[int, ...]
    unit: float


def every_element(subject: Subject, measure: Measure, i: int, claimed: Mapping[str, Array]) -> Checked:
    """The slopes by every element of the i-th input, beside those that are ``claimed``."""
    x = subject.point[i]
    fitting = [g for g in claimed.values() if g.shape == x.shape]
    scale, simple, tries = units(x), _stacked(subject, measure, i), TRIES
    slopes = []
    for index in np.ndindex(x.shape):
        element = Element(i, index, float(scale[index]))
        claims = np.array([float(g[index]) * element.unit for g in fitting])
        slope = _slope(subject, measure, element, claims, next(simple, None))
        doubtful = measure.options.method != "complex" and not measure.allow(claims, slope)
        if doubtful and (slope.kind is Kind.KINK or tries):
            slope = _widened(subject, measure, element, slope)
            tries -= slope.kind is not Kind.KINK
        slopes.append(slope)
    numbers = np.array([(slope.lowest, slope.highest, measure.tolerance(slope)) for slope in slopes])
    kinds = np.array([(slope.kind is Kind.KINK, slope.kind is Kind.UNRESOLVED) for slope in slopes], bool)
    lowest, highest, tolerance = [column.reshape(x.shape) / scale for column in numbers.reshape(-1, 3).T]
    kinks, unresolved = [column.reshape(x.shape) for column in kinds.reshape(-1, 2).T]
    return Checked(subject.names[i], x, claimed, lowest, highest, tolerance, kinks, unresolved)


def _slope(subject: Subject, measure: Measure, element: Element, claims: Array, simple: Slope | None) -> Slope:
    """The slope by one element, from a ``simple`` difference that was taken already if there is one."""
    i, index, unit = element
    size = abs(float(subject.point[i][index]))
    finest = size / unit if size > TINY else 1.0
    line = subject.element(*element)
    if simple is not None:
        return measure.settled(simple, line, claims, finest=finest)
    complex_line = None
    if measure.options.method == "complex":
        directions = [np.zeros(point.shape) for point in subject.point]
        directions[i][index] = unit
        complex_line = subject.complex_line(directions)
    return measure.slope(line, claims, complex_line=complex_line, finest=finest)


def _widened(subject: Subject, measure: Measure, element: Element, slope: Slope) -> Slope:
    """The slopes around a kink with those at points beside it; where there are others than at the point, it is one.

    Of three equal elements that are sorted, the one that moves is the largest or the smallest afterwards, and never
    the middle one, whose slope is as good: gradients at a kink are made of those at points nearby (Clarke (1990),
    "Optimization and nonsmooth analysis"). The median of three equal ones has slope 0 by each of them, and 1 by all
    together: a kink across the axes, from which slopes differ as much close by as further away.
    """
    step = min(measure.step, slope.step)  # that one suits the function
    near, uncertainty = _slopes_beside(subject, measure, element, step, step)
    if slope.kind is not Kind.KINK:
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which is above nothing
            uncertainty = max(uncertainty, slope.uncertainty * slope.step / (step / FEWER))
            if not np.ptp(near) > max(CLEAR * uncertainty, APART * np.max(np.abs(near))):
                return slope
            far, _ = _slopes_beside(subject, measure, element, step, FURTHER * step)
            if not np.ptp(near) > np.ptp(far) / FEWER:
                return slope
    lowest, highest = min(slope.lowest, *near), max(slope.highest, *near)
    return slope._replace(lowest=float(lowest), highest=float(highest), kind=Kind.KINK)


def _slopes_beside(
    subject: Subject, measure: Measure, element: Element, step: float, distance: float
) -> tuple[Array, float]:
    """The slopes by one element at random points within a distance, in the same directions each time; how exact."""
    point = subject.point
    rng = np.random.default_rng([measure.options.seed, 4])
    found = []
    for _ in range(NEIGHBOURS):
        subject.move([x + distance * units(x) * rng.uniform(-1, 1, x.shape) for x in point])
        with np.errstate(all="ignore"):
            found.append(central(subject.element(*element), subject.terms(), step / FEWER))
    subject.move(point)
    return np.array([s.value for s in found]), max(s.uncertainty for s in found)


def _stacked(subject: Subject, measure: Measure, i: int) -> Iterator[Slope]:
    """The central difference by each element, in order, many in one call of f; none if f takes no stacks."""
    if measure.options.method == "complex":
        return
    stack = Stack(subject, i)
    if not stack.allowed:
        return
    x = subject.point[i]
    for flat in np.split(np.arange(x.size), range(stack.rows // 2, x.size, stack.rows // 2)):
        moved = units(x.ravel()[flat])
        points = np.repeat(x.reshape(1, -1), 2 * len(flat), axis=0)
        above, below = points[::2], points[1::2]
        rows = np.arange(len(flat))
        above[rows, flat] += measure.step * moved
        below[rows, flat] -= measure.step * moved
        steps = (above[rows, flat] - below[rows, flat]) / 2 / moved
        try:
            terms = stack.terms(points.reshape(-1, *x.shape))
        except Exception:  # as a function may at some points that are far from others: each is asked alone then
            return
        for high, low, step in zip(terms[::2], terms[1::2], steps):
            yield difference(high, low, measure.origin, float(step))
