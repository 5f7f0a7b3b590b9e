"""The article's networks, its optimizer and its training loop, on autodiff.

A network ends in logits, the softmax's argument: the softmax itself sits in the loss,
``tg.softmax_cross_entropy``, where it cannot underflow.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from models import reference

Array = NDArray[np.float64]
Seed = np.random.Generator | int | None

LEARNING_RATE = 0.5  # η
MOMENTUM = 0.1  # M
BATCH_SIZE = 4


def classifier(sizes: Sequence[int], rng: Seed = None) -> tg.Sequential:
    """A network of ``sizes`` units a layer, from features to classes: x (n, sizes[0]) to logits (n, sizes[-1]).

    z₀ = x,  zᵢ₊₁ = tanh(zᵢ Wᵢ + bᵢ),  and the logits are z W + b of the last layer. Weights and biases
    are float64, drawn uniformly on [0, 1) from ``rng``: a generator, or a seed. Raises ValueError for
    fewer than two layers of units and for sizes that are not positive.

    >>> classifier((2, 3, 3), rng=0)
    Sequential(
      (0): Linear(2, 3)  # 9 parameters
      (1): Tanh()
      (2): Linear(3, 3)  # 12 parameters
    )  # 21 parameters
    """
    if len(sizes) < 2:
        raise ValueError(f"a network needs at least the numbers of features and of classes, got sizes {tuple(sizes)}")
    rng = tg.initializers.as_generator(rng)
    uniform = tg.initializers.uniform()
    layers: list[tg.nn.Module] = []
    for units, following in pairwise(sizes):
        layers += [tg.nn.Linear(units, following, rng=rng, weight_init=uniform, bias_init=uniform), tg.nn.Tanh()]
    return tg.Sequential(*layers[:-1])


def three_classes(rng: Seed = None) -> tg.Sequential:
    """The article's first network, 2-3-3: two coordinates, three hidden units, three classes."""
    return classifier((2, 3, 3), rng)


def moons(rng: Seed = None, hidden: int = 3) -> tg.Sequential:
    """The article's network for two moons, 2-3-2; with ``hidden=20`` the one that "may be overfitting"."""
    return classifier((2, hidden, 2), rng)


def xor(rng: Seed = None, hidden: int = 3) -> tg.Sequential:
    """A network of the same class for XOR, 2-``hidden``-2."""
    return classifier((2, hidden, 2), rng)


def weights_and_biases(model: tg.nn.Module) -> tuple[list[tg.Tensor], list[tg.Tensor]]:
    """The parameters of ``model``, those called weight and those called bias, each from the first layer to the last."""
    named = list(model.named_parameters())
    weights = [parameter for name, parameter in named if name.endswith("weight")]
    return weights, [parameter for name, parameter in named if name.endswith("bias")]


def first_velocities(model: tg.nn.Module, rng: Seed = None) -> list[Array]:
    """The article's first dW, one a weight: uniform on [0, 1), so that the first step is partly random."""
    rng = tg.initializers.as_generator(rng)
    return [rng.uniform(size=weight.shape) for weight in weights_and_biases(model)[0]]


def momentum_sgd(
    model: tg.nn.Module,
    velocities: Sequence[Array] | None = None,
    lr: float = LEARNING_RATE,
    momentum: float = MOMENTUM,
) -> tg.MomentumSGD:
    """The article's optimizer: v ← M·v − η·g, W ← W + v for weights; b ← b − η·g for biases, without momentum.

    ``velocities`` are the weights' first v (zeros if left out), as ``first_velocities`` draws them.
    """
    weights, biases = weights_and_biases(model)
    groups: list[dict[str, Any]] = [
        {"params": weights, "momentum": momentum, "velocity": velocities},
        {"params": biases, "momentum": 0.0},
    ]
    return tg.MomentumSGD(groups, lr=lr)


def hand_derived(
    model: tg.nn.Module,
    velocities: Sequence[Array] | None = None,
    network: type[reference.Network] = reference.Network,
) -> reference.Network:
    """The ``network`` of plain NumPy with copies of ``model``'s weights and biases, and of ``velocities``."""
    weights, biases = weights_and_biases(model)
    return network([w.data for w in weights], [b.data for b in biases], velocities)


def train_epoch(
    model: tg.nn.Module, optimizer: tg.optim.Optimizer, x: Array, labels: NDArray[Any], batch_size: int = BATCH_SIZE
) -> float:
    """A step of ``optimizer`` on each minibatch, in stored order. Returns the epoch's error.

    x is (n, features), ``labels`` (n,) integers or (n, classes) probabilities. The error is the mean
    over the rows of their loss before the step on them. Raises ValueError if there are no rows.
    """
    if not len(x):
        raise ValueError("no rows to train on; x must have at least one")
    total = 0.0
    for start in range(0, len(x), batch_size):
        inputs, targets = x[start : start + batch_size], labels[start : start + batch_size]
        loss = tg.softmax_cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += len(inputs) * loss.item()
    return total / len(x)


@tg.no_grad()
def predict(model: tg.nn.Module, x: Array) -> NDArray[np.intp]:
    """The class of each row of x (n, features): the index of its largest logit."""
    return model(x).data.argmax(axis=1)  # type: ignore[no-any-return]  # operations give Any


def accuracy(model: tg.nn.Module, x: Array, labels: NDArray[Any]) -> float:
    """Share of the rows x that get their label (n,)."""
    return float(np.mean(predict(model, x) == labels))
