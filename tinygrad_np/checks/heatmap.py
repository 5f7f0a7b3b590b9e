"""Where a gradient is wrong, and by how much, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.checks.maps import binned, folded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

MOST_CELLS = 32  # of a panel, each way: more could not be told apart
MOST_COLUMNS = 3  # of panels
SIDE = 3.0  # inches, of a panel
FLATTEST, STEEPEST = 0.1, 1.2  # a panel's height to its width
DECADES = 12  # that the colours range over, below the largest error
COLOURS = "YlOrRd"  # the worse the darker, in black and white and with every form of colour vision too
NONE, ENDLESS = "white", "black"  # for an error of 0, and for infinity and NaN
INK = "#333333"
MARKS = (("^", "not differentiable"), ("X", "wrong"))  # the worse one last

Panel = tuple[str, NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]


def heatmap(panels: Sequence[Panel], path: str | PathLike[str] | None = None, columns: int = MOST_COLUMNS) -> Figure:
    """A heat map for each input of log₁₀ of its gradient's error, the wrong elements crossed; a matplotlib Figure.

    A panel is (name, error, wrong, kinks), the last three arrays of the input's shape; ``columns`` of them
    stand side by side. Wrong elements have a cross, those where f is not differentiable a triangle, so that
    it can be read without colours. One axis is drawn as a row; of more than two, all but the last make up
    the rows. A cell of a large input stands for a block of elements, for the worst of them. With ``path``
    the picture is also written there, in the format of its suffix. No window is opened, and nothing of
    matplotlib's global state is changed.

    Raises ImportError where matplotlib is not installed, ValueError where there are no panels.

    >>> error = np.array([[0.0, 1e-9], [0.5, 1e-8]])
    >>> figure = heatmap([("weight", error, error > 0.1, error < 0)])
    >>> print(figure.axes[0].get_title())
    weight
    (2, 2): 1 of 4 wrong
    """
    try:
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the heat map is drawn with matplotlib; install it with: pip install matplotlib") from error
    if not panels:
        raise ValueError("there are no panels to draw; give a (name, error, wrong, kinks) for each input")
    exponents = [_exponents(error) for _, error, _, _ in panels]
    limits = Normalize(*_limits(exponents))
    colours = ScalarMappable(limits, colormaps[COLOURS].with_extremes(under=NONE, over=ENDLESS))
    columns = min(len(panels), columns)
    sides = [SIDE * max(map(_steepness, exponents[i : i + columns])) + 0.8 for i in range(0, len(panels), columns)]
    figure = Figure(figsize=(SIDE * columns + 1.8, max(SIDE, sum(sides) + 0.4)), layout="constrained")
    places = figure.subplots(len(sides), columns, squeeze=False, height_ratios=sides).ravel()
    for axes, panel, exponent in zip(places, panels, exponents):
        _draw(axes, panel, exponent, colours)
    for axes in places[len(panels) :]:
        axes.remove()
    figure.colorbar(colours, ax=figure.axes, extend="both", aspect=30, panchor=False, label="log₁₀ of the error")
    _explain(figure)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def _exponents(error: NDArray[Any]) -> NDArray[Any]:
    """log₁₀ of the error: −∞ for none, ∞ for NaN too."""
    with np.errstate(divide="ignore"):  # log 0 = −∞
        return np.where(np.isnan(error), np.inf, np.log10(np.abs(error)))


def _limits(exponents: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """The whole decades between which the errors of all inputs are, or the last of these."""
    finite = np.concatenate([e[np.isfinite(e)] for e in exponents])
    high = float(np.ceil(np.max(finite))) if finite.size else 0.0
    low = float(np.floor(np.min(finite, initial=high - 1)))
    return max(low, high - DECADES), high


def _steepness(array: NDArray[Any]) -> float:
    """The height of its panel to the width: as its elements were squares, within bounds; one row is a strip."""
    rows, columns = folded(array).shape
    return min(max(rows / max(columns, 1), FLATTEST), STEEPEST) if rows > 1 else FLATTEST


def _draw(axes: Axes, panel: Panel, exponents: NDArray[Any], colours: ScalarMappable) -> None:
    """One input: a cell for each element or block of elements, coloured by the worst error, and marks."""
    from matplotlib.ticker import MaxNLocator

    name, error, wrong, kinks = panel
    low, high = colours.get_clim()
    within = np.where(exponents == -np.inf, low - 1, np.clip(exponents, low, high + 1))  # no error but 0 is white
    table, height, width = binned(within, MOST_CELLS, MOST_CELLS)
    rows, columns = folded(error).shape
    y, x = (np.append(np.arange(0, n, size), n) - 0.5 for n, size in ((rows, height), (columns, width)))
    if error.size:
        line = 0.6 if max(table.shape) <= MOST_CELLS // 2 else 0.0
        axes.pcolormesh(x, y, table, cmap=colours.cmap, vmin=low, vmax=high, edgecolors="white", linewidth=line)
        marks, _, _ = binned(np.where(wrong, 2, np.where(kinks, 1, 0)), MOST_CELLS, MOST_CELLS)
        for level, (sign, _) in enumerate(MARKS, 1):
            _mark(axes, marks == level, x, y, sign)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[-1], y[0]))
    title = f"{name}\n{error.shape}: {np.count_nonzero(wrong)} of {wrong.size} wrong"
    axes.set_title(title, fontsize=10, color=INK, parse_math=False)  # a name such as $w is no formula
    axes.set_box_aspect(_steepness(error))
    axes.set_anchor("N")
    for axis, n in ((axes.xaxis, columns), (axes.yaxis, rows)):
        axis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_visible(n > 1 and error.size > 0)
    if height * width > 1:
        axes.set_xlabel(f"a cell: the worst of up to {height} × {width}", fontsize=8)


def _mark(axes: Axes, marked: NDArray[Any], x: NDArray[Any], y: NDArray[Any], sign: str) -> None:
    """A sign in the middle of each marked cell, white with a dark edge to be seen on every colour."""
    i, j = np.nonzero(marked)
    size = min(10.0, 0.5 * 72 * SIDE / max(marked.shape))  # points
    middle = (x[j] + x[j + 1]) / 2, (y[i] + y[i + 1]) / 2
    axes.scatter(*middle, s=size**2, marker=sign, facecolors="white", edgecolors=INK, linewidths=0.1 * size, zorder=3)


def _explain(figure: Figure) -> None:
    """What the signs say, below the panels."""
    from matplotlib.lines import Line2D

    signs = [*MARKS[::-1], ("s", "error 0"), ("s", "infinite or NaN")]
    faces = [*("white" for _ in MARKS), NONE, ENDLESS]
    figure.legend(
        [
            Line2D([], [], marker=sign, linestyle="", color=face, markeredgecolor=INK)
            for (sign, _), face in zip(signs, faces)
        ],
        [meaning for _, meaning in signs],
        loc="outside lower center",
        ncols=2 if figure.get_figwidth() < 2 * SIDE else len(signs),
        frameon=False,
    )
