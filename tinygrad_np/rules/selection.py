"""Which of several values: the larger, the one a condition picks, the piece of a function; and in which dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_np.numerics import has_zero, masked, scalar, speaking
from tinygrad_np.operations import Result, composition, operation, unchanged, undefined
from tinygrad_np.shapes import FIT, as_array
from tinygrad_np.tape import Array


@operation(np.maximum, hint=FIT)
def maximum(x1: Array, x2: Array) -> Result:
    """y = max(x1, x2);  ∂L/∂x1 = g where x1 is larger, g/2 where the two are equal, else 0."""
    return np.maximum(x1, x2), (lambda g: _share(x1, x2, g), lambda g: _share(x2, x1, g))


@operation(np.minimum, hint=FIT)
def minimum(x1: Array, x2: Array) -> Result:
    """y = min(x1, x2);  ∂L/∂x1 = g where x1 is smaller, g/2 where the two are equal, else 0."""
    return np.minimum(x1, x2), (lambda g: _share(x2, x1, g), lambda g: _share(x1, x2, g))


@operation(np.fmax, hint=FIT)
def fmax(x1: Array, x2: Array) -> Result:
    """y = max(x1, x2), or the other of the two where one is NaN;  ∂L/∂x1 as that of maximum, and 0 where x1 is NaN."""
    return np.fmax(x1, x2), (
        lambda g: _unless_nan(x1, _share(x1, x2, g)),
        lambda g: _unless_nan(x2, _share(x2, x1, g)),
    )


@operation(np.fmin, hint=FIT)
def fmin(x1: Array, x2: Array) -> Result:
    """y = min(x1, x2), or the other of the two where one is NaN;  ∂L/∂x1 as that of minimum, and 0 where x1 is NaN."""
    return np.fmin(x1, x2), (
        lambda g: _unless_nan(x1, _share(x2, x1, g)),
        lambda g: _unless_nan(x2, _share(x1, x2, g)),
    )


def _share(x1: Array, x2: Array, g: Array) -> Array:
    """g where x1 > x2, g/2 where they are equal, else exactly 0; g where one is NaN, as y then is."""
    equal = np.equal(x1, x2)
    if np.count_nonzero(equal):
        g = np.where(equal, g * scalar(0.5, g.dtype), g)
    return masked(g, np.logical_not(np.less(x1, x2)))


def _unless_nan(x: Array, g: Array) -> Array:
    """g, and 0 where x is NaN."""
    nan = np.isnan(x)
    return np.where(nan, scalar(0, g.dtype), g) if np.count_nonzero(nan) else g


@composition(np.clip)
def clip(a: Array, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Array:  # noqa: A002 - NumPy's names
    """The minimum of an upper bound and the maximum of a lower one and a, with their gradients; None is no bound."""
    if min is not None or max is not None:
        if a_min is not None or a_max is not None:
            raise ValueError("the bounds came as a_min and a_max and as min and max too; give them once")
        a_min, a_max = min, max
    if a_min is None and a_max is None:
        return np.positive(a)
    y = a if a_min is None else maximum(a, a_min)
    return y if a_max is None else minimum(y, a_max)


@operation(np.where, hint=FIT, symmetric=True)
def where(condition: Array, x1: Array, x2: Array) -> Result:
    """y = x1 where the condition holds, else x2;  ∂L/∂x1 = g there and exactly 0 elsewhere."""
    return np.where(condition, x1, x2), (
        undefined("where"),
        lambda g: np.where(condition, g, scalar(0, g.dtype)),
        lambda g: np.where(condition, scalar(0, g.dtype), g),
    )


@composition(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    """For each element the choice whose condition is the first that holds there, or the default."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"{len(condlist)} conditions for {len(choicelist)} choices; give one each, and at least one")
    # Numbers take the dtype of the arrays, which they would not if only they met first.
    dtype = np.result_type(*[x if isinstance(x, (int, float)) else as_array(x) for x in (*choicelist, default)])
    y = as_array(default).astype(dtype)
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        if as_array(condition).dtype != np.bool_:
            raise TypeError(f"the conditions must be bools, got {as_array(condition).dtype}; compare, as in x > 0")
        y = where(condition, choice, y)
    return y


