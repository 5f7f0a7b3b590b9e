"""One training step of the article's 2-3-3 network: by hand in NumPy, twice, and by tinygrad_np.

The work is the same for all: from a batch of 4, the mean cross-entropy, the gradients of both layers,
and the momentum update v ← M·v − η·g; p ← p + v, in float64.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks.backpropagation import ETA, M, momentum_step

Array = NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """A batch, and where the weights start: W1 (2, 3), b1 (3,), W2 (3, 3), b2 (3,)."""

    x: Array
    labels: Array
    weights: tuple[Array, Array, Array, Array]

    @classmethod
    def article(cls, seed: int = 0) -> "Problem":
        """Weights uniform on [0, 1), as the article draws them."""
        rng = np.random.default_rng(seed)
        weights = (rng.random((2, 3)), rng.random(3), rng.random((3, 3)), rng.random(3))
        return cls(rng.normal(size=(4, 2)), np.array([0, 2, 1, 1]), weights)


@dataclass(frozen=True)
class Contestant:
    """``step`` trains once and returns the loss, in the library's own type; ``parameters`` shows W1, b1, W2, b2."""

    step: Callable[[], Any]
    parameters: Callable[[], Sequence[Array]]


def hand_derived(problem: Problem) -> Contestant:
    """Backpropagation derived by hand, in plain vectorised NumPy: what the goal is measured against."""
    parameters = [p.copy() for p in problem.weights]
    return Contestant(partial(momentum_step(parameters), problem.x, np.eye(3)[problem.labels]), lambda: parameters)


def hand_tuned(problem: Problem) -> Contestant:
    """The same by someone who knows which NumPy calls are quick on small arrays, and works in place."""
    x, t, n = problem.x, np.eye(3)[problem.labels], len(problem.x)
    w1, b1, w2, b2 = parameters = [p.copy() for p in problem.weights]
    velocities = [np.zeros_like(p) for p in parameters]
    w2_transposed, x_transposed = w2.T, x.T
    tanh, exp, log, vdot = np.tanh, np.exp, np.log, np.vdot
    add: Any = np.add.reduce
    greatest: Any = np.maximum.reduce

    def step() -> Any:
        z = x.dot(w1)
        z += b1
        tanh(z, z)
        p = z.dot(w2)
        p += b2
        p -= greatest(p, 1, None, None, True)
        exp(p, p)
        p /= add(p, 1, None, None, True)
        loss = -vdot(t, log(p)) / n
        p -= t
        p /= n
        delta1 = p.dot(w2_transposed)
        delta1 -= delta1 * z * z
        gradients = x_transposed.dot(delta1), add(delta1, 0), z.T.dot(p), add(p, 0)
        for parameter, v, g in zip(parameters, velocities, gradients):
            v *= M
            g *= ETA
            v -= g
            parameter += v
        return loss

    return Contestant(step, lambda: parameters)


def ours(problem: Problem) -> Contestant:
    """The step as a user of tinygrad_np writes it."""
    x, labels = problem.x, problem.labels
    model = tg.Sequential(tg.nn.Linear(2, 3), tg.nn.Tanh(), tg.nn.Linear(3, 3))
    for parameter, weight in zip(model.parameters(), problem.weights, strict=True):
        parameter.data = weight.copy()
    optimizer = tg.MomentumSGD(model.parameters(), lr=ETA, momentum=M)

    def step() -> Any:
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return Contestant(step, lambda: [p.data for p in model.parameters()])


def assert_agreement(contestants: dict[str, Contestant], steps: int = 20, tolerance: float = 1e-9) -> None:
    """Train all for ``steps`` steps; ValueError if one has other losses or parameters than the first."""
    (reference, first), *others = contestants.items()
    losses = [first.step().item() for _ in range(steps)]
    for name, other in others:
        for i, loss in enumerate(losses):
            other_loss = other.step().item()
            if not abs(loss - other_loss) <= tolerance:
                raise ValueError(f"{name} has loss {other_loss} in step {i}, {reference} has {loss}")
        for expected, got in zip(first.parameters(), other.parameters(), strict=True):
            if not np.max(np.abs(expected - got)) <= tolerance:
                raise ValueError(f"after {steps} steps {name} has parameters\n{got}\nwhere {reference} has\n{expected}")
