"""How much sooner a comparison is through in two processes than in one.

The work is that of an ordinary study: digits, 64-128-10, three optimizers from some seeds. Both give the same results,
to the last bit, which is checked. A process takes a second to start and import what it needs; joblib keeps it for the
next comparison.
"""

from functools import partial
from typing import Any

import tinygrad_np as tg
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary
from benchmarks.training import Problem

GOAL = 1.8
ONE, TWO, WARM = "one after another, one process", "2 processes, which have to start", "the same, once they run"
OPTIMIZERS = {
    "sgd": partial(tg.optim.SGD, lr=0.1),
    "momentum": partial(tg.MomentumSGD, lr=0.02, momentum=0.9),
    "adam": partial(tg.optim.Adam, lr=0.002),
}


def make_model(rng: Any) -> tg.Sequential:
    """A network for digits, with weights from ``rng``."""
    first, last = (tg.nn.Linear(*pair, rng=rng, dtype="float32") for pair in ((64, 128), (128, 10)))
    return tg.Sequential(first, tg.relu, last)


def study(jobs: int, seeds: int, epochs: int, problem: Problem) -> tg.experiments.Study:
    """The comparison, in so many processes."""
    data = problem.X, problem.y
    return tg.experiments.compare(
        make_model, data, OPTIMIZERS, seeds=seeds, epochs=epochs, validation=0.2, jobs=jobs, progress=False
    )


def stop_processes() -> None:
    """End those that joblib keeps."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def assert_agreement(one: tg.experiments.Study, two: tg.experiments.Study) -> None:
    """ValueError where two studies differ in anything but the time that they took."""
    for row, other in zip(one.curves, two.curves, strict=True):
        if row | {"seconds": 0.0} != other | {"seconds": 0.0}:
            raise ValueError(f"one process gave {row} and two gave {other}")


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that one process and two give the same, then time them."""
    seeds, epochs, rounds = (2, 1, 1) if quick else (8, 20, 5)
    work = partial(study, seeds=seeds, epochs=epochs, problem=Problem.digits())
    assert_agreement(work(1), work(2))

    def fresh() -> None:
        stop_processes()
        work(2)

    calls = {ONE: partial(work, 1), TWO: fresh, WARM: partial(work, 2)}
    seconds = interleaved(calls, rounds, 1)
    stop_processes()
    heading = ["", "seconds", f"times as fast as {ONE.split(',')[0]}", "half of the rounds", "goal", "verdict"]
    table = Table(f"tg.experiments.compare, {len(OPTIMIZERS) * seeds} runs of {epochs} epochs of digits", heading)
    for name, measured in seconds.items():
        faster = ratio(seconds[ONE], measured)
        aim = ["", ""] if name == ONE else [f"≥ {GOAL}", verdict(1 / faster.median, 1 / GOAL)]
        table.rows.append([name, f"{summary(measured).median:.2f}", f"{faster.median:.2f}", spread(faster), *aim])
    table.notes.append(f"Medians of {rounds} interleaved rounds. The results were the same to the last bit.")
    return [table]
