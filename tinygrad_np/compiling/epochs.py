"""Whole epochs of a compiled step: by native code, many minibatches at a time, or step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.dry_run import DryRun
from tinygrad_np.compiling.locking import turns
from tinygrad_np.tensor import Tensor
from tinygrad_np.training.interruption import Interruption

Array = NDArray[Any]
GATHERED = 1 << 20  # bytes of rows that are put in order at a time


class Epochs:
    """The rows of all minibatches: ``data`` in the order of each epoch, None for the one in which they are."""

    def __init__(self, data: Sequence[Array], batch_size: int, orders: Sequence[Any]) -> None:
        self.data, self.batch_size, self.orders = data, batch_size, orders
        self.rows = len(data[0])
        self.whole = self.rows // batch_size  # minibatches
        self.batches = -(-self.rows // batch_size)

    def minibatch(self, n: int) -> list[Array]:
        """The arguments of one step; ``n`` counts on from epoch to epoch."""
        epoch, i = divmod(n, self.batches)
        part: Any = slice(i * self.batch_size, (i + 1) * self.batch_size)
        order = self.orders[epoch]
        return [array[part if order is None else order[part]] for array in self.data]

    def from_here(self, n: int) -> tuple[Sequence[Array], int, int]:
        """The rows from minibatch ``n`` on that come before a smaller one: arrays, minibatches, and times over."""
        epoch, i = divmod(n, self.batches)
        if i >= self.whole:
            return (), 0, 1
        first, last = i * self.batch_size, self.whole * self.batch_size
        order, even = self.orders[epoch], self.whole == self.batches
        if order is None and even and i == 0:
            return self.data, self.whole, len(self.orders) - epoch
        if order is None:
            return [array[first:last] for array in self.data], self.whole - i, 1
        room = max(1, GATHERED // max(1, sum(array[: self.batch_size].nbytes for array in self.data)))  # minibatches
        rows = order[first:last][: room * self.batch_size]
        if even and room > self.whole:
            rows = np.concatenate([rows, *self.orders[epoch + 1 : epoch + room // self.whole]])
        return [array[rows] for array in self.data], len(rows) // self.batch_size, 1


def scanned(step: Any, epochs: Epochs, interruption: Interruption) -> Array:
    """The loss of each minibatch, from native code as far as there is some that fits."""
    total, done = epochs.batches * len(epochs.orders), 0
    losses: list[Array] = []
    while done < total:
        minibatch = epochs.minibatch(done)
        turns.give_way()
        with step.lock:
            version = step.ready(minibatch)
            arrays, steps, times = epochs.from_here(done) if version is not None else ((), 0, 1)
            holds = steps > 0
            if holds:
                some, holds = version.scan(arrays, steps, times, lambda: interruption.noted or turns.forking)
                losses.append(some)
                done += len(some)
        if interruption.noted:
            raise KeyboardInterrupt
        if not holds:
            minibatch = epochs.minibatch(done)
            losses.append(_number(step(*minibatch)) if done else _first(step, minibatch))
            done += 1
    return losses[0] if len(losses) == 1 else np.concatenate(losses) if losses else np.empty(0)


def orders(order: Any, epochs: int, rows: int) -> Sequence[Any]:
    """The order of the rows in each epoch."""
    if order is None:
        return [None] * epochs
    given = np.asarray(order)
    if given.dtype.kind not in "iu" or given.shape not in ((rows,), (epochs, rows)):
        raise ValueError(
            f"order must hold row numbers, of shape ({rows},) or ({epochs}, {rows}), got {given.dtype} {given.shape}"
        )
    if given.size and not 0 <= given.min() <= given.max() < rows:
        raise ValueError(f"order must hold numbers of the {rows} rows, got {given.min()} to {given.max()}")
    return list(np.broadcast_to(given, (epochs, rows)).astype(np.intp))


def _first(step: Any, minibatch: Sequence[Array]) -> Array:
    """The loss of a first step; if it gives none, the state is as it was before."""
    with turns.alone(step):
        before = DryRun(step.state, step.step)
        result = step(*minibatch)
        try:
            return _number(result)
        except ValueError:
            before.put_back()
            raise


def _number(loss: Any) -> Array:
    """The loss that a step returned, in an array of one number."""
    if loss is None or isinstance(loss, (tuple, list, dict)):
        what = "None" if loss is None else f"a {type(loss).__name__} of {len(loss)}"
    else:
        value = loss.data if isinstance(loss, Tensor) else np.asarray(loss)
        if value.size == 1 and value.dtype.kind in "fiub":
            return value.reshape(1)
        what = f"{value.dtype} of shape {value.shape}"
    raise ValueError(f"scan takes a step that returns its loss, one number, got {what}; call the step in a loop")
