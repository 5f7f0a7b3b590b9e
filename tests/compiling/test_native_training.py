"""Training by native code beside training by NumPy source, which is eager training to the last bit: 1,000 steps each.

They agree to 1e-12 in float64 and to 1e-5 in float32. The problem settles, or else rounding errors would grow without
bounds in the end, whoever makes them.
"""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, by_numpy
from tests.compiling.test_training import HOOKS, OPTIMIZERS
from tinygrad_np import losses, optim

CENTRES = 3 * np.array([[1, 0], [0, 1], [-1, -1]])


def blobs(rows=40, dtype=np.float64):
    """Points around three centres, and which one each belongs to."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, rows)
    return (rng.normal(size=(rows, 2)) + CENTRES[labels]).astype(dtype), labels


def everything(training):
    """All numbers that training leaves behind, in one array; and the rest."""
    arrays = [x for p in training.model.parameters() for x in (p.data, p.grad) if x is not None]
    states = [training.model.state_dict(), training.optimizer.state_dict()]
    for _, leaf in (pair for state in states for pair in tg.trees.leaves_of(state)):
        if isinstance(leaf, (np.ndarray, float)):
            arrays.append(np.asarray(leaf))
    return [np.asarray(a, np.float64).ravel() for a in arrays], training.optimizer.steps


def assert_alike(training, twin, tolerance):
    """The same state but for rounding errors, relative to 1 or to the largest number of each array."""
    (ours, steps), (expected, twins) = everything(training), everything(twin)
    assert steps == twins
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max(initial=1))


def train(training, twin, dtype=np.float64, rows=40, steps=1000, by_steps=False):
    """Train both, and compare; give the compiled step."""
    x, t = blobs(rows, dtype)
    batches = -(-rows // 4)
    epochs, tolerance = steps // batches, 1e-12 if dtype == np.float64 else 1e-5
    ours = tg.compiled(training.step, state=training.state)
    expected = by_numpy(twin.step, state=twin.state).scan(x, t, batch_size=4, epochs=epochs)
    if by_steps:
        starts = [*range(0, rows, 4)] * epochs
        got = np.array([ours(x[i : i + 4], t[i : i + 4]).item() for i in starts], dtype)
    else:
        got = ours.scan(x, t, batch_size=4, epochs=epochs)
    assert got.dtype == expected.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=10 * tolerance)
    assert_alike(training, twin, tolerance)
    assert ", native code," in ours.explain()
    return ours


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_every_optimizer(kind, dtype):
    train(*[Training(kind, dtype, l2=0.01) for _ in range(2)], dtype)


@pytest.mark.parametrize("by_steps", [False, True], ids=["scan", "steps"])
@pytest.mark.parametrize("kind", [optim.MomentumSGD, optim.AdamW], ids=lambda kind: kind.__name__)
def test_weight_decay_schedules_and_a_smaller_last_minibatch(kind, by_steps):
    options = {"l2": 0.01, "weight_decay": 0.01, "lr": optim.schedules.exponential(0.1, 0.99)}
    train(*[Training(kind, **options) for _ in range(2)], rows=38, by_steps=by_steps)


LAYERS = {
    "Dropout": lambda: [tg.nn.Dropout(0.5, rng=7), np.tanh, tg.nn.Dropout(0.2, rng=8)],
    "BatchNorm": lambda: [tg.nn.BatchNorm(3), tg.relu],
    "LayerNorm": lambda: [tg.nn.LayerNorm(3), tg.relu],
    "Residual": lambda: [tg.nn.Residual(tg.nn.Linear(3, 3, rng=5), np.tanh)],
    "Flatten": lambda: [tg.nn.Flatten(), np.tanh],
}
PLAIN = ["ELU", "GELU", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh"]
LAYERS |= {name: lambda name=name: [getattr(tg.nn, name)()] for name in PLAIN}


def test_the_table_has_every_layer():
    assert LAYERS.keys() | {"Layer", "Linear", "Module", "Sequential"} == set(tg.nn.__all__)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name):
    train(*[Training(layers=LAYERS[name](), l2=0.01) for _ in range(2)])


class Fitting(Training):
    """Training with another loss than softmax cross-entropy: one target a row, or one for each of three outputs."""

    def __init__(self, name):
        super().__init__(lr=0.01, l2=0.01)
        self.loss = losses.LOSSES[name]
        self.targets = np.eye(3)
        if self.loss is losses.gaussian_nll:
            self.model = tg.Sequential(*self.model.layers, tg.nn.Linear(3, 6, rng=2))
            self.optimizer = tg.MomentumSGD(self.model.parameters(), lr=0.001, l2=0.01)  # it has no least value

    def step(self, x, t):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), np.take(self.targets, t, axis=0))
        loss.backward()
        self.optimizer.step()
        return loss


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_loss(name):
    train(*[Fitting(name) for _ in range(2)])


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(name):
    def hooked():
        training = Training(l2=0.01)
        training.optimizer.hooks = [HOOKS[name](training.model)]
        return training

    train(hooked(), hooked(), steps=200)
