"""What a loop around a compiled step keeps in the object that is its state, and flags that steps set."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import batches

SCALE = 2.0


class Learner:
    """A model, its optimizer and a log, with a compiled step."""

    def __init__(self):
        self.model = tg.nn.Linear(2, 3, rng=0)
        self.optimizer = tg.optim.SGD(self.model, lr=0.1)
        self.losses, self.by_epoch, self.seen, self.note, self.best, self.epoch = [], {}, set(), "", None, 0
        self.factor = 1.0

    def eager(self, x, t):
        self.optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(self.model(x), t) * self.factor
        loss.backward()
        self.optimizer.step()
        return loss

    step = tg.compiled(eager)


LOGS = {
    "a list": lambda learner, i, loss: learner.losses.append(loss.item()),
    "a list of dictionaries": lambda learner, i, loss: learner.losses.append({"step": i, "loss": loss.item()}),
    "a dictionary": lambda learner, i, loss: learner.by_epoch.setdefault(i, []).append(loss.item()),
    "a set": lambda learner, i, loss: learner.seen.add(i),
    "a text": lambda learner, i, loss: setattr(learner, "note", f"{i}: {loss.item()}"),
    "a count": lambda learner, i, loss: setattr(learner, "epoch", i),
    "a number of NumPy's": lambda learner, i, loss: setattr(learner, "best", np.float64(loss.item())),
    "the loss": lambda learner, i, loss: setattr(learner, "best", loss),
    "copies of the weights": lambda learner, i, loss: setattr(learner, "best", learner.model.state_dict()),
    "a new attribute": lambda learner, i, loss: setattr(learner, f"at_{i}", i),
}


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_a_log_beside_the_model_makes_no_other_version(log):
    learner, twin = Learner(), Learner()
    for i, (x, t) in enumerate(batches(12)):
        loss = learner.step(x, t)
        log(learner, i, loss)
        np.testing.assert_allclose(loss.item(), twin.eager(x, t).item(), rtol=1e-12)
    assert learner.step.explain().count("a program of") == 1
    assert learner.step.explain().endswith("run 10 times")


def test_what_the_code_names_is_still_compared():
    learner, twin = Learner(), Learner()
    for i, (x, t) in enumerate(batches(12)):
        for one in (learner, twin):
            one.factor = 1.0 if i < 5 else np.float32(3.0)
        np.testing.assert_allclose(learner.step(x, t).item(), twin.eager(x, t).item(), rtol=1e-12)


class Part:
    """An object of the state with code of its own."""

    def __init__(self):
        self.mode = "plain"

    def compute(self, x):
        return x * SCALE if self.mode == "plain" else x / SCALE


def outside(part, x):
    return x if part.mode == "plain" else -x


class Whole:
    """A state that reaches code only by its parts."""

    def __init__(self):
        self.part = Part()

    def step(self, x):
        bias = self.part.bias if hasattr(self.part, "bias") else 0.0
        return self.part.compute(x) + outside(self.part, x) + bias


def test_code_of_objects_that_the_state_holds(monkeypatch):
    whole, x = Whole(), np.ones(2)
    step = tg.compiled(whole.step, state=whole)
    for _ in range(3):
        np.testing.assert_array_equal(step(x), whole.step(x))
    monkeypatch.setattr("tests.compiling.test_logs.SCALE", 5.0)
    np.testing.assert_array_equal(step(x), whole.step(x))
    whole.part.mode = "other"
    np.testing.assert_array_equal(step(x), whole.step(x))
    whole.part.bias = 7.0
    np.testing.assert_array_equal(step(x), whole.step(x))
    del whole.part.bias
    np.testing.assert_array_equal(step(x), whole.step(x))


def test_steps_that_set_the_mode_of_a_model():
    def learning(model, optimizer):
        def train(x, t):
            model.train()
            optimizer.zero_grad()
            loss = tg.softmax_cross_entropy(model(x), t)
            loss.backward()
            optimizer.step()
            return loss

        def evaluate(x, t):
            model.eval()
            return tg.softmax_cross_entropy(model(x), t)

        return train, evaluate

    runs = []
    for compiled in (False, True):
        model = tg.Sequential(tg.nn.Linear(2, 8, rng=0), tg.nn.Dropout(0.3, rng=3), tg.nn.Linear(8, 3, rng=1))
        optimizer = tg.optim.SGD(model, lr=0.1)
        steps = learning(model, optimizer)
        if compiled:
            steps = [tg.compiled(step, state=(model, optimizer)) for step in steps]
        data = batches(4)
        runs.append([[[step(x, t).item() for x, t in data] for step in steps] for _ in range(4)])
        assert model.training is False
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-12)
    assert "eagerly" not in steps[0].explain()


class Switch:
    """A flag and a text that a step turns."""

    def __init__(self):
        self.on, self.mode = True, "first"

    def step(self, x):
        y = x * 2 if self.on else x * 3
        self.on = not self.on
        self.mode = "second" if self.mode == "first" else "first"
        return y


@pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
def test_flags_that_a_step_turns(native):
    switch, twin = Switch(), Switch()
    step = tg.compiled(switch.step, state=switch, native=native)
    for _ in range(9):
        assert step(np.ones(1)) == twin.step(np.ones(1))
        assert (switch.on, switch.mode) == (twin.on, twin.mode)
    assert step.explain().count("a program of") == 2
