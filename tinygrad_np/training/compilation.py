"""The steps of a run as programs, where that is asked for and can be done."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_np.data import minibatches
from tinygrad_np.nn import Module
from tinygrad_np.optim import Optimizer
from tinygrad_np.states import of_generator, restore_generator
from tinygrad_np.targets import data_of
from tinygrad_np.training.evaluation import training
from tinygrad_np.training.steps import Loss, Steps
from tinygrad_np.trees import mapped

MOST, PATIENCE = 1024, 0.02  # minibatches at a time, and the seconds that they may take


def is_wanted(compiled: Any) -> bool:
    """Whether steps are to be compiled: by ``compiled``, True, False or "auto", and by what is installed."""
    if isinstance(compiled, str) and compiled == "auto":
        return find_spec("llvmlite") is not None
    if not isinstance(compiled, bool):
        raise TypeError(f'compiled must be True, False or "auto", got {compiled!r}')
    if compiled and find_spec("llvmlite") is None:
        raise ImportError(
            "compiled=True needs llvmlite: pip install 'tinygrad_np[compiled]'; compiled=\"auto\" does without"
        )
    return compiled


class Compiled:
    """What takes steps by a program: recorded beforehand, so that each has the bits that it has in a resumed run.

    ``outputs`` says whether those of the model are needed. Where a step cannot be recorded, it is taken as it is from
    then on, with a warning; or, if a program is ``required``, the error goes on. Copies record anew.
    """

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, outputs: bool) -> None:
        from tinygrad_np.compiling import CompiledStep, TracingError  # only where it is asked for

        self._refusal = TracingError
        self.given = model, loss, optimizer, outputs
        self.outputs, self.required, self.given_up = outputs, False, False
        self._size, self._joins = 1, False  # of a minibatch, and whether several may be one
        self._first: Any = None  # minibatch
        self._seconds = math.inf  # that a step takes at its quickest
        self._step = CompiledStep(recordable(*self.given), (model, loss, optimizer), rehearsed=True)

    def __reduce__(self) -> Any:
        return Compiled, self.given

    def prepare(self, steps: Steps, batches: minibatches) -> None:
        """Record the step on the first of ``batches``, with nothing changed."""
        self.given_up = False
        generator, state = batches.rng, of_generator(batches.rng)
        batch = next(iter(batches))
        restore_generator(generator, state)
        self._size, self._first = batches.batch_size, batch
        alone = self.outputs or steps.average is not None  # something is done after each step
        self._joins = not alone and all(part.__class__ is np.ndarray for part in batch)
        steps.gather()
        gradients = [(p, p.grad) for _, p in steps.optimizer.named_parameters()]
        steps.optimizer.zero_grad()
        with training(steps.model), suppress(ArithmeticError, ValueError):  # which the run itself will come to
            self._attempt(self._step.prepare, batch)
        for p, g in gradients:
            p.grad = g

    def together(self, steps: Steps) -> int:
        """How many minibatches native code can take at once: as many as Ctrl-C may wait for."""
        count = min(MOST, int(PATIENCE / self._seconds)) if self._joins and not self.given_up else 1
        if count < 2:
            return 1
        steps.gather()
        steps.optimizer.zero_grad()
        return count if self._step.ready(self._first) is not None else 1

    def __call__(self, steps: Steps, batch: Any, count: int) -> Sequence[float]:
        """Take ``count`` of the ``steps`` on a minibatch, or on as many in one, and give their losses."""
        begun = perf_counter()
        losses = [self._one(steps, batch)] if count == 1 else self._many(steps, batch)
        self._seconds = min(self._seconds, (perf_counter() - begun) / count)
        return losses

    def _many(self, steps: Steps, batch: Any) -> list[float]:
        """The losses of steps on several minibatches, the last of which may be smaller."""
        size, rows = self._size, len(batch[0])
        whole = rows - rows % size
        steps.optimizer.zero_grad()
        losses: list[float] = self._step.scan(*[part[:whole] for part in batch], batch_size=size).tolist()
        return losses if whole == rows else [*losses, self._one(steps, [part[whole:] for part in batch])]

    def _one(self, steps: Steps, batch: Any) -> float:
        """The loss of one step."""
        if not self.given_up:
            steps.optimizer.zero_grad()  # so that a program need not look whether there were any
            result = self._attempt(self._step, batch)
        if self.given_up:
            return float(steps.eager(*batch).item())
        loss, output = result if self.outputs else (result, None)
        if steps.kept is not None:
            steps.kept[steps.taken] = output, batch[1]
        return float(loss.item())

    def _attempt(self, function: Callable[..., Any], batch: Any) -> Any:
        """What ``function`` gives for a ``batch``, unless it cannot be recorded."""
        try:
            return function(*batch)
        except self._refusal as error:
            if self.required:
                raise
            self.given_up = True
            warnings.warn(f"the steps are not compiled, but taken as they are: {error}", UserWarning, stacklevel=5)


def recordable(model: Module, loss: Loss, optimizer: Optimizer, outputs: bool) -> Callable[..., Any]:
    """A step as a function of a minibatch; it gives the loss, and the model's output if ``outputs`` are needed."""

    def step(X: Any, y: Any, weight: Any = None) -> Any:
        found = []

        def asked() -> Any:
            found.append(model(X))
            return loss(found[-1], y) if weight is None else loss(found[-1], y, sample_weight=weight)

        value = optimizer.step(asked)
        return (value, mapped(data_of, found[0])) if outputs else value

    return step
