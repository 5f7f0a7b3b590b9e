"""Kill a program at a random moment of saving, with no chance to tidy up, and see what is left: python -m tests.killed

Each time a child process saves a new state over an old one and is killed (SIGKILL) somewhere between before it
begins and after it has ended. Whatever the moment, the path must hold all of the old state or all of the new one.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: a process with threads should not fork

import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import tinygrad_np as tg

SIZE = 1_000_000  # elements of 8 bytes: long enough in writing to be caught at it


def state_of(step: int) -> dict[str, object]:
    """A state that is its own only as a whole: every element says which one it is."""
    return {"weight": np.full(SIZE, float(step)), "step": step}


def save_and_be_killed(path: Path, step: int, delay: float) -> None:
    """Save the state of ``step`` in a child process, which is killed ``delay`` seconds after it begins."""
    ready, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            state = state_of(step)
            os.write(begin, b"!")
            tg.save(path, state)
            signal.pause()
        finally:  # a child that fails must not go on as its parent does
            os._exit(1)
    os.close(begin)
    os.read(ready, 1)
    os.close(ready)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def moment(path: Path, step: int) -> str:
    """When the save of ``step`` was killed, by what is left; AssertionError if that is neither state as a whole."""
    state = tg.load(path)
    assert state["step"] in (step - 1, step), f"step {state['step']} came back while {step} was saved"
    assert (state["weight"] == state["step"]).all()
    left = [p.stat().st_size for p in path.parent.iterdir() if p != path]
    if state["step"] == step:
        return "after it was renamed: the new state"
    if not left:
        return "before it began to write: the old state"
    return "while it wrote: the old state" if left[0] < path.stat().st_size else "before it was renamed: the old state"


def seconds_to_save(path: Path) -> float:
    """How long a save takes that nobody interrupts."""
    start = time.perf_counter()
    tg.save(path, state_of(0))
    return time.perf_counter() - start


def kill(times: int, seed: int) -> Counter[str]:
    """How many of so many kills fell on which moment, each with one of the two states left."""
    rng = np.random.default_rng(seed)
    moments: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.safetensors")
        longest = 1.2 * min(seconds_to_save(path) for _ in range(5))  # the first loads what is needed
        for step in range(1, times + 1):
            save_and_be_killed(path, step, rng.uniform(0, longest))
            moments[moment(path, step)] += 1
            for left in set(path.parent.iterdir()) - {path}:
                left.unlink()
            tg.save(path, state_of(step))
    return moments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200, help="how often (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default 0)")
    arguments = parser.parse_args()
    moments = kill(arguments.times, arguments.seed)
    print(f"{'killed':50s} times")
    for name, count in moments.most_common():
        print(f"{name:50s} {count:5d}")
    print(f"{'a loadable file was left':50s} {moments.total():5d} of {arguments.times}")


if __name__ == "__main__":
    main()
