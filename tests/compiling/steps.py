"""Training steps for the tests of this package: a model, an optimizer and a step, the same from the same seed."""

import re
from functools import partial

import numpy as np

import tinygrad_np as tg

by_numpy = partial(tg.compiled, native=False)  # the way that is exact to the last bit


def runs(step):
    """How often each program of a compiled step ran, as explain() tells."""
    return [int(n) for n in re.findall(r": a program of .*, run (\d+) times$", step.explain(), re.MULTILINE)]


class Training:
    """The 2-3-3 network, or other layers, with an optimizer and its ordinary step."""

    def __init__(self, optimizer=tg.MomentumSGD, dtype=np.float64, layers=None, **options):
        layers = layers or [np.tanh]
        first, last = tg.nn.Linear(2, 3, dtype=dtype, rng=0), tg.nn.Linear(3, 3, dtype=dtype, rng=1)
        self.model = tg.Sequential(first, *layers, last)
        self.optimizer = optimizer(self.model.parameters(), **options)

    @property
    def state(self):
        return self.model, self.optimizer

    def step(self, x, t):
        self.optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(self.model(x), t)
        loss.backward()
        self.optimizer.step()
        return loss

    def bits(self):
        """Parameters, gradients, buffers and the optimizer's state, to be compared."""
        parameters = [(p.data.tobytes(), None if p.grad is None else p.grad.tobytes()) for p in self.model.parameters()]
        return parameters, repr(self.model.state_dict()), repr(self.optimizer.state_dict())


def batches(n, rows=4, dtype=np.float64, seed=0):
    """Minibatches of points and labels."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(rows, 2)).astype(dtype), rng.integers(0, 3, rows)) for _ in range(n)]


def assert_equal_training(eager, replayed, data):
    """The same losses and the same state, to the last bit, in each of the steps on ``data``."""
    step = by_numpy(replayed.step, state=replayed.state)
    for x, t in data:
        expected, loss = eager.step(x, t), step(x, t)
        assert loss.data.dtype == expected.data.dtype
        assert loss.data.tobytes() == expected.data.tobytes()
        assert replayed.bits() == eager.bits()
    return step
