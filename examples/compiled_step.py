"""A training step of the article's network, compiled: its program, NumPy source of that, and the time that it takes."""

from __future__ import annotations

import sys
from timeit import repeat

import numpy as np

import tinygrad_np as tg

STEPS, ROUNDS = 500, 7


def main() -> int:
    """Print the program and its source, check that both ways of training agree, and time them."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(4, 2)), rng.integers(0, 3, 4)
    eager = training()[0]
    step, model, optimizer = training()
    compiled = tg.compiled(step, state=(model, optimizer))
    pairs = [(eager(x, t).item(), compiled(x, t).item()) for _ in range(100)]
    print("The program, one call a line:\n", compiled.program, "As NumPy source:\n", sep="\n")
    print(compiled.program.numpy_source())
    same = all(a == b for a, b in pairs)
    print(f"Losses of 100 steps, eager and compiled: {'equal to the last bit' if same else 'DIFFERENT'}.")
    for name, function in ("eager", eager), ("compiled, as NumPy source", compiled):
        seconds = min(repeat(lambda f=function: f(x, t), number=STEPS, repeat=ROUNDS)) / STEPS
        print(f"{name}: {seconds * 1e6:.1f} µs a step")
    return 0 if same else 1


def training() -> tuple[object, tg.Sequential, tg.MomentumSGD]:
    """The 2-3-3 network, its optimizer, and one step of training it."""
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
