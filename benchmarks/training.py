"""How long an epoch takes: by Trainer.fit, by a bare loop, by hand in NumPy, and in other libraries.

The work is the same for all: minibatches in a new order, the mean cross-entropy, its gradients, and momentum's update
v ← M·v − η·g; p ← p + v. NumPy, the bare loop and the Trainer start from the same weights and see the same minibatches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary

Array = NDArray[Any]
ETA, M = 0.01, 0.9
BY_HAND, BARE, OURS = "NumPy, by hand", "tinygrad_np, bare loop", "tinygrad_np, Trainer.fit"
SCIKIT_LEARN, PYTORCH = "scikit-learn, MLPClassifier", "PyTorch, eager"


@dataclass(frozen=True)
class Problem:
    """Inputs (n, features), labels (n,), the sizes of the layers, and how many rows a minibatch has."""

    X: Array
    y: NDArray[np.intp]
    sizes: tuple[int, ...]
    batch_size: int

    @classmethod
    def random(cls, sizes: tuple[int, ...], batch_size: int, rows: int, dtype: Any) -> Self:
        """Normal inputs, and labels that have nothing to do with them."""
        rng = np.random.default_rng(0)
        return cls(
            rng.normal(size=(rows, sizes[0])).astype(dtype), rng.integers(sizes[-1], size=rows), sizes, batch_size
        )

    @classmethod
    def digits(cls) -> Self:
        """The 1,797 handwritten digits that come with scikit-learn, in [0, 1]; random ones of that size without it."""
        if find_spec("sklearn") is None:
            return cls.random((64, 128, 10), 32, 1797, np.float32)
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return cls((X / 16).astype(np.float32), y, (64, 128, 10), 32)

    def weights(self) -> list[Array]:
        """Where all start from: W₁, b₁, W₂, b₂ ..."""
        rng = np.random.default_rng(1)
        scaled = [rng.normal(size=pair) * np.sqrt(2 / pair[0]) for pair in pairwise(self.sizes)]
        return [array.astype(self.X.dtype) for w in scaled for array in (w, np.zeros(w.shape[1]))]

    def model(self) -> tg.Sequential:
        """The same network, of layers."""
        layers = [
            layer for pair in pairwise(self.sizes) for layer in (tg.nn.Linear(*pair, dtype=self.X.dtype.name), tg.relu)
        ]
        model = tg.Sequential(*layers[:-1])
        for parameter, weight in zip(model.parameters(), self.weights(), strict=True):
            parameter.data = weight
        return model


@dataclass(frozen=True)
class Contestant:
    """``epochs`` trains for so many; ``parameters`` shows W₁, b₁, W₂, b₂ ..."""

    epochs: Callable[[int], object]
    parameters: Callable[[], Sequence[Array]]


def step_by_hand(parameters: Sequence[Array], lr: float = ETA) -> Callable[[Array, NDArray[np.intp]], Any]:
    """Backpropagation in vectorised NumPy, in place where that is quicker; changes ``parameters``: W₁, b₁, W₂ ..."""
    weights, biases = parameters[::2], parameters[1::2]
    velocities = [np.zeros_like(p) for p in parameters]

    def step(x: Array, labels: NDArray[np.intp]) -> Any:
        hidden = [x]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            h = hidden[-1] @ w
            h += b
            hidden.append(np.maximum(h, 0, out=h))
        p = hidden[-1] @ weights[-1]
        p += biases[-1]
        p -= p.max(1, keepdims=True)
        rows = np.arange(len(x))
        picked = p[rows, labels]
        np.exp(p, out=p)
        total = p.sum(1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - picked)
        p /= total
        p[rows, labels] -= 1
        p /= len(x)
        gradients: list[Array] = []
        for w, h in zip(reversed(weights), reversed(hidden), strict=True):
            gradients += [p.sum(0), h.T @ p]
            if h is not x:
                p = p @ w.T
                p *= h > 0
        for parameter, v, g in zip(parameters, velocities, reversed(gradients), strict=True):
            v *= M
            g *= lr
            v -= g
            parameter += v
        return loss

    return step


def by_hand(problem: Problem) -> Contestant:
    """NumPy alone."""
    X, y, rng = problem.X, problem.y, np.random.default_rng(0)
    parameters = problem.weights()
    step = step_by_hand(parameters)

    def epochs(count: int) -> None:
        for _ in range(count):
            order = rng.permutation(len(X))
            total = 0.0
            for start in range(0, len(X), problem.batch_size):
                rows = order[start : start + problem.batch_size]
                total += step(X[rows], y[rows]).item() * len(rows)

    return Contestant(epochs, lambda: parameters)


def momentum(model: tg.Sequential) -> tg.optim.Optimizer:
    """The optimizer of all."""
    return tg.MomentumSGD(model, lr=ETA, momentum=M)


def bare(problem: Problem) -> Contestant:
    """The loop as a user of tinygrad_np writes it."""
    model = problem.model()
    optimizer = momentum(model)
    batches = tg.data.minibatches((problem.X, problem.y), problem.batch_size, rng=0)

    def epochs(count: int) -> None:
        for _ in range(count):
            for x, labels in batches:
                optimizer.zero_grad()
                loss = tg.losses.softmax_cross_entropy(model(x), labels)
                loss.backward()
                optimizer.step()

    return Contestant(epochs, lambda: [p.data for p in model.parameters()])


def ours(problem: Problem) -> Contestant:
    """Trainer.fit, with all that it looks after."""
    model = problem.model()
    trainer = tg.Trainer(model, "softmax_cross_entropy", momentum, seed=0)
    fit = partial(trainer.fit, problem.X, problem.y, batch_size=problem.batch_size, progress=False)
    return Contestant(lambda count: fit(epochs=count), lambda: [p.data for p in model.parameters()])


def scikit_learn(problem: Problem) -> Contestant:
    """MLPClassifier, whose partial_fit is one epoch; its weights are its own."""
    from sklearn.neural_network import MLPClassifier

    options = {"solver": "sgd", "momentum": M, "nesterovs_momentum": False, "learning_rate_init": ETA, "alpha": 0.0}
    classifier = MLPClassifier(problem.sizes[1:-1], batch_size=problem.batch_size, random_state=0, **options)
    classes = np.unique(problem.y)

    def epochs(count: int) -> None:
        for _ in range(count):
            classifier.partial_fit(problem.X, problem.y, classes=classes)

    return Contestant(epochs, lambda: classifier.coefs_)


def pytorch(problem: Problem) -> Contestant:
    """PyTorch eager, minibatches by indexing with a permutation."""
    import torch

    torch.set_num_threads(1)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
    layers = [layer for pair in pairwise(problem.sizes) for layer in (torch.nn.Linear(*pair), torch.nn.ReLU())]
    model = torch.nn.Sequential(*layers[:-1]).to(X.dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=ETA, momentum=M)

    def epochs(count: int) -> None:
        for _ in range(count):
            order = torch.randperm(len(X))
            for start in range(0, len(X), problem.batch_size):
                rows = order[start : start + problem.batch_size]
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()

    return Contestant(epochs, lambda: [p.detach().numpy() for p in model.parameters()])


PEERS = {SCIKIT_LEARN: ("sklearn", scikit_learn), PYTORCH: ("torch", pytorch)}


def assert_agreement(contestants: dict[str, Contestant], tolerance: float) -> None:
    """ValueError where one of those that see the same minibatches ends elsewhere than the first."""
    (reference, first), *others = contestants.items()
    for contestant in contestants.values():
        contestant.epochs(2)
    for name, other in others:
        for expected, found in zip(first.parameters(), other.parameters(), strict=True):
            if not np.max(np.abs(expected - found)) <= tolerance:
                raise ValueError(f"after 2 epochs {name} has parameters\n{found}\nwhere {reference} has\n{expected}")


def table(title: str, problem: Problem, baseline: str, goal: float, rounds: int, epochs: int, peers: bool) -> Table:
    """The contestants of one problem side by side."""
    builds = {BY_HAND: by_hand, BARE: bare, OURS: ours}
    builds |= {name: build for name, (module, build) in PEERS.items() if peers and find_spec(module)}
    few = replace(problem, X=problem.X[:512], y=problem.y[:512])  # in more steps, float32 drifts apart
    alike = {name: builds[name](few) for name in (BY_HAND, BARE, OURS)}
    assert_agreement(alike, tolerance=1e4 * float(np.finfo(problem.X.dtype).eps))
    calls = {name: partial(build(problem).epochs, epochs) for name, build in builds.items()}
    seconds = interleaved(calls, rounds, 1)
    steps = epochs * -(-len(problem.X) // problem.batch_size)
    result = Table(title, ["", "µs a step", f"times {baseline}", "half of the rounds", "goal", "verdict"])
    for name, measured in seconds.items():
        times = ratio(measured, seconds[baseline])
        aim = [f"≤ {goal}", verdict(times.median, goal)] if name == OURS else ["", ""]
        micro = f"{summary(measured).median / steps * 1e6:.1f}"
        result.rows.append([name, micro, f"{times.median:.2f}", spread(times), *aim])
    result.notes.append(f"Medians of {rounds} interleaved rounds of {epochs} epochs, {steps // epochs} steps each.")
    for name in seconds.keys() & PEERS:
        times = ratio(seconds[OURS], seconds[name])
        result.notes.append(f"Beside {name}: {times.median:.2f} times as long; goal < 1, {verdict(times.median, 1)}.")
    return result


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that the contestants train alike, then time them."""
    small = Problem.random((2, 3, 3), 4, 400 if quick else 4000, np.float64)
    large = Problem.random((784, 512, 256, 10), 128, 256 if quick else 25600, np.float32)
    digits = Problem.digits()
    title = "Trainer.fit, {}, batches of {}"
    tables = [
        table(title.format("2-3-3 network, float64", 4), small, BARE, 1.05, 1 if quick else 60, 2, False),
        table(title.format("digits, 64-128-10, float32", 32), digits, BY_HAND, 1.15, 1 if quick else 20, 10, peers),
        table(title.format("784-512-256-10, float32", 128), large, BY_HAND, 1.05, 1 if quick else 8, 1, peers),
    ]
    absent = [f"{name}: pip install {module}" for name, (module, _) in PEERS.items() if peers and not find_spec(module)]
    tables[-1].notes += [f"Not installed: {line}" for line in absent]
    tables[-1].notes.append("NumPy, the bare loop and the Trainer had the same parameters after 2 epochs of 512 rows.")
    return tables
