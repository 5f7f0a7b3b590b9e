"""Ctrl-C ends a fit between two steps, whatever it comes into."""

import os
import signal
import threading

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, plain, trainer, whole


def pressing(times, step, raising=False):
    """A loss in whose ``step``-th call Ctrl-C is pressed some times."""
    calls = []

    def loss(output, y):
        if tg.is_recording() and len(y) > 1:
            calls.append(1)
            if len(calls) == step:
                for _ in range(times):
                    if raising:
                        raise KeyboardInterrupt
                    signal.raise_signal(signal.SIGINT)
        return tg.softmax_cross_entropy(output, y)

    return loss


def by_hand(steps):
    """What ``whole`` is after so many steps of the first epoch by the Generator of seed 0."""
    model, rng = whole(), np.random.default_rng(0)
    model.reseed(rng)
    optimizer = tg.optim.Adam(model)
    for i, (x, y) in enumerate(tg.data.minibatches((X, Y), 10, rng=rng)):
        if i == steps:
            break
        optimizer.step(lambda x=x, y=y: tg.softmax_cross_entropy(model(x), y))
    return model, optimizer


@pytest.mark.parametrize(
    ("times", "raising", "steps"),
    [(1, False, 3), (2, False, 2), (1, True, 2)],
    ids=["once, after the step", "twice, within it", "raised by something else"],
)
def test_ctrl_c_leaves_whole_steps(times, raising, steps):
    run = tg.Trainer(whole(), pressing(times, step=3, raising=raising), seed=0)
    history = run.fit(X, Y, 4, batch_size=10)
    assert history.interrupted
    assert history is run.history
    assert len(history) == 0
    model, optimizer = by_hand(steps)
    assert bits(run.model) == bits(model)
    assert bits(run.optimizer) == bits(optimizer)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    run.fit(X, Y, 2, batch_size=10)
    assert not history.interrupted
    assert history["epoch"].tolist() == [1, 2]


def test_ctrl_c_in_the_middle_of_an_update_takes_the_step_back():
    class Slow(tg.optim.SGD):
        def update(self, t, p, g, *, lr):
            p[:1] -= 1.0
            if t == 3 and not pressed:
                pressed.append(1)
                raise KeyboardInterrupt

    pressed = []
    run = tg.Trainer(plain(), "softmax_cross_entropy", lambda model: Slow(model, lr=0.1), seed=0)
    start = [p.data.ravel()[0] for p in run.model.parameters()]
    assert run.fit(X, Y, 1, batch_size=10).interrupted
    assert pressed
    assert run.optimizer.steps == 2
    assert run.model.parameters()[0].data.ravel()[0] == pytest.approx(start[0] - 2)


def test_ctrl_c_in_a_callback_or_in_validation_keeps_the_epochs_so_far():
    def press(run, row):
        if row["epoch"] == 2:
            signal.raise_signal(signal.SIGINT)

    history = trainer().fit(X, Y, 5, validation=0.2, callbacks=[press])
    assert (history.interrupted, len(history)) == (True, 2)

    def raises(run, row):
        raise KeyboardInterrupt

    history = trainer().fit(X, Y, 5, callbacks=[raises])
    assert (history.interrupted, len(history)) == (True, 1)


def test_an_interrupted_run_is_finished_by_its_callbacks():
    stopping = tg.EarlyStopping(monitor="loss")

    def press(run, row):
        signal.raise_signal(signal.SIGINT)

    run = trainer()
    run.fit(X, Y, 5, callbacks=[stopping, press])
    assert all(np.array_equal(run.model.state_dict()[name], value) for name, value in stopping.weights.items())


def test_a_handler_of_the_programs_own_is_left_to_it():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        history = tg.Trainer(plain(), pressing(1, step=2), seed=0).fit(X, Y, 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (pressed, history.interrupted, len(history)) == ([1], False, 2)


def test_another_thread_trains_without_signals():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(trainer().fit(X, Y, 2)))
    thread.start()
    thread.join()
    assert len(histories[0]) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals are sent to processes on POSIX")
def test_a_signal_from_outside_is_heeded():
    def send(run, row):
        os.kill(os.getpid(), signal.SIGINT)

    assert trainer().fit(X, Y, 50, callbacks=[send]).interrupted
