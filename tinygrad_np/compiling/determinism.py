"""A step is recorded twice from the same state: whatever differs between the two runs would be frozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.errors import TracingError, where
from tinygrad_np.compiling.holding import are_equal
from tinygrad_np.compiling.values import Call, Scalar, Value, leaves


def require_same_call(call: Call, before: Sequence[Call], i: int) -> None:
    """Refuse a ``call`` that was another one, or had other constants, when it was recorded as number ``i`` before."""
    if i >= len(before) or not _alike(call.function, before[i].function):
        raise TracingError(
            "the step took another way when it was run again from the same state; do not branch on random draws or "
            f"the clock inside it{where()}"
        )
    difference = _difference((call.arguments, call.keywords), (before[i].arguments, before[i].keywords))
    if difference:
        raise TracingError(
            f"the step uses {difference}, which was another one when it was run again on the same numbers, and would "
            "stay as it was recorded: a draw from a Generator that no object of the state holds, a time or the like; "
            f"list in state= what holds the Generator, or give the number as an argument{where()}"
        )


def _difference(x: Any, twin: Any) -> str:
    """What differs between the constants in two trees of operands; nothing if all are the same."""
    ours, theirs = list(leaves(x)), list(leaves(twin))
    if len(ours) != len(theirs):
        return "a list that is longer or shorter"
    return next(filter(None, map(_between_leaves, ours, theirs)), "")


def _between_leaves(x: Any, twin: Any) -> str:
    if isinstance(x, Value) and isinstance(twin, Value):
        a, b = x.array, twin.array
        same = a is b or a is None or b is None or (a.dtype == b.dtype and are_equal(a, b))
        return "" if same else f"an array of shape {x.shape}"
    if isinstance(x, Scalar) and isinstance(twin, Scalar):
        return _difference(x.arguments, twin.arguments)
    numbers = isinstance(x, (int, float, np.generic)) and isinstance(twin, (int, float, np.generic))
    return f"the number {x}" if numbers and x != twin and not (x != x and twin != twin) else ""


def _alike(function: Any, twin: Any) -> bool:
    """Whether two functions are the same, or bound methods of the same."""
    names = [getattr(f, "__qualname__", f) for f in (function, twin)]
    return bool(function == twin or names[0] == names[1])
