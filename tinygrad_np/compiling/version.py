"""A version of a compiled step: one program with what it holds for and what runs it. A step may need several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.backends import NativeBackend, NumPyBackend, backend_for
from tinygrad_np.compiling.native import CheckError
from tinygrad_np.compiling.record import Recorded
from tinygrad_np.compiling.shortcut import shortcut
from tinygrad_np.compiling.state import touch
from tinygrad_np.graph import placed
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt

ARRAYS = (np.ndarray, np.generic, Tensor)


class Version:
    """A program and what runs it, for one kind of arguments and one structure of the state.

    ``forgets`` says that the step is known to forget gradients before it uses them.
    """

    def __init__(self, recorded: Recorded, native: bool | None, forgets: bool = False) -> None:
        self.recorded, self.program, self.fits = recorded, recorded.program, recorded.checks.function()
        self.native, self.runs = native, 0
        self.lasts = recorded.checks.function(recorded.checks.forgotten if forgets else ())()  # for many steps in a row
        self._runner: NumPyBackend | NativeBackend | None = None  # made when it is met again
        kinds = [kind for _, kind in leaves_of(recorded.structure)]
        self.tensors = [i for i, kind in enumerate(kinds) if kind == "tensor"]
        self.plain = all(x.__class__ is np.ndarray for x in recorded.numbers)
        self.single = kinds == ["tensor"] and recorded.structure == "tensor"

    @property
    def runner(self) -> NumPyBackend | NativeBackend:
        """What runs the program."""
        if self._runner is None:
            recorded, give = self.recorded, None if self.single else self._given
            way = partial(shortcut, recorded.checks, recorded.groups, recorded.touched, give, self)
            self._runner = backend_for(self.program, self.native, way)
        return self._runner

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Run it on the ``leaves`` of the arguments. Raises MissedError where it does not hold for them."""
        recorded = self.recorded
        for group in recorded.groups:
            group.follow()
        arrays = leaves
        if not self.plain:
            recorded.numbers[:] = leaves
            arrays = [x._array if isinstance(x, Tensor) else x for x in leaves if isinstance(x, ARRAYS)]
        results = self.runner(*arrays)
        self.runs += 1
        if recorded.touched:
            touch(recorded.touched)
        return self._given(results)

    @property
    def shortcut(self) -> Callable[[Any], Any] | None:
        """The function of the arguments that does the same in less time, where there is one."""
        runner = self.runner
        native = runner.native
        if native is None or runner.must_remember or not (native.bound.runs and self.plain):
            return None
        return native.shortcut[0]

    def _given(self, results: Any) -> Any:
        """What the step returns, of what the program gives."""
        if self.single:
            return placed(np.asarray(results[0]), None)
        results = list(results)
        for i in self.tensors:
            results[i] = placed(np.asarray(results[i]), None)
        return rebuilt(self.recorded.structure, results)

    @property
    def scans(self) -> bool:
        """Whether native code can run many steps, each of which gives its loss alone, without asking a schedule."""
        return self._scans and self.lasts and not any(group.schedules for group in self.recorded.groups)

    @cached_property
    def _scans(self) -> bool:
        native = self.runner.native
        alone = isinstance(self.recorded.structure, str)  # in no list, and in no dictionary
        lossy = alone and getattr(self.program.outputs[0], "shape", None) in ((), (1,), (1, 1))
        return native is not None and native.scans and lossy and self.plain

    def scan(
        self, arrays: Sequence[NDArray[Any]], steps: int, epochs: int, stop: Callable[[], bool]
    ) -> tuple[NDArray[Any], bool]:
        """Run steps on minibatches of ``arrays`` until ``stop`` says so, or one does not hold.

        Give the losses, and whether all held that were run.
        """
        assert self.runner.native is not None
        losses: NDArray[Any]
        holds = True
        try:
            (losses,) = self.runner.native.scan(arrays, steps, epochs, stop)
        except CheckError as error:
            (losses,), holds = error.results, False
        finally:
            touch(self.recorded.touched)
        self.runs += len(losses)
        return losses.reshape(-1), holds

    def explain(self) -> str:
        """What runs it, and why."""
        return self._runner.note if self._runner is not None else "to be compiled when it comes again"
