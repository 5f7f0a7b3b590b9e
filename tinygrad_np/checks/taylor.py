"""The Taylor test: how fast what a gradient leaves unexplained goes to 0. It needs no tolerance."""

from __future__ import annotations

import numpy as np

from tinygrad_np.checks.slopes import EPS, Array, Line

STEPS = 4.0 ** -np.arange(1, 12)  # 0.25 to 2.4·10⁻⁷
USED = 4  # of the smallest steps, those whose remainder is well above rounding
RIGHT = 1.5  # halfway between the order of a wrong gradient and that of a right one


def remainder_order(line: Line, origin: Array, slope: float) -> float:
    """The order p of the remainder |φ(h) − φ(0) − h·slope| ∝ hᵖ: 2 or more if the slope is right, 1 if it is wrong.

    p is the least-squares slope of ln remainder over ln h at the smallest steps whose remainder stands out of
    rounding; infinite if none does, as of a linear function (Farrell et al. (2013), "Automated derivation of the
    adjoint of high-level transient finite element programs", on verifying adjoints by the Taylor remainder).
    """
    sizes, remainders = [], []
    for h in STEPS:
        t, terms = line(float(h))
        with np.errstate(invalid="ignore", over="ignore"):
            remainder = abs(float(np.sum(terms - origin)) - t * slope)
            noise = 4 * EPS * (float(np.sum(np.abs(terms))) + abs(t * slope))
        if not remainder <= 50 * noise:
            sizes.append(t)
            remainders.append(remainder)
    if not np.isfinite(remainders).all():
        return 0.0
    if len(sizes) < 2:
        return np.inf
    order, _ = np.polyfit(np.log(sizes[-USED:]), np.log(remainders[-USED:]), 1)
    return float(order)
