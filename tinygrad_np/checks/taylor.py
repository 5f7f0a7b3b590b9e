"""The Taylor test: how fast what a gradient leaves unexplained goes to 0. It needs no tolerance."""

from __future__ import annotations

import numpy as np

from tinygrad_np.checks.slopes import EPS, Array, Line

STEPS = 4.0 ** -np.arange(1, 16)  # 0.25 to 9·10⁻¹⁰
OUT = 50  # times what rounding may do, from where on a remainder stands out of it
USED = 4  # of the smallest steps, those whose remainder is well above rounding
RIGHT = 1.5  # halfway between the order of a wrong gradient and that of a right one


def remainder_order(line: Line, origin: Array, slope: float) -> float:
    """The order p of the remainder |φ(h) − φ(0) − h·slope| ∝ hᵖ: 2 or more if the slope is right, 1 if it is wrong.

    p is the least-squares slope of ln remainder over ln h at the smallest steps whose remainder stands out of
    rounding; infinite if none does, as of a linear function (Farrell et al. (2013), "Automated derivation of the
    adjoint of high-level transient finite element programs", on verifying adjoints by the Taylor remainder). What a
    wrong slope leaves stands out at smaller steps too: where it ends all at once, large steps have met a kink.
    """
    sizes, remainders, hidden = [], [], []
    for h in STEPS:
        t, terms = line(float(h))
        with np.errstate(invalid="ignore", over="ignore"):
            remainder = abs(float(np.sum(terms - origin)) - t * slope)
            rounding = OUT * 4 * EPS * (float(np.sum(np.abs(terms))) + abs(t * slope))
        if remainder <= rounding:
            hidden.append((t, rounding))
        elif np.isfinite(remainder):
            sizes.append(t)
            remainders.append(remainder)
        else:  # f ends before so large a step, if smaller ones are well
            sizes, remainders, hidden = [], [], []
    if not sizes:
        return np.inf if hidden else 0.0
    if any(t < sizes[-1] and remainders[-1] * t / sizes[-1] > 2 * rounding for t, rounding in hidden):
        return np.inf
    if len(sizes) < 2:
        return np.inf
    order, _ = np.polyfit(np.log(sizes[-USED:]), np.log(remainders[-USED:]), 1)
    return float(order)
