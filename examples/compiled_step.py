"""A training step of the article's network, compiled: its program, NumPy source of that, and the time that it takes."""

from __future__ import annotations

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
    for name, native in ("as NumPy source", False), ("as native code", None):
        step, *state = training()
        ways[f"compiled, {name}"] = tg.compiled(step, state=state, native=native)
    losses = [[step(x[i : i + 4], t[i : i + 4]).item() for i in range(0, 400, 4)] for step in ways.values()]
    eager, source, native = losses
    compiled: Any = ways["compiled, as native code"]
    print("The program, one call a line:\n", compiled.program, "As NumPy source:\n", sep="\n")
    print(compiled.program.numpy_source())
    print(compiled.explain())
    same, close = eager == source, np.allclose(eager, native, rtol=1e-12, atol=0)
    print(f"Losses of 100 steps, eager and as NumPy source: {'equal to the last bit' if same else 'DIFFERENT'}.")
    print(f"Losses of 100 steps, eager and as native code: {'equal to 1e-12' if close else 'DIFFERENT'}.")
    for name, function in ways.items():
        show(name, lambda f=function: [f(x[:4], t[:4]) for _ in range(STEPS)])
    show("the same, scanned over an epoch", lambda: compiled.scan(x, t, batch_size=4))
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
