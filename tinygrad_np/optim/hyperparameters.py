"""Hyperparameters: what each may be, and errors that say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np

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
    error: type[Exception] = TypeError
    advice = f"{name}={example}, or float(value)"
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if holds(number):
            return number
        error, advice = ValueError, f"{name}={example}"
    raise error(f"{name} must be {expected}, got {value!r}{source}; give for example {advice}")


def scheduled(name: str, schedule: Schedule, step: int) -> float:
    """What ``schedule`` gives the hyperparameter ``name`` in the step after ``step`` others, checked."""
    number = schedule(step)
    if type(number) is float and LIMITS.get(name, FINITE)[0](number):
        return number  # without the text of the error, which takes longer than a step
    return checked(name, number, f" from its schedule {schedule!r} at step {step}")


def counted(name: str, value: Any, least: int = 0) -> int:
    """``value`` as an int of at least ``least``, or an error that says what it must be."""
    error: type[Exception] = TypeError
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if value >= least:
            return int(value)
        error = ValueError
    raise error(f"{name} must be an integer of at least {least}, got {value!r}")


def positive(name: str, value: Any) -> float:
    """``value`` as a finite float above 0, or an error that says what it must be."""
    number = checked(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return number


def listing(names: Iterable[str], *unknown: str) -> str:
    """``names`` as an error lists them, with those that are near the ``unknown`` ones, which may be misspelt."""
    names = list(names)
    near = {match for name in unknown for match in get_close_matches(name, names)}
    text = ", ".join(names)
    return f"{text}; did you mean {' or '.join(name for name in names if name in near)}?" if near else text
