"""A small network trained end to end: it learns, the same seed gives the same bits, and memory stays flat."""

import gc
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0, 1, 1, 0])

OPTIMIZERS = {
    "SGD": lambda params: tg.optim.SGD(params, lr=0.5),
    "MomentumSGD": lambda params: tg.optim.MomentumSGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: tg.optim.Adam(params, lr=0.05),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


def network(seed=0, dtype=np.float64, activation=np.tanh):
    rng = np.random.default_rng(seed)
    return tg.Sequential(tg.nn.Linear(2, 8, rng=rng, dtype=dtype), activation, tg.nn.Linear(8, 2, rng=rng, dtype=dtype))


def train(model, optimizer, steps, x=X, labels=XOR):
    """The loss at each step. The same code whichever optimizer it is."""
    losses = []
    for _ in range(steps):
        loss = tg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def digest():
    """One hash of the weights that every optimizer arrives at."""
    arrived = hashlib.sha256()
    for make in OPTIMIZERS.values():
        model = network(seed=3)
        train(model, make(model.parameters()), 25)
        for parameter in model.parameters():
            arrived.update(parameter.data.tobytes())
    return arrived.hexdigest()


@each_optimizer
@pytest.mark.parametrize("activation", [np.tanh, tg.relu, tg.sigmoid], ids=["tanh", "relu", "sigmoid"])
def test_learns_xor(make, activation):
    model = network(activation=activation)
    losses = train(model, make(model.parameters()), 1500)
    assert losses[0] > 0.5
    assert losses[-1] < 0.05
    np.testing.assert_array_equal(model(X).argmax(1), XOR)


@each_optimizer
def test_float32_stays_float32_to_the_end(make):
    model = network(dtype=np.float32)
    losses = train(model, make(model.parameters()), 300, X.astype(np.float32))
    assert losses[-1] < losses[0]
    assert {a.dtype for p in model.parameters() for a in (p.data, p.grad)} == {np.dtype(np.float32)}
    assert tg.softmax_cross_entropy(model(X.astype(np.float32)), XOR).dtype == np.float32


@each_optimizer
def test_an_empty_batch_brings_no_nan(make):
    model = network()
    optimizer = make(model.parameters())
    train(model, optimizer, 5)
    assert train(model, optimizer, 1, X[:0], XOR[:0]) == [0]
    assert all(np.isfinite(p.data).all() for p in model.parameters())


def test_matches_gradient_descent_written_by_hand():
    """A linear softmax classifier: ∂L/∂W = xᵀ (softmax − t) / n and ∂L/∂b = Σ (softmax − t) / n."""
    model = tg.nn.Linear(2, 2, rng=0)
    w, b = model.weight.data.copy(), model.bias.data.copy()
    train(model, tg.optim.SGD(model.parameters(), lr=0.5), 50)
    for _ in range(50):
        e = np.exp(X @ w + b)
        error = (e / e.sum(1, keepdims=True) - np.eye(2)[XOR]) / 4
        w, b = w - 0.5 * X.T @ error, b - 0.5 * error.sum(0)
    np.testing.assert_allclose(model.weight.data, w, atol=1e-12)
    np.testing.assert_allclose(model.bias.data, b, atol=1e-12)


class TestSameSeed:
    def test_gives_the_same_bits(self):
        assert digest() == digest()

    @pytest.mark.parametrize("hash_seed", ["0", "1", "12345"])
    def test_gives_the_same_bits_in_a_fresh_process(self, hash_seed):
        paths = [str(Path(__file__).parent), str(Path(tg.__file__).parents[1])]
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", "import test_training; print(test_training.digest())"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.stderr, run.stdout.strip()) == ("", digest())

    def test_matters(self):
        runs = [train(model, tg.optim.SGD(model.parameters()), 2) for model in (network(0), network(1))]
        assert runs[0] != runs[1]


@each_optimizer
def test_numpys_global_state_is_left_alone(make):
    before = np.random.get_state()[1].tobytes(), np.random.get_state()[2]  # noqa: NPY002 - what is asked about
    model = tg.Sequential(tg.nn.Linear(2, 4), np.tanh, tg.nn.Linear(4, 2))
    train(model, make(model.parameters()), 10)
    after = np.random.get_state()[1].tobytes(), np.random.get_state()[2]  # noqa: NPY002 - the global state, which must not matter
    assert before == after


@each_optimizer
def test_a_thousand_steps_without_the_collector_leave_memory_flat(make):
    model = network()
    optimizer = make(model.parameters())
    train(model, optimizer, 50)
    gc.collect()
    gc.disable()
    try:
        objects, blocks = len(gc.get_objects()), sys.getallocatedblocks()
        train(model, optimizer, 1000)
        grown = len(gc.get_objects()) - objects, sys.getallocatedblocks() - blocks
    finally:
        gc.enable()
    assert grown[0] < 50
    assert grown[1] < 500
