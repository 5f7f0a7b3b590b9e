"""What trains for whole epochs: NumPy by hand, and tinygrad_np eager, compiled, and compiled by scan.

The work is the same for all: minibatches in the order in which they are, labels that are integers, the mean
cross-entropy, its gradients, and the update of all parameters. Minibatches are cut before anything is timed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks import backpropagation, optimizers, training
from benchmarks.training import Array, Contestant

Step = Callable[[Any, Any], Any]  # of a minibatch and its labels; trains, and gives the loss
ACTIVATIONS = {"tanh": tg.nn.Tanh, "relu": tg.nn.ReLU}


@dataclass(frozen=True)
class Task(training.Problem):
    """A problem with the network's activation, and the optimizer: momentum, or Adam."""

    activation: str = "tanh"
    optimizer: str = "momentum"
    lr: float = backpropagation.ETA
    momentum: float = backpropagation.M

    @classmethod
    def article(cls, rows: int = 300, optimizer: str = "momentum") -> Self:
        """Three clusters in the plane, as many rows as the article's, and its 2-3-3 network."""
        rng = np.random.default_rng(0)
        labels = rng.integers(3, size=rows)
        X = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])[labels] + rng.normal(size=(rows, 2))
        return cls(X, labels, (2, 3, 3), 4, optimizer=optimizer, lr=_rate(optimizer))

    @classmethod
    def xor(cls, optimizer: str = "momentum") -> Self:
        """The four points of XOR, all of them a minibatch, and a 2-3-2 network."""
        X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        return cls(X, np.array([0, 1, 1, 0]), (2, 3, 2), 4, optimizer=optimizer, lr=_rate(optimizer))

    @classmethod
    def moons(cls, rows: int = 300, optimizer: str = "momentum") -> Self:
        """Two half circles that reach into each other, and the article's larger network for them, 2-20-2."""
        rng = np.random.default_rng(0)
        labels, angle = rng.integers(2, size=rows), rng.uniform(0, np.pi, rows)
        half = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        X = np.where(labels[:, None] == 0, half, [1.0, 0.5] - half) + rng.normal(scale=0.1, size=(rows, 2))
        return cls(X, labels, (2, 20, 2), 4, optimizer=optimizer, lr=_rate(optimizer))

    @classmethod
    def relu(cls, problem: training.Problem, lr: float = training.ETA) -> Self:
        """One of the larger problems; rows that would make a smaller last minibatch are left out."""
        rows = len(problem.X) // problem.batch_size * problem.batch_size
        X, y = problem.X[:rows], problem.y[:rows]
        return cls(X, y, problem.sizes, problem.batch_size, "relu", lr=lr, momentum=training.M)

    @property
    def steps(self) -> int:
        """Minibatches of an epoch."""
        return len(self.X) // self.batch_size

    def first(self, steps: int) -> Self:
        """The same with the rows of a few minibatches; where there are less, they come again."""
        rows = np.arange(steps * self.batch_size) % len(self.X)
        return replace(self, X=self.X[rows], y=self.y[rows])

    def minibatches(self, X: Any, y: Any) -> list[tuple[Any, Any]]:
        """Pairs of rows and labels, whatever holds them."""
        cuts = [slice(i * self.batch_size, (i + 1) * self.batch_size) for i in range(self.steps)]
        return [(X[cut], y[cut]) for cut in cuts]

    def model(self) -> tg.Sequential:
        """The network, of layers."""
        layers: list[tg.nn.Module] = []
        for units, following in zip(self.sizes, self.sizes[1:]):
            layers += [tg.nn.Linear(units, following, dtype=self.X.dtype.name), ACTIVATIONS[self.activation]()]
        model = tg.Sequential(*layers[:-1])
        for parameter, weight in zip(model.parameters(), self.weights(), strict=True):
            parameter.data = weight
        return model


def _rate(optimizer: str) -> float:
    return optimizers.LR if optimizer == "adam" else backpropagation.ETA


def stepping(
    step: Step, minibatches: Sequence[tuple[Any, Any]], parameters: Callable[[], Sequence[Array]]
) -> Contestant:
    """Training by a loop over minibatches."""

    def epochs(count: int) -> Any:
        for _ in range(count):
            for x, t in minibatches:
                loss = step(x, t)
        return loss

    return Contestant(epochs, parameters)


def by_hand(task: Task) -> Contestant:
    """NumPy: as a careful author writes it for two layers, where that is the network; else in place, for any number."""
    parameters = task.weights()
    if task.activation == "relu":
        step = training.step_by_hand(parameters, task.lr)
        return stepping(step, task.minibatches(task.X, task.y), lambda: parameters)
    step = adam_step(parameters) if task.optimizer == "adam" else backpropagation.momentum_step(parameters)
    one_hot = np.eye(task.sizes[-1])[task.y]
    return stepping(step, task.minibatches(task.X, one_hot), lambda: parameters)


def adam_step(parameters: list[Array]) -> Step:
    """Backpropagation by hand, and Adam's update in place over one flat array, of which ``parameters`` become views."""
    flat = np.concatenate([p.ravel() for p in parameters])
    ends = np.cumsum([p.size for p in parameters])
    parameters[:] = [flat[end - p.size : end].reshape(p.shape) for p, end in zip(parameters, ends)]
    loss_and_gradients = backpropagation.backpropagation(parameters)
    update = optimizers.adam(flat.size, flat.dtype)

    def step(x: Array, t: Array) -> Any:
        loss, gradients = loss_and_gradients(x, t)
        update(flat, np.concatenate([g.ravel() for g in gradients]))
        return loss

    return step


def training_step(task: Task) -> tuple[Step, tg.Sequential, tg.optim.Optimizer]:
    """The step as a user of tinygrad_np writes it, with its state."""
    model = task.model()
    optimizer: tg.optim.Optimizer
    if task.optimizer == "adam":
        optimizer = tg.optim.Adam(model.parameters(), lr=task.lr)
    else:
        optimizer = tg.MomentumSGD(model.parameters(), lr=task.lr, momentum=task.momentum)

    def step(x: Array, t: NDArray[np.intp]) -> tg.Tensor:
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step, model, optimizer


def eager(task: Task) -> Contestant:
    """The step as it is."""
    step, model, _ = training_step(task)
    return stepping(step, task.minibatches(task.X, task.y), lambda: [p.data for p in model.parameters()])


def compiled(task: Task) -> Contestant:
    """The compiled step, called minibatch by minibatch."""
    step, model, optimizer = training_step(task)
    fast = tg.compiled(step, state=(model, optimizer))
    return stepping(fast, task.minibatches(task.X, task.y), lambda: [p.data for p in model.parameters()])


def scan(task: Task) -> Contestant:
    """The compiled step, which goes through the epochs itself."""
    step, model, optimizer = training_step(task)
    fast = tg.compiled(step, state=(model, optimizer))

    def epochs(count: int) -> NDArray[Any]:
        return fast.scan(task.X, task.y, batch_size=task.batch_size, epochs=count)

    return Contestant(epochs, lambda: [p.data for p in model.parameters()])
