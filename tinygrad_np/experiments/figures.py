"""The picture of a study: learning curves, final values and the time to a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_np.experiments.columns import Column
from tinygrad_np.experiments.packages import imported
from tinygrad_np.experiments.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), "Color universal design": distinct with every form of colour vision; shapes and dashes say it
# again. Their yellow is left out, as too pale for a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">", "p")
DASHES = ("-", "--", "-.", ":")
INK, PALE = "#333333", "#BBBBBB"
WIDE = 100.0  # times from the lowest to the highest loss, from which on its axis is logarithmic


def drawn(column: Column, found: Sequence[Result], goal: Column | None) -> Figure:
    """Curves and final values of ``column``, and the time to the ``goal`` if there is one."""
    figure_of = imported("matplotlib.figure", "plotting a study").Figure
    rows = 1 if goal is None else 2
    figure: Figure = figure_of(figsize=(9.6, 4.4 if goal is None else 7.6), dpi=100, layout="constrained")
    panels = [figure.add_subplot(rows, 2, i + 1) for i in range(2 * rows)]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E5E5E5", linewidth=0.8)
        axes.set_axisbelow(True)
    _curves(panels[0], column, found)
    points = [result.finals(column) for result in found]
    lost = [f"{len(result.diverged)} diverged" if result.diverged else "" for result in found]
    _by_seed(panels[1], points, found, lost, "at the end, by seed, with the mean")
    panels[1].set_ylabel(f"final {column}")
    if goal is not None:
        for axes, unit, which in zip(panels[2:], ("epochs", "seconds"), (0, 1)):
            times, missed = _times(goal, found, which)
            _by_seed(axes, times, found, missed, f"{unit} to get there, of those that did")
            axes.set_ylim(bottom=0)
            axes.set_ylabel(f"{unit} to a {goal} of {goal.target:g}")
    _legend(figure, panels[0], found)
    return figure


def style(i: int) -> dict[str, Any]:
    """The colour and dashes of the i-th variant, which together are repeated after 28."""
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i // len(COLOURS) % len(DASHES)]}


def _curves(axes: Axes, column: Column, found: Sequence[Result]) -> None:
    """Mean ± 1 s.d. of each variant's finished runs; those that diverged are thin and end with a cross."""
    values: list[float] = []
    for i, result in enumerate(found):
        for outcome in result.diverged:
            epochs = [row["epoch"] for row in outcome.rows]
            curve = [row[column.name] for row in outcome.rows]
            axes.plot(
                epochs, curve, color=style(i)["color"], linewidth=0.6, marker="x", markevery=[-1] if curve else []
            )
        if not result.finished:
            continue
        curves = result.curves(column)
        epochs = [row["epoch"] for row in result.finished[0].rows]
        mean = curves.mean(0)
        single = "" if len(epochs) > 1 else MARKERS[i % len(MARKERS)]
        axes.plot(epochs, mean, label=result.label, linewidth=1.8, marker=single, **style(i))
        values += mean[np.isfinite(mean)].tolist()
        if len(curves) > 1:
            spread = curves.std(0, ddof=1)
            axes.fill_between(epochs, mean - spread, mean + spread, color=style(i)["color"], alpha=0.18, linewidth=0)
    axes.set(xlabel="epoch", ylabel=str(column))
    _title(axes, "while it learns")
    if "loss" in column.name and values and min(values) > 0 and max(values) > WIDE * min(values):
        axes.set_yscale("log")
        axes.set_ylim(bottom=min(values) / 2)  # a band may reach below 0


def _by_seed(
    axes: Axes, points: Sequence[dict[int, float]], found: Sequence[Result], notes: Sequence[str], title: str
) -> None:
    """A point for each seed above its variant, the same seed joined by a line, and a note on top."""
    seeds = dict.fromkeys(seed for values in points for seed in values)
    for seed in seeds:
        line = [values.get(seed, np.nan) for values in points]
        axes.plot(range(len(found)), line, color=PALE, linewidth=0.7, zorder=1)
    for i, values in enumerate(points):
        x = np.full(len(values), float(i))
        mark = MARKERS[i % len(MARKERS)]
        axes.scatter(
            x, list(values.values()), s=22, color=style(i)["color"], marker=mark, alpha=0.75, linewidths=0, zorder=2
        )
        if values:
            axes.plot([i - 0.28, i + 0.28], [np.mean(list(values.values()))] * 2, color=INK, linewidth=1.8, zorder=3)
        axes.text(
            i, 1.0, notes[i], transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color=INK
        )
    labels = [result.label for result in found]
    crowded = sum(map(len, labels)) > 36
    axes.set_xticks(range(len(found)), labels, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    for text in axes.get_xticklabels():
        text.set_parse_math(False)  # a label such as $w is no formula
    axes.set_xlim(-0.5, len(found) - 0.5)
    _title(axes, title, above=any(notes))


def _title(axes: Axes, title: str, above: bool = False) -> None:
    """A title at the left, maybe above notes."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, pad=18 if above else 6)


def _times(goal: Column, found: Sequence[Result], which: int) -> tuple[list[dict[int, float]], list[str]]:
    """Epochs (0) or seconds (1) to the goal by seed for each variant, and of how many runs that is."""
    times, notes = [], []
    for result in found:
        runs = result.finished + result.diverged
        taken = {run.seed: goal.time(run.rows)[which] for run in runs}
        times.append({seed: float(time) for seed, time in taken.items() if time is not None})
        notes.append(f"{len(times[-1])} of {len(runs)}")
    return times, notes


def _legend(figure: Figure, axes: Axes, found: Sequence[Result]) -> None:
    """What each line is, and what a band is, of how many runs."""
    counts = {len(result.finished) for result in found if result.finished}
    shown = [result for result in found if result.finished]
    alike = len(counts) == 1
    handles, _ = axes.get_legend_handles_labels()
    texts = [result.label if alike else f"{result.label}, n = {len(result.finished)}" for result in shown]
    band = "mean" if counts == {1} else "mean ± 1 s.d."
    title = f"{band}, n = {counts.pop()}" if alike else band
    legend = figure.legend(
        handles, texts, title=title, loc="outside lower center", ncols=min(4, max(1, len(shown))), frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
