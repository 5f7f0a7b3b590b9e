"""Steps of training: taken, and taken back with all that they moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from tinygrad_np import states
from tinygrad_np.nn import Module
from tinygrad_np.optim import MovingAverage, Optimizer
from tinygrad_np.targets import data_of
from tinygrad_np.trees import mapped

Loss = Callable[..., Any]


class Notice(Protocol):
    """Something that may have been noted meanwhile."""

    noted: bool


class Taking(Protocol):
    """What takes steps in a way of its own."""

    def together(self, steps: Steps) -> int:
        """How many minibatches it can take at once."""

    def __call__(self, steps: Steps, batch: Any, count: int) -> Sequence[float]:
        """The losses of ``count`` steps on as many minibatches in one."""


class NotFiniteError(ArithmeticError):
    """A loss, or a parameter, that is NaN or infinite."""


class Steps:
    """What takes the steps of a run: a model, its loss and its optimizer, an average of the weights, a Generator.

    All that a step changes is in the state, so that steps can be taken back and taken again, with the same bits.
    """

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, average: MovingAverage | None, rng: np.random.Generator
    ) -> None:
        self.model, self.loss, self.optimizer, self.average, self.rng = model, loss, optimizer, average, rng
        self.asks = type(optimizer).step is not Optimizer.step  # for the loss itself, more than once, as L-BFGS does
        self.compiled: Taking | None = None  # in the place of ``eager``
        self.taken = 0  # of the steps of the latest ``take``, those that are whole
        self.under_way = 1  # those that are begun and not known to be whole
        self.kept: dict[int, tuple[Any, Any]] | None = None  # outputs and targets by step, where metrics need them

    def loss_of(self, X: Any, y: Any, weight: Any = None) -> Any:
        """The loss of the model on a minibatch."""
        output = self.model(X)
        if self.kept is not None:  # the first of a step, for an optimizer may ask more than once
            self.kept.setdefault(self.taken, (mapped(data_of, output), y))
        return self.loss(output, y) if weight is None else self.loss(output, y, sample_weight=weight)

    def eager(self, X: Any, y: Any, weight: Any = None) -> Any:
        """One step on a minibatch, as a loop of one's own has it; its loss."""
        optimizer = self.optimizer
        if self.asks:
            return optimizer.step(partial(self.loss_of, X, y, weight))
        optimizer.zero_grad()
        loss = self.loss_of(X, y, weight)
        loss.backward()
        optimizer.step()
        return loss

    def take(self, sized: Iterable[tuple[Any, Sequence[float]]], interruption: Notice) -> float:
        """Steps on minibatches, until there is an ``interruption``; the mean loss, weighted by what they count.

        There may be several in one, with what each counts. Raises NotFiniteError once a loss is NaN or infinite.
        """
        self.gather()
        average = self.average
        total = counted = 0.0
        self.taken = 0
        for value, size in self._losses_of(sized, interruption):
            if not math.isfinite(value):
                self.under_way = 1
                raise NotFiniteError(f"the loss is {value}")
            if average is not None:
                average.update()
            self.taken += 1
            total += value * size
            counted += size
        return total / counted if counted else 0.0

    def _losses_of(
        self, sized: Iterable[tuple[Any, Sequence[float]]], interruption: Notice
    ) -> Iterator[tuple[float, float]]:
        """The loss of each step and what it counts; there is an end only where all that was begun is whole."""
        eager, compiled, self.under_way = self.eager, self.compiled, 1
        for batch, sizes in sized:
            if compiled is None:
                yield eager(*batch).item(), sizes[0]
            else:
                self.under_way = len(sizes)
                yield from zip(compiled(self, batch, len(sizes)), sizes)
            if interruption.noted:
                return

    def together(self) -> int:
        """How many minibatches :meth:`take` may be given at once."""
        return 1 if self.compiled is None else self.compiled.together(self)

    def step(self, *batch: Any) -> None:
        """One step on a minibatch."""
        if self.compiled is None:
            self.eager(*batch)
        else:
            self.compiled(self, batch, 1)

    def gather(self) -> None:
        """Lay parameters side by side again where others have replaced them, which is where a program knows them."""
        for group in self.optimizer.groups:
            for flat in group.flats:
                flat.adopt()

    def require_finite(self, start: Mapping[str, Any], norm: float = 0.0) -> None:
        """Raise NotFiniteError where a parameter, a buffer, or the ``norm`` of the gradient, is NaN or infinite.

        A buffer that was so in the state ``start`` already, such as a mask of minus infinity, may stay as it is. An
        optimizer that asks for the loss itself may have gone too far, with such a gradient, and come back.
        """
        if not math.isfinite(norm) and not self.asks:
            raise NotFiniteError(f"the norm of the gradient is {norm}")
        for name, parameter in self.optimizer.named_parameters():
            if not np.isfinite(parameter.data).all():
                raise NotFiniteError(f"the parameter {name} holds NaN or infinity")
        for name, buffer in self.model.named_buffers():
            if not np.isfinite(buffer).all() and np.isfinite(start["model"][name]).all():
                raise NotFiniteError(f"the buffer {name} holds NaN or infinity")

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that a step changes."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": states.of_generator(self.rng),
        }
        return state if self.average is None else state | {"average": self.average.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; where something in it does not fit, nothing changes."""
        before = self.state_dict()
        states.check("the training", before, state)
        try:
            self._put(state)
        except BaseException:
            self._put(before)
            raise

    def _put(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.gather()
        states.restore_generator(self.rng, state["rng"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
