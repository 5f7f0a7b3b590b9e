"""``detect_anomaly``: name the operation, and the line, where NaN, infinity or a changed array comes in."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Sequence
from os.path import dirname
from typing import Any

import numpy as np

from tinygrad_np.recording import Block, Mode
from tinygrad_np.saved import saved_arrays
from tinygrad_np.tape import Array, Derivative, Derivatives, GraphError, Node

LIBRARIES = (dirname(__file__), dirname(np.__file__))  # no line in them is the user's; pathlib takes 4 ms to import


class AnomalyError(ArithmeticError):
    """A value or gradient that became NaN or infinite within ``detect_anomaly``."""


class detect_anomaly(Block):  # noqa: N801 - reads as a statement, like no_grad
    """A context, or a decorator, in which the operation that goes wrong is named, with the line that called it.

    What is recorded in the block is watched until its gradient has been computed, inside the block or
    after it. AnomalyError is raised

    - by an operation whose value is NaN, or infinite where all its arguments are finite;
    - by ``backward`` or ``tg.gradients`` where a derivative is NaN or infinite though the gradient that
      arrives is finite (with ``create_graph`` only inside the block, where its operations are watched).

    GraphError is raised where an array that a derivative saved was written into since, as by
    ``t.data[0] = 1``, which otherwise goes unnoticed, and where a derivative writes into the gradient
    that it is given. Every value is looked at and every saved array hashed, so this is for finding a
    fault and not for every run.

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([1.0, 0.0], requires_grad=True)
    >>> with np.errstate(divide="ignore"), tg.detect_anomaly():
    ...     loss = np.sum(x * np.log(x))
    Traceback (most recent call last):
        ...
    tinygrad_np.anomaly.AnomalyError: log(float64 (2,)) gave -inf in 1 of 2 elements, first at index (1,); called at ...
    """

    @staticmethod
    def entered(before: Mode) -> Mode:
        return before._replace(watchers=(*before.watchers, watch))

    @staticmethod
    def left(within: Mode) -> Mode:
        watchers = list(within.watchers)
        if watch in watchers:
            watchers.remove(watch)
        return within._replace(watchers=tuple(watchers))


def watch(node: Node, arrays: Sequence[Any], value: Array) -> None:
    """Look at what a recorded call was given and gave, and have its derivatives look at theirs."""
    call, line = node.operation.call(arrays, node.keywords), users_line()
    for i, argument in enumerate(arrays):
        if bad := _bad(argument, infinite=False):
            raise AnomalyError(f"argument {i} of {call} is {bad} already; called at {line}")
    if bad := _bad(value, infinite=not any(_bad(argument, infinite=True) for argument in arrays)):
        raise AnomalyError(f"{call} gave {bad}; called at {line}")
    derivatives: Derivatives = node.derivatives or ()
    saved = saved_arrays(derivatives)
    before = list(map(_fingerprint, saved))

    def check() -> None:
        if list(map(_fingerprint, saved)) != before:
            raise GraphError(
                f"an array that {call} saved for its derivative was written into since it was called at {line}; "
                "write into a copy, or compute the output again"
            )

    def guarded(i: int, derivative: Derivative) -> Derivative:
        def gx(g: Array) -> Array:
            check()
            arrived = _fingerprint(g) if isinstance(g, np.ndarray) else None
            result = derivative(g)
            if arrived is not None and _fingerprint(g) != arrived:
                raise GraphError(
                    f"the derivative of argument {i} of {call} wrote into the gradient that it was given, which others "
                    "may share; return a new array"
                )
            if bad := _bad(result, infinite=not _bad(g, infinite=True)):
                raise AnomalyError(
                    f"the gradient of argument {i} of {call} is {bad}, where the gradient that arrived is finite; "
                    f"called at {line}"
                )
            return result

        gx.check, gx.line = check, line  # type: ignore[attr-defined]  # for the second run, and for check_graph
        return gx

    node.derivatives = tuple([d and guarded(i, d) for i, d in enumerate(derivatives)])


def users_line() -> str:
    """File, line and text of the innermost call that comes from outside the libraries."""
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARIES):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, number).strip()
    return f"{file}:{number}" + (f": {text}" if text else "")


def _bad(value: Any, infinite: bool) -> str:
    """What is NaN (or, if asked, infinite) in ``value``: how many and where; empty if nothing is."""
    array = value._array if hasattr(value, "_array") else np.asarray(value)
    if array.dtype.kind != "f":
        return ""
    bad = ~np.isfinite(array) if infinite else np.isnan(array)
    if not bad.any():
        return ""
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    where = f" in {np.count_nonzero(bad)} of {bad.size} elements, first at index {first}" if array.ndim else ""
    return f"{array[first]}{where}"


def _fingerprint(array: Array) -> int:
    """A number that changes, but for a chance of 2⁻⁶⁴, when the array is written into."""
    return hash(array.tobytes())
