"""Errors for code that would freeze a number, with the user's line. The library's own checks are allowed."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import FrameType
from typing import Any

import numpy as np

LIBRARY = os.path.dirname(os.path.dirname(__file__)) + os.sep
COMPILING = os.path.dirname(__file__) + os.sep
NUMPY = os.path.dirname(np.__file__) + os.sep
# These modules pass on what the user asked of a Tensor.
ON_BEHALF = tuple(LIBRARY + name for name in ("tensor.py", "protocols.py"))


class _Latest(threading.local):
    """The latest TracingError of a thread, and whether it is within a step, which runs eagerly or is recorded."""

    error: TracingError | None = None
    within = False


latest = _Latest()


@contextmanager
def within_a_step() -> Iterator[None]:
    """While a step runs as it is, or is recorded: compiled steps that it calls run as they are, too."""
    before, latest.within = latest.within, True
    try:
        yield
    finally:
        latest.within = before


class TracingError(TypeError):
    """A step cannot be compiled as it is written: something in it would stay as it was when it was recorded."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        latest.error = self  # a step may swallow it; record() raises it again


class UnsettledError(TracingError):
    """The step changes a number that the first run did not change: it is to be observed again.

    ``place`` is where that is.
    """

    place: Any = None


def refused(what: str, instead: str) -> TracingError:
    """The error for ``what`` the current line does, and what to write ``instead``, if the user wrote the line."""
    asker = _asker()
    if asker is not None and _is_of_library(asker):
        return TracingError(
            f"{asker.f_code.co_qualname} branches on computed numbers, here through {what}, and cannot be compiled: a "
            "compiled step would always take the branch that it took while recorded. Call it outside the step, or "
            f"list in state what holds the arrays that it changes{where()}"
        )
    return TracingError(
        f"{what} in a compiled step would keep the value that it had while recorded: {instead}{where()}"
    )


def unsupported(what: str, instead: str) -> TracingError:
    """The error for ``what`` arrays have outside compiled steps only, and what to write ``instead``."""
    return TracingError(f"{what} cannot be used in a compiled step: {instead}{where()}")


def explained(error: Exception) -> Exception:
    """What to raise for an ``error`` of a step while it is recorded, which stand-ins may have brought about.

    Python and NumPy put errors of their own in the place of a refusal, or speak of a class that no user has seen.
    """
    if isinstance(error, TracingError):
        return error
    if latest.error is not None and latest.error in (error.__cause__, error.__context__):
        return latest.error
    text = str(error)
    for name, what in (("Recorder", "an array of a compiled step"), ("Symbol", "a number of a compiled step")):
        text = text.replace(f"'{name}' object", what).replace(f"'{name}'", what)
    if text == str(error):
        return error
    lines = [(frame.f_code.co_filename, n) for frame, n in walk_tb(error.__traceback__)]
    return TracingError(f"{text}; compute with NumPy's functions, which make new arrays{_shown(lines[::-1])}")


def where() -> str:
    """The user's line that is being run, as an error message ends."""
    return _shown((frame.f_code.co_filename, frame.f_lineno) for frame in _frames())


def _shown(lines: Iterable[tuple[str, int]]) -> str:
    """The innermost of ``lines`` that is neither the library's nor NumPy's."""
    for path, n in lines:
        if not path.startswith((LIBRARY, NUMPY)):
            line = linecache.getline(path, n).strip()
            return f" ({path}, line {n}{line and ': ' + line})"
    return ""


def library_asks() -> bool:
    """Whether the line that asks is one of the library's own, as where a rule checks labels."""
    asker = _asker()
    return asker is not None and _is_of_library(asker)


def library_looks() -> bool:
    """Whether the line that looks at an array is one of the library's, even on behalf of another."""
    path = next(f.f_code.co_filename for f in _frames() if not f.f_code.co_filename.startswith(COMPILING))
    return path.startswith((LIBRARY, NUMPY))


def _is_of_library(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(LIBRARY)


def _asker() -> FrameType | None:
    """Where the line is that asks: not one of those that ask on behalf of another."""
    return next((f for f in _frames() if not f.f_code.co_filename.startswith((COMPILING, NUMPY, *ON_BEHALF))), None)


def _frames() -> Iterator[FrameType]:
    """The frames of the calling thread, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
