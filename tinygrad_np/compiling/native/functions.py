"""What native code does for each ufunc: from numbers in registers to a number in a register."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_np.compiling.native.builder import Number
from tinygrad_np.compiling.native.mathematics import exp, expm1, log, log1p, tanh

Function = Callable[..., Number]


def intrinsic(name: str) -> Function:
    """A function that LLVM has; where the processor has it not, the C library's, lane by lane."""
    return lambda *x: x[0].intrinsic(name, *x[1:])


def rounding(name: str) -> Function:
    """The like, of floats; integers are what they are."""
    return lambda x: x.intrinsic(name) if x.floats else x


def library(name: str) -> Function:
    """A function of the C library, lane by lane."""

    def one(*x: Number) -> Number:
        symbol = f"@{name}{'f' * (x[0].kind == 'float')}"
        kinds = ", ".join(v.kind for v in x)
        builder = x[0].builder
        builder.declare(f"declare {x[0].kind} {symbol}({kinds}) nounwind")
        arguments = ", ".join(f"{v.kind} {v.name}" for v in x)
        return builder.value(f"call {x[0].kind} {symbol}({arguments})", x[0].kind)

    return lambda *x: x[0].each(one, *x[1:])


def maximum(a: Number, b: Number) -> Number:
    """The larger; NaN if one is."""
    larger = a >= b
    return (larger | a.is_nan() if a.floats else larger).where(a, b)


def minimum(a: Number, b: Number) -> Number:
    """The smaller; NaN if one is."""
    smaller = a <= b
    return (smaller | a.is_nan() if a.floats else smaller).where(a, b)


def absolute(x: Number) -> Number:
    """|x|."""
    if x.floats:
        return x.intrinsic("fabs")
    return (x < 0).where(-x, x) if x.signed else x


def sign(x: Number) -> Number:
    """−1, 0, 1 or NaN."""
    if x.floats:
        return (x > 0).where(x.like(1), (x < 0).where(x.like(-1), x.equals(0).where(x.like(0), x)))
    return (x > 0).where(x.like(1), (x < 0).where(x.like(-1), 0) if x.signed else x.like(0))


def logaddexp(a: Number, b: Number) -> Number:
    """ln(eᵃ + eᵇ) = max + ln(1 + e^−|a − b|)."""
    difference = a - b
    y = maximum(a, b) + log1p(exp(-difference.intrinsic("fabs")))
    return a.equals(b).where(a + math.log(2), y)  # equal infinities differ by NaN


def power(x: Number, y: Number) -> Number:
    """xʸ, by the C library."""
    return x.intrinsic("pow", y)


def logical_not(x: Number) -> Number:
    """Whether x is 0."""
    return x.to("i1") ^ 1


def logical(name: str) -> Function:
    """``name`` of whether the numbers are not 0."""
    return lambda a, b: getattr(a.to("i1"), name)(b.to("i1"))


def comparison(name: str) -> Function:
    """Bits of a comparison."""
    return lambda a, b: a.compare(name, b)


FUNCTIONS: dict[Any, Function] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1 / x,
    np.absolute: absolute,
    np.fabs: absolute,
    np.sign: sign,
    np.conjugate: lambda x: x,
    np.maximum: maximum,
    np.minimum: minimum,
    np.fmax: lambda a, b: b.is_nan().where(a, (a >= b).where(a, b)) if a.floats else maximum(a, b),
    np.fmin: lambda a, b: b.is_nan().where(a, (a <= b).where(a, b)) if a.floats else minimum(a, b),
    np.sqrt: intrinsic("sqrt"),
    np.floor: rounding("floor"),
    np.ceil: rounding("ceil"),
    np.trunc: rounding("trunc"),
    np.rint: intrinsic("rint"),
    np.copysign: intrinsic("copysign"),
    np.exp: exp,
    np.expm1: expm1,
    np.log: log,
    np.log1p: log1p,
    np.tanh: tanh,
    np.logaddexp: logaddexp,
    np.power: power,
    np.float_power: power,
    np.isnan: lambda x: x.is_nan(),
    np.isinf: lambda x: absolute(x).equals(math.inf),
    np.isfinite: lambda x: absolute(x) < math.inf,
    np.signbit: lambda x: x.bits() < 0,
    np.equal: comparison("oeq"),
    np.not_equal: comparison("une"),
    np.less: comparison("olt"),
    np.less_equal: comparison("ole"),
    np.greater: comparison("ogt"),
    np.greater_equal: comparison("oge"),
    np.logical_and: logical("__and__"),
    np.logical_or: logical("__or__"),
    np.logical_xor: logical("__xor__"),
    np.logical_not: logical_not,
    np.bitwise_and: lambda a, b: a & b,
    np.bitwise_or: lambda a, b: a | b,
    np.bitwise_xor: lambda a, b: a ^ b,
    np.invert: lambda x: x ^ (1 if x.kind == "i1" else -1),
}
FUNCTIONS |= {getattr(np, name): intrinsic(name) for name in ("sin", "cos", "exp2", "log2", "log10")}
FUNCTIONS |= {getattr(np, name): library(name) for name in ("tan", "sinh", "cosh", "cbrt", "hypot")}
FUNCTIONS |= {
    getattr(np, f"arc{name}"): library(f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")
}
# Not for integers and bools: NumPy's meaning differs from the formula's, or needs a check.
FLOATS_ONLY = {np.reciprocal, np.power, np.float_power, np.isnan, np.isinf, np.isfinite, np.signbit, np.sign}
WITHOUT_BOOLS = {np.negative, np.subtract}

# A reduction combines two numbers at a time with a function, and starts with the number that changes nothing.
IDENTITIES = {
    np.add: 0,
    np.multiply: 1,
    np.maximum: -math.inf,
    np.minimum: math.inf,
    np.logical_and: 1,
    np.logical_or: 0,
}

# What is computed of Python's numbers, as doubles; pow is the function of the C library that Python calls, too.
SCALARS: dict[Any, Function] = {
    operator.add: FUNCTIONS[np.add],
    operator.sub: FUNCTIONS[np.subtract],
    operator.mul: FUNCTIONS[np.multiply],
    operator.truediv: FUNCTIONS[np.divide],
    operator.neg: FUNCTIONS[np.negative],
    operator.pow: power,
    operator.lt: lambda a, b: (a < b).to("double"),
    operator.le: lambda a, b: (a <= b).to("double"),
    operator.gt: lambda a, b: (a > b).to("double"),
    operator.ge: lambda a, b: (a >= b).to("double"),
    operator.eq: lambda a, b: a.equals(b).to("double"),
    operator.ne: lambda a, b: a.compare("une", b).to("double"),
}


def identity(function: Any, dtype: Any) -> Any:
    """The number that a reduction of elements of ``dtype`` starts with."""
    start = IDENTITIES[function]
    if dtype.kind == "f" or not math.isinf(start):
        return start
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return int(least if start < 0 else most)
