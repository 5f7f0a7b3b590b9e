"""Gradients that are accumulated over several compiled steps before the optimizer takes one: a fixed few versions."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, runs
from tests.compiling.test_native_training import assert_alike
from tinygrad_np import optim

CYCLES, MICRO = 10, 4


def backward(training, x, t):
    loss = tg.softmax_cross_entropy(training.model(x), t) / MICRO
    loss.backward()
    return loss


def by_flag(training, compiled):
    """One step, which is told whether it is the last of its cycle."""

    def step(x, t, last=False):
        loss = backward(training, x, t)
        if last:
            training.optimizer.step()
            training.optimizer.zero_grad()
        return loss

    step = compiled(step, state=training.state)
    return lambda x, t, i: step(x, t, last=i % MICRO == MICRO - 1), [step]


def by_flag_at_the_start(training, compiled):
    """One step, which forgets gradients where a cycle begins."""

    def step(x, t, first, last):
        if first:
            training.optimizer.zero_grad()
        loss = backward(training, x, t)
        if last:
            training.optimizer.step()
        return loss

    step = compiled(step, state=training.state)
    return lambda x, t, i: step(x, t, i % MICRO == 0, i % MICRO == MICRO - 1), [step]


def by_two_steps(training, compiled, state=None, before=lambda: None):
    """One that accumulates, and one that updates, and does something before that."""

    def update():
        before()
        training.optimizer.step()
        training.optimizer.zero_grad()

    accumulate = compiled(partial(backward, training), state=state or training.state)
    update = compiled(update, state=training.state)

    def step(x, t, i):
        loss = accumulate(x, t)
        if i % MICRO == MICRO - 1:
            update()
        return loss

    return step, [accumulate, update]


def by_two_steps_of_the_model(training, compiled):
    """The same, but only one knows of the optimizer."""
    return by_two_steps(training, compiled, training.model)


def with_clipping(training, compiled):
    """Gradients are clipped before the update, by their norm over all parameters."""
    parameters = [*training.model.parameters()]
    return by_two_steps(training, compiled, before=lambda: optim.clip_by_global_norm(parameters, 0.05))


def with_an_eager_update(training, compiled):
    """Only what takes long is compiled."""
    accumulate = compiled(partial(backward, training), state=training.model)

    def step(x, t, i):
        loss = accumulate(x, t)
        if i % MICRO == MICRO - 1:
            training.optimizer.step()
            training.optimizer.zero_grad()
        return loss

    return step, [accumulate]


def in_cycles_of_one_or_two(training, compiled):
    """Where the last step of a cycle may be the first too."""

    def step(x, t, last):
        loss = backward(training, x, t)
        if last:
            training.optimizer.step()
            training.optimizer.zero_grad()
        return loss

    step = compiled(step, state=training.state)
    return lambda x, t, i: step(x, t, i % 3 != 0), [step]


def with_gradients_of_the_users(training, compiled):
    """Between two steps the user puts other arrays into the gradients' place."""
    step, steps = by_flag(training, compiled)

    def scaled(x, t, i):
        for p in training.model.parameters():
            p.grad = None if p.grad is None else p.grad * 0.5
        return step(x, t, i)

    return scaled, steps


class Counting:
    """What counts the steps of a cycle."""

    def __init__(self):
        self.n, self.cycles = 0, 0


def with_counts_of_the_users(training, compiled):
    """A count that one step changes and another resets, for which the optimizer's are an example."""
    counting = Counting()

    def step(x, t, last):
        counting.n += 1
        loss = backward(training, x, t) * counting.n + counting.cycles
        if last:
            training.optimizer.step()
            training.optimizer.zero_grad()
            counting.cycles = counting.cycles + 1
        return loss

    step = compiled(step, state=(*training.state, counting))
    return lambda x, t, i: step(x, t, i % MICRO == MICRO - 1), [step]


PATTERNS = [
    by_flag,
    by_flag_at_the_start,
    by_two_steps,
    by_two_steps_of_the_model,
    with_clipping,
    with_an_eager_update,
    in_cycles_of_one_or_two,
    with_gradients_of_the_users,
    with_counts_of_the_users,
]


def versions(step):
    return len(runs(step))


@pytest.mark.parametrize(
    ("kind", "native"), [(optim.MomentumSGD, False), (optim.Adam, None)], ids=["momentum by numpy", "adam natively"]
)
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda f: f.__name__)
def test_many_cycles(pattern, kind, native):
    training, twin = Training(kind), Training(kind)
    step, steps = pattern(training, partial(tg.compiled, native=native))
    eager, _ = pattern(twin, lambda function, state: function)
    counted = []
    for i, (x, t) in enumerate(batches(CYCLES * MICRO)):
        loss, expected = step(x, t, i), eager(x, t, i)
        if native is False:
            assert loss.item() == expected.item()
            assert training.bits() == twin.bits()
        else:
            np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-12)
            assert_alike(training, twin, 1e-12)
        counted.append(sum(map(versions, steps)))
    assert counted[5 * MICRO - 1] == counted[-1] <= 4


@pytest.mark.filterwarnings("ignore:9 versions")
def test_a_parameter_that_is_frozen_and_thawed():
    training, twin = Training(optim.Adam), Training(optim.Adam)
    step, steps = by_flag(training, partial(tg.compiled, native=False))
    eager, _ = by_flag(twin, lambda function, state: function)
    for i, (x, t) in enumerate(batches(100)):
        for each in (training, twin):
            each.model[0].weight.requires_grad = not 21 <= i < 33
        assert step(x, t, i).item() == eager(x, t, i).item()
        assert training.bits() == twin.bits()
    assert versions(steps[0]) <= 12
    assert "run eagerly" not in steps[0].explain()


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
def test_scans_that_accumulate(native):
    training, twin = Training(), Training()
    x, t = (np.concatenate(parts) for parts in zip(*batches(8)))
    accumulate = tg.compiled(partial(backward, training), state=training.state, native=native)
    for _ in range(5):
        losses = accumulate.scan(x, t, batch_size=4)
        expected = [backward(twin, x[i : i + 4], t[i : i + 4]).item() for i in range(0, 32, 4)]
        np.testing.assert_allclose(losses, expected, rtol=0 if native is False else 1e-12)
        for a, b in zip(training.model.parameters(), twin.model.parameters()):
            np.testing.assert_allclose(a.grad, b.grad, rtol=0, atol=0 if native is False else 1e-12)
        for each in (training, twin):
            each.optimizer.step()
            each.optimizer.zero_grad()
    assert versions(accumulate) <= 3


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
def test_scans_of_a_step_that_forgets_gradients_at_its_end(native):
    training, twin = Training(), Training()
    x, t = (np.concatenate(parts) for parts in zip(*batches(8)))

    def step(training, x, t):
        loss = backward(training, x, t)
        training.optimizer.step()
        training.optimizer.zero_grad()
        return loss

    ours = tg.compiled(partial(step, training), state=training.state, native=native)
    for _ in range(4):
        for each in (training, twin):
            backward(each, x[:5], t[:5])
        losses = ours.scan(x, t, batch_size=4)
        expected = [step(twin, x[i : i + 4], t[i : i + 4]).item() for i in range(0, 32, 4)]
        np.testing.assert_allclose(losses, expected, rtol=0 if native is False else 1e-12)
    assert versions(ours) <= 3
