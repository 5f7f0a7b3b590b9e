"""How the time of a training step grows with width, depth and batch, eager and compiled, beside NumPy by hand.

The network has 2 features, layers of relu units and 3 classes, in float64; one of width, depth and batch grows, the
others stay. Prints a table of each, and draws a picture in ``out/benchmarks``.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import epochs
from benchmarks.compiled import cache
from benchmarks.epochs import Task
from benchmarks.tables import Table, micro
from benchmarks.timing import interleaved, ratio, summary, timed
from benchmarks.training import Contestant, Problem, assert_agreement

OUT = Path("out", "benchmarks", "growth.png")
BY_HAND, EAGER, COMPILED = "NumPy, by hand", "tinygrad_np, eager", "tinygrad_np, scan"
BUILDS: dict[str, Callable[[Task], Contestant]] = {
    BY_HAND: epochs.by_hand,
    EAGER: epochs.eager,
    COMPILED: epochs.scan,
}
# Okabe & Ito (2008), "Color universal design"
STYLES = {BY_HAND: ("#333333", "s", "--"), EAGER: ("#D55E00", "^", "-."), COMPILED: ("#0072B2", "o", "-")}
STEPS = 3  # minibatches of an epoch: a compiled step is run as it is, recorded, compiled
BASE = "16 units, 2 hidden layers, 16 rows"
LR = 1e-3  # small, so that the deepest network stays finite


class Axis(NamedTuple):
    """What grows, through which values, and the task of one of them."""

    unit: str
    values: tuple[int, ...]
    task: Callable[[int], Task]


def task(width: int = 16, depth: int = 2, batch: int = 16) -> Task:
    """A network of ``depth`` hidden layers of ``width`` relu units, and a few minibatches of random points."""
    sizes = (2, *[width] * depth, 3)
    return Task.relu(Problem.random(sizes, batch, STEPS * batch, np.float64), LR)


AXES = {
    "width": Axis("units a layer", (1, 4, 16, 64, 256, 1024), lambda n: task(width=n)),
    "depth": Axis("hidden layers", (1, 3, 10, 30, 100), lambda n: task(depth=n)),
    "batch": Axis("rows a minibatch", (1, 4, 16, 64, 256, 1024), lambda n: task(batch=n)),
}
Times = Mapping[str, list[float]]  # of each contestant, seconds a step, one a round


def point(task: Task, rounds: int, budget: float) -> tuple[Times, float]:
    """What a step takes, from rounds that give each contestant about ``budget`` seconds; and what compilation takes.

    That is the time of the compiled step's first epoch. Raises ValueError where the contestants train differently.
    """
    assert_agreement({name: build(task) for name, build in BUILDS.items()}, 1e-8)
    calls, counts, starts = {}, {}, {}
    for name, build in BUILDS.items():
        train = build(task).epochs
        starts[name] = timed(partial(train, 1), 1)
        counts[name] = max(1, min(3000, int(budget / timed(partial(train, 1), 1))))
        calls[name] = partial(train, counts[name])
    seconds = interleaved(calls, rounds, 1)
    per_step = {name: [t / (counts[name] * STEPS) for t in times] for name, times in seconds.items()}
    return per_step, starts[COMPILED]


def table(name: str, points: Mapping[int, tuple[Times, float]]) -> Table:
    """One axis: a row for each of its values."""
    heading = [f"{name}, {AXES[name].unit}", *[f"{build}, µs" for build in BUILDS]]
    heading += ["eager / by hand", "by hand / compiled", "first epoch of the compiled, ms"]
    result = Table(f"A training step as its {name} grows, float64", heading)
    for value, (seconds, start) in points.items():
        cells = [micro(summary(times).median) for times in seconds.values()]
        ratios = [f"{ratio(seconds[a], seconds[b]).median:.2f}" for a, b in ((EAGER, BY_HAND), (BY_HAND, COMPILED))]
        result.rows.append([f"{value:,}", *cells, *ratios, f"{start * 1e3:,.0f}"])
    return result


def draw(axes_of: Mapping[str, Mapping[int, tuple[Times, float]]], path: Path) -> None:
    """A panel for each axis, written to ``path`` as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(axes_of), sharey=True)
    for axes, (name, points) in zip(panels, axes_of.items(), strict=True):
        for build, (colour, marker, dashes) in STYLES.items():
            heights = [summary(seconds[build]).median * 1e6 for seconds, _ in points.values()]
            axes.plot(list(points), heights, color=colour, marker=marker, linestyle=dashes, label=build)
        axes.set(xscale="log", yscale="log", xlabel=f"{name}: {AXES[name].unit}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E5E5E5", linewidth=0.8)
    panels[0].set_ylabel("µs a training step")
    panels[0].legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check at each point that all train alike, then time them."""
    rounds, budget = (1, 0.0) if quick else (15, 0.01)
    with cache(quick):
        found = {
            name: {n: point(axis.task(n), rounds, budget) for n in (axis.values[:2] if quick else axis.values)}
            for name, axis in AXES.items()
        }
    tables = [table(name, points) for name, points in found.items()]
    tables[-1].notes.append(f"Medians of {rounds} interleaved rounds; where nothing else is said {BASE}.")
    if find_spec("matplotlib"):
        draw(found, OUT)
        tables[-1].notes.append(f"Wrote {OUT}.")
    else:
        tables[-1].notes.append("No picture without matplotlib: pip install matplotlib")
    return tables
