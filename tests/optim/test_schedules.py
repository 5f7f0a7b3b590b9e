"""Schedules: their numbers, and hyperparameters that follow them."""

import builtins
import math
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import SGD, Adam, MomentumSGD
from tinygrad_np.optim.schedules import (
    Schedule,
    chained,
    constant,
    cosine,
    exponential,
    one_cycle,
    piecewise,
    plateau,
    plot,
    step,
    warm_up,
)

NUMBERS = {
    "constant": (constant(0.5), {0: 0.5, 1000: 0.5}),
    "step": (step(1.0, every=3, factor=0.5), {0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.25}),
    "exponential": (exponential(2.0, 0.5), {0: 2, 1: 1, 3: 0.25}),
    "cosine": (cosine(1.0, steps=4, end=0.5), {0: 1, 2: 0.75, 4: 0.5, 9: 0.5, 1: 0.75 + 0.25 * math.sqrt(0.5)}),
    "warm_up": (warm_up(1.0, steps=4), {0: 0.25, 3: 1, 4: 1, 99: 1}),
    "warm_up from": (warm_up(1.0, steps=2, start=0.5), {0: 0.75, 1: 1}),
    "warm_up, then": (warm_up(exponential(1.0, 0.5), steps=2), {0: 0.5, 1: 1, 2: 1, 3: 0.5}),
    "piecewise": (piecewise({2: 1.0, 5: 0.5}), {0: 1, 2: 1, 4: 1, 5: 0.5, 9: 0.5}),
    "piecewise, linear": (piecewise({2: 1.0, 6: 0.0}, linear=True), {0: 1, 2: 1, 3: 0.75, 6: 0, 9: 0}),
    "chained": (chained([constant(1.0), exponential(8.0, 0.5), 3.0], at=[2, 4]), {0: 1, 1: 1, 2: 8, 3: 4, 4: 3, 9: 3}),
    # torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=11, pct_start=0.3), PyTorch 2.13
    "one_cycle": (
        one_cycle(1.0, steps=11, rise=0.3),
        dict(enumerate([0.04, 0.4223, 0.9603, 0.9797, 0.8845, 0.7261, 0.5306, 0.3301, 0.1574, 0.041, 0.0])),
    ),
    "one_cycle without a rise": (one_cycle(1.0, steps=3, rise=0.0, lowest=2.0), {2: 0.5, 9: 0.5}),
    "one_cycle of one step": (one_cycle(1.0, steps=1, rise=1.0, lowest=2.0), {0: 0.5, 1: 0.5}),
}


@pytest.mark.parametrize(("schedule", "numbers"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_at_steps(schedule, numbers):
    assert {i: round(schedule(i), 4) for i in numbers} == {i: round(number, 4) for i, number in numbers.items()}
    assert all(type(schedule(i)) in (float, int) for i in numbers)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in NUMBERS.values()], ids=NUMBERS)
