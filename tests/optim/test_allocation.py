"""What a step allocates once training runs: for SGD, momentum and Adam nothing that grows with the parameters."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import OPTIMIZERS, by_name

SIZE = 50_000  # bytes by the hundred thousand, beside which the interpreter's own hundreds are nothing


def peak(optimizer, steps=3):
    """The most bytes that were allocated at a time during some steps, above those before."""
    optimizer.step()
    optimizer.step()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(steps):
            optimizer.step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("decay", [{}, {"l2": 0.1}, {"weight_decay": 0.1}], ids=["plain", "l2", "weight_decay"])
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_a_step_allocates_no_array(name, decay):
    params = [tg.Tensor(np.ones(SIZE), requires_grad=True, dtype=dtype) for dtype in (np.float32, np.float64)]
    for p in params:
        p.grad = np.ones(SIZE, p.dtype)
    assert peak(by_name(name)(params, lr=lambda step: 0.1 / (step + 1), **decay)) < SIZE / 5
