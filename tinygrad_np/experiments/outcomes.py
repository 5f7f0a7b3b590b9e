"""What became of a run: a plain record that goes into one JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Label = str | int | float | bool | None  # what stands for a choice in tables, and in files
Row = dict[str, Any]
FINISHED, DIVERGED = "finished", "diverged"


@dataclass(frozen=True)
class Outcome:
    """A run: the labels of its choices by name, its seed, and a row of numbers for each epoch.

    A run that diverged has a ``reason`` and the epoch in which it ``diverged``, and the rows of the epochs before.
    """

    choices: dict[str, Label]
    seed: int
    rows: list[dict[str, float]] = field(default_factory=list)
    reason: str | None = None
    diverged: int | None = None

    @property
    def status(self) -> str:
        """``"finished"`` or ``"diverged"``."""
        return FINISHED if self.diverged is None else DIVERGED

    def to_json(self) -> str:
        """The record as JSON, the same to the last bit when it is read again."""
        rows = [strict(row) for row in self.rows]
        return json.dumps(asdict(self) | {"rows": rows, "choices": strict(self.choices)}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """The outcome that to_json wrote; ValueError, TypeError or KeyError for anything else."""
        record = json.loads(text)
        if not isinstance(record, dict) or not isinstance(record["choices"], dict) or type(record["seed"]) is not int:
            raise ValueError("it is no run")
        rows = [{name: float(v) if name != "epoch" else int(v) for name, v in row.items()} for row in record["rows"]]
        return cls(record["choices"], record["seed"], rows, record["reason"], record["diverged"])


def strict(row: Mapping[str, Any]) -> Row:
    """A row with its NaN and infinities as the strings "nan", "inf" and "-inf", which every reader of JSON takes."""
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
