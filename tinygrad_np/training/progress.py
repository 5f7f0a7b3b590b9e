"""One bar for the whole of a fit, in a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

Item = TypeVar("Item")
# Of steps: tqdm's own without the rate, so that the losses fit into 80 columns.
STEPS = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


def one(item: Any) -> int:
    """What an item counts by itself."""
    return 1


class Silence:
    """No bar."""

    def watch(self, items: Iterable[Item], count: Callable[[Item], int] = one) -> Iterable[Item]:
        """``items`` themselves."""
        return items

    def tell(self, row: Mapping[str, Any]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Bar(Silence):
    """tqdm's bar, which counts steps and shows the losses of the latest epoch."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def watch(self, items: Iterable[Item], count: Callable[[Item], int] = one) -> Iterator[Item]:
        """``items``, each counted as ``count`` says when it is taken: a tenth of a microsecond."""
        update = self.bar.update
        for item in items:
            yield item
            update(count(item))

    def tell(self, row: Mapping[str, Any]) -> None:
        """Show the number of the epoch and its losses."""
        self.bar.set_description(f"epoch {row['epoch']}", refresh=False)
        self.bar.set_postfix({name: f"{row[name]:.3g}" for name in row if name.endswith("loss")}, refresh=False)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()


def bar(wanted: bool | None, steps: int, unit: str = "step") -> Silence:
    """A bar for so many steps, or other units: if ``wanted``, or, for None, if there is tqdm and somebody to watch it.

    Raises ImportError, with what to install, if it is wanted and tqdm is not there.
    """
    if wanted is not None and not isinstance(wanted, bool):
        raise TypeError(f"progress must be True, False or None (a bar in a terminal or notebook), got {wanted!r}")
    if wanted is False or (wanted is None and not _watched()):
        return Silence()
    try:
        tqdm = import_module("tqdm.auto").tqdm
    except ImportError as error:
        if wanted is None:
            return Silence()
        raise ImportError("a progress bar needs tqdm: pip install tqdm, or give progress=False") from error
    look = STEPS if unit == "step" else None
    return Bar(tqdm(total=steps, unit=unit, dynamic_ncols=True, bar_format=look))


def _watched() -> bool:
    """Whether stderr is a terminal, or this a notebook, whose stderr is none."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
