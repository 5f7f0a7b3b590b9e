"""History: what became of a run, one row for each epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np import states
from tinygrad_np.names import nearest
from tinygrad_np.saving.atomic import replace

Row = dict[str, float]  # a number by the name of its column
Path = str | os.PathLike[str]


class History:
    """A row for each epoch of a run, read by column: ``history["loss"]`` is an array.

    It holds NaN where a row has no such value. ``rows`` is the list of rows, dictionaries of numbers. ``interrupted``
    says whether Ctrl-C ended the latest fit, ``compiled`` whether it had compiled steps.

    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.75})
    >>> history.append({"epoch": 2, "loss": 0.5, "validation_loss": 0.625})
    >>> history["loss"], history["validation_loss"], len(history)
    (array([0.75, 0.5 ]), array([  nan, 0.625]), 2)
    >>> history["los"]
    Traceback (most recent call last):
        ...
    KeyError: "there is no column 'los', did you mean 'loss'? Choose from: epoch, loss, validation_loss"
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.interrupted = False
        self.compiled = False

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order in which they came up."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def append(self, row: Mapping[str, float]) -> None:
        """Add the row of an epoch."""
        self.rows.append(dict(row))

    def __getitem__(self, column: str) -> NDArray[Any]:
        """All epochs' values of a column, integers where all of them are."""
        if column not in self.columns:
            if not self.rows:
                raise KeyError(f"{column!r}: the history has no rows yet; call fit first")
            try:
                nearest("column", column, dict.fromkeys(self.columns))
            except ValueError as error:
                raise KeyError(str(error)) from None
        return np.array([row.get(column, math.nan) for row in self.rows])

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        if not self.rows:
            return "History(no epochs)"
        latest = ", ".join(f"{name}={value:.4g}" for name, value in self.rows[-1].items())
        return (
            f"History({len(self)} epoch{'s' * (len(self) > 1)}{', interrupted' * self.interrupted}; latest: {latest})"
        )

    # -- files -------------------------------------------------------------------------------------

    def to_csv(self, path: Path) -> None:
        """Write a table with a heading; numbers to the last digit, nothing where there is no value.

        Like to_json, it replaces the file as a whole, or raises OSError and leaves it.
        """
        columns = self.columns
        lines = [",".join(columns), *[",".join(_text(row.get(name)) for name in columns) for row in self.rows]]
        replace(os.fspath(path), "\n".join([*lines, ""]).encode())

    def to_json(self, path: Path) -> None:
        """Write ``{"interrupted": false, "rows": [{"epoch": 1, ...}, ...]}``, from which :meth:`from_json` reads it.

        JSON has no NaN and no infinity: they are the strings "nan", "inf" and "-inf".
        """
        rows = [{k: v if math.isfinite(v) else str(v) for k, v in row.items()} for row in self.rows]
        text = json.dumps({"interrupted": self.interrupted, "rows": rows}, indent=1, allow_nan=False)
        replace(os.fspath(path), (text + "\n").encode())

    @classmethod
    def from_json(cls, path: Path) -> History:
        """The history that to_json wrote; ValueError if the file holds none, OSError if it cannot be read."""
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        history = cls()
        if isinstance(state, dict) and isinstance(state.get("rows"), list):
            state["rows"] = [_with_infinities(row) for row in state["rows"]]
        history.load_state_dict(state)
        return history

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of the rows, and whether the run was interrupted."""
        return {"interrupted": self.interrupted, "rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the rows of a ``state`` that state_dict() gave; ValueError or TypeError if it is none."""
        states.check("the history", self.state_dict(), state)
        rows = state["rows"]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"the history's rows must be a list of dictionaries, got {str(rows)[:80]}")
        for i, row in enumerate(rows):
            for name, value in row.items():
                if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
                    raise ValueError(f"row {i} of the history has {value!r} for {name!r}, expected a number")
        if not isinstance(state["interrupted"], bool):
            raise ValueError(f"the history's interrupted must be a bool, got {state['interrupted']!r}")
        self.rows = [dict(row) for row in rows]
        self.interrupted = state["interrupted"]

    # -- a picture ---------------------------------------------------------------------------------

    def plot(self) -> Any:
        """A matplotlib Figure: the losses by epoch, and beside them the metrics, if there are any.

        Raises ImportError, with what to install, if matplotlib is not there, and ValueError for no rows.
        """
        if not self.rows:
            raise ValueError("the history has no rows to plot; call fit first")
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plotting a history needs matplotlib: pip install matplotlib") from error
        apart = ("epoch", "lr", "gradient_norm", "seconds")
        losses = [name for name in self.columns if name in ("loss", "validation_loss")]
        metrics = [name for name in self.columns if name not in (*apart, *losses)]
        panels = {"loss": losses} | ({"metric": metrics} if metrics else {})
        figure = Figure(layout="constrained", figsize=(5 * len(panels), 4))
        for i, (label, names) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(1, len(panels), i, xlabel="epoch", ylabel=label)
            for name in names:
                axes.plot(self["epoch"], self[name], label=name.replace("_", " "), marker="." * (len(self) < 30))
            axes.legend()
        return figure


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _with_infinities(row: Any) -> Any:
    """A row read from JSON, with the numbers that were strings."""
    special = ("nan", "inf", "-inf")
    return {k: float(v) if v in special else v for k, v in row.items()} if isinstance(row, dict) else row
