"""What compiled steps gain: epochs by scan and steps call by call, with and without the first call, beside others.

The networks are the article's, those for XOR, moons and digits, and one of the size of MNIST's. All contestants train
from the same weights on the same minibatches, and agree on where two epochs lead before they are timed.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import numpy as np

from benchmarks import epoch_peers, epochs, hessian, plain_c, starts
from benchmarks.epochs import Task
from benchmarks.peers import missing
from benchmarks.tables import Table, micro, spread, verdict
from benchmarks.timing import interleaved, ratio, summary
from benchmarks.training import Contestant, Problem, assert_agreement

OURS, CALLS, EAGER, BY_HAND = "tinygrad_np, scan", "tinygrad_np, step by step", "tinygrad_np, eager", "NumPy, by hand"
C, C_STEPS = "plain C, -O3", "plain C, -O3, step by step by ctypes"
SCAN, STEPS, PYTORCH = "JAX, lax.scan", "JAX, jit step by step", "PyTorch, eager"
Builds = dict[str, Callable[[Task], Contestant]]
FIRST = 3  # steps: as they are, recorded, compiled
CACHE = "TINYGRAD_NP_CACHE"  # the variable that says where compiled programs are kept
COMPILED_IN, CALLED_IN = 0.25, 2.5e-6  # goals, in seconds


def builds(task: Task, peers: bool) -> Builds:
    """All that can train ``task`` here, ours first."""
    found: Builds = {
        OURS: epochs.scan,
        CALLS: epochs.compiled,
        EAGER: epochs.eager,
        BY_HAND: epochs.by_hand,
    }
    if plain_c.can_train(task) and plain_c.compiler():
        found |= {C: plain_c.scan, C_STEPS: plain_c.steps}
    if peers and find_spec("jax"):
        found |= {SCAN: epoch_peers.jax_scan, STEPS: epoch_peers.jax_steps}
    if peers and find_spec("torch"):
        found |= {PYTORCH: epoch_peers.pytorch}
    return found


def picked(found: Builds, *names: str) -> Builds:
    """Those of the ``names`` that there are."""
    return {name: found[name] for name in names if name in found}


def measured(task: Task, found: Builds, rounds: int, calls: int, count: int) -> dict[str, list[float]]:
    """Seconds a step of each, from rounds of ``calls`` for ``count`` epochs.

    Raises ValueError where they do not train alike.
    """
    exact = task.X.dtype == np.float64
    few = task if exact else task.first(16)  # in more steps, float32 drifts apart
    assert_agreement({name: build(few) for name, build in found.items()}, 1e-8 if exact else 2e-3)
    training = {name: partial(build(task).epochs, count) for name, build in found.items()}
    for train in training.values():
        for _ in range(-(-FIRST // (count * task.steps))):
            train()
    times = interleaved(training, rounds, calls)
    return {name: [t / (count * task.steps) for t in ts] for name, ts in times.items()}


def first_calls(task: Task, found: Builds, rounds: int) -> dict[str, list[float]]:
    """Seconds that each takes to be made and to train its first steps; everything is imported before that."""
    few = task.first(FIRST)
    calls = {name: lambda build=build: build(few).epochs(1) for name, build in found.items()}
    return interleaved(calls, rounds, 1)


def table(
    title: str,
    task: Task,
    found: Builds,
    goals: Mapping[str, float],
    whole: int,
    rounds: int,
    calls: int,
    count: int = 1,
    limits: bool = False,
) -> Table:
    """The contestants of one task side by side: a step, the first ones, and ``whole`` steps with those.

    ``goals`` are how many times as long as ours, which is the first, the others are to take at least;
    with ``limits`` ours is also held against those of a call and of its compilation.
    """
    ours = next(iter(found))
    seconds = measured(task, found, rounds, calls, count)
    first = first_calls(task, found, min(rounds, 5))
    start = {name: summary(times).median for name, times in first.items()}
    total = {name: start[name] + whole * summary(times).median for name, times in seconds.items()}
    heading = ["", "µs a step", "times ours", "half of the rounds", "goal", "verdict"]
    result = Table(title, [*heading, f"first {FIRST} steps, ms", f"{whole:,} steps from the start, times ours"])
    for name, times in seconds.items():
        slower = ratio(times, seconds[ours])
        aim = ["", ""]
        if name in goals:
            aim = [f"≥ {goals[name]:.3g}", verdict(goals[name], slower.median)]
        row = [name, micro(summary(times).median), f"{slower.median:.2f}", spread(slower), *aim]
        result.rows.append([*row, f"{start[name] * 1e3:.1f}", f"{total[name] / total[ours]:.2f}"])
    result.notes.append(f"Medians of {rounds} interleaved rounds of {calls * count * task.steps:,} steps.")
    if limits:
        called, made = summary(seconds[ours]).median, start[ours]
        result.notes += [
            f"A call of ours: {called * 1e6:.2f} µs; goal ≤ {CALLED_IN * 1e6}, {verdict(called, CALLED_IN)}.",
            f"To compile it, with its first steps: {made:.3f} s; goal ≤ {COMPILED_IN}, {verdict(made, COMPILED_IN)}.",
        ]
    return result


def small(quick: bool, peers: bool) -> Iterator[Table]:
    """The 2-3-3 network: an epoch a call, many epochs a call, and step by step."""
    task = Task.article()
    found = builds(task, peers)
    rounds, calls, many = (1, 1, 2) if quick else (15, 50, 20)
    goals = {C: 1 / 1.5, SCAN: 5.0, BY_HAND: 70.0}
    title = "2-3-3 network, float64, batches of 4: {}"
    scans = picked(found, OURS, C, SCAN, STEPS, PYTORCH, BY_HAND, EAGER)
    one = title.format("an epoch of 75 steps a call")
    yield table(one, task, scans, goals, 10**5, rounds, calls)
    long = title.format(f"{many} epochs a call")
    yield table(long, task, picked(found, OURS, C, SCAN), goals, 10**5, rounds, 3, many)
    calling = picked(found, CALLS, C_STEPS, STEPS, PYTORCH, BY_HAND, EAGER)
    yield table(title.format("step by step"), task, calling, {}, 10**5, rounds, calls, limits=True)


def gains(quick: bool, peers: bool) -> Table:
    """XOR, moons and Adam: the same order of gain."""
    rounds, steps = (1, 4) if quick else (12, 1500)
    tasks = {
        "2-3-2, XOR": Task.xor(),
        "2-20-2, moons": Task.moons(),
        "2-3-3, Adam": Task.article(optimizer="adam"),
        "2-20-2, moons, Adam": Task.moons(optimizer="adam"),
    }
    names = list(picked(builds(Task.xor(), peers), OURS, CALLS, SCAN, STEPS, PYTORCH, EAGER, BY_HAND))
    heading = ["", *names, *[f"{name} / ours" for name in names if name in (SCAN, BY_HAND)]]
    result = Table("Other networks and Adam, float64, batches of 4: µs a step", heading)
    for title, task in tasks.items():
        seconds = measured(task, picked(builds(task, peers), *names), rounds, 1, -(-steps // task.steps))
        cells = [micro(summary(seconds[name]).median) for name in names]
        slower = [f"{ratio(seconds[n], seconds[OURS]).median:.1f}" for n in names if n in (SCAN, BY_HAND)]
        result.rows.append([title, *cells, *slower])
    result.notes.append(f"Medians of {rounds} interleaved rounds of {steps:,} steps, in one call where that can be.")
    return result


def larger(quick: bool, peers: bool) -> Iterator[Table]:
    """Digits, and a network of MNIST's size, in float32."""
    digits = Task.relu(Problem.digits())
    large = Task.relu(Problem.random((784, 512, 256, 10), 128, 256 if quick else 2560, np.float32))
    names = OURS, SCAN, STEPS, PYTORCH, BY_HAND, EAGER
    goals = {SCAN: 1.0}
    title = "64-128-10, digits, float32, batches of 32, one thread"
    yield table(title, digits, picked(builds(digits, peers), *names), goals, 10**4, 1 if quick else 20, 1)
    goals = {SCAN: 1.0, STEPS: 1.0, PYTORCH: 1.0}
    title = "784-512-256-10, float32, batches of 128, one thread"
    yield table(title, large, picked(builds(large, peers), *names), goals, 10**3, 1 if quick else 8, 1)


