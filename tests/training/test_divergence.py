"""A run that goes wrong stops, names the operation, and leaves the weights of before."""

import re
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, plain, trainer, whole

LABELS = Y.copy()
LABELS[17] = 9  # where the losses here do what they should not


@tg.operation()
def steep(x):
    """The identity, with an infinite slope."""
    return x * 1, (lambda g: g * np.inf,)


def logarithm(output):
    return np.sum(np.log(output[:, 0] * 0 - 1))


def interruption(output):
    raise KeyboardInterrupt


def slope(output):
    return np.sum(steep(output))


def hidden(output):
    return tg.Tensor(np.float32(np.nan))


def wrong(output):
    raise ValueError("this row is wrong")


FAULTS = {
    logarithm: r"log\(float32 \(\d+,\)\) gave nan in \d+ of \d+ elements",
    slope: r"the gradient of argument 0 of steep\(.*\) is inf",
    hidden: r"nan already",
}


def loss(spoilt):
    """Cross-entropy, and what ``spoilt`` adds to it where training meets the row that is labelled 9."""

    def with_fault(output, y):
        value = tg.softmax_cross_entropy(output, np.minimum(y, 2))
        return value + spoilt(output) if tg.is_recording() and len(y) > 1 and 9 in y else value

    return with_fault


def run_of(model, spoilt, **options):
    return tg.Trainer(model, loss(spoilt), **{"optimizer": "adam", "seed": 0} | options)


@pytest.mark.parametrize(
    ("fault", "optimizer"),
    [(fault, optimizer) for fault in FAULTS for optimizer in ("momentum", "adam")] + [(logarithm, "lbfgs")],
)
def test_the_operation_is_named_and_all_is_as_before_the_step(fault, optimizer):
    run, model = run_of(plain(), fault, optimizer=optimizer), plain()
    taken, by_hand = 0, tg.optim.by_name(optimizer)(model)
    for x, y in tg.data.minibatches((X, LABELS), 10, rng=np.random.default_rng(0)):
        if 9 in y:
            break
        taken += 1
        by_hand.step(lambda x=x, y=y: tg.softmax_cross_entropy(model(x), y))
    with np.errstate(all="ignore"), pytest.raises(tg.DivergenceError, match=FAULTS[fault]) as caught:
        run.fit(X, LABELS, 3, batch_size=10)
    assert (caught.value.epoch, caught.value.step) == (1, taken + 1)
    assert re.match(rf"epoch 1, step {taken + 1}: .*{FAULTS[fault]}", str(caught.value))
    assert bits(run.model) == bits(model)
    assert bits(run.optimizer) == bits(by_hand)
    assert len(run.history) == 0


def test_dropout_running_means_averages_and_the_history_of_earlier_epochs_are_left_too():
    runs = [trainer(metrics=None), trainer(metrics=None)]  # accuracy refuses the label 9
    for run, fault in zip(runs, [logarithm, interruption]):
        run.fit(X, Y, 2)
        run._steps.loss = loss(fault)
        with np.errstate(all="ignore"):
            if fault is logarithm:
                with pytest.raises(tg.DivergenceError, match="epoch 3"):
                    run.fit(X, LABELS, 1, batch_size=10)
            else:
                assert run.fit(X, LABELS, 1, batch_size=10).interrupted
                run.history.interrupted = False
    assert bits(runs[0]) == bits(runs[1])
    assert runs[0].history["epoch"].tolist() == [1, 2]


@pytest.mark.parametrize("warnings_are", ["warnings", "errors"])
@pytest.mark.filterwarnings("error")
def test_a_rate_that_is_too_high_is_a_divergence_however_numpy_warns(warnings_are):
    model = tg.Sequential(tg.nn.Linear(3, 1, dtype=np.float32, rng=0))
    run = tg.Trainer(model, "squared_error", partial(tg.optim.SGD, lr=1e6), seed=0)
    target = np.ones((50, 1), np.float32)
    with (
        np.errstate(all="ignore" if warnings_are == "warnings" else "warn"),
        pytest.raises(tg.DivergenceError, match=r"squared_error\(.*gave inf") as caught,
    ):
        run.fit(X, target, 5)
    assert all(np.isfinite(p.data).all() for p in model.parameters())
    assert isinstance(caught.value, ArithmeticError)
    run.optimizer.lr = 0.01
    for parameter in model.parameters():
        parameter.data = np.zeros_like(parameter.data)
    run.fit(X, target, 1)  # which is possible again


