"""The examples' pictures: points, curves, decision regions, confusions, drawn without a window or global state."""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from numpy.typing import NDArray
from PIL import Image

import tinygrad_np as tg
from examples.datasets import Samples
from examples.program import ExampleError, one_line

Array = NDArray[np.float64]
Scores = Callable[[Array], Array]  # points (n, 2) to scores (n, classes), the largest of which is the prediction

# Okabe & Ito (2008), "Color universal design": distinct with every form of colour vision; shapes say it again.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
INK = "#333333"
MISTAKES = LinearSegmentedColormap.from_list("mistakes", ["#FFFFFF", COLOURS[5]])
IMAGES_A_ROW, MOST_IMAGES = 6, 30
GRID_POINTS = 250  # along each side of a picture of decision regions
# Where it is installed, one of these draws the Chinese and Japanese class names that the first font lacks.
FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "IPAexGothic", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic")
LONGEST_NAME = 24  # characters of a name in a picture


@contextmanager
def picture(path: Path, columns: int = 1, rows: int = 1, size: tuple[float, float] | None = None) -> Iterator[Any]:
    """The axes of a new picture, or an array of them; at the end it is written to ``path`` as PNG.

    ``columns`` of axes side by side, ``rows`` of those; ``size`` in inches is that which suits one row. Reports that it
    was written. Raises ExampleError where it cannot be.
    """
    installed = set(fontManager.get_font_names())
    style: dict[Any, Any] = {
        "font.family": [name for name in FONTS if name in installed],
        "font.size": 11,
        "axes.titlesize": 12,
        "axes.edgecolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the picture then shows an empty box
        figure = Figure(figsize=size or (6.4 if columns == 1 else 4.8 * columns, 4.6), dpi=100, layout="constrained")
        yield figure.subplots(rows, columns)
        write(figure, path)


def write(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path`` as PNG, and report that. Raises ExampleError where it cannot be written."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # 256 colours look the same and take less than half the bytes.
    image = Image.open(drawn).convert("RGB").quantize(dither=Image.Dither.NONE)
    try:
        image.save(path, format="png", optimize=True)
    except OSError as error:
        raise ExampleError(f"cannot write {path}: {error.strerror or error}") from None
    print(one_line(f"wrote {path}"))


def draw_samples(axes: Axes, samples: Samples, title: str) -> None:
    """A scatter plot of the samples, each class in its own colour and shape."""
    size = 26 if len(samples) > 20 else 90
    for label in range(len(samples.classes)):
        x1, x2 = samples.x[samples.labels == label].T
        axes.scatter(
            x1,
            x2,
            s=size,
            c=COLOURS[label],
            marker=MARKERS[label],
            edgecolors="white",
            linewidths=0.5,
            zorder=3,
        )
    axes.set(xlabel=_short(samples.features[0]), ylabel=_short(samples.features[1]))
    axes.set_title(title, loc="left")
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_parse_math(False)  # a column called "$x" is no formula
    _class_legend(axes, samples)


def draw_regions(axes: Axes, samples: Samples, scores: Scores, margin: Array | float, title: str) -> None:
    """Where each class is predicted, as far as ``margin`` beyond the samples, with these on top.

    A class wins where its score leads every other one's. Drawing the contour of that lead at 0 gives
    smooth borders; contours of the predicted numbers themselves would put a strip of class 1 between
    classes 0 and 2.
    """
    low, high = samples.x.min(axis=0) - margin, samples.x.max(axis=0) + margin
    side1, side2 = (np.linspace(a, b, GRID_POINTS) for a, b in zip(low, high))
    points = np.stack(np.meshgrid(side1, side2), axis=-1)
    s = scores(points.reshape(-1, 2)).reshape(*points.shape[:2], -1)
    for label in range(s.shape[-1]):
        lead = s[..., label] - np.delete(s, label, axis=-1).max(axis=-1)
        if lead.max() > 0:
            axes.contourf(side1, side2, lead, levels=[0, lead.max()], colors=[_pale(COLOURS[label])])
        if lead.min() < 0 < lead.max():
            axes.contour(side1, side2, lead, levels=[0], colors=[INK], linewidths=0.8)
    draw_samples(axes, samples, title)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def draw_losses(axes: Axes, curves: Mapping[str, Array], title: str) -> None:
    """Loss over epochs: each curve narrower than the one before and dashed, so that equal ones are all seen.

    The epochs are on a logarithmic scale, for most of the learning is done in the first few.
    """
    for i, (name, losses) in enumerate(curves.items()):
        axes.plot(
            np.arange(1, len(losses) + 1),
            losses,
            color=COLOURS[i],
            linewidth=3.0 - 1.6 * i,
            linestyle="--" if i else "-",
            marker="o" if len(losses) == 1 else "",
            label=name,
        )
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats), mean over the epoch", xscale="log", ylim=(0, None))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_title(title, loc="left")
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.legend(frameon=False)


def draw_many_losses(axes: Axes, curves: Sequence[tuple[Array, bool]], title: str) -> None:
    """Losses from several starts on a logarithmic scale, and by colour and dash whether each reached its goal."""
    for losses, reached in curves:
        axes.plot(
            np.arange(1, len(losses) + 1),
            losses,
            color=COLOURS[0] if reached else COLOURS[5],
            linewidth=1.2,
            linestyle="-" if reached else "--",
            label="learned" if reached else "not learned",
        )
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    axes.set_title(title, loc="left")
    axes.grid(color="#E5E5E5", linewidth=0.8)
    lines = {line.get_label(): line for line in axes.get_lines()}  # one of each kind
    axes.legend(lines.values(), map(str, lines), frameon=False)


def draw_curves(
    axes: Axes, history: tg.History, names: Mapping[str, str], unit: str, title: str, marked: int = 0
) -> None:
    """Columns of the ``history`` over its epochs, each by its name in ``names``; ``unit`` is that of all.

    A dotted line stands at the epoch ``marked``, if it is not 0.
    """
    for i, (column, name) in enumerate(names.items()):
        marker = MARKERS[i] if len(history) == 1 else ""
        axes.plot(
            history["epoch"], history[column], color=COLOURS[i], ls="-" if i == 0 else "--", marker=marker, label=name
        )
    if marked:
        axes.axvline(marked, color=INK, linewidth=1, linestyle=":", zorder=1)
    axes.set(xlabel="epoch", ylabel=unit)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, loc="left")
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.legend(edgecolor="none", framealpha=1)


