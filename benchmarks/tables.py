"""Tables of results as plain text or Markdown, and the line that says where they were measured."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Summary


@dataclass
class Table:
    """A title, a heading, rows of text and lines below them."""

    title: str
    heading: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Columns aligned with spaces, the first to the left and the others to the right."""
        lines = self._aligned("  ")
        return "\n".join([self.title, "-" * len(self.title), *[line.rstrip() for line in lines], *self.notes])

    def markdown(self) -> str:
        """The same as a Markdown table."""
        lines = [f"| {line} |" for line in self._aligned(" | ")]
        rule = "|" + "|".join(["---", *["---:" for _ in self.heading[1:]]]) + "|"
        return "\n".join([f"**{self.title}**", "", lines[0], rule, *lines[1:], "", "  \n".join(self.notes)]).rstrip()

    def _aligned(self, between: str) -> list[str]:
        rows = [self.heading, *self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return [
            between.join([row[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]])
            for row in rows
        ]


def verdict(value: float, goal: float) -> str:
    """Whether ``value`` keeps within ``goal``, and how far it is from that.

    >>> verdict(0.97, 1.0), verdict(6.0, 5.0)
    ('holds', 'misses by 20.0 %')
    """
    return "holds" if value <= goal else f"misses by {(value / goal - 1) * 100:.1f} %"


def spread(measured: Summary, form: str = ".2f", scale: float = 1.0) -> str:
    """The quartiles, between which half of the rounds lie.

    >>> spread(Summary(2.0, 1.0, 3.0))
    '1.00 to 3.00'
    """
    return f"{measured.low * scale:{form}} to {measured.high * scale:{form}}"


def micro(seconds: float) -> str:
    """Microseconds, in three digits or in whole ones.

    >>> micro(2.5e-7), micro(0.0123)
    ('0.25', '12,300')
    """
    value = seconds * 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Processor, Python, NumPy, BLAS and its threads."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    library = f"{blas.get('name', 'unknown BLAS')} {blas.get('version', '')}".strip()
    return (
        f"{_processor()}, {os.cpu_count()} processors, {platform.system()}; "
        f"{platform.python_implementation()} {platform.python_version()}; NumPy {np.__version__}; {library}, "
        f"OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS')}"
    )


def _processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
