"""The Taylor test: how fast what a gradient leaves unexplained goes to 0. It needs no tolerance."""

from __future__ import annotations

import numpy as np

from tinygrad_np.checks.slopes import EPS, Array, Line

STEPS = 4.0 ** -np.arange(1, 23)  # 0.25 to 6·10⁻¹⁴
OUT = 50  # times what rounding may do, from where on a remainder stands out of it
USED = 4  # of the smallest steps, those whose remainder is well above rounding
RIGHT = 1.5  # halfway between the order of a wrong gradient and that of a right one
SLIGHT = 1e-2  # a part of the slope: what is left of a slope that is right in every element is no larger


def remainder_order(line: Line, origin: Array, slope: float, noise: float = 0.0) -> tuple[float, float]:
    """The order p of the remainder |φ(h) − φ(0) − h·slope| ∝ hᵖ: 2 or more if the slope is right, 1 if it is wrong.

    p is the least-squares slope of ln remainder over ln h at the smallest steps whose remainder stands out of
    rounding; infinite if none does, as of a linear function (Farrell et al. (2013), "Automated derivation of the
    adjoint of high-level transient finite element programs", on verifying adjoints by the Taylor remainder). What a
    wrong slope leaves stands out at smaller steps too: where it ends all at once, large steps have met a kink.
    ``noise`` is the standard deviation of what f is known to round on its way. The second number is the remainder at
    the smallest of these steps, as a part of h·slope.
    """
    sizes, remainders, hidden = [], [], []
    for h in STEPS:
        t, terms = line(float(h))
        with np.errstate(invalid="ignore", over="ignore"):
            remainder = abs(float(np.sum(terms - origin)) - t * slope)
            rounding = OUT * max(4 * EPS * (float(np.sum(np.abs(terms))) + abs(t * slope)), noise)
        if remainder <= rounding:
            hidden.append((t, rounding))
        elif np.isfinite(remainder):
            sizes.append(t)
            remainders.append(remainder)
        else:  # f ends before so large a step, if smaller ones are well
            sizes, remainders, hidden = [], [], []
    if not sizes:
        return (np.inf if hidden else 0.0), 0.0
    share = remainders[-1] / max(abs(sizes[-1] * slope), np.finfo(float).tiny)
    out = any(t < sizes[-1] and remainders[-1] * t / sizes[-1] > 2 * rounding for t, rounding in hidden)
    if out or len(sizes) < 2:
        return np.inf, share
    order, _ = np.polyfit(np.log(sizes[-USED:]), np.log(remainders[-USED:]), 1)
    return float(order), share
