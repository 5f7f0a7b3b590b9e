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
LONGEST = 36  # characters of all labels that fit below a panel
WIDE = 100.0  # times from the lowest to the highest loss, from which on its axis is logarithmic


def drawn(column: Column, found: Sequence[Result], goal: Column | None) -> Figure:
    """Curves and final values of ``column``, and the time to the ``goal`` if there is one."""
    figure_of = imported("matplotlib.figure", "plotting a study").Figure
    locator = imported("matplotlib.ticker", "plotting a study").MaxNLocator
    rows = 1 if goal is None else 2
    across = max(1, min(4, 90 // (max(len(result.label) for result in found) + 10)))  # labels in a row of the legend
    height = 3.4 * rows + 0.8 + 0.22 * (len(found) // across)
    figure: Figure = figure_of(figsize=(9.6, height), dpi=100, layout="constrained")
    panels = [figure.add_subplot(rows, 2, i + 1) for i in range(2 * rows)]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E5E5E5", linewidth=0.8)
        axes.set_axisbelow(True)
    names = _names(found)
    _curves(panels[0], column, found)
    lost = [f"†{len(result.diverged)}" if result.diverged else "" for result in found]
    _by_seed(panels[1], [result.finals(column) for result in found], lost, names)
    panels[1].set_ylabel(f"final {column}")
    _title(panels[1], f"at the end, by seed, with the mean{' († diverged)' * any(lost)}")
    for axes, unit in zip(panels[2:], ("epochs", "seconds")):
        assert goal is not None
        _by_seed(axes, *_times(goal, found, unit), names)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(locator("auto", integer=unit == "epochs"))
        axes.set_ylabel(f"{unit} to a {goal} of {goal.target:g}")
        _title(axes, "time to get there, of those that did")
    _legend(figure, found, names, across)
    return figure


def style(i: int) -> tuple[str, Any]:
    """The colour and dashes of the i-th variant, which together are repeated after 28."""
    return COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]


def _mark(i: int) -> str:
    return MARKERS[i % len(MARKERS)]


def _curves(axes: Axes, column: Column, found: Sequence[Result]) -> None:
    """Mean ± 1 s.d. of each variant's finished runs; those that diverged are thin and end with a cross."""
    from matplotlib.ticker import MaxNLocator

    values: list[float] = []
    for i, result in enumerate(found):
        colour, dashes = style(i)
        for outcome in result.diverged:
            curve = [row[column.name] for row in outcome.rows]
            at_end = [-1] if curve else []
            axes.plot(range(1, len(curve) + 1), curve, color=colour, linewidth=0.6, marker="x", markevery=at_end)
        if not result.finished:
            continue
        curves = result.curves(column)
        epochs = range(1, curves.shape[1] + 1)
        with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is not drawn
            mean = curves.mean(0)
            spread = curves.std(0, ddof=1) if len(curves) > 1 else None
        single = "" if len(epochs) > 1 else _mark(i)
        axes.plot(epochs, mean, color=colour, linestyle=dashes, linewidth=1.8, marker=single)
        values += mean[np.isfinite(mean)].tolist()
        if spread is not None:
            axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
    axes.set(xlabel="epoch", ylabel=str(column))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    _title(axes, "while it learns")
    if "loss" in column.name and values and min(values) > 0 and max(values) > WIDE * min(values):
        axes.set_yscale("log")
        axes.set_ylim(bottom=min(values) / 2)  # a band may reach below 0


def _by_seed(axes: Axes, points: Sequence[dict[int, float]], notes: Sequence[str], names: Sequence[str]) -> None:
    """A point for each seed above its variant, the same seed joined by a line, and a note on top."""
    for seed in dict.fromkeys(seed for values in points for seed in values):
        line = [values.get(seed, np.nan) for values in points]
        axes.plot(range(len(points)), line, color=PALE, linewidth=0.7, zorder=1)
    for i, found in enumerate(points):
        y = list(found.values())
        look: dict[str, Any] = {"color": style(i)[0], "marker": _mark(i), "alpha": 0.75, "linewidths": 0, "zorder": 2}
        axes.scatter(np.full(len(y), float(i)), y, s=22, **look)
        if y:
            axes.plot([i - 0.28, i + 0.28], [np.mean(y)] * 2, color=INK, linewidth=1.8, zorder=3)
        above: dict[str, Any] = {
            "transform": axes.get_xaxis_transform(),
            "ha": "center",
            "va": "bottom",
            "fontsize": 8,
            "color": INK,
        }
        axes.text(i, 1.0, notes[i], **above)
    axes.set_xticks(range(len(points)), names)
    for text in axes.get_xticklabels():
        text.set_parse_math(False)  # a label such as $w is no formula
    axes.set_xlim(-0.5, len(points) - 0.5)


def _title(axes: Axes, title: str) -> None:
    """A title at the left, above the notes that there may be."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, pad=18)


def _times(goal: Column, found: Sequence[Result], unit: str) -> tuple[list[dict[int, float]], list[str]]:
    """Epochs or seconds to the goal by seed for each variant, and of how many runs that is."""
    times, notes = [], []
    for result in found:
        runs = result.finished + result.diverged
        taken = {run.seed: goal.time(run.rows)[("epochs", "seconds").index(unit)] for run in runs}
        times.append({seed: float(time) for seed, time in taken.items() if time is not None})
        notes.append(f"{len(times[-1])}/{len(runs)}")
    return times, notes


def _names(found: Sequence[Result]) -> list[str]:
    """The variants' labels, or their numbers if the labels are too long to stand side by side."""
    labels = [result.label for result in found]
    return labels if sum(map(len, labels)) <= LONGEST else [str(i + 1) for i in range(len(found))]


def _legend(figure: Figure, found: Sequence[Result], names: Sequence[str], across: int) -> None:
    """What each line is, and what a band is, of how many runs."""
    from matplotlib.lines import Line2D

    counts = {len(result.finished) for result in found}
    band = "mean" if max(counts) < 2 else "mean ± 1 s.d."
    title, texts = f"{band}, n = {max(counts)}" if len(counts) == 1 else band, []
    for result, name in zip(found, names):
        numbered = result.label if name == result.label else f"{name}: {result.label}"
        texts.append(numbered if len(counts) == 1 else f"{numbered}, n = {len(result.finished)}")
    looks = [(*style(i), _mark(i)) for i in range(len(found))]
    handles = [Line2D([], [], color=colour, linestyle=dashes, marker=mark) for colour, dashes, mark in looks]
    legend = figure.legend(handles, texts, title=title, loc="outside lower center", ncols=across, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