@composition(np.choose)
def choose(a: Array, choices: Sequence[Any], *, mode: str = "raise") -> Array:
    """For each element of a, an integer, the choice of that number; ``mode`` says what numbers outside mean."""
    a, n = as_array(a), len(choices)
    if a.dtype.kind not in "iub":
        raise TypeError(f"what chooses must be integers, got {a.dtype}; convert it with a.astype(int)")
    if mode == "wrap":
        a = np.remainder(a, n)
    elif mode == "clip":
        a = np.clip(a, 0, n - 1)
    elif mode != "raise":
        raise ValueError(f'mode must be "raise", "wrap" or "clip", got {mode!r}')
    if np.any((a < 0) | (a >= n)):
        raise ValueError(f'a number is outside [0, {n}), there being {n} choices; mode="clip" takes the nearest')
    return np.select([a == i for i in range(n)], choices)


@composition(np.piecewise)
def piecewise(x: Array, condlist: Any, funclist: Sequence[Any], *args: Any) -> Array:
    """Functions, or constants, of the elements of x that their conditions pick: the last that holds counts.

    One function more than conditions is for all other elements, where y is 0 without it.
    """
    x = as_array(x)
    conditions = np.asarray(condlist, bool, like=speaking(x))
    if conditions.ndim == x.ndim:  # a single one
        conditions = conditions[None]
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, ~conditions.any(0, keepdims=True)])
    if len(funclist) != len(conditions) or conditions.shape[1:] != x.shape:
        raise ValueError(
            f"conditions of shape {conditions.shape} and {len(funclist)} functions for x of shape {x.shape}; "
            "give each a condition of that shape, and at most one function more for what is left"
        )
    number = np.zeros(x.shape, int, like=speaking(x))
    for i, condition in enumerate(conditions, 1):
        number[condition] = i
    pieces = [np.where(False, x[number == 0], 0)]
    for i, function in enumerate(funclist, 1):
        piece = x[number == i]
        if piece.size:
            y = as_array(function(piece, *args) if callable(function) else function)
            pieces.append(np.broadcast_to(y.astype(x.dtype), piece.shape))
    order = np.argsort(number, axis=None, kind="stable")  # in which the pieces hold the elements
    return np.concatenate(pieces)[np.argsort(order)].reshape(x.shape)


@composition(np.interp)
def interp(x: Array, xp: Array, fp: Array, left: Any = None, right: Any = None, period: float | None = None) -> Array:
    """The polygon through the points (xp, fp), xp increasing, at x; beyond its ends ``left`` and ``right``.

    It is differentiable in x, xp and fp. At a corner, the slope in x is that to its right. The dtype is
    that of the arguments, where NumPy's own always is float64.
    """
    x, xp, fp = map(as_array, (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError("xp and fp must have one axis, of one length that is not 0")
    if period is not None:
        if period == 0:
            raise ValueError("the period must not be 0")
        left = right = None
        x, xp = x % abs(period), xp % abs(period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    before, behind = x < xp[0], x >= xp[-1]
    inside = ~(before | behind)  # NaN is, so that y is NaN too
    i = np.where(inside, np.searchsorted(xp, x, side="right") - 1, 0)
    j = np.minimum(i + 1, xp.size - 1)
    share = np.where(inside, x - xp[i], 0) / np.where(inside, xp[j] - xp[i], 1)
    after = np.where((share == 0) & ~np.isfinite(fp[j]), fp[i], fp[j])  # 0·∞ would be NaN at a point itself
    y = np.where(behind, fp[-1], fp[i] + share * (after - fp[i]))
    y = y if left is None else np.where(before, left, y)
    return y if right is None else np.where(x > xp[-1], right, y)


@operation(np.nan_to_num, symmetric=True)
def nan_to_num(x: Array, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Result:
    """y = x with numbers for NaN and infinities (0 and the ends of the dtype's range);  ∂L/∂x = 0 there, else g."""
    x = as_array(x)
    finite = np.isfinite(x)
    if not has_zero(finite):
        return x.copy(), (unchanged,)
    y = np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
    return y, (lambda g: np.where(finite, g, scalar(0, g.dtype)),)


@operation(np.astype, linear=1)
def astype(x: Array, dtype: Any) -> Result:
    """y = x in another dtype;  ∂L/∂x = g, in x's dtype again. Rounding to integers has no derivative."""
    before = x.dtype
    return x.astype(dtype), (lambda g: g.astype(before) if np.dtype(dtype).kind == "f" else undefined("astype")(g),)
