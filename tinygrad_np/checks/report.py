"""What a check found: the outcome, the numbers side by side, where they differ and how, as text and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.checks.diagnosis import across, diagnose
from tinygrad_np.checks.maps import map_of
from tinygrad_np.checks.slopes import Array

SHOWN = 5  # elements of an input whose numbers are printed
NO_SLOPES = "f ends or jumps here, or its tangent is vertical"


class Outcome(Enum):
    """How a check can end. All but RIGHT raise GradientError."""

    RIGHT = "right"
    WRONG = "wrong"
    KINK = "not differentiable here"
    UNRESOLVED = "no step gives a steady slope"
    NOT_FINITE = "not finite"
    NOT_DETERMINISTIC = "not deterministic"
    CHANGES_INPUTS = "writes into its inputs"
    UNUSED = "does not depend on an input"


class GradientError(AssertionError):
    """A gradient that the numbers contradict, or a function that none can be checked of.

    ``report`` has all that ``check_gradients`` found; it is None where something else raises this with a text.
    """

    def __init__(self, report: GradientReport | str) -> None:
        super().__init__(str(report))
        self.report = report if isinstance(report, GradientReport) else None

    def __reduce__(self) -> Any:
        return type(self), (str(self) if self.report is None else self.report,)


@dataclass(frozen=True)
class Checked:
    """One input: its value, the gradients ``claimed`` for it by whom, and by numbers the slopes they must lie between.

    All arrays have the input's shape (a claimed one may not). ``lowest`` and ``highest`` differ only at kinks;
    ``tolerance`` is what is allowed beyond them. ``unresolved`` slopes may be any.
    """

    name: str
    value: Array
    claimed: Mapping[str, Array]
    lowest: Array
    highest: Array
    tolerance: Array
    kinks: NDArray[np.bool_]
    unresolved: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((), bool))

    @property
    def numerical(self) -> Array:
        """The gradient by differences; at a kink the middle of the slopes around it, NaN where that may be any."""
        with np.errstate(invalid="ignore"):  # ∞ − ∞
            return np.where(self.lowest == self.highest, self.lowest, (self.lowest + self.highest) / 2)

    def error(self, label: str) -> Array:
        """|claimed − numerical|, infinite where it is NaN; at a kink the distance from the slopes around it."""
        claimed = self.claimed[label]
        if not self.fits(label):
            return np.full(self.value.shape, np.inf)
        with np.errstate(invalid="ignore"):
            error = np.maximum(self.lowest - claimed, claimed - self.highest)
        error = np.where(self.lowest == self.highest, np.abs(error), np.maximum(error, 0))
        return np.where(np.isnan(error), np.inf, error)

    def wrong(self, label: str) -> NDArray[np.bool_]:
        """Which elements are off by more than the tolerance; NaN and infinity always are."""
        error = self.error(label)
        wrong: NDArray[np.bool_] = ~(error <= self.tolerance) | (error == np.inf)
        return wrong

    @property
    def wrongs(self) -> dict[str, NDArray[np.bool_]]:
        """The wrong elements of each claimed gradient that has any."""
        return {label: wrong for label in self.claimed if (wrong := self.wrong(label)).any() or not self.fits(label)}

    def fits(self, label: str) -> bool:
        """Whether a claimed gradient has the input's shape."""
        return self.claimed[label].shape == self.value.shape


