"""Steps that are recorded beforehand: each runs a program, from the first on, and nothing but the step has happened."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, runs
from tests.compiling.test_training import HOOKS, dropout, hooked
from tinygrad_np import optim
from tinygrad_np.compiling import CompiledStep

TRAININGS = {
    "momentum": Training,
    "adam with a schedule": lambda: Training(optim.Adam, lr=optim.schedules.exponential(0.1, 0.9)),
    "dropout": lambda: Training(layers=dropout()),
    "running statistics": lambda: Training(layers=[tg.nn.BatchNorm(3)]),
    "noise": lambda: hooked(HOOKS["noise"]),
}


@pytest.mark.parametrize("make", TRAININGS.values(), ids=TRAININGS)
def test_every_step_runs_a_program_with_the_bits_of_an_eager_one(make):
    eager, replayed = make(), make()
    step = CompiledStep(replayed.step, replayed.state, native=False, rehearsed=True)
    for i, (x, t) in enumerate(batches(12)):
        rows = 4 - i % 5 // 4
        assert step(x[:rows], t[:rows]).item() == eager.step(x[:rows], t[:rows]).item()
        assert replayed.bits() == eager.bits()
        assert sum(runs(step)) == i + 1


def test_a_state_that_settles_as_it_goes_on():
    eager, replayed = hooked(HOOKS["freezing"]), hooked(HOOKS["freezing"])
    step = CompiledStep(replayed.step, replayed.state, native=False, rehearsed=True)
    for x, t in batches(12):
        assert step(x, t).item() == eager.step(x, t).item()
        assert replayed.bits() == eager.bits()


@pytest.mark.parametrize("make", TRAININGS.values(), ids=TRAININGS)
def test_preparing_changes_nothing(make):
    training = make()
    step = CompiledStep(training.step, training.state, native=False)
    x, t = batches(1)[0]
    before = training.bits()
    step.prepare(x, t)
    step.prepare(x[:3], t[:3])
    step.prepare(x, t)
    assert training.bits() == before
    assert step.explain().count("a program of") == 2
    assert training.step(x, t).item() == make().step(x, t).item()


def test_a_program_goes_on_after_states_are_loaded():
    training = Training(optim.Adam)
    step = CompiledStep(training.step, training.state, native=False, rehearsed=True)
    data = batches(6)
    before = training.model.state_dict(), training.optimizer.state_dict()
    losses = [step(*batch).item() for batch in data]
    for _ in range(3):
        training.model.load_state_dict(before[0])
        training.optimizer.load_state_dict(before[1])
        for group in training.optimizer.groups:
            for flat in group.flats:
                flat.adopt()
        assert [step(*batch).item() for batch in data] == losses
    assert len(runs(step)) == 2  # without gradients at first, and with those of before


def test_what_cannot_be_recorded_changes_nothing():
    training = Training()

    def step(x, t):
        loss = training.step(x, t)
        return loss if loss.item() > 0 else -loss

    compiled, before = CompiledStep(step, training.state, native=False, rehearsed=True), training.bits()
    x, t = batches(1)[0]
    with pytest.raises(tg.TracingError, match=r"array\.item"):
        compiled(x, t)
    with pytest.raises(tg.TracingError, match=r"array\.item"):
        compiled.prepare(x, t)
    with pytest.raises(ValueError, match="label 9"):
        compiled(x, np.array([0, 1, 9, 2]))
    assert training.bits() == before
