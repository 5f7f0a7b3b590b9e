"""Exponential, logarithm and hyperbolic tangent of vectors, without branches: at most 2 units in the last place.

The argument is brought into a short interval, where a polynomial does. The constants are those of Cephes (Moshier,
"Methods and programs for mathematical functions", 1989) and of Sun's fdlibm, e_log.c and s_log1p.c.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from tinygrad_np.compiling.native.builder import Number

LOG2E = 1 / math.log(2)
# ln 2 in two parts, the first with so few digits that its product with an exponent is exact.
LN2 = {"double": (6.93147180369123816490e-01, 1.90821492927058770002e-10), "float": (0.693359375, -2.12194440e-4)}
# e^r = 1 + r + r²·P(r) for |r| ≤ ½ ln 2: 1/2!, 1/3! ...
EXPONENTIAL = {
    "double": [1 / math.factorial(k) for k in range(2, 14)],
    "float": [5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4],
}
LOWEST = {"double": -746.0, "float": -104.0}  # below, e^x is 0
HIGHEST = {"double": 710.0, "float": 89.0}  # above, it is infinite
MANTISSA = {"double": 52, "float": 23}
BIAS = {"double": 1023, "float": 127}
SMALLEST = {"double": 2.0**-1022, "float": 2.0**-126}  # normal number
ROOT_BITS = {  # those of √½
    "double": struct.unpack("<q", struct.pack("<d", math.sqrt(0.5)))[0],
    "float": struct.unpack("<i", struct.pack("<f", math.sqrt(0.5)))[0],
}
WHOLE = {"double": "i64", "float": "i32"}
# ln(1 + f) = f − f²/2 + s·(f²/2 + R) with s = f / (2 + f), R = s²·P(s²)
LOGARITHM = {
    "double": [
        6.666666666666735130e-01,
        3.999999999940941908e-01,
        2.857142874366239149e-01,
        2.222219843214978396e-01,
        1.818357216161805012e-01,
        1.531383769920937332e-01,
        1.479819860511658591e-01,
    ],
    "float": [0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841],
}
# tanh x = x + x³·P(x²) / Q(x²) for |x| < 0.625
TANH = [-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1]
TANH_BELOW = [4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0]
TANH_SINGLE = [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3]


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """Σ cₖ·xᵏ, by Horner's rule."""
    y = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        y = y.times_plus(x, c)
    return y


def _power_of_two(n: Number, kind: str) -> Number:
    """2ⁿ for a whole n of a normal result: the bits of its exponent."""
    return ((n + BIAS[kind]) << MANTISSA[kind]).bits()


def _reduced(x: Number) -> tuple[Number, Number]:
    """n and r with x = n·ln 2 + r and |r| ≤ ½ ln 2."""
    n = (x * LOG2E).intrinsic("rint")
    high, low = LN2[x.kind]
    return n, n.times_plus(-low, n.times_plus(-high, x))


def _clamped(x: Number) -> Number:
    """x between where e^x is 0 and where it is infinite; NaN stays."""
    x = (x < LOWEST[x.kind]).where(LOWEST[x.kind], x)
    return (x > HIGHEST[x.kind]).where(HIGHEST[x.kind], x)


def exp(x: Number) -> Number:
    """e^x: 2ⁿ·e^r, where 2ⁿ is multiplied in two steps, for it may be too large or small by itself."""
    x = _clamped(x)
    n, r = _reduced(x)
    y = polynomial(r, EXPONENTIAL[x.kind]).times_plus(r * r, r) + 1
    whole = n.to(WHOLE[x.kind])
    half = whole >> 1
    return y * _power_of_two(half, x.kind) * _power_of_two(whole - half, x.kind)


def expm1(x: Number) -> Number:
    """e^x − 1, exact near 0: 2ⁿ·((e^r − 1) + (1 − 2⁻ⁿ)), and again in two steps."""
    x = _clamped(x)
    n, r = _reduced(x)
    p = polynomial(r, EXPONENTIAL[x.kind]).times_plus(r * r, r)
    whole = n.to(WHOLE[x.kind])
    half = whole >> 1
    first, second = _power_of_two(half, x.kind), _power_of_two(whole - half, x.kind)
    y = (first * p + (first - _power_of_two(half - whole, x.kind))) * second
    return x.equals(0).where(x, y)  # whose sign is kept


def _log(x: Number, shift: Number | float, correction: Number | float = 0) -> Number:
    """ln x − ``shift``·ln 2 + ``correction``, for a normal x > 0: x = 2ᵏ·(1 + f) with f from √½ − 1 to √2 − 1."""
    kind, digits = x.kind, MANTISSA[x.kind]
    bits = x.bits()
    k = (bits - ROOT_BITS[kind]) >> digits
    f = (bits - (k << digits)).bits() - 1
    s = f / (f + 2)
    z = s * s
    half = f * f * 0.5
    exponent = k.to(kind) - shift
    high, low = LN2[kind]
    tail = s * (half + z * polynomial(z, LOGARITHM[kind])) + (exponent * low + correction)
    y: Number = exponent * high - ((half - tail) - f)
    return y


def log(x: Number) -> Number:
    """ln x; −∞ at 0, NaN below."""
    subnormal, shift = x < SMALLEST[x.kind], float(MANTISSA[x.kind] + 2)
    y = _log(subnormal.where(x * 2.0**shift, x), subnormal.where(x.like(shift), 0.0))
    return _log_limits(x, y, x.like(0))


def log1p(x: Number) -> Number:
    """ln(1 + x), exact near 0: what rounding 1 + x loses is added to the logarithm."""
    u = 1 + x
    large: Number = u > 2  # there 1 + x lost part of the 1, else part of the x
    lost = large.where(1 - (u - x), x - (u - 1))
    y = _log(u, 0.0, lost / u)
    return _log_limits(x, (x.intrinsic("fabs") < SMALLEST[x.kind]).where(x, y), x.like(-1))


def _log_limits(x: Number, y: Number, zero: Number) -> Number:
    """``y`` where x is above ``zero``, with its limits: −∞ there, NaN below, ∞ and NaN as they are."""
    beyond = (x < zero).where(math.nan, x.equals(zero).where(-math.inf, x))
    return ((x > zero) & (x < math.inf)).where(y, beyond)


def tanh(x: Number) -> Number:
    """tanh x: a quotient of polynomials near 0, else 1 − 2 / (e^2|x| + 1), with the sign of x."""
    size = x.intrinsic("fabs")
    z = x * x
    near = size < 0.625
    below = exp((size * 2).intrinsic("minnum", 80.0)) + 1
    if x.kind == "double":
        quotient = near.where(polynomial(z, TANH), -2.0) / near.where(polynomial(z, TANH_BELOW), below)
        inner = (x * z).times_plus(quotient, x)
    else:
        quotient = -2.0 / below
        inner = (x * z).times_plus(polynomial(z, TANH_SINGLE), x)
    return x.is_nan().where(x, near.where(inner, 1 + quotient).intrinsic("copysign", x))
