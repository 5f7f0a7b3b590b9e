"""What a step reads besides its arguments and its state: read anew, or another program; and never changed by it."""

from collections import deque
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches

SETTINGS = {"scale": 1.0, "nested": {"scale": 1.0}}


class Config:
    scale = 1.0


class Slotted:
    __slots__ = ("scale",)


class Scaling:
    def __init__(self):
        self.scale, self.weights, self.unread = 1.0, np.ones(2), 0

    def __call__(self, x):
        return x * self.scale * self.weights

    def step(self, x):
        return self(x)

    @property
    def doubled(self):
        return 2 * self.scale


def with_default(x, scale=(1.0,), *, shift=0.0):
    return x * scale[0] + shift


def scaled(x):
    return x * scaled.by


scaled.by = 1.0


def reading(what):
    """A step, and what changes the number that it reads, to ``n``."""
    box, module, slotted, ours = (
        SimpleNamespace(a=1.0, inner=SimpleNamespace(a=1.0)),
        ModuleType("m"),
        Slotted(),
        Scaling(),
    )
    module.scale = slotted.scale = 1.0
    config, listed, pair, queue, members = Config(), [1.0], (1.0,), deque([1.0]), set()
    weight = SimpleNamespace(tensor=tg.Tensor(np.ones(2)))

    def paired(x):
        return x * pair[0]

    def pair_up(n):
        nonlocal pair
        pair = (n,)

    ways = {
        "an attribute": (lambda x: x * box.a, partial(setattr, box, "a")),
        "an attribute of an attribute": (lambda x: x * box.inner.a, partial(setattr, box.inner, "a")),
        "a slot": (lambda x: x * slotted.scale, partial(setattr, slotted, "scale")),
        "an item of a list": (lambda x: x * listed[0], partial(listed.__setitem__, 0)),
        "the length of a list": (lambda x: x * len(listed), listed.append),
        "a queue": (lambda x: x * queue[-1], queue.append),
        "a set": (lambda x: x * len(members), members.add),
        "a tuple": (paired, pair_up),
        "a dictionary": (lambda x: x * SETTINGS["scale"], partial(SETTINGS.__setitem__, "scale")),
        "a nested one": (lambda x: x * SETTINGS["nested"]["scale"], partial(SETTINGS["nested"].__setitem__, "scale")),
        "a class": (lambda x: x * Config.scale, partial(setattr, Config, "scale")),
        "the class of an object": (lambda x: x * config.scale, partial(setattr, Config, "scale")),
        "a module": (lambda x: x * module.scale, partial(setattr, module, "scale")),
        "a function": (lambda x: scaled(x), partial(setattr, scaled, "by")),
        "a default": (with_default, lambda n: setattr(with_default, "__defaults__", ((n,),))),
        "a default by name": (with_default, lambda n: setattr(with_default, "__kwdefaults__", {"shift": n})),
        "a callable": (ours, partial(setattr, ours, "scale")),
        "an array of a callable": (ours, lambda n: setattr(ours, "weights", np.full(2, n))),
        "a method": (ours.step, partial(setattr, ours, "scale")),
        "a property": (lambda x: x * ours.doubled, partial(setattr, ours, "scale")),
        "a Tensor of an object": (lambda x: x * weight.tensor, lambda n: setattr(weight, "tensor", tg.Tensor([n, n]))),
    }
    return ways[what] if what else list(ways)


@pytest.mark.parametrize("what", reading(None))
def test_what_was_changed_between_two_steps(what):
    step, change = reading(what)
    change(1.0)
    compiled, x = tg.compiled(step, native=False), np.array([1.0, 2.0])
    for n in (1.0, 1.0, 3.0, 3.0, 4.0):
        if n != 1:
            change(n)
        np.testing.assert_array_equal(np.asarray(compiled(x)), np.asarray(step(x)))


def test_what_the_code_does_not_name_may_change():
    ours = Scaling()
    step = tg.compiled(ours.step)
    for ours.unread in range(5):
        step(np.ones(2))
    assert step.explain().count("a program of") == 1


def test_a_loop_that_counts_beside_its_step():
    class Loop:
        def __init__(self):
            self.training, self.losses, self.best = Training(), [], None
            self.fast = tg.compiled(self.step, state=self.training.state)

        def step(self, x, t):
            return self.training.step(x, t)

        def run(self, data):
            for x, t in data:
                self.losses.append(self.fast(x, t).item())
                self.best = min(self.losses)

    loop = Loop()
    loop.run(batches(6))
    assert loop.fast.explain().count("a program of") == 1


def changing(what):
    """A step that changes what is outside its state."""
    box, listed, counts, queue = SimpleNamespace(n=0, y=None), [0], {"n": 0}, deque([1.0])

    def counted(x):
        counts["n"] += 1
        return x * counts["n"]

    def kept(x):
        box.y = x * 2
        return x

    def kept_anew(x):
        box.z = x * 2
        return x

    def named(x):
        box.n = "last"
        return x

    ways = {
        "an appended number": lambda x: (listed.append(1), x * len(listed))[1],
        "an item": lambda x: (listed.__setitem__(0, listed[0] + 1), x)[1],
        "a count in a dictionary": counted,
        "a queue": lambda x: (queue.append(2.0), x * queue[-1])[1],
        "what was computed": kept,
        "what was computed, by a new name": kept_anew,
        "another object": named,
    }
    return ways[what] if what else list(ways)


@pytest.mark.parametrize("what", changing(None))
def test_changes_outside_the_state(what):
    with pytest.raises(tg.TracingError, match=r"the step (changes|puts what it computed into) "):
        tg.compiled(changing(what))(np.ones(2))


@pytest.mark.parametrize("refusal", [lambda x: float(x[0]), lambda x: 1.0 if x.sum() > 0 else 2.0])
def test_a_refusal_that_the_step_catches(refusal):
    def step(x):
        try:
            return x * refusal(x)
        except TypeError:
            return x * 0

    with pytest.raises(tg.TracingError, match=r"test_environment\.py, line"):
        tg.compiled(step)(np.ones(2))