def test_a_schedule_can_be_copied_compared_and_read(schedule):
    twin = pickle.loads(pickle.dumps(schedule))
    assert twin == schedule
    assert repr(twin).startswith(type(schedule).__name__ + "(")
    assert schedule.state_dict() == {}
    schedule.load_state_dict({})
    schedule.observe(1.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: constant("0.1"), TypeError, "value must be a finite number, got '0.1'"),
        (lambda: constant(math.nan), ValueError, "value must be a finite number, got nan"),
        (lambda: constant(True), TypeError, "value must be a finite number, got True"),
        (lambda: cosine(0.1, steps=0), ValueError, "steps must be a positive integer, got 0"),
        (lambda: cosine(0.1, steps=2.5), TypeError, "steps must be a positive integer, got 2.5"),
        (lambda: step(0.1, every=0), ValueError, "every must be"),
        (lambda: step(0.1, every=1, factor=-1.0), ValueError, "factor must be above 0, got -1.0"),
        (lambda: exponential(0.1, factor="x"), TypeError, "factor must be a finite number, got 'x'"),
        (lambda: warm_up(0.1, steps=-1), ValueError, "steps must be"),
        (
            lambda: one_cycle(0.1, steps=5, rise=1.5),
            ValueError,
            r"rise must be a part of the steps, in \[0, 1\], got 1.5",
        ),
        (lambda: one_cycle(0.1, steps=5, low=0), ValueError, "low must be above 0"),
        (lambda: piecewise({}), TypeError, "points must be a dictionary"),
        (lambda: piecewise({-1: 0.1}), ValueError, "a point's step must be an integer of at least 0, got -1"),
        (lambda: piecewise({0: math.inf}), ValueError, r"points\[0\] must be a finite number, .*points\[0\]=0.5"),
        (lambda: chained(0.1, at=[3]), TypeError, "schedules must be a list, got 0.1; write chained"),
        (lambda: chained([0.1], at=3), TypeError, "at must be a list, got 3; write chained"),
        (lambda: chained([0.1, 0.2], at=[]), ValueError, r"2 schedules need 1 steps to begin at, .*; got at=\[\]"),
        (lambda: chained([0.1, 0.2, 0.3], at=[5, 5]), ValueError, r"at must be rising steps, got \[5, 5\]"),
        (lambda: plateau(0.1, patience=-1), ValueError, "patience must be an integer of at least 0"),
        (lambda: plateau(0.1, factor=2.0), ValueError, r"factor must be in \(0, 1\], .*, got 2.0"),
        (lambda: plateau(0.1).observe("low"), TypeError, "a plateau observes numbers, such as losses, got 'low'"),
        (lambda: plateau(0.1).observe([0.5]), TypeError, r"a plateau observes numbers, such as losses, got \[0.5\]"),
        (lambda: Schedule()(0), TypeError, "Schedule does not define __call__"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


class TestPlateau:
    @pytest.mark.parametrize(
        ("settings", "values", "expected"),
        [
            ({"patience": 0}, [1, 1], 0.5),
            ({"patience": 1}, [1, 1], 1),
            ({"patience": 1}, [1, 1, 0.5, 0.5], 1),
            ({"patience": 1}, [1, 1, 1, 1, 1], 0.25),
            ({"patience": 0, "threshold": 0.5}, [1, 0.6], 0.5),
            ({"patience": 0, "threshold": 0.5}, [1, 0.4], 1),
            ({"patience": 0, "higher": True}, [1, 2], 1),
            ({"patience": 0, "higher": True}, [1, 0.5], 0.5),
            ({"patience": 0, "least": 0.4}, [1, 1, 1, 1], 0.4),
            ({"patience": 0}, [math.nan, 1], 0.5),
            ({"patience": 0}, [1, math.nan], 0.5),
            ({"patience": 0}, [-1, -2], 1),
            ({"patience": 0, "least": 2.0}, [1, 1], 1),
        ],
    )
    def test_lowers_its_number_when_what_it_observes_stays_as_it_is(self, settings, values, expected):
        schedule = plateau(1.0, factor=0.5, **settings)
        for value in values:
            schedule.observe(value)
        assert schedule(5) == expected

    def test_in_two_groups_is_told_once(self):
        p, q = (tg.Tensor([1.0], requires_grad=True) for _ in range(2))
        schedule = plateau(1.0, patience=1)
        optimizer = SGD([{"params": [p]}, {"params": [q]}], lr=schedule)
        optimizer.observe(1.0)
        optimizer.observe(1.0)
        assert schedule.waited == 1

    def test_inside_another_keeps_its_state_there(self):
        schedule, other = (chained([0.1, warm_up(plateau(1.0, patience=0, factor=0.5), 1)], at=[3]) for _ in range(2))
        schedule.observe(1.0)
        schedule.observe(1.0)
        assert schedule(9) == 0.5
        other.load_state_dict(schedule.state_dict())
        assert other(9) == 0.5
        with pytest.raises(ValueError, match=r"schedules\.1 is missing"):
            other.load_state_dict({})


class TestHyperparameter:
    def leaf(self):
        return tg.Tensor([0.0], requires_grad=True)

    def test_follows_a_schedule_from_step_0_once_a_step(self):
        p, asked = self.leaf(), []
        optimizer = SGD([p], lr=lambda step: asked.append(step) or 1.0 / (step + 1))
        assert (asked, optimizer.lr) == ([0], 1.0)
        asked.clear()
        for _ in range(3):
            optimizer.step(lambda: -p.sum())
        assert asked == [0, 1, 2]
        assert p.data[0] == pytest.approx(1 + 1 / 2 + 1 / 3)
        assert (optimizer.lr, optimizer.steps) == (1 / 3, 3)

    @pytest.mark.parametrize("name", ["momentum", "l2", "weight_decay"])
    def test_may_be_any(self, name):
        p, q = self.leaf(), self.leaf()
        numbers = [0.5, 0.25, 0.125]
        by_schedule = MomentumSGD([p], lr=0.5, **{name: lambda step: numbers[step]})
        by_hand = MomentumSGD([q], lr=0.5)
        for number in numbers:
            setattr(by_hand, name, number)
            by_schedule.step(lambda: (p + 1).sum())
            by_hand.step(lambda: (q + 1).sum())
        np.testing.assert_array_equal(p.data, q.data)

    def test_is_set_to_a_number_or_a_schedule_at_any_time(self):
        p = self.leaf()
        optimizer = SGD([p], lr=0.5)
        optimizer.step(lambda: p.sum())
        optimizer.lr = piecewise({0: 1.0, 1: 2.0, 2: 3.0})
        assert optimizer.lr == 2
        optimizer.step(lambda: p.sum())
        optimizer.lr = 0.25
        optimizer.step(lambda: p.sum())
        assert p.data[0] == -0.5 - 2 - 0.25
        assert dict(optimizer.groups[0].schedules) == {}

    def test_follows_a_schedule_in_one_group_alone(self):
        p, q = self.leaf(), self.leaf()
        optimizer = SGD([("p", p), ("q", q)], lr=1.0, groups={"q": {"lr": exponential(1.0, 0.5)}})
        for _ in range(2):
            optimizer.step(lambda: (p + q).sum())
        assert (p.data[0], q.data[0]) == (-2, -1.5)

    @pytest.mark.parametrize(
        ("schedule", "error", "message"),
        [
            (lambda step: math.nan, ValueError, "lr must be .*, got nan from its schedule <.*> at step 0"),
            (lambda step: -0.1, ValueError, "lr must be .*, got -0.1 from its schedule"),
            (lambda step: "0.1", TypeError, "lr must be .*, got '0.1' from its schedule"),
            (constant, TypeError, "lr must be .*, got constant.*"),
        ],
    )
    def test_is_checked_when_the_schedule_is_set(self, schedule, error, message):
        optimizer = Adam([self.leaf()], lr=0.25)
        with pytest.raises(error, match=message):
            optimizer.lr = schedule
        with pytest.raises(error, match=message):
            Adam([self.leaf()], lr=schedule)
        assert (optimizer.lr, dict(optimizer.groups[0].schedules)) == (0.25, {})

    def test_is_checked_in_every_step_before_anything_moves(self):
        p, q = self.leaf(), self.leaf()
        optimizer = SGD([{"params": [p]}, {"params": [q], "lr": lambda step: 1.0 - step}], lr=1.0)
        for _ in range(2):
            optimizer.step(lambda: (p + q).sum())
        with pytest.raises(ValueError, match=r"got -1\.0 from its schedule <.*> at step 2"):
            optimizer.step(lambda: (p + q).sum())
        assert (p.data[0], q.data[0], optimizer.steps) == (-2, -1, 2)

    def test_is_shown_with_its_schedule(self):
        assert repr(SGD([self.leaf()], lr=exponential(0.1, factor=0.5), l2=0.25)) == (
            "SGD(1 parameter: lr=0.1 by exponential(value=0.1, factor=0.5), l2=0.25)"
        )


class TestPlot:
    def test_shows_one_schedule_with_its_own_text(self):
        figure = plot(step(0.1, every=2), steps=5)
        (axes,) = figure.axes
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.1, 0.1, 0.01, 0.01, 0.001])
        assert axes.get_xlabel() == "step"
        assert axes.get_title() == "step(value=0.1, every=2, factor=0.1)"

    def test_shows_several_by_their_labels(self):
        figure = plot({"a": constant(1.0), "b": lambda step: 2.0}, steps=3)
        assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b"]

    @pytest.mark.parametrize("schedule", [0.1, {}, {"a": 0.1}, None], ids=repr)
    def test_of_what_is_no_schedule_is_refused(self, schedule):
        with pytest.raises(TypeError, match=r"plot takes a schedule, or a dictionary of labels and schedules, got"):
            plot(schedule, steps=3)

    def test_without_matplotlib_names_what_to_install(self, monkeypatch):
        imported = builtins.__import__

        def without(name, *arguments, **keywords):
            if name.startswith("matplotlib"):
                raise ImportError(name)
            return imported(name, *arguments, **keywords)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(ImportError, match="needs matplotlib: pip install matplotlib"):
            plot(constant(0.1), steps=3)
