"""What is given by a user, checked: each error names the argument and what it may be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np


def whole(name: str, value: Any, least: int = 0) -> int:
    """``value`` as an int of at least ``least``; NumPy's integers are ones.

    >>> whole("until", np.int64(3))
    3
    >>> whole("until", -1)
    Traceback (most recent call last):
        ...
    ValueError: until must be an integer of at least 0, got -1
    """
    if value.__class__ is int and value >= least:
        return int(value)
    message = (
        f"{name} must be {'a positive integer' if least == 1 else f'an integer of at least {least}'}, got {value!r}"
    )
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(message)
    try:
        given = operator.index(value)
    except TypeError:  # NumPy's, for an array that is not one integer
        raise TypeError(message) from None
    if given < least:
        raise ValueError(message)
    return given


def size(name: str, value: Any) -> int:
    """``value`` as a positive int.

    >>> size("features", 2.5)
    Traceback (most recent call last):
        ...
    TypeError: features must be a positive integer, got 2.5
    """
    return whole(name, value, 1)


def number(
    name: str,
    value: Any,
    example: float,
    holds: Callable[[float], bool] = math.isfinite,
    kind: str = "a finite number",
    source: str = "",
) -> float:
    """``value`` as a float of which ``holds`` is true; NumPy's numbers are ones. ``source`` says where it came from.

    >>> number("p", 1.0, 0.5, lambda p: 0 <= p < 1, "a number in [0, 1)")
    Traceback (most recent call last):
        ...
    ValueError: p must be a number in [0, 1), got 1.0; give for example p=0.5
    """
    error: type[Exception] = TypeError
    advice = ", or float(value)"
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            given = float(value)
        except OverflowError:
            given = math.inf
        if holds(given):
            return given
        error, advice = ValueError, ""
    raise error(f"{name} must be {kind}, got {value!r}{source}; give for example {name}={example}{advice}")


def floating(dtype: Any, name: str = "dtype") -> np.dtype[Any]:
    """``dtype`` as a floating NumPy dtype.

    >>> floating("float32"), floating(None)
    (dtype('float32'), dtype('float64'))
    """
    with suppress(TypeError, ValueError):  # NumPy's, for what is no dtype at all
        converted: np.dtype[Any] = np.dtype(dtype)
        if converted.kind == "f":
            return converted
    raise TypeError(f"{name} must be a floating one, such as np.float32 or np.float64, got {dtype!r}")
