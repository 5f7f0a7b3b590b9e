"""What is given by a user, checked: each error names the argument and what it may be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np


def size(name: str, value: Any) -> int:
    """``value`` as a positive int.

    >>> size("features", 2.5)
    Traceback (most recent call last):
        ...
    TypeError: features must be a positive integer, got 2.5
    """
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a positive integer, got {value!r}")
    number = operator.index(value)
    if number < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return number


def number(
    name: str, value: Any, example: float, holds: Callable[[float], bool] = math.isfinite, kind: str = "a finite number"
) -> float:
    """``value`` as a float of which ``holds`` is true.

    >>> number("p", 1.0, 0.5, lambda p: 0 <= p < 1, "a number in [0, 1)")
    Traceback (most recent call last):
        ...
    ValueError: p must be a number in [0, 1), got 1.0; give for example p=0.5
    """
    message = f"{name} must be {kind}, got {value!r}; give for example {name}={example}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(message)
    if not holds(given := float(value)):
        raise ValueError(message)
    return given


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
