"""Samples moved away from kinks, to where a gradient can be checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_np.checks.report import Checked
from tinygrad_np.checks.slopes import units
from tinygrad_np.checks.subject import Subject

DISTANCE = 1e-2  # how far at most, as a part of max(1, |x|)
ANY = 0
SIDES = (ANY, 1, -1, ANY, ANY, ANY)  # where f may be finite: all numbers above 0 for √x, to either side for |x|


def move_from_kinks(subject: Subject, elements: Sequence[Checked], rng: np.random.Generator) -> list[str]:
    """Move what is at a kink a little, to where f is finite; what was moved, and nothing if there is no such place."""
    point = subject.point
    for side in SIDES:
        moved = []
        for checked in elements:
            shape = checked.kinks.shape
            sides = side or rng.choice([-1, 1], shape)
            moved.append(np.where(checked.kinks, DISTANCE * units(checked.value) * sides * rng.uniform(0, 1, shape), 0))
        subject.move([x + by for x, by in zip(point, moved)])
        if subject.is_finite():
            return [
                f"moved {np.count_nonzero(checked.kinks)} elements of {checked.name} away from a kink"
                for checked in elements
                if checked.kinks.any()
            ]
    subject.move(point)
    return []
