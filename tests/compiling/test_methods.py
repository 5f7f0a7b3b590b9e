"""Methods as compiled steps: each object has a step of its own, with itself as the state."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import batches


class Learner:
    """A model with its optimizer, whose steps are methods."""

    def __init__(self, lr=0.1):
        self.model = tg.nn.Linear(2, 3, rng=0)
        self.optimizer = tg.optim.Adam(self.model, lr=lr)
        self.steps = 0

    def eager(self, x, t):
        self.optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(self.model(x), t)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        return loss

    step = tg.compiled(eager, native=False)

    @tg.compiled
    def evaluate(self, x):
        return self.model(x)


class ByHand(Learner):
    """As one would write it without a decorator."""

    def __init__(self, lr=0.1):
        super().__init__(lr)
        self.step = tg.compiled(self.eager, state=self, native=False)


def bits(learner):
    return [p.data.tobytes() for p in learner.model.parameters()], learner.steps


@pytest.mark.parametrize("kind", [Learner, ByHand])
def test_each_object_trains_by_itself(kind):
    ours, theirs = [kind(0.1), kind(0.3)], [Learner(0.1), Learner(0.3)]
    for x, t in batches(6):
        for learner, twin in zip(ours, theirs):
            np.testing.assert_array_equal(learner.step(x, t).data, twin.eager(x, t).data)
            assert bits(learner) == bits(twin)
            np.testing.assert_allclose(learner.evaluate(x).data, twin.model(x).data, rtol=1e-13)
    assert ours[0].step is ours[0].step is not ours[1].step
    assert ours[0].step.explain().count("a program of") == 1


def test_what_a_method_uses_beside_its_object_is_listed():
    scale = tg.nn.Linear(2, 2, rng=0)

    class Scaled:
        @tg.compiled(state=scale)
        def step(self, x):
            return scale(x)

    scaled, x = Scaled(), np.ones((1, 2))
    for _ in range(4):
        np.testing.assert_allclose(scaled.step(x).data, scale(x).data, rtol=1e-14)


def test_a_layer_whose_call_is_compiled():
    class Doubled(tg.nn.Module):
        def __init__(self):
            self.inner = tg.nn.Linear(2, 2, rng=0)

        @tg.compiled(native=False)
        def __call__(self, x):
            return self.inner(x) * 2

    layer, x = Doubled(), np.ones((1, 2))
    for _ in range(4):
        np.testing.assert_array_equal(layer(x).data, layer.inner(x).data * 2)
    assert [name for name, _ in layer.named_parameters()] == ["inner.weight", "inner.bias"]
    layer.load_state_dict(layer.state_dict())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_records_anew(copied):
    x, t = batches(1)[0]
    learner = Learner()
    for _ in range(3):
        learner.step(x, t)
    other = copied(learner)
    assert other.step is not learner.step
    assert other.step.explain() == "nothing is recorded yet"
    for _ in range(3):
        other.step(x, t)
    assert (other.steps, learner.steps) == (6, 3)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps], ids=lambda f: f.__name__)
def test_a_compiled_step_itself_cannot_be_copied(copied):
    learner = ByHand()
    bound = r"Learner\.eager is a compiled step, whose programs are bound to the arrays of this process.*compile"
    with pytest.raises(TypeError, match=bound):
        copied(learner.step)
    if copied is not copy.copy:
        with pytest.raises(TypeError, match=bound):
            copied(learner)
    copied((learner.model, learner.optimizer))


class Kinds:
    """Methods of each kind, one of which calls another."""

    scale, w = 2.0, 3.0

    @classmethod
    @tg.compiled
    def of_class(cls, x):
        return x * cls.scale

    @property
    @tg.compiled
    def attribute(self):
        return np.ones(2) * self.w

    @tg.compiled
    def inner(self, x):
        return x * self.w

    @tg.compiled
    def outer(self, x):
        return self.inner(x) + self.of_class(x)


def test_methods_of_each_kind(monkeypatch):
    ours, x = Kinds(), np.ones(2)
    for w, scale in [(3.0, 2.0), (3.0, 2.0), (3.0, 2.0), (5.0, 2.0), (5.0, 7.0), (5.0, 7.0)]:
        ours.w = w
        monkeypatch.setattr(Kinds, "scale", scale)
        np.testing.assert_array_equal(ours.outer(x), x * (w + scale))
        np.testing.assert_array_equal(ours.inner(x), x * w)
        np.testing.assert_array_equal(Kinds.inner(ours, x), x * w)
        np.testing.assert_array_equal(ours.of_class(x), x * scale)
        np.testing.assert_array_equal(Kinds.of_class(x), x * scale)
        np.testing.assert_array_equal(ours.attribute, x * w)


def test_functions_that_are_no_methods_stay_what_they_are():
    step = tg.compiled(lambda x: x * 2)

    class Holder:
        static = staticmethod(step)
        model = tg.compiled(tg.nn.Linear(2, 2, rng=0), state={})
        inner = tg.compiled(staticmethod(lambda x: x * 2))

    assert Holder().static is step
    assert Holder().model is Holder.model
    np.testing.assert_array_equal(Holder().inner(np.ones(2)), [2.0, 2.0])


def test_an_object_that_cannot_hold_its_steps():
    class Slotted:
        __slots__ = ()

        @tg.compiled
        def step(self, x):
            return x

    with pytest.raises(TypeError, match=r"in its __dict__, and Slotted has none; add '__dict__' to its __slots__"):
        Slotted().step(np.ones(2))
