"""Time and memory a node of a long chain of multiplications of 4-element arrays, forward and backward.

Every library runs in interpreters of its own: the collector's passes go over all that a process has
loaded, and one library's modules would slow the other down.
"""

import argparse
import gc
import json
import subprocess
import sys
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import tinygrad_np as tg
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import ratio, summary

MICROSECONDS, BYTES, GROWTH = 5.0, 700, 1.5
FACTOR = 1 + 1e-7  # a million of them neither overflow nor vanish
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (100, 1_000)

Build = Callable[[Any, Any, int], Any]


def by_constant(x: Any, c: Any, n: int) -> Any:
    """y = x·c·c·…, with n products of which one side is tracked."""
    y = x
    for _ in range(n):
        y = y * c
    return y


def by_tracked(x: Any, c: Any, n: int) -> Any:
    """y = x·x·x·…, with n products of which both sides are tracked."""
    y = x
    for _ in range(n):
        y = y * x
    return y


KINDS: dict[str, Build] = {"y·c, constant c": by_constant, "y·x, both tracked": by_tracked}


def slope(build: Build, n: int) -> float:
    """∂y/∂x of the chain as the formula gives it."""
    return FACTOR**n * (1 if build is by_constant else n + 1)


def ours(build: Build, n: int) -> Any:
    """Build a chain, go back over it, and return the gradient of x."""
    x, c = tg.Tensor(np.full(4, FACTOR), requires_grad=True), np.full(4, FACTOR)
    build(x, c, n).backward(np.ones(4))
    return x.grad


def pytorch(build: Build, n: int) -> Any:
    """The same in PyTorch."""
    import torch

    torch.set_num_threads(1)
    x, c = (torch.full((4,), FACTOR, dtype=torch.float64, requires_grad=tracked) for tracked in (True, False))
    build(x, c, n).backward(torch.ones(4, dtype=torch.float64))
    return x.grad


LIBRARIES: dict[str, Callable[[Build, int], Any]] = {"tinygrad_np": ours, "PyTorch": pytorch}


def work(library: str, sizes: list[int]) -> dict[str, dict[str, float]]:
    """Seconds a node by kind and number of nodes, each the median of a few runs, after a check of the gradient."""
    run_chain = LIBRARIES[library]
    seconds: dict[str, dict[str, float]] = {}
    for kind, build in KINDS.items():
        np.testing.assert_allclose(np.asarray(run_chain(build, 100)), slope(build, 100), rtol=1e-12)
        seconds[kind] = {}
        for n in sizes:
            gc.collect()
            runs = []
            for _ in range(max(1, 20_000 // n)):
                start = perf_counter()
                run_chain(build, n)
                runs.append(perf_counter() - start)
            seconds[kind][str(n)] = summary(runs).median / n
    return seconds


def held(build: Build, n: int) -> tuple[float, float]:
    """Bytes a node that a finished chain of ours holds, and the most there were until its gradient was found."""
    gc.collect()
    tracemalloc.start()
    try:
        x, c = tg.Tensor(np.full(4, FACTOR), requires_grad=True), np.full(4, FACTOR)
        before = tracemalloc.get_traced_memory()[0]
        y = build(x, c, n)
        after = tracemalloc.get_traced_memory()[0]
        y.backward(np.ones(4))
        return (after - before) / n, (tracemalloc.get_traced_memory()[1] - before) / n
    finally:
        tracemalloc.stop()


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Time chains of growing length, each library in turn in a fresh interpreter, and weigh one."""
    libraries = ["tinygrad_np", *(["PyTorch"] if peers and find_spec("torch") else [])]
    sizes, rounds = (QUICK_SIZES, 2) if quick else (SIZES, 5)
    measured: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for library in libraries:
            command = [sys.executable, "-m", "benchmarks.chain", library, *map(str, sizes)]
            root = Path(__file__).parents[1]
            output = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
            for kind, by_size in json.loads(output).items():
                for n, seconds in by_size.items():
                    measured[kind, library, int(n)].append(seconds)
    heading = ["", "nodes", "µs a node", "half of the rounds", "goal", "verdict"]
    time = Table("A chain of multiplications of 4 elements, forward and backward", heading)
    memory = Table("Memory of the same chain", ["", "nodes", "bytes a node", "most, with backward", "goal", "verdict"])
    for kind, build in KINDS.items():
        for library in libraries:
            for n in sizes:
                a_node = summary([s * 1e6 for s in measured[kind, library, n]])
                goal = [f"≤ {MICROSECONDS:g} µs", verdict(a_node.median, MICROSECONDS)]
                values = [f"{a_node.median:.2f}", spread(a_node), *(goal if library == "tinygrad_np" else ["", ""])]
                time.rows.append([f"{library}, {kind}", f"{n:,}", *values])
        growth = ratio(*(measured[kind, "tinygrad_np", n] for n in (sizes[-1], sizes[0])))
        values = [f"{growth.median:.2f} times", spread(growth), f"≤ {GROWTH:g} times", verdict(growth.median, GROWTH)]
        time.rows.append([f"tinygrad_np, {kind}: growth", f"{sizes[0]:,} to {sizes[-1]:,}", *values])
        n = 1_000 if quick else 100_000
        kept, most = held(build, n)
        values = [f"{kept:.0f}", f"{most:.0f}", f"≤ {BYTES} bytes", verdict(most, BYTES)]
        memory.rows.append([f"tinygrad_np, {kind}", f"{n:,}", *values])
    time.notes.append(
        f"Medians of {rounds} interpreters, with the time to free the chain; the garbage collector is left on."
    )
    if peers and len(libraries) < len(LIBRARIES):
        time.notes.append("Not installed: PyTorch. To add: pip install torch")
    memory.notes.append("By tracemalloc, which counts what Python and NumPy allocate.")
    return [time, memory]


if __name__ == "__main__":  # what run() starts
    parser = argparse.ArgumentParser(description="Print the seconds a node of one library as JSON.")
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("sizes", nargs="+", type=int)
    options = parser.parse_args()
    print(json.dumps(work(options.library, options.sizes)))
