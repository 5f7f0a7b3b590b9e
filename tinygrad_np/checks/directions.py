"""Fast mode: gradients held against slopes along random directions, all inputs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_np.checks.measuring import Measure
from tinygrad_np.checks.slopes import Array, central, units
from tinygrad_np.checks.subject import Subject
from tinygrad_np.checks.taylor import RIGHT, remainder_order

MOST = 1e150  # of a gradient, whose square is a number still
Claims = Mapping[str, Sequence[Array]]  # by who claims them, the gradients of the inputs


def drawn(subject: Subject, rng: np.random.Generator) -> list[Array]:
    """A random direction of length 1, in units of max(1, |x|): a step goes no further than one element's would."""
    parts = [rng.normal(size=x.shape) for x in subject.point]
    length = float(np.sqrt(sum(np.sum(v * v) for v in parts))) or 1.0
    return [v / length * units(x) for v, x in zip(parts, subject.point)]


def along_directions(subject: Subject, measure: Measure, claims: Claims) -> tuple[list[float], str]:
    """The largest error of a claim along each direction, and what is the matter with the last one, if anything.

    A right gradient g has g·v for its slope along v. A wrong element i shows by (its error)·vᵢ, which the
    tolerance, relative to |g∘v|, hides only if it is small beside the whole gradient.
    """
    if any(not np.all(np.abs(g) < MOST) for gs in claims.values() for g in gs):
        return [], "an element of the gradient is NaN, infinite, or so large that it would hide others"
    rng = np.random.default_rng([measure.options.seed, 1])
    errors: list[float] = []
    for _ in range(measure.options.directions):
        directions = drawn(subject, rng)
        test = _remainders if measure.options.method == "taylor" else _difference
        error, trouble = test(subject, measure, claims, directions)
        errors.append(error)
        if trouble:
            return errors, trouble
    return errors, ""


def along_input(subject: Subject, measure: Measure, i: int) -> float:
    """The slope along a random direction of the i-th input alone."""
    rng = np.random.default_rng([measure.options.seed, 2])
    directions = [v if i == j else np.zeros_like(v) for j, v in enumerate(drawn(subject, rng))]
    return central(subject.line(directions), measure.origin, measure.step).value


def _difference(subject: Subject, measure: Measure, claims: Claims, directions: Sequence[Array]) -> tuple[float, str]:
    """How far the claimed slopes are from the one by numbers, relative to what they are summed from."""
    products = [np.concatenate([(g * v).ravel() for g, v in zip(gs, directions)]) for gs in claims.values()]
    slopes, scale = np.array([p.sum() for p in products]), max(float(np.linalg.norm(p)) for p in products)
    complex_line = subject.complex_line(directions) if measure.options.method == "complex" else None
    slope = measure.slope(subject.line(directions), slopes, scale, complex_line)
    error = float(np.max(np.abs(slopes - slope.value))) / max(abs(slope.value), scale, np.finfo(float).tiny)
    if slope.kink:
        return error, "along a random direction f bends"
    return error, "" if measure.agree(slopes, slope, scale) else "along a random direction the slopes differ"


def _remainders(subject: Subject, measure: Measure, claims: Claims, directions: Sequence[Array]) -> tuple[float, str]:
    """The order at which the claimed slopes' remainder vanishes."""
    line = subject.line(directions)
    slopes = [float(sum(np.sum(g * v) for g, v in zip(gs, directions))) for gs in claims.values()]
    order = min(remainder_order(line, measure.origin, slope) for slope in slopes)
    return order, "" if order > RIGHT else f"the Taylor remainder falls with the step's power {order:.2f}, not 2"
