"""Dry runs show what a step does, and leave its state as it was."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from tinygrad_np.compiling.environment import Environment
from tinygrad_np.compiling.recorder import Recorder
from tinygrad_np.compiling.recording import Recording
from tinygrad_np.compiling.state import State, Substitution


class DryRun:
    """A context at the end of which all that the ``state`` holds is put back: arrays, numbers, Generators, lists."""

    def __init__(self, state: State, step: Callable[..., Any]) -> None:
        self._followed = [(group, dict(group)) for group in state.groups()]
        self._around = Environment(step, state.roots)
        self._before = Substitution(state, Recording(Recorder), set(), self._around)

    def __enter__(self) -> None:
        """What was there before is noted already, when this object is made."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.put_back()

    def put_back(self) -> None:
        """Let everything be as it was when this object was made."""
        self._before.abandon()
        self._around.put_back()
        for group, numbers in self._followed:
            for name, number in numbers.items():
                group.put(name, number)
