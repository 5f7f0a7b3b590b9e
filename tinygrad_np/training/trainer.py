"""Trainer: the loop around a model, a loss and an optimizer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_np import states
from tinygrad_np.data import minibatches, require_finite, split
from tinygrad_np.nn import Module
from tinygrad_np.optim import MovingAverage, Optimizer
from tinygrad_np.saving import CheckpointError, load, save
from tinygrad_np.training.arguments import (
    average_of,
    callbacks_of,
    epochs_of,
    flag_of,
    generator_of,
    loss_of,
    metrics_of,
    model_of,
    optimizer_of,
)
from tinygrad_np.training.compilation import Compiled, is_wanted
from tinygrad_np.training.evaluation import evaluated, evaluating, predicted
from tinygrad_np.training.fitting import EVALUATED, Fit
from tinygrad_np.training.history import History
from tinygrad_np.training.progress import bar
from tinygrad_np.training.rows import Rows
from tinygrad_np.training.steps import Steps
from tinygrad_np.training.trials import check_data, check_last

Data = Any  # an array, or nested containers of arrays, with equal first axes


class Trainer:
    """A model, its loss and its optimizer, trained by ``fit``, with a history; saved and resumed to the last bit.

    ``loss``       a function of outputs and targets that gives one number, or the name of one in tg.losses
    ``optimizer``  a tg.optim.Optimizer of the model's parameters, the name of one, or a function that makes one of the
                   model, such as a class or functools.partial(tg.optim.Adam, lr=0.01), which is copied, so that a
                   plateau or a hook with a state begins anew in each Trainer
    ``seed``       an int or a np.random.Generator: decides the order of minibatches and the validation rows, and the
                   masks of Dropout, for it reseeds the model's Generators (without one they are left as they are, and
                   the order differs from run to run). Weights were drawn when the model was made
    ``metrics``    a list of functions of (outputs, targets) and names in tg.metrics, or a dictionary of them
    ``average``    a tg.optim.MovingAverage of the model, updated after each step; it is then what is validated,
                   evaluated and predicted with

    The attributes have the same names, and ``history`` holds what became of the run. Nothing here does more than a
    loop of one's own can do with the same parts. Raises TypeError or ValueError for what does not fit together.

    >>> import numpy as np, tinygrad_np as tg
    >>> from functools import partial
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> model = tg.Sequential(tg.nn.Linear(2, 8, rng=0), np.tanh, tg.nn.Linear(8, 2, rng=1))
    >>> adam = partial(tg.optim.Adam, lr=0.05)
    >>> trainer = tg.Trainer(model, "softmax_cross_entropy", adam, seed=0, metrics=["accuracy"])
    >>> history = trainer.fit(X, y, epochs=100, batch_size=2)
    >>> bool(history["loss"][-1] < 0.1), trainer.evaluate(X, y)["accuracy"], trainer.predict(X).argmax(1)
    (True, 1.0, array([0, 1, 1, 0]))
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Any] | str,
        optimizer: Optimizer | str | Callable[[Any], Optimizer] = "adam",
        seed: np.random.Generator | int | None = None,
        metrics: Mapping[str, Any] | Iterable[Any] | None = None,
        *,
        average: MovingAverage | None = None,
    ) -> None:
        self.model = model_of(model)
        self.loss = loss_of(loss)
        self.metrics = metrics_of(metrics)
        rng = generator_of(seed)
        self.optimizer = optimizer_of(optimizer, model)
        self.average = average_of(average, model)
        self.history = History()
        if seed is not None:
            model.reseed(rng)
        self._split: int | None = None  # the seed by which every fit chooses the same rows to validate with
        self._stateful: list[Any] = []  # those callbacks of the latest fit that have a state
        self._compiled: Compiled | None = None  # what was compiled in an earlier fit
        self._loaded: list[Any] = []  # states of callbacks, which the next fit takes up
        self._steps = Steps(model, self.loss, self.optimizer, self.average, rng)

    def fit(
        self,
        X: Data,
        y: Data,
        epochs: int,
        batch_size: int = 32,
        validation: tuple[Data, Data] | float | None = None,
        sample_weight: Any = None,
        callbacks: Iterable[Callable[..., Any]] = (),
        shuffle: bool = True,
        drop_last: bool = False,
        progress: bool | None = None,
        compiled: bool | str = False,
    ) -> History:
        """Train for so many ``epochs`` more, and give the history, which goes on.

        A model in evaluation is put into training mode meanwhile, as a whole; one in training mode is left as it is,
        so that what is frozen by ``model[1].eval()`` stays so.

        ``validation`` is a pair (X, y), or the fraction of rows that are kept for it, the same in every fit; it is
        evaluated after each epoch. ``sample_weight`` (n,) says what each row counts in the loss, a held-out one too.
        ``callbacks`` are called after each epoch as callback(trainer, row); one that returns True ends the fit. Those
        with a state (state_dict and load_state_dict) come first, and are saved and loaded with the run, in their order.
        ``drop_last`` leaves out the last minibatch of an epoch where it is smaller, other rows each time.
        ``progress`` is a bar by tqdm: None shows it in a terminal or notebook, if tqdm is installed, and True always.
        ``compiled`` takes steps by :func:`tinygrad_np.compiled`: "auto" where llvmlite is installed and the step can be
        recorded, else as they are, with a warning in the latter case; True, or ImportError or TracingError. They agree
        with eager ones to rounding, and NumPy's warnings are not given. ``history.compiled`` says which there were.

        A row of the history has the columns ``epoch``, ``loss`` (of the minibatches, each before its step; weighted by
        rows, or by their weights), the metrics (of the same outputs), ``validation_loss`` and so on for each metric,
        ``lr`` (that of the epoch's last step), ``gradient_norm`` (of the epoch's last minibatch, after hooks),
        ``seconds``. Metrics do not know sample weights. A plateau in the optimizer's schedules observes the
        validation loss, or the loss without one.

        Ctrl-C ends the fit after the step under way, and the history so far is returned with ``history.interrupted``
        set; the KeyboardInterrupt goes no further. A second Ctrl-C breaks into the step, which is then taken back.
        DivergenceError is raised where the loss, a gradient, a parameter or a buffer is NaN or infinite, with the
        operation that made it so. Everything that is given is checked first, also against the first row of the data:
        TypeError or ValueError, and nothing has changed.
        """
        epochs, wanted = epochs_of(epochs), is_wanted(compiled)
        rows, held_out = self._rows(X, y, validation, sample_weight)
        options = flag_of("shuffle", shuffle), flag_of("drop_last", drop_last)
        batches = rows.batches(batch_size, self._steps.rng, *options)
        called = callbacks_of(callbacks)
        for part in (rows, held_out):
            if part is not None:
                check_data(self._steps, self.metrics, part)
        check_last(self._steps, rows, batches)
        self._compile(wanted, compiled is True, batches)
        self._tell(called, "start", self._columns(held_out is not None))
        self._take_up(called)
        shown = bar(progress, epochs * len(batches))
        try:
            bound = [partial(callback, self) for callback in called]
            fit = Fit(self._steps, self.metrics, self.history, rows, batches, held_out, bound)
            fit.run(epochs, shown)
            self.history.compiled &= self._compiled is not None and not self._compiled.given_up
            self._tell(called, "finish")
        finally:
            shown.close()
        return self.history

    def evaluate(self, X: Data, y: Data, batch_size: int = EVALUATED, sample_weight: Any = None) -> dict[str, float]:
        """The loss, weighted by rows or their weights, and the metrics: in evaluation mode, unrecorded."""
        rows = Rows(X, y, sample_weight)
        with evaluating(self.model, self.average):
            return evaluated(self.model, self.loss, self.metrics, rows, batch_size)

    def predict(self, X: Data, batch_size: int = EVALUATED) -> Any:
        """The model's output for each row of ``X``, as an array: in evaluation mode, unrecorded."""
        require_finite("X", X)
        with evaluating(self.model, self.average):
            return predicted(self.model, X, batch_size)

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that the run needs to go on: model, optimizer, Generators, history, which rows validate, callbacks."""
        callbacks = self._loaded or [callback.state_dict() for callback in self._stateful]
        run = {"history": self.history.state_dict(), "split": self._split, "callbacks": callbacks}
        return self._steps.state_dict() | run

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; where anything does not fit, nothing changes.

        Make the Trainer with the same model, optimizer and schedules first. Raises ValueError that lists what is
        missing, unexpected or misshapen, TypeError for what is no state.
        """
        states.check("this Trainer", self.state_dict(), state)
        history, chosen = History(), state["split"]
        history.load_state_dict(state["history"])
        if chosen is not None and (isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < 0):
            raise ValueError(f"split must be None or a seed, an integer of at least 0, got {chosen!r}")
        if not isinstance(state["callbacks"], list) or not all(isinstance(s, Mapping) for s in state["callbacks"]):
            raise ValueError(f"callbacks must be a list of states, got {str(state['callbacks'])[:80]}")
        self._steps.load_state_dict({k: v for k, v in state.items() if k not in ("history", "split", "callbacks")})
        self.history.load_state_dict(history.state_dict())
        self._split, self._loaded, self._stateful = chosen, list(state["callbacks"]), []

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run into one file, from which ``load`` goes on with the same bits; CheckpointError if it cannot."""
        save(path, self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that ``save`` wrote. CheckpointError, with what differs, where it does not fit this run."""
        state = load(path)
        try:
            self.load_state_dict(state)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"cannot go on from {os.fspath(path)!r}: {error}; nothing has changed") from error

    # -- parts of fit ------------------------------------------------------------------------------

    def _rows(self, X: Data, y: Data, validation: Any, sample_weight: Any) -> tuple[Rows, Rows | None]:
        """The rows that train, and those that validate."""
        rows = Rows(X, y, sample_weight)
        if validation is None:
            return rows, None
        if isinstance(validation, (tuple, list)) and len(validation) == 2:
            return rows, Rows(validation[0], validation[1], what="validation ")
        if isinstance(validation, (bool, np.bool_)) or not isinstance(validation, (int, float, np.number)):
            raise TypeError(f"validation must be a pair (X, y), or a fraction of the rows, got {validation!r}")
        if self._split is None:
            self._split = int(self._steps.rng.integers(2**63))
        try:
            train, held_out = split(np.arange(len(rows)), float(validation), self._split)
        except ValueError as error:
            raise ValueError(f"validation: {error}") from None
        return rows.part(train), rows.part(np.sort(held_out))

    def _compile(self, wanted: bool, required: bool, batches: minibatches) -> None:
        """Have steps taken by a program, if it is ``wanted``; where it is ``required``, or an error."""
        steps = self._steps
        steps.compiled, self.history.compiled = None, False
        if wanted:
            given = steps.model, steps.loss, steps.optimizer, bool(self.metrics)
            if self._compiled is None or self._compiled.given != given:
                self._compiled = Compiled(*given)
            self._compiled.required = required
            self._compiled.prepare(steps, batches)
            steps.compiled = self._compiled
            self.history.compiled = not self._compiled.given_up

    def _take_up(self, callbacks: list[Callable[..., Any]]) -> None:
        """Let callbacks go on from states that were loaded, one after another, and call those first that have one.

        So a checkpoint that another callback saves holds what they know of the same epoch.
        """
        callbacks.sort(key=lambda callback: not hasattr(callback, "state_dict"))
        stateful: list[Any] = [callback for callback in callbacks if hasattr(callback, "state_dict")]
        if self._loaded and stateful:
            if len(self._loaded) != len(stateful):
                raise ValueError(
                    f"the run was saved with {len(self._loaded)} callbacks that have a state, and is given "
                    f"{len(stateful)}: give the same ones, or none that has a state"
                )
            for callback, state in zip(stateful, self._loaded):
                callback.load_state_dict(state)
        self._stateful, self._loaded = stateful, []

    def _columns(self, validated: bool) -> list[str]:
        """The names that rows of the history will have."""
        found = ["loss", *self.metrics]
        held_out = [f"validation_{name}" for name in found] if validated else []
        return ["epoch", *found, *held_out, "lr", "gradient_norm", "seconds"]

    def _tell(self, callbacks: list[Callable[..., Any]], method: str, *given: Any) -> None:
        """Call a method of those callbacks that have it."""
        for callback in callbacks:
            if hasattr(callback, method):
                getattr(callback, method)(self, *given)

    def __repr__(self) -> str:
        loss = getattr(self.loss, "__name__", repr(self.loss))
        return f"Trainer({loss}, {self.optimizer!r}, {len(self.history)} epochs)"