def test_an_update_that_overflows_is_named_even_at_the_end():
    model = tg.Sequential(tg.nn.Linear(3, 1, dtype=np.float32, rng=0))
    run = tg.Trainer(model, "absolute_error", partial(tg.optim.SGD, lr=3e38), seed=0)
    before = bits(model)
    with np.errstate(all="ignore"), pytest.raises(tg.DivergenceError, match=r"0\..* after the update of SGD\("):
        run.fit(X * 100, np.ones((50, 1), np.float32), 1, batch_size=50)
    assert bits(model) == before


def test_a_clipping_hook_that_refuses_the_gradient_is_a_divergence_as_well():
    clip = partial(tg.optim.clip_by_global_norm, max_norm=1.0)
    run = run_of(plain(), logarithm, optimizer=partial(tg.optim.SGD, hooks=[clip]))
    with np.errstate(all="ignore"), pytest.raises(tg.DivergenceError, match=r"log\("):
        run.fit(X, LABELS, 1, batch_size=10)


def test_a_nan_that_does_not_come_again_is_no_operations_fault():
    calls = []

    def once(output):
        calls.append(1)
        return np.sum(output * np.float32(np.nan)) if len(calls) == 1 else np.sum(output) * 0

    run = run_of(plain(), once)
    with pytest.raises(tg.DivergenceError, match="the loss is nan, but not when the epoch was repeated"):
        run.fit(X, LABELS, 1, batch_size=10)


def test_an_error_of_the_loss_leaves_the_steps_before_it():
    runs = [run_of(whole(), wrong), run_of(whole(), interruption)]
    with pytest.raises(ValueError, match="this row is wrong"):
        runs[0].fit(X, LABELS, 1, batch_size=10)
    runs[1].fit(X, LABELS, 1, batch_size=10).interrupted = False
    assert bits(runs[0]) == bits(runs[1])
    assert not runs[0].history.rows


def test_bad_numbers_in_validation_are_kept_and_stop_nothing():
    def spoilt(output, y):
        return tg.softmax_cross_entropy(output, y) * (1.0 if tg.is_recording() or len(y) > 9 else np.nan)

    history = tg.Trainer(plain(), spoilt, seed=0).fit(X, Y, 2, validation=(X[:9], Y[:9]))
    assert np.isnan(history["validation_loss"]).all()
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_running_statistics_of_large_inputs_are_finite_in_every_precision(dtype):
    model = tg.Sequential(tg.nn.BatchNorm(2, dtype=dtype), tg.nn.Linear(2, 3, dtype=dtype, rng=0))
    x = (np.sign(X[:, :2]) * 4e3).astype(dtype)
    history = tg.Trainer(model, "softmax_cross_entropy", "sgd", seed=0).fit(x, Y, 3, validation=(x, Y))
    assert np.isfinite(history["validation_loss"]).all()
    assert model[0].running_var.min() > 1e6


class Counted(tg.nn.Module):
    """A layer with a mask of minus infinity, and a buffer that training spoils by ``value``."""

    def __init__(self, value):
        self.linear = tg.nn.Linear(3, 3, dtype=np.float32, rng=0)
        self.mask, self.seen, self.value = np.array([0.0, -np.inf]), np.zeros(2), value

    def __call__(self, x):
        if self.training:
            self.seen += self.value
        return self.linear(x)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_buffer_that_becomes_nan_or_infinite_stops_the_run_at_the_end_of_the_epoch(value):
    run = tg.Trainer(Counted(value), "softmax_cross_entropy", "sgd", seed=0)
    with np.errstate(all="ignore"), pytest.raises(tg.DivergenceError, match="the buffer seen holds NaN or infinity"):
        run.fit(X, Y, 3)
    assert not run.model.seen.any()


def test_a_buffer_that_was_infinite_from_the_start_is_a_mask_and_stops_nothing():
    assert len(tg.Trainer(Counted(0.0), "softmax_cross_entropy", "sgd", seed=0).fit(X, Y, 3)) == 3
