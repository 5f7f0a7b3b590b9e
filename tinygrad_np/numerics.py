"""NumPy functions as the rules need them: quick on small arrays, and silent where a limit is the right answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from math import prod
from typing import Any

import numpy as np

from tinygrad_np.tape import Variable

# On small arrays these take half the time of np.sum, np.prod, np.max, np.min and np.any.
sum_over: Any = np.add.reduce
product_over: Any = np.multiply.reduce
max_over: Any = np.maximum.reduce
min_over: Any = np.minimum.reduce
any_over: Any = np.logical_or.reduce

SMALL = 1000  # elements that a ufunc goes over in less time than a call of one of NumPy's Python functions takes


@lru_cache(maxsize=64)
def scalar(value: float, dtype: Any) -> Any:
    """``value`` as an array without axes: a ufunc takes a third of the time that it takes to convert a number."""
    array = np.asarray(value, dtype)
    array.flags.writeable = False
    return array


BITS = {np.dtype(f"f{size}"): np.dtype(f"i{size}") for size in (2, 4, 8)}


def masked(g: Any, mask: Any) -> Any:
    """``g`` where the ``mask`` is True, else 0, also of infinite elements, for which g·0 would be NaN.

    Multiplying the bits of many elements takes a fifth of the time that np.where does, which guesses each branch.
    """
    if g.__class__ is np.ndarray and g.size > SMALL and g.dtype in BITS:
        return (g.view(BITS[g.dtype]) * mask).view(g.dtype)
    return np.where(mask, g, scalar(0, g.dtype))


@lru_cache(maxsize=64)
def _ones(shape: tuple[int, ...], dtype: Any) -> Any:
    """Ones of a small ``shape``, or None for a large one."""
    return np.ones(shape, dtype) if prod(shape) <= SMALL else None


def repeated(g: Any, shape: tuple[int, ...]) -> Any:
    """``g`` repeated to ``shape``: as a view, or where a product with ones takes less time than making one, by that."""
    ones = _ones(shape, g.dtype)
    return np.broadcast_to(g, shape) if ones is None else g * ones


def is_plain(x: Any) -> bool:
    """Whether a rule was given an array, and not a Tensor, as it is when it is run again for a higher derivative."""
    return not isinstance(x, Variable)


def speaking(x: Any) -> Any:
    """What ``like=`` takes: ``x`` if it speaks NumPy's protocols, so that what is made is of its kind (NEP 35)."""
    return x if hasattr(x, "__array_function__") and is_plain(x) else None


