"""Slopes of a subject by the method asked for, with a closer look wherever a claimed slope contradicts them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinygrad_np.checks.closer import CLEAR, examined
from tinygrad_np.checks.options import Options
from tinygrad_np.checks.slopes import STEP, Array, Kind, Line, Slope, central, complex_step

ALIKE = 1e-4  # a part of the slope by which differences may miss what the complex step gives
BENT = 1e-3  # a part of the slope by which the two sides may differ without a closer look
NOT_ANALYTIC = (
    "the complex step gives {:.6g} where differences give {:.6g}: something in f is not analytic (abs, maximum, "
    ".real); use method='central'"
)


class Measure:
    """Finds slopes, and says whether claimed ones agree with them.

    ``scale`` is the size of what a slope is summed from, where that is more than the slope itself.
    """

    def __init__(self, options: Options, origin: Array) -> None:
        self.options, self.origin = options, origin
        self.step = options.step or STEP

    def slope(
        self,
        line: Line,
        claims: Array,
        scale: float = 0.0,
        complex_line: Callable[[complex], Array] | None = None,
        finest: float = 1.0,
    ) -> Slope:
        """The slope at the line's origin, which the slopes ``claims`` are said to be."""
        near = central(line, self.origin, self.step)
        if complex_line is None:
            return self.settled(near, line, claims, scale, finest)
        slope = complex_step(complex_line)  # what is not analytic is lost in it, and perhaps in the claim as well
        if not (self._alike(near, slope, scale) and self.agree(claims, slope, scale)):
            other = examined(line, self.origin, self.step, finest)
            if not (other.kind is Kind.UNRESOLVED or self._alike(other, slope, scale)):
                raise ValueError(NOT_ANALYTIC.format(slope.value, other.value))
        return slope

    def _alike(self, near: Slope, slope: Slope, scale: float) -> bool:
        """Whether the complex step gives what differences give."""
        return abs(near.value - slope.value) <= ALIKE * max(abs(near.value), scale) + near.uncertainty

    def settled(self, slope: Slope, line: Line, claims: Array, scale: float = 0.0, finest: float = 1.0) -> Slope:
        """``slope`` itself if it leaves no doubt, or else what a closer look at the line gives.

        A step that the user chose is not second-guessed. ``finest`` is the size of x, as a part of the steps'
        unit, where x is small.
        """
        bend = BENT * max(abs(slope.value), scale) + CLEAR * slope.uncertainty + self.options.atol
        sure = self.agree(claims, slope, scale) and abs(slope.bend) <= bend
        if sure or self.options.step is not None:
            return slope
        return examined(line, self.origin, self.step, finest)

    def agree(self, claims: Array, slope: Slope, scale: float = 0.0) -> bool:
        """Whether all claims are the slope, as far as can be told."""
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which agrees with nothing
            errors = np.abs(claims - slope.value)
            return bool(np.all((errors <= self.tolerance(slope, scale)) & (errors < np.inf)))

    def allow(self, claims: Array, slope: Slope) -> bool:
        """Whether all claims lie between the slopes around a kink."""
        tolerance = self.tolerance(slope)
        return bool(np.all((slope.lowest - tolerance <= claims) & (claims <= slope.highest + tolerance)))

    def tolerance(self, slope: Slope, scale: float = 0.0) -> float:
        """atol + rtol·|slope| + uncertainty; beyond slopes that may be any there is nothing to allow."""
        extent = max(abs(slope.lowest), abs(slope.highest), scale)
        relative = self.options.rtol * extent if math.isfinite(extent) else 0.0
        return self.options.atol + relative + slope.uncertainty
