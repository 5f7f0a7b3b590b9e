"""Ctrl-C: noted where it comes, and heeded between two steps."""

from __future__ import annotations

# What is behind signal, whose names for numbers take as long as 30 compiled steps of a small network.
import _signal  # type: ignore[import-not-found]
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Within this context the first Ctrl-C only sets ``noted``, so that a step is finished; a second one interrupts.

    Python lets the main thread alone answer signals, and a program may have a handler of its own: in other threads,
    and where SIGINT is not left to Python, nothing is changed.
    """

    def __init__(self) -> None:
        self.noted = False
        self._before: Any = None

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            self._before = _signal.signal(_signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            _signal.signal(_signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True