def draw_confusion(axes: Axes, counts: NDArray[np.intp], title: str) -> None:
    """How often each class, by row, was taken for each other, by column; what was right is left pale."""
    classes = np.arange(len(counts))
    mistaken = counts * (classes != classes[:, None])
    axes.imshow(np.where(mistaken, mistaken, np.nan), cmap=MISTAKES, vmin=0, vmax=max(5, mistaken.max()))
    for row, column in zip(*np.nonzero(counts)):
        pale = mistaken[row, column] < 0.6 * max(5, mistaken.max())
        weight = "normal" if row == column else "bold"
        axes.text(
            column, row, counts[row, column], ha="center", va="center", color=INK if pale else "white", weight=weight
        )
    axes.set(xlabel="taken for", ylabel="digit", xticks=classes, yticks=classes)
    axes.set_title(title, loc="left")


def draw_images(path: Path, images: Array, captions: Sequence[str], title: str) -> None:
    """Write a picture of the first ``images`` (n, height, width), values from 0 to 1, each below its caption."""
    count = min(len(images), MOST_IMAGES)
    rows = max(1, -(-count // IMAGES_A_ROW))
    height, width = images.shape[1:]
    with picture(path, size=(9.6, max(3.2, 1.85 * rows + 0.5))) as axes:
        for i, (image, caption) in enumerate(zip(images[:count], captions)):
            left, top = 1.4 * width * (i % IMAGES_A_ROW), 1.4 * height * (i // IMAGES_A_ROW)
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=(left, left + width, top + height, top))
            axes.text(left + width / 2, top - 0.05 * height, caption, ha="center", va="bottom", fontsize=10)
        axes.set_axis_off()
        axes.set(xlim=(0, 1.4 * width * IMAGES_A_ROW), ylim=(1.4 * height * rows, -0.3 * height))
        axes.set_title(title + ("" if count == len(images) else f"; the first {count}"), loc="left")


def draw_agreement(axes: Axes, true: Array, predicted: Array, unit: str, title: str) -> None:
    """A point for each row, predicted over true, and the line where they are equal."""
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=INK, linewidth=1, linestyle="--", label="predicted = true")
    axes.scatter(true, predicted, s=24, color=COLOURS[0], edgecolors="white", linewidths=0.5, zorder=3)
    axes.set(xlabel=f"true {unit}", ylabel=f"predicted {unit}", aspect="equal")
    axes.set_title(title, loc="left")
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.legend(frameon=False)


def draw_bands(axes: Axes, curves: Mapping[str, Array], unit: str, title: str) -> None:
    """The mean of several runs' ``curves`` (runs, epochs), and a band of one standard deviation to each side."""
    for i, (name, values) in enumerate(curves.items()):
        epochs, mean = np.arange(1, values.shape[1] + 1), values.mean(axis=0)
        marker = MARKERS[i] if len(epochs) == 1 else ""
        axes.plot(epochs, mean, color=COLOURS[i], linestyle=DASHES[i], marker=marker, label=name)
        if len(values) > 1:
            spread = values.std(axis=0, ddof=1)
            axes.fill_between(epochs, mean - spread, mean + spread, color=COLOURS[i], alpha=0.18, linewidth=0)
    axes.set(xlabel="epoch", ylabel=unit)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, loc="left")
    axes.grid(color="#E5E5E5", linewidth=0.8)
    axes.legend(frameon=False)


def draw_points(axes: Axes, values: Mapping[str, Array], unit: str, title: str) -> None:
    """A column of points for each name, one a seed; those of a seed joined by a line, and the mean as a bar."""
    axes.plot(np.array(list(values.values())), color="#BBBBBB", linewidth=0.7, zorder=1)
    for i, column in enumerate(values.values()):
        axes.scatter(np.full(len(column), i), column, s=26, color=COLOURS[i], marker=MARKERS[i], zorder=2)
        axes.plot([i - 0.28, i + 0.28], [column.mean()] * 2, color=INK, linewidth=1.8, zorder=3)
    axes.set_xticks(range(len(values)), list(values))
    axes.set(ylabel=unit, xlim=(-0.5, len(values) - 0.5))
    axes.set_title(title, loc="left")
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)


def _class_legend(axes: Axes, samples: Samples) -> None:
    """The classes by name, under the name of their column, beside the axes."""
    legend = axes.legend(
        axes.collections[-len(samples.classes) :],
        [str(label) for label in range(len(samples.classes))],
        title=_short(samples.label),
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        frameon=False,
        handletextpad=0.2,
    )
    for text, name in zip(legend.get_texts(), samples.classes):
        text.set_text(_short(name))  # set afterwards: a legend leaves out labels that start with "_"
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_parse_math(False)


def _pale(colour: str) -> tuple[float, float, float]:
    """A tint of ``colour`` that points of the full colour stand out on."""
    red, green, blue = (1 - 0.32 * (1 - c) for c in to_rgb(colour))
    return red, green, blue


def _short(name: str) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