@dataclass(frozen=True, repr=False)
class GradientReport:
    """What ``check_gradients`` found. Its text is what GradientError says.

    ``elements`` has the inputs whose every element was looked at, ``directions`` the largest relative error
    along each random direction. ``message`` says in a sentence what else is the matter.
    """

    outcome: Outcome
    names: Sequence[str]
    shapes: Sequence[tuple[int, ...]]
    seed: int
    step: float
    evaluations: int
    order: int = 1
    elements: Sequence[Checked] = ()
    directions: Sequence[float] = ()
    message: str = ""
    notes: Sequence[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether the outcome is RIGHT."""
        return self.outcome is Outcome.RIGHT

    def __repr__(self) -> str:
        return "\n".join([*self._findings(), *self.notes, self._how()])

    def plot(self, path: Any = None) -> Any:
        """A matplotlib Figure with a heat map of the error of every input that was looked at element by element."""
        from tinygrad_np.checks.heatmap import MOST_COLUMNS, heatmap

        panels = [
            (f"{checked.name}, {label}", checked.error(label), checked.wrong(label), checked.kinks)
            for checked in self.elements
            for label in checked.claimed
        ]
        if not panels:
            advice = "; check with mode='full'" if self.right else ""
            raise ValueError(f"no element was looked at by itself, so there is no error to draw{advice}")
        beside = max([len(checked.claimed) for checked in self.elements], default=1)
        return heatmap(panels, path, columns=beside if beside > 1 else MOST_COLUMNS)

    def _findings(self) -> list[str]:
        found = self._of_this_order()
        if self.order == 1 or self.right:
            return found
        this, before = ordinal(self.order), ordinal(self.order - 1)
        return [f"of the {this} derivatives, which are the gradient of all {before} ones (these are right):", *found]

    def _of_this_order(self) -> list[str]:
        if self.message:
            return [self.message]
        if self.outcome is Outcome.WRONG:
            return faults_of(self.elements)
        if self.outcome is Outcome.KINK:
            return [line for checked in self.elements if checked.kinks.any() for line in kinks_of(checked)]
        if self.outcome is Outcome.UNRESOLVED:
            return [line for checked in self.elements if checked.unresolved.any() for line in unresolved_of(checked)]
        looked = f"along {len(self.directions)} random directions" if self.directions else "in every element"
        names = ", ".join(self.names)
        if self.order > 1:
            return [f"right: the derivatives of order {self.order} by {names} agree {looked}"]
        return [f"right: the gradient of {names} agrees {looked}"]

    def _how(self) -> str:
        order = "" if self.order == 1 else f"order {self.order}, "
        return f"({order}step {self.step:.3g}, seed {self.seed}, {self.evaluations} evaluations)"


def ordinal(n: int) -> str:
    """In words: first, second, third, 4th."""
    return {1: "first", 2: "second", 3: "third"}.get(n, f"{n}th")


def faults_of(elements: Sequence[Checked]) -> list[str]:
    """All that is wrong, the largest error first, and what it looks like, in each input or in all alike."""
    wrong = [(checked, label) for checked in elements for label in checked.wrongs]
    wrong.sort(key=lambda pair: -float(np.max(pair[0].error(pair[1]), initial=0)))
    patterns = [_patterns(checked, label) for checked, label in wrong]
    alike = len(wrong) > 1 and patterns[0] != [] and all(pattern == patterns[0] for pattern in patterns)
    own = [[] if alike else pattern for pattern in patterns]
    found = [line for pair, pattern in zip(wrong, own) for line in [*described(*pair), *pattern]]
    shared = [f"in all {len(wrong)}, {line}" for line in patterns[0]] if alike else []
    names = [checked.name for checked in elements]
    off = {checked.name for checked, _ in wrong}
    return [*found, *shared, *across(names, [name not in off for name in names])]


def described(checked: Checked, label: str) -> list[str]:
    """What is wrong with one claimed gradient of one input: the worst elements and where they lie."""
    claimed, wrong = checked.claimed[label], checked.wrong(label)
    if not checked.fits(label):
        shapes = f"{claimed.shape} where the input has {checked.value.shape}"
        return [f"the {label} gradient of {checked.name} has shape {shapes}"]
    error = checked.error(label)
    order = np.argsort(np.where(wrong, -error, 1).ravel(), kind="stable")[: np.count_nonzero(wrong)]
    places = [tuple(int(i) for i in np.unravel_index(k, wrong.shape)) for k in order[:SHOWN]]
    worst = places[0]
    off, size = float(error[worst]), float(max(abs(checked.lowest[worst]), abs(checked.highest[worst])))
    relative = off / size if size else np.inf
    lines = [
        f"the gradient of {checked.name} is wrong in {len(order)} of {wrong.size} elements; worst at index {worst}: "
        f"{label} {claimed[worst]:.10g}, numerical {slope_of(checked, worst)} (absolute error {off:.3g}, relative "
        f"{relative:.3g})"
    ]
    if wrong.size > 1:
        lines += [*table_of(checked, places), map_of(wrong, checked.kinks)]
    return lines


def table_of(checked: Checked, places: Sequence[tuple[int, ...]]) -> list[str]:
    """The numbers of some elements side by side, one line each."""
    heading, shape = ["index", *checked.claimed, "numerical"], checked.value.shape
    claims = [[f"{a[p]:.10g}" if a.shape == shape else "" for a in checked.claimed.values()] for p in places]
    rows = [[str(p), *claim, slope_of(checked, p)] for p, claim in zip(places, claims)]
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    return ["  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in [heading, *rows]]


def slope_of(checked: Checked, place: tuple[int, ...]) -> str:
    """The numerical slope of an element, or at a kink those between which it may be."""
    if checked.kinks[place]:
        around = [float(slopes[place]) for slopes in (checked.lowest, checked.highest)]
        return " to ".join([f"{s if abs(s) > checked.tolerance[place] else 0:.6g}" for s in around])
    return f"{checked.numerical[place]:.10g}"


def kinks_of(checked: Checked) -> list[str]:
    """Where an input cannot be differentiated by, with the slopes on the two sides."""
    places = np.argwhere(checked.kinks)
    lines = [
        f"f is not differentiable by {checked.name} in {len(places)} of {checked.kinks.size} elements, or bends within "
        "the step:"
    ]
    for place in places[:SHOWN]:
        at = tuple(int(i) for i in place)
        given = ", ".join(f"{label} {claimed[at]:.10g}" for label, claimed in checked.claimed.items())
        slopes = NO_SLOPES if np.isinf(checked.lowest[at]) else f"slopes from {slope_of(checked, at)}"
        lines.append(f"  at index {at}, {checked.value[at]:.10g}: {slopes}, {given}")
    return [*lines, "move the sample away from the kink, as check_gradients(dodge=True) does, or give a smaller step="]


def unresolved_of(checked: Checked) -> list[str]:
    """Where differences cannot tell the slopes of an input."""
    places = np.argwhere(checked.unresolved)
    at = ", ".join(str(tuple(int(i) for i in place)) for place in places[:SHOWN])
    return [
        f"no step gives a steady slope of {checked.name} in {len(places)} of {checked.value.size} elements, at index "
        f"{at}{', …' if len(places) > SHOWN else ''}: f is too steep, too noisy or too periodic here; give step= or "
        "rescale"
    ]


def _patterns(checked: Checked, label: str) -> list[str]:
    """What the wrong gradient looks like as a whole."""
    wrong = checked.wrong(label) if checked.fits(label) else None
    return diagnose(checked.claimed[label], checked.numerical, wrong, checked.value, checked.kinks | checked.unresolved)
