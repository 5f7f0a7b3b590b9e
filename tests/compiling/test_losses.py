"""Every loss, with each of its options, in a compiled step: the same bits as eagerly."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches

RNG = np.random.default_rng(0)
TARGETS = {
    "softmax_cross_entropy": lambda rows, dtype: RNG.integers(0, 3, rows),
    "binary_cross_entropy": lambda rows, dtype: RNG.integers(0, 2, (rows, 3)),
    "squared_error": lambda rows, dtype: RNG.normal(size=(rows, 3)).astype(dtype),
    "absolute_error": lambda rows, dtype: RNG.normal(size=(rows, 3)),
    "huber": lambda rows, dtype: RNG.normal(size=(rows, 3)).astype(dtype),
    "hinge": lambda rows, dtype: RNG.integers(0, 2, (rows, 3)).astype(bool),
    "poisson": lambda rows, dtype: RNG.integers(0, 9, (rows, 3)),
    "gaussian_nll": lambda rows, dtype: RNG.normal(size=(rows, 1)).astype(dtype),
}
OWN = {
    "softmax_cross_entropy": [
        {"label_smoothing": 0.1},
        {"class_weight": [1, 2, 0.5]},
        {"class_weight": np.array([1.0, 2.0, 0.5]), "label_smoothing": 0.2, "reduction": "sum"},
    ],
    "huber": [{"delta": 0.5}],
}
CASES = [(name, options) for name in TARGETS for options in [{}, {"reduction": "sum"}, *OWN.get(name, [])]]


def outputs_of(model, x, name):
    """What ``model`` gives, of which the loss may take two columns."""
    return model(x)[:, :2] if name == "gaussian_nll" else model(x)


def test_each_loss_is_here():
    assert TARGETS.keys() == tg.losses.LOSSES.keys()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_loss_in_a_step(name, options, weighted, dtype):
    loss, eager, replayed = tg.losses.by_name(name), Training(dtype=dtype), Training(dtype=dtype)

    def step(training, x, t, weight):
        training.optimizer.zero_grad()
        given = {"sample_weight": weight} if weighted else {}
        value = loss(outputs_of(training.model, x, name), t, **given, **options)
        value.backward()
        training.optimizer.step()
        return value

    compiled = tg.compiled(lambda *batch: step(replayed, *batch), state=replayed.state, native=False)
    for x, _ in batches(5, dtype=dtype):
        batch = x, TARGETS[name](4, dtype), RNG.random(4)
        expected, found = step(eager, *batch), compiled(*batch)
        assert (found.dtype, found.data.tobytes()) == (dtype, expected.data.tobytes())
        assert replayed.bits() == eager.bits()
    assert compiled.explain().endswith("run 3 times")


@pytest.mark.parametrize("name", TARGETS)
def test_weights_that_count_nothing_are_as_eagerly(name):
    loss, model = tg.losses.by_name(name), Training().model
    x, t = batches(1)[0][0], TARGETS[name](4, np.float64)

    def weighed(x, t, weight):
        return loss(outputs_of(model, x, name), t, sample_weight=weight)

    compiled = tg.compiled(weighed, state=model, native=False)
    for weight in (*RNG.random((4, 4)), np.zeros(4), np.array([0.0, 1.0, 0.0, 0.0]), np.zeros(4)):
        assert compiled(x, t, weight).item() == weighed(x, t, weight).item()
    with pytest.raises(ValueError, match="the sample_weight of row 2 is -1; weights must be finite"):
        compiled(x, t, np.array([1.0, 1.0, -1.0, 1.0]))
