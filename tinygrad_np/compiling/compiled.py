"""Compiled steps: recorded once for each kind of arguments, and then run as programs."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from tinygrad_np.compiling.program import GuardError, Program
from tinygrad_np.compiling.record import Recorded, record
from tinygrad_np.compiling.source import compiled_source
from tinygrad_np.compiling.state import State, touch
from tinygrad_np.graph import placed
from tinygrad_np.recording import current_mode
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt


def compiled(step: Callable[..., Any] | None = None, *, state: Any = ()) -> Any:
    """``step`` as a program."""
    if step is None:
        return lambda function: CompiledStep(function, state)
    return CompiledStep(step, state)


class CompiledStep:
    def __init__(self, step: Callable[..., Any], state: Any) -> None:
        self.step = step
        self.state = State(state if isinstance(state, (tuple, list)) else (state,))
        self.versions: dict[Any, list[Version]] = {}
        self.warm: dict[Any, set[Any]] = {}
        self.lock = threading.RLock()
        update_wrapper(self, step)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        with self.lock:
            kind = (current_mode(), *map(_kind, arguments), *[(k, _kind(v)) for k, v in keywords.items()])
            for version in self.versions.get(kind, ()):
                if version.recorded.fits():
                    return version(arguments, keywords)
            return self._first(kind, arguments, keywords)

    def _first(self, kind: Any, arguments: Any, keywords: Any) -> Any:
        if kind not in self.warm:
            before = self.state.numbers()
            result = self.step(*arguments, **keywords)
            after = self.state.numbers()
            self.warm[kind] = {k for k, n in after.items() if k in before and before[k] != n}
            return result
        result, recorded = record(self.step, (arguments, keywords), self._names(arguments, keywords), self.state, self.warm[kind])
        self.versions.setdefault(kind, []).append(Version(recorded))
        return result

    def _names(self, arguments, keywords):
        return [f"x{i}" for i, _ in enumerate(leaves_of((arguments, keywords)))]


class Version:
    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.run = compiled_source(recorded.program, "<compiled step>")

    def __call__(self, arguments: Any, keywords: Any) -> Any:
        recorded = self.recorded
        leaves = [leaf for _, leaf in leaves_of((arguments, keywords))]
        recorded.numbers[:] = leaves
        for group in recorded.groups:
            group.follow()
        arrays = [x.data if isinstance(x, Tensor) else x for x in leaves if isinstance(x, (np.ndarray, np.generic, Tensor))]
        results = self.run(*arrays)
        if recorded.touched:
            touch(recorded.touched)
        kinds = [k for _, k in leaves_of(recorded.structure)]
        return rebuilt(recorded.structure, [placed(np.asarray(r), None) if k == "tensor" else r for k, r in zip(kinds, results)])


def _kind(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.shape, argument.dtype
    if isinstance(argument, Tensor):
        return Tensor, argument.shape, argument.dtype, argument.requires_grad
    if type(argument) is float:
        return float
    if isinstance(argument, (list, tuple)):
        return (type(argument), *map(_kind, argument))
    if isinstance(argument, dict):
        return tuple((k, _kind(v)) for k, v in argument.items())
    return type(argument), argument
