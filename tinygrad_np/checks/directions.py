"""Fast mode: gradients held against slopes along random directions, all inputs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np.checks.measuring import Measure
from tinygrad_np.checks.noise import Noise
from tinygrad_np.checks.slopes import Array, Kind, units
from tinygrad_np.checks.subject import Subject
from tinygrad_np.checks.taylor import RIGHT, remainder_order

FAINT = 1e-3  # of the largest slope of an input: elements below that are looked at by themselves, lest it hide them
MOST = 1e150  # of a gradient, whose square is a number still
SMALL = 0.1  # of the whole gradient's length: an input below that is looked at by itself too, lest the others hide it
LITTLE = 0.01  # of a slope, which passes unseen where that is allowed: little is shown of it then
DOUBT = 1e-5  # of the whole, which a closer look may leave in doubt without hiding an element's error
TROUBLES = {
    Kind.KINK: "along a random direction f bends",
    Kind.UNRESOLVED: "along a random direction no step gives a steady slope",
}
Claimed = Mapping[str, Sequence[Array]]  # the gradients of all inputs, by who claims them


def drawn(subject: Subject, rng: np.random.Generator) -> list[Array]:
    """A random direction of length 1, in units of max(1, |x|): a step goes no further than one element's would."""
    parts = [rng.normal(size=x.shape) for x in subject.point]
    length = float(np.sqrt(sum(np.sum(v * v) for v in parts))) or 1.0
    return [v / length * units(x) for v, x in zip(parts, subject.point)]


class Look(NamedTuple):
    """What one direction shows: the largest error of a claim, and what is the matter, if anything.

    Slopes up to ``allowed`` pass whatever is claimed. ``left`` is the Taylor remainder as a part of the claimed slope.
    """

    error: float
    trouble: str
    allowed: float = 0.0
    left: float = 0.0


class Along(NamedTuple):
    """What was found along directions: all that was looked at, and what is the matter with the last one, if anything.

    ``unseen`` has the inputs of which little was shown, by number: how large their slopes are, and what is allowed.
    """

    looks: Sequence[Look]
    trouble: str = ""
    unseen: Mapping[int, tuple[float, float]] = {}


def along_directions(subject: Subject, measure: Measure, claimed: Claimed) -> Along:
    """Hold what is claimed against slopes along directions of all inputs together, and of what is small by itself.

    A right gradient g has g·v for its slope along v. A wrong element i shows by (its error)·vᵢ, which the
    tolerance, relative to |g∘v|, hides only if it is small beside the whole gradient; so does all of a small input, and
    all that is faint in any.
    """
    if any(not np.all(np.abs(g) < MOST) for gs in claimed.values() for g in gs):
        return Along([], "an element of the gradient is NaN, infinite, or so large that it would hide others")
    rng = np.random.default_rng([measure.options.seed, 1])
    look = _remainders if measure.options.method == "taylor" else _difference
    looks: list[Look] = []
    for _ in range(measure.options.directions):
        directions = drawn(subject, rng)
        looks.append(look(subject, measure, claimed, directions))
        if looks[-1].trouble:
            return Along(looks, looks[-1].trouble)
    sizes = [max(float(np.linalg.norm(gs[i] * v)) for gs in claimed.values()) for i, v in enumerate(directions)]
    floors = [looks[-1].allowed] * len(sizes)
    small = [i for i, v in enumerate(directions) if v.size and sizes[i] < SMALL * np.linalg.norm(sizes)]
    parts: list[list[Any]] = [[i == j for j in range(len(sizes))] for i in small]
    masks = faint(subject, claimed)
    parts += [masks] if any(mask.any() for mask in masks) else []
    directions = drawn(subject, np.random.default_rng([measure.options.seed, 2]))
    for k, moved in enumerate(parts):
        own = look(subject, measure, claimed, [v * some for v, some in zip(directions, moved)])
        if own.trouble:
            return Along([*looks, own], own.trouble)
        if k < len(small):
            floors[small[k]] = own.allowed
    slopes = [(size, floor) if v.size else (v, v) for v, size, floor in zip(directions, sizes, floors)]
    return Along(looks, "", unseen(slopes))


def unseen(slopes: Sequence[tuple[Any, Any]]) -> dict[int, tuple[float, float]]:
    """The inputs, by number, none of whose slopes is far above what is allowed beside it; the largest of each."""
    hidden = [bool(np.size(size) and np.all(LITTLE * size <= allowed)) for size, allowed in slopes]
    return {i: (float(np.max(slopes[i][0])), float(np.max(slopes[i][1]))) for i, hides in enumerate(hidden) if hides}


def faint(subject: Subject, claimed: Claimed) -> list[Array]:
    """Which elements of each input have slopes, as steps go, of less than a thousandth of its largest."""
    slopes = [np.max([np.abs(g) for g in gs], axis=0) * units(x) for x, *gs in zip(subject.point, *claimed.values())]
    return [slope < FAINT * np.max(slope, initial=0.0) for slope in slopes]


def _difference(subject: Subject, measure: Measure, claimed: Claimed, directions: Sequence[Array]) -> Look:
    """How far the claimed slopes are from the one by numbers, relative to what they are summed from."""
    products = [np.concatenate([(g * v).ravel() for g, v in zip(gs, directions)]) for gs in claimed.values()]
    slopes, scale = np.array([p.sum() for p in products]), max(float(np.linalg.norm(p)) for p in products)
    complex_line = subject.complex_line(directions) if measure.options.method == "complex" else None
    slope = measure.slope(subject.line(directions), slopes, scale, complex_line)
    error = float(np.max(np.abs(slopes - slope.value))) / max(abs(slope.value), scale, np.finfo(float).tiny)
    trouble = TROUBLES.get(slope.kind, "")
    if slope.kind is Kind.STEADY and slope.uncertainty > DOUBT * max(abs(slope.value), scale):
        trouble = "along a random direction the slope is in doubt"
    elif not trouble and not measure.agree(slopes, slope, scale):
        trouble = "along a random direction the slopes differ"
    return Look(error, trouble, measure.options.atol + slope.uncertainty)


def _remainders(subject: Subject, measure: Measure, claimed: Claimed, directions: Sequence[Array]) -> Look:
    """The order at which the claimed slopes' remainder vanishes."""
    line = subject.line(directions)
    slopes = [float(sum(np.sum(g * v) for g, v in zip(gs, directions))) for gs in claimed.values()]
    order, left = min(remainder_order(line, measure.origin, slope) for slope in slopes)
    if order <= RIGHT:
        noise = Noise(line, measure.origin).deviation
        order, left = min(remainder_order(line, measure.origin, slope, noise) for slope in slopes)
    trouble = "" if order > RIGHT else f"the Taylor remainder falls with the step's power {order:.2f}, not 2"
    return Look(order, trouble, left=left)
