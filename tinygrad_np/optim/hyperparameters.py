"""Hyperparameters: what each may be, and errors that say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from tinygrad_np.arguments import number

Schedule = Callable[[int], float]  # of the number of steps taken so far: 0 for the first step
Value = float | Schedule

# What a hyperparameter must be, how an error says it, and a value that it advises; those not listed must be finite.
Limit = tuple[Callable[[float], bool], str, float]
LIMITS: dict[str, Limit] = {
    "lr": (lambda v: 0 <= v < math.inf, "a finite number of at least 0", 0.1),
    "momentum": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.9),
    "beta1": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.9),
    "beta2": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.999),
    "rho": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.9),
    "eps": (lambda v: 0 < v < math.inf, "a finite number above 0", 1e-8),
    "l2": (lambda v: 0 <= v < math.inf, "a finite number of at least 0", 1e-4),
    "weight_decay": (lambda v: 0 <= v < math.inf, "a finite number of at least 0", 0.01),
    "warming": (lambda v: 0 <= v < math.inf, "a finite number of at least 0", 0.004),
    "c1": (lambda v: 0 < v < 0.5, "a number in (0, 0.5)", 1e-4),
    "c2": (lambda v: 0 < v < 1, "a number in (0, 1)", 0.9),
}
FINITE: Limit = (math.isfinite, "a finite number", 0.5)


def checked(name: str, value: Any, source: str = "") -> float:
    """``value`` as the float that the hyperparameter ``name`` may be, or an error that says what it must be."""
    holds, expected, example = LIMITS.get(name, FINITE)
    return number(name, value, example, holds, expected, source)


def scheduled(name: str, schedule: Schedule, step: int) -> float:
    """What ``schedule`` gives the hyperparameter ``name`` in the step after ``step`` others, checked."""
    value = schedule(step)
    if type(value) is float and LIMITS.get(name, FINITE)[0](value):
        return value  # without the text of the error, which takes longer than a step
    return checked(name, value, f" from its schedule {schedule!r} at step {step}")


def positive(name: str, value: Any) -> float:
    """``value`` as a finite float above 0, or an error that says what it must be."""
    given = checked(name, value)
    if given <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return given


def listing(names: Iterable[str], *unknown: str) -> str:
    """``names`` as an error lists them, with those that are near the ``unknown`` ones, which may be misspelt."""
    names = list(names)
    near = {match for name in unknown for match in get_close_matches(name, names)}
    text = ", ".join(names)
    return f"{text}; did you mean {' or '.join(name for name in names if name in near)}?" if near else text
