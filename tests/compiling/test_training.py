"""Compiled training steps beside eager ones: the same bits in losses, parameters, gradients and state."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, assert_equal_training, batches, by_numpy, runs
from tinygrad_np import optim

OPTIMIZERS = [getattr(optim, name) for name in optim.__all__]
OPTIMIZERS = [kind for kind in OPTIMIZERS if isinstance(kind, type) and issubclass(kind, optim.Optimizer)]
OPTIMIZERS = [kind for kind in OPTIMIZERS if kind not in (optim.Optimizer, optim.LBFGS)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_fifty_steps_with_a_smaller_last_batch(kind, dtype):
    data = batches(50, dtype=dtype)
    data = [(x[: 3 + (i % 5 != 4)], t[: 3 + (i % 5 != 4)]) for i, (x, t) in enumerate(data)]
    step = assert_equal_training(Training(kind, dtype), Training(kind, dtype), data)
    assert step.explain().count("a program of") == 2


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "options", [{"l2": 0.1, "weight_decay": 0.1}, {"lr": lambda i: 0.1 / (1 + i)}], ids=["decays", "schedule"]
)
def test_decays_and_schedules(kind, options):
    step = assert_equal_training(Training(kind, **options), Training(kind, **options), batches(12))
    assert step.explain().endswith("run 10 times")


def test_a_schedule_with_weight_decay_by_groups():
    options = {"lr": optim.schedules.exponential(0.1, 0.9), "weight_decay": 0.1}
    assert_equal_training(Training(optim.AdamW, **options), Training(optim.AdamW, **options), batches(12))


@pytest.mark.parametrize("name", ["lr", "momentum"])
def test_a_hyperparameter_that_is_changed_between_steps(name):
    eager, replayed = Training(), Training()
    step = by_numpy(replayed.step, state=replayed.state)
    for i, (x, t) in enumerate(batches(12)):
        for training in (eager, replayed):
            setattr(training.optimizer, name, 0.5 / (1 + i))
        assert step(x, t).item() == eager.step(x, t).item()
    assert replayed.bits() == eager.bits()
    assert runs(step) == [10]


def test_a_schedule_that_is_taken_away_and_set_again():
    eager, replayed = Training(), Training()
    step = by_numpy(replayed.step, state=replayed.state)
    schedule = optim.schedules.exponential(0.5, 0.9)
    eager.optimizer.lr = replayed.optimizer.lr = schedule
    for lr in (0.1, schedule, 0.2, schedule):
        eager.optimizer.lr = replayed.optimizer.lr = lr
        for x, t in batches(4):
            assert step(x, t).item() == eager.step(x, t).item()
            assert replayed.bits() == eager.bits()


def test_a_number_to_which_a_program_is_bound_makes_another():
    eager, replayed = Training(optim.Adam), Training(optim.Adam)
    step = by_numpy(replayed.step, state=replayed.state)
    for i, (x, t) in enumerate(batches(12)):
        for training in (eager, replayed):
            training.optimizer.beta1 = 0.9 if i < 6 else 0.8
        step(x, t), eager.step(x, t)
        assert replayed.bits() == eager.bits()


def dropout():
    return [tg.nn.Dropout(0.5, rng=7), np.tanh, tg.nn.Dropout(0.2, rng=8)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_draws_the_masks_that_it_would_draw_eagerly(dtype):
    eager, replayed = (Training(layers=dropout(), dtype=dtype) for _ in range(2))
    assert_equal_training(eager, replayed, batches(12, dtype=dtype))


@pytest.mark.parametrize("layer", [tg.nn.BatchNorm, tg.nn.LayerNorm])
def test_normalization_with_its_running_statistics(layer):
    eager, replayed = (Training(layers=[layer(3), tg.relu]) for _ in range(2))
    assert_equal_training(eager, replayed, batches(12))


ACTIVATIONS = ["Tanh", "ReLU", "Sigmoid", "Softplus", "SiLU", "GELU", "LeakyReLU", "ELU", "Softmax"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name):
    eager, replayed = (Training(layers=[tg.nn.Residual(getattr(tg.nn, name)())]) for _ in range(2))
    assert_equal_training(eager, replayed, batches(4))


def test_training_and_evaluation_are_two_versions():
    eager, replayed = (Training(layers=[tg.nn.BatchNorm(3), *dropout()]) for _ in range(2))
    step = by_numpy(replayed.model, state=replayed.model)
    for i in range(12):
        x = batches(12)[i][0]
        for training in (eager, replayed):
            training.model.train(i % 4 < 2)
        assert step(x).data.tobytes() == eager.model(x).data.tobytes()
    assert step.explain().count("a program of") == 2


def test_gradients_are_added_where_none_are_forgotten():
    eager, replayed = Training(), Training()

    def accumulate(training, x, t):
        loss = tg.softmax_cross_entropy(training.model(x), t)
        loss.backward()
        return loss

    step = by_numpy(lambda x, t: accumulate(replayed, x, t), state=replayed.model)
    for x, t in batches(8):
        assert step(x, t).item() == accumulate(eager, x, t).item()
        assert replayed.bits() == eager.bits()


def test_probabilities_as_targets_are_checked_at_each_step():
    eager, replayed = Training(), Training()
    step = by_numpy(replayed.step, state=replayed.state)
    for x, t in batches(5):
        assert step(x, np.eye(3)[t]).item() == eager.step(x, np.eye(3)[t]).item()
    before = replayed.bits()
    with pytest.raises(ValueError, match="row 1 is"):
        step(x, np.eye(3)[t] * [[1], [2], [1], [1]])
    replayed.model(x)
    assert repr(replayed.optimizer.state_dict()) == before[2]


def test_a_label_out_of_range_is_the_eager_error_and_changes_nothing():
    training = Training()
    step = by_numpy(training.step, state=training.state)
    for x, t in batches(4):
        step(x, t)
    before = training.optimizer.state_dict()
    with pytest.raises(ValueError, match=r"label 9 in row 2 is outside \[0, 3\)"):
        step(x, np.array([0, 1, 9, 2]))
    assert repr(training.optimizer.state_dict()) == repr(before)


def test_gradients_and_a_product_with_the_hessian_of_the_2_3_3_loss():
    x, t = batches(1)[0]
    rng = np.random.default_rng(1)
    shapes = [(2, 3), (3,), (3, 3), (3,)]
    primals, tangents = (tuple(rng.normal(size=shape) for shape in shapes) for _ in range(2))

    def loss(w1, b1, w2, b2):
        return tg.softmax_cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, t)

    functions = [
        lambda *p: tg.grad(loss, (0, 1, 2, 3))(*p[:4]),
        lambda *p: tg.hvp(loss, p[:4], p[4:]),
        lambda *p: tg.jvp(loss, p[:4], p[4:]),
        lambda *p: tg.value_and_grad(loss)(*p[:4]),
    ]
    for function in functions:
        step = by_numpy(function)
        for _ in range(3):
            for ours, expected in zip(step(*primals, *tangents), function(*primals, *tangents)):
                assert np.asarray(ours).tobytes() == np.asarray(expected).tobytes()
            primals = tuple(p * 1.25 for p in primals)
        assert step.explain().endswith("run 2 times")


@pytest.mark.parametrize("position", [1, 2, 3])
def test_bad_labels_are_the_eager_error_at_each_stage(position):
    training = Training()
    step = by_numpy(training.step, state=training.state)
    data = batches(4)
    for x, t in data[: position - 1]:
        step(x, t)
    with pytest.raises(ValueError, match=r"label 9 in row 2 is outside \[0, 3\)"):
        step(data[0][0], np.array([0, 1, 9, 2]))
    twin = Training()
    for x, t in data[: position - 1]:
        twin.step(x, t)
    for x, t in data:
        assert step(x, t).item() == twin.step(x, t).item()


def hooked(hook):
    training = Training()
    training.optimizer.hooks = [hook(training.model)]
    return training


HOOKS = {
    "by_norm": lambda model: partial(optim.clip_by_global_norm, max_norm=0.2),
    "by_value": lambda model: lambda params: optim.clip_by_value(params, 0.01),
    "noise": lambda model: optim.GradientNoise(rng=3),
    "freezing": lambda model: optim.Freezing(model, "0.*", until=3),
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(name):
    step = assert_equal_training(hooked(HOOKS[name]), hooked(HOOKS[name]), batches(12))
    assert sum(runs(step)) >= 1, step.explain()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_by_a_norm_that_is_above_the_limit_and_below_it(dtype):
    norms, looked_at = [], Training(dtype=dtype)
    looked_at.optimizer.hooks = [lambda params: norms.append(optim.clip_by_global_norm(params, 0.5))]
    for x, t in batches(12, dtype=dtype):
        looked_at.step(x, t)
    assert min(norms) < 0.5 < max(norms)
    eager, replayed = (Training(dtype=dtype) for _ in range(2))
    for training in (eager, replayed):
        training.optimizer.hooks = [partial(optim.clip_by_global_norm, max_norm=0.5)]
    step = assert_equal_training(eager, replayed, batches(12, dtype=dtype))
    assert step.explain().endswith("run 10 times")


def test_gradients_that_are_not_finite_are_the_eager_error_of_the_hook():
    training = hooked(HOOKS["by_norm"])
    step = tg.compiled(training.step, state=training.state)
    for x, t in batches(4):
        step(x, t)
    before = repr(training.optimizer.state_dict())
    with pytest.raises(ValueError, match="holds NaN or infinity"), np.errstate(all="ignore"):
        step(x * np.nan, t)
    assert repr(training.optimizer.state_dict()) == before


def test_groups_with_their_own_hyperparameters_and_a_frozen_parameter():
    def grouped():
        training = Training()
        training.optimizer = optim.Adam(training.model, groups={"*.bias": {"l2": 0.1, "lr": 0.5}})
        training.model[0].bias.requires_grad = False
        return training

    eager, replayed = grouped(), grouped()
    step = by_numpy(replayed.step, state=replayed.state)
    for x, t in batches(8):
        assert step(x, t).item() == eager.step(x, t).item()
    assert repr(replayed.optimizer.state_dict()) == repr(eager.optimizer.state_dict())


@pytest.mark.parametrize("derivative", [tg.jacobian, tg.hessian, tg.grad], ids=lambda d: d.__name__)
def test_derivatives_of_plain_functions(derivative):
    def function(x):
        y = np.tanh(x) * x[::-1]
        return y if derivative is tg.jacobian else np.sum(y**2)

    compiled = by_numpy(derivative(function))
    for x in np.random.default_rng(0).normal(size=(4, 5)):
        np.testing.assert_array_equal(compiled(x), derivative(function)(x))
    assert compiled.explain().endswith("run 3 times")


def test_a_gradient_through_a_compiled_function():
    function = by_numpy(lambda x: np.tanh(x) * x)
    for x in np.random.default_rng(0).normal(size=(4, 5)):
        function(x), function(tg.Tensor(x))
        t = tg.Tensor(x, requires_grad=True)
        function(t).sum().backward()
        want = tg.grad(lambda x: np.sum(np.tanh(x) * x))(x)
        np.testing.assert_array_equal(t.grad, want)
        np.testing.assert_array_equal(tg.grad(lambda x: function(x).sum())(x), want)


@pytest.mark.parametrize("given", [np.asarray, tg.Tensor])
def test_a_compiled_function_in_another(given):
    inner = by_numpy(lambda x, scale=2.0: x * scale)
    outer = by_numpy(lambda x: inner(x) + inner(x, scale=3.0))
    for x in np.random.default_rng(0).normal(size=(4, 5)):
        inner(given(x))
        np.testing.assert_array_equal(np.asarray(outer(given(x))), x * 2 + x * 3)
    assert outer.explain().endswith("run 3 times")
