"""How much memory the backward pass of a network of 50 layers of width 256 takes, beside what its rules must save.

* What the rules must save, S: the bytes of the arrays that tinygrad_np's derivatives close over when the forward pass
  has ended, each counted once, without those that were there before it: the batch and the parameters. Here they are the
  outputs of the tanhs, each of which its own derivative and that of the next weight need: 50 · batch · width · 8 bytes.
* Peak: the most bytes that were allocated at any one time of the backward pass, less those that were before the forward
  pass. So it has in it what is left of S, the gradients on their way, and those of the leaves found so far.
* Goal: peak ≤ 1.1 S, with the gradients of all parameters counted in. The batch is as wide as the layers, so a weight's
  gradient is as large as the saved array that the walk lets go of when it finds it, and S pays for both. A second
  network has constant parameters and wants the gradient of its batch alone: what is left without the leaves' gradients.

Bytes are tracemalloc's, which counts what Python and NumPy allocate. Resident is how much the process grew at most by
the system's count, over both passes and with what its allocator holds back; PyTorch's memory shows only there. Each
library runs in an interpreter of its own.
"""

import argparse
import gc
import json
import subprocess
import sys
import tracemalloc
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.networks import LIBRARIES, OURS, Array, Network, ours
from benchmarks.tables import Table, verdict
from tinygrad_np.graph import ancestors
from tinygrad_np.saved import saved_arrays

GOAL = 1.1
SIZE, QUICK_SIZE = (50, 256, 256), (4, 16, 16)  # layers, width, batch
STATUS = Path("/proc/self/status")


def must_save(network: Network) -> int:
    """S: the bytes of the arrays that our rules keep, without those that were there before."""
    loss = ours(network).forward()
    kept = [owner(a) for node in ancestors([loss._node], ()) for a in saved_arrays(node.derivatives or ())]
    before = {id(owner(array)) for array in [network.x, *network.parameters]}
    return sum({id(a): a.nbytes for a in kept if id(a) not in before}.values())


def owner(array: Array) -> Array:
    """The array whose memory ``array`` shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Measured(NamedTuple):
    """Bytes above the level before the forward pass; nan where they cannot be known."""

    held: float  # when the forward pass has ended
    peak: float  # of the backward pass
    resident: float  # the process's peak


def weigh(library: str, network: Network) -> Measured:
    """Run both passes once. ``resident`` is right only where the process has had nothing larger in it before."""
    build, traced = LIBRARIES[library].build, LIBRARIES[library].traced
    forward, backward = build(network)
    gc.collect()
    resident = status("VmRSS")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        graph = forward()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        backward(graph)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    grown = status("VmHWM") - resident
    return Measured(held - before, peak - before, grown) if traced else Measured(np.nan, np.nan, grown)


def status(field: str) -> float:
    """A line of the process's status in bytes: VmRSS, its resident memory, or VmHWM, the most that was. Linux only."""
    if not STATUS.exists():
        return np.nan
    lines = [line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:")]
    return int(lines[0].split()[1]) * 1024.0


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Weigh the passes of each library in a fresh interpreter."""
    size = QUICK_SIZE if quick else SIZE
    layers, width, batch = size
    table = Table(
        f"Memory of the backward pass, {layers} layers of width {width}, batch of {batch}, float64",
        ["MB above the level before the forward pass", "after it", "peak", "times S", "resident", "goal", "verdict"],
    )
    libraries = [name for name, library in LIBRARIES.items() if name == OURS or (peers and find_spec(library.module))]
    for wanted in ("parameters", "batch"):
        network = Network.random(*size, of_parameters=wanted == "parameters")
        saved, gradients = must_save(network), sum(array.nbytes for array in network.wanted)
        for name in libraries:
            command = [sys.executable, "-m", "benchmarks.memory", name, wanted, *map(str, size)]
            root = Path(__file__).parents[1]
            output = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
            held, peak, resident = json.loads(output)
            goal = [f"≤ {GOAL:g} S", verdict(peak / saved, GOAL)] if name == OURS else ["", ""]
            cells = [megabytes(held), megabytes(peak), "" if np.isnan(peak) else f"{peak / saved:.3f}"]
            table.rows.append([f"{name}, gradients of the {wanted}", *cells, megabytes(resident), *goal])
        table.notes.append(
            f"Gradients of the {wanted}: S, what the rules must save, is {saved / 1e6:.2f} MB, and the gradients "
            f"themselves are {gradients / 1e6:.2f} MB."
        )
    return [table]


def megabytes(count: float) -> str:
    """A cell of the table, empty for what is not known."""
    return "" if np.isnan(count) else f"{count / 1e6:.2f}"


if __name__ == "__main__":  # what run() starts
    parser = argparse.ArgumentParser(description="Print the bytes of one library's passes as JSON.")
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("wanted", choices=["parameters", "batch"])
    parser.add_argument("size", nargs=3, type=int)
    options = parser.parse_args()
    of_parameters = options.wanted == "parameters"
    layers, width, batch = options.size
    weigh(options.library, Network.random(1, width, batch, of_parameters))  # imports, and BLAS's own memory
    print(json.dumps(weigh(options.library, Network.random(layers, width, batch, of_parameters))))
