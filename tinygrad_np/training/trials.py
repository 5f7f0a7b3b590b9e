"""Trials of a model, a loss and metrics on the data, before a fit: what does not fit is found with nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from tinygrad_np.data import minibatches
from tinygrad_np.recording import no_grad
from tinygrad_np.tensor import Tensor
from tinygrad_np.training.evaluation import Metrics, mode, scores, training
from tinygrad_np.training.rows import CHECKED, Rows
from tinygrad_np.training.steps import Loss, Steps
from tinygrad_np.trees import leaves_of, mapped


def check_data(steps: Steps, metrics: Metrics, rows: Rows) -> None:
    """Have the model look at the first row, and loss and metrics at all targets, each beside the output for that row.

    How large numbers are is for the training to say.
    """
    with mode(steps.model, False), np.errstate(all="ignore"), _named(rows):
        output, target = _first(steps, rows)
        if isinstance(output, np.ndarray) and output.shape[:1] == (1,):
            with no_grad():
                _check_mean(steps.loss, output, target)
                _check_targets(steps.loss, output, rows.y)
                with suppress(ArithmeticError):  # which the outputs of one row may come to, and others not
                    scores(metrics, [np.repeat(output, rows.all, axis=0)], [rows.y])


def check_last(steps: Steps, rows: Rows, batches: minibatches) -> None:
    """Have the model, in training mode, see as many rows as the last minibatch will have, if it is a smaller one."""
    rest = len(rows) - (len(batches) - 1) * batches.batch_size
    if rest >= batches.batch_size:  # more, where a smaller one is left out
        return
    first, *_ = next(iter(rows.batches(rest)))
    before = steps.model.state_dict()
    try:
        with training(steps.model), no_grad(), np.errstate(all="ignore"):
            steps.model(first)
    except (TypeError, ValueError) as error:
        error.add_note(f"the last minibatch of an epoch has {rest} of {len(rows)} rows; drop_last=True leaves it out")
        raise
    finally:
        steps.model.load_state_dict(before)


@contextmanager
def _named(rows: Rows) -> Iterator[None]:
    """Say in an error what the data is, where its names do not."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kinds = [f"{rows.what}X{path} is {leaf.dtype}" for path, leaf in leaves_of(rows.X) if leaf.dtype.kind in "OSTU"]
        if kinds:
            error.add_note(f"{'; '.join(kinds)}: give numbers, one column for each category")
        if rows.what:
            error.add_note(f"this is about the {rows.what}data")
        raise


def _first(steps: Steps, rows: Rows) -> tuple[Any, Any]:
    """The model's output for the first row, and its target, of which the loss must be one number that it learns by."""
    steps.kept, steps.taken = {}, 0
    try:
        loss = steps.loss_of(*next(iter(rows.batches(1))))
        kept = steps.kept[0]
    except TypeError as error:
        if rows.weight is not None and "sample_weight" in str(error):
            raise TypeError(
                f"the loss takes no sample_weight: {error}; define loss(output, y, *, sample_weight)"
            ) from error
        raise
    finally:
        steps.kept = None
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise TypeError(f"the loss must be a Tensor that depends on the model's parameters, got {loss!r}")
    if loss.ndim:
        raise ValueError(f"the loss must be one number for a minibatch, got one of shape {loss.shape}; take its mean")
    return kept


def _check_mean(loss: Loss, output: Any, target: Any) -> None:
    """Refuse a loss that is a sum over rows: it would grow with the minibatch, and is averaged over minibatches."""
    first = Tensor(output), target
    second = Tensor(np.repeat(output, 2, axis=0)), mapped(lambda y: np.repeat(y, 2, axis=0), target)
    once, twice = float(loss(*first)), float(loss(*second))
    if once and np.isfinite(twice) and np.isclose(twice, 2 * once, rtol=1e-3, atol=0):
        raise ValueError(
            f"the loss must be a mean over the rows of a minibatch, but is {once:.4g} for a row, and {twice:.4g} where "
            'it comes twice; give a mean, as reduction="mean" does'
        )


def _check_targets(loss: Loss, output: Any, y: Any) -> None:
    """Have the loss look at all targets, some thousands at a time, each beside the same output."""
    for i, targets in enumerate(minibatches(y, CHECKED, shuffle=False)):
        count = len(next(leaves_of(targets))[1])
        try:
            loss(Tensor(np.repeat(output, count, axis=0)), targets)
        except (TypeError, ValueError) as error:
            if i:
                error.add_note(f"rows are counted from row {i * CHECKED} of y on")
            raise