@contextmanager
def cache(quick: bool) -> Iterator[None]:
    """Compiled programs are not kept, so that each is compiled; in a quick run, only for the run."""
    before = os.environ.get(CACHE)
    with tempfile.TemporaryDirectory() as directory:
        os.environ[CACHE] = directory if quick else ""
        try:
            yield
        finally:
            if before is None:
                del os.environ[CACHE]
            else:
                os.environ[CACHE] = before


@contextmanager
def one_core() -> Iterator[None]:
    """Threads that are begun here share one core, for not every library can be told to have but one."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if before:
        os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> Iterator[Table]:
    """Check that the contestants train alike, then time them: for minutes, so each table comes when it is ready."""
    with cache(quick), one_core():
        yield from small(quick, peers)
        yield starts.table(quick, peers)
        yield gains(quick, peers)
        yield from larger(quick, peers)
        last = hessian.table(quick, peers)
    last.notes += notes(peers)
    yield last


def notes(peers: bool) -> list[str]:
    """What is missing here, and what that leaves out."""
    lines = [] if find_spec("llvmlite") else ["Without llvmlite compiled steps are NumPy: pip install llvmlite"]
    if not plain_c.compiler():
        lines.append("No C compiler (cc or gcc) on the PATH: plain C is left out.")
    return lines + (missing() if peers else [])