def alike(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Both as arrays of one kind, where the other speaks NumPy's protocols: methods of plain arrays take plain ones."""
    if x1.__class__ is np.ndarray:
        return np.asarray(x1, like=speaking(x2)), x2
    return x1, np.asarray(x2, like=speaking(x1)) if x2.__class__ is np.ndarray else x2


def vanishing(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose results too small for the dtype are 0, even where the user made underflow an error.

    It is tried as it is first: entering np.errstate each time would take longer than the exponential
    of a small array.
    """
    silent = np.errstate(under="ignore")(function)

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except FloatingPointError:
            return silent(*arguments)

    return call


def has_zero(x: Any) -> bool:
    """Whether an element is 0. It takes a quarter of the time of ``(x == 0).any()``."""
    size = x.size if hasattr(x, "size") else np.size(x)  # which takes as long as the count
    return bool(np.count_nonzero(x) != size)


def zero_to_infinity(x: Any) -> Any:
    """``x`` with ∞ for 0: what is divided by it is 0 there."""
    return np.where(x == 0, np.inf, x) if has_zero(x) else x


times_to_zero = vanishing(np.multiply)
square_to_zero = vanishing(np.square)
exp_to_zero = vanishing(np.exp)
exp2_to_zero = vanishing(np.exp2)
logaddexp_to_zero = vanishing(np.logaddexp)
logaddexp2_to_zero = vanishing(np.logaddexp2)
logaddexp_reduce_to_zero = vanishing(np.logaddexp.reduce)
log_of_zero = np.errstate(divide="ignore")(np.log)  # ln 0 = −inf


def logistic(x: Any) -> Any:
    """1 / (1 + e⁻ˣ): silent at any x, and exact to some 50 units in the last place.

    e^(−ln(1 + e⁻ˣ)) is quicker for small arrays. For larger ones it takes five times as long as e^min(x, 0) /
    (1 + e^−|x|), which has a kink at 0, so that it is for plain arrays only.
    """
    if is_plain(x) and x.size > SMALL // 4:
        e = exp_to_zero(-np.absolute(x))
        return np.maximum(e, x >= 0) / (1 + e)
    return exp_to_zero(-logaddexp_to_zero(scalar(0, x.dtype), np.negative(x)))


HALF = np.dtype(np.float16)


def through_single(rule: Callable[..., Any]) -> Callable[..., Any]:
    """``rule`` for functions that know no float16, as those of LAPACK: such arrays are computed with in float32.

    Each one's gradient is rounded back to float16, and so is the value if all arrays are float16.
    """

    @wraps(rule)
    def call(*arguments: Any, **options: Any) -> Any:
        half = [getattr(x, "dtype", None) == HALF for x in arguments]
        if not any(half):
            return rule(*arguments, **options)
        y, derivatives = rule(*[x.astype(np.float32) if h else x for x, h in zip(arguments, half)], **options)
        if all(half[: len(derivatives)]):
            y = y.astype(np.float16)
        return y, tuple([_rounded(d) if h else d for d, h in zip(derivatives, half)])

    return call


def in_single(rule: Callable[..., Any], x: Any, *others: Any, **options: Any) -> tuple[Any, tuple[Any, ...]]:
    """``rule`` of a float16 array, computed in float32, for in float16 the sum of 2048 and 1 is 2048.

    Value and gradient are float16. A rule asks for this itself, where a decorator would cost each call as much as
    a ufunc takes.
    """
    y, (derivative, *rest) = rule(x.astype(np.float32), *others, **options)
    return y.astype(HALF), (_rounded(derivative), *rest)


def _rounded(derivative: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``derivative``, computed in float32, of an argument that is float16."""
    return lambda g: derivative(g.astype(np.float32)).astype(np.float16)


def all_normal(y: Any) -> bool:
    """Whether ``y`` is a plain array of normal numbers: none is 0, subnormal, infinite or NaN.

    Such a product has lost nothing to underflow or overflow, so that a factor can be divided out of it. A
    Tensor is none: in a derivative of a derivative, the quotient would be one only up to rounding.
    """
    if not is_plain(y):
        return False
    size, (least, most) = abs(y), _normal_range(y.dtype)
    if not y.ndim:  # of a number, this takes a third of the time
        return bool(least <= size <= most)
    return bool(np.count_nonzero((size >= least) & (size <= most)) == y.size)


@lru_cache(maxsize=8)
def _normal_range(dtype: Any) -> tuple[Any, Any]:
    """The least and the largest normal number."""
    limits = np.finfo(dtype)
    return scalar(limits.tiny, dtype), scalar(limits.max, dtype)


def products_before(x: Any) -> Any:
    """For each element along the first axis, the product of those before it: x0, x1, x2 give 1, x0, x0·x1."""
    ones = np.ones((1, *x.shape[1:]), x.dtype)
    return np.multiply.accumulate(np.concatenate([ones, x[:-1]]), axis=0)


def shared(g: Any, lost: Any, axis: Any) -> Any:
    """``g``, in equal parts for all elements along ``axis`` but the ``lost``, which get 0 (of an infinite g too)."""
    if lost.size - np.count_nonzero(lost) != g.size:  # more than one element of a slice has a part
        share = 1 / sum_over(np.logical_not(lost), axis, keepdims=True)
        g = g * share.astype(g.dtype)
    return np.where(lost, scalar(0, g.dtype), g)
