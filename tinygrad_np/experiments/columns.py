"""A column of numbers to compare by, and which of them are better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinygrad_np.names import nearest
from tinygrad_np.training.callbacks import Monitor

LOSSES = ("loss", "validation_loss")


@dataclass(frozen=True)
class Column:
    """The column ``name``; lower is better for a ``sign`` of 1, higher for −1; maybe with a ``target`` to reach.

    >>> loss = Column("loss", 1.0, target=0.5)
    >>> loss.best([0.7, 0.3, 0.4])
    0.3
    >>> loss.time([{"epoch": 1, "loss": 0.75, "seconds": 2.0}, {"epoch": 2, "loss": 0.5, "seconds": 2.0}])
    (2, 4.0)
    >>> loss.time([{"epoch": 1, "loss": 0.75, "seconds": 2.0}])
    (None, None)
    """

    name: str
    sign: float
    target: float | None = None

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    def best(self, values: Iterable[float]) -> float | None:
        """The best of ``values``; None where there is none but NaN."""
        return min((v for v in values if not math.isnan(v)), key=lambda v: self.sign * v, default=None)

    def time(self, rows: Iterable[Mapping[str, float]]) -> tuple[int | None, float | None]:
        """Epochs and seconds until the target is reached for the first time; None for both if it never is."""
        seconds = 0.0
        for row in rows:
            seconds += row["seconds"]
            if self.target is not None and self.sign * row[self.name] <= self.sign * self.target:
                return int(row["epoch"]), seconds
        return None, None


def directed(name: str, mode: str | None = None) -> Column | None:
    """The column ``name``, if it is known which of its values are better, or ``mode`` says so."""
    monitor = Monitor(name, mode)
    try:
        monitor.choose([name])
    except ValueError:
        return None
    return Column(name, monitor.sign)


def column_of(name: str | None, mode: str | None, columns: Sequence[str], losses_differ: bool) -> Column:
    """The column that is asked for, or the usual one: the validation's before the training's, a loss before a metric.

    Losses cannot be compared where they differ. Raises ValueError for a column that there is not, and for one of which
    nobody knows whether high or low is better.
    """
    fit = [column for column in columns if not (losses_differ and column in LOSSES)]
    if name is None:
        if not fit:
            raise ValueError(
                'the losses of different loss functions say nothing beside each other; give metrics=["..."]'
            )
        name = min(fit, key=lambda column: not column.startswith("validation_"))
    elif losses_differ and name in LOSSES:
        others = f"choose from: {', '.join(fit)}" if fit else 'give metrics=["..."]'
        raise ValueError(f"{name} is that of another loss function in each variant, and cannot be compared; {others}")
    nearest("column", name, dict.fromkeys(columns))
    monitor = Monitor(name, mode)
    monitor.choose(columns)
    return Column(name, monitor.sign)


def aimed(target: Any, columns: Sequence[str], losses_differ: bool) -> Column | None:
    """The column with its ``target``: a value of the loss, or one of another column, ``{"name": value}``; or None."""
    if target is None:
        return None
    named: Mapping[Any, Any] = target if isinstance(target, Mapping) else {None: target}
    wanted = 'target must be a number, a value of the loss, or one of another column, {"validation_accuracy": 0.95}'
    if len(named) != 1:
        raise ValueError(f"{wanted}, got {target!r}")
    [(name, value)] = named.items()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise (ValueError if isinstance(value, float) else TypeError)(f"{wanted}, got {target!r}")
    if name is not None and name in columns and directed(name) is None:
        raise ValueError(f"target: whether a high {name} is better is not known; choose a loss, an error or accuracy")
    return replace(column_of(name, None, columns, losses_differ), target=float(value))
