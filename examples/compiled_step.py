"""A training step of the article's network, compiled: the step, its program, the NumPy source of that, and its time."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np

import tinygrad_np as tg

STEPS, ROUNDS = 500, 7


def main() -> int:
    """Print the program and its source, check that all ways of training agree, and time them."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(4 * STEPS, 2)), rng.integers(0, 3, 4 * STEPS)
    ways = {"eager": training()[0]}
    for name, native in ("NumPy source", False), ("native code", None):
        step, *state = training()
        ways[name] = tg.compiled(step, state=state, native=native)
    losses = {name: [step(x[i : i + 4], t[i : i + 4]).item() for i in range(0, 400, 4)] for name, step in ways.items()}
    compiled: Any = ways["native code"]
    print("The step:\n", inspect.getsource(training), "Its program, one call a line:\n", compiled.program, sep="\n")
    print("The same as NumPy source:\n", compiled.program.numpy_source(), sep="\n")
    print(compiled.explain())
    same = losses["eager"] == losses["NumPy source"]
    close = np.allclose(losses["eager"], losses["native code"], rtol=1e-12, atol=0)
    print(f"Losses of 100 steps, eager and as NumPy source: {'equal to the last bit' if same else 'DIFFERENT'}.")
    print(f"Losses of 100 steps, eager and as native code: {'equal to 1e-12' if close else 'DIFFERENT'}.")
    for name, function in ways.items():
        show(name, lambda f=function: [f(x[:4], t[:4]) for _ in range(STEPS)])
    show("native code, scanned over an epoch", lambda: compiled.scan(x, t, batch_size=4))
    return 0 if same and close else 1


def show(name: str, run: Callable[[], Any]) -> None:
    """Print the time of a step where ``run`` makes STEPS of them."""
    print(f"{name}: {min(repeat(run, number=1, repeat=ROUNDS)) / STEPS * 1e6:.2f} µs a step")


def training() -> tuple[Callable[..., tg.Tensor], tg.Sequential, tg.MomentumSGD]:
    """One step of training the 2-3-3 network, the network and its optimizer."""
    model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 3, rng=1))
    optimizer = tg.MomentumSGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x: np.ndarray, t: np.ndarray) -> tg.Tensor:
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step, model, optimizer


if __name__ == "__main__":
    sys.exit(main())
