"""Schedules: numbers that depend on the step, for any hyperparameter.

A schedule is a function of the number of steps taken so far, 0 in the first step. Any function of one int will do;
those here can be compared, copied, pickled and read. An optimizer whose schedule is a lambda cannot be pickled, as no
lambda can; its ``state_dict()`` does without. :func:`plot` draws one.

>>> import tinygrad_np as tg
>>> schedule = tg.optim.schedules.warm_up(tg.optim.schedules.cosine(0.1, steps=100), steps=5)
>>> [round(schedule(step), 4) for step in (0, 4, 5, 55, 105, 1000)]
[0.02, 0.1, 0.1, 0.05, 0.0, 0.0]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from tinygrad_np import states
from tinygrad_np.arguments import whole
from tinygrad_np.optim.hyperparameters import checked, positive


class Schedule:
    """Base of the schedules here: what one that holds others passes on to them.

    ``observe`` and the state are for :class:`plateau`, alone or inside another; the others have none.
    """

    def __call__(self, step: int) -> float:
        """The number for the step after ``step`` others."""
        raise TypeError(f"{type(self).__name__} does not define __call__(self, step)")

    def observe(self, value: float) -> None:
        """Take note of how well training goes, a loss say."""
        for inner in self._inner().values():
            inner.observe(value)

    def state_dict(self) -> dict[str, Any]:
        """What is not in the arguments: nothing, but for a plateau."""
        return {name: state for name, inner in self._inner().items() if (state := inner.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave; ValueError if it does not fit."""
        states.check(f"the schedule {type(self).__name__}", self.state_dict(), state)
        for name, value in state.items():
            self._inner()[name].load_state_dict(value)

    def _inner(self) -> dict[str, Schedule]:
        """Schedules among the arguments, by name."""
        found: dict[str, Schedule] = {}
        for f in fields(self):  # type: ignore[arg-type]  # each schedule is a dataclass
            value = getattr(self, f.name)
            found |= {f.name: value} if isinstance(value, Schedule) else {}
            if isinstance(value, tuple):
                found |= {f"{f.name}.{i}": item for i, item in enumerate(value) if isinstance(item, Schedule)}
        return found


Then = float | Callable[[int], float]  # a number, or another schedule
COUNTS = {"steps": 1, "every": 1, "patience": 0}  # arguments that are integers, and the least of each


@dataclass(frozen=True)
class constant(Schedule):
    """The same ``value`` in every step.

    >>> constant(0.1)(1000)
    0.1
    """

    value: float

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        return self.value


@dataclass(frozen=True)
class step(Schedule):
    """Multiplied by ``factor`` every so many steps: value·factorᵏ, with k = ⌊step / every⌋.

    >>> schedule = step(0.1, every=30)
    >>> [round(schedule(i), 6) for i in (0, 29, 30, 60)]
    [0.1, 0.1, 0.01, 0.001]
    """

    value: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        return float(self.value * self.factor ** (step // self.every))


@dataclass(frozen=True)
class exponential(Schedule):
    """Multiplied by ``factor`` in each step: value·factorˢᵗᵉᵖ.

    >>> schedule = exponential(0.1, factor=0.5)
    >>> [schedule(i) for i in (0, 1, 2)]
    [0.1, 0.05, 0.025]
    """

    value: float
    factor: float

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        return float(self.value * self.factor**step)


@dataclass(frozen=True)
class cosine(Schedule):
    """Half a wave down from ``start`` to ``end``, where it stays after so many ``steps``.

    end + (start − end)·(1 + cos(π·step / steps)) / 2. Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent
    with warm restarts", without the restarts.

    >>> schedule = cosine(0.1, steps=100)
    >>> [round(schedule(i), 4) for i in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    start: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        return _wave(self.start, self.end, step / self.steps)


@dataclass(frozen=True)
class warm_up(Schedule):
    """Up to the first number of ``then`` in equal parts over so many ``steps``, from ``start`` on; then that schedule.

    In step s < steps: start + (then(0) − start)·(s + 1) / steps; after them then(s − steps). ``then`` is a number or a
    schedule. Goyal et al. (2017), "Accurate, large minibatch SGD".

    >>> schedule = warm_up(0.1, steps=4)
    >>> [round(schedule(i), 4) for i in range(6)]
    [0.025, 0.05, 0.075, 0.1, 0.1, 0.1]
    """

    then: Then
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        if step >= self.steps:
            return _at(self.then, step - self.steps)
        return self.start + (_at(self.then, 0) - self.start) * (step + 1) / self.steps


@dataclass(frozen=True)
class one_cycle(Schedule):
    """Up to ``peak`` and down again within so many ``steps``, each in half a wave.

    From peak / ``low`` up in the first ``rise`` of the steps, then down to peak / ``lowest``, where it stays. Smith &
    Topin (2018), "Super-convergence"; the same numbers as PyTorch's, but that its ``final_div_factor`` divides the
    first rate: lowest = div_factor·final_div_factor.

    >>> schedule = one_cycle(1.0, steps=11, rise=0.3)
    >>> [round(schedule(i), 4) for i in (0, 1, 2, 6, 10)]
    [0.04, 0.4223, 0.9603, 0.5306, 0.0]
    """

    peak: float
    steps: int
    rise: float = 0.3
    low: float = 25.0
    lowest: float = 250000.0

    def __post_init__(self) -> None:
        _check_numbers(self)

    def __call__(self, step: int) -> float:
        top, last = self.rise * self.steps - 1, self.steps - 1
        if step < top:
            return _wave(self.peak / self.low, self.peak, step / top)
        return _wave(self.peak, self.peak / self.lowest, (step - top) / (last - top) if last > top else 1.0)


@dataclass(frozen=True)
class piecewise(Schedule):
    """The number of the latest step listed in ``points``, or with ``linear`` a straight line from each to the next.

    Before the first and after the last point it is constant.

    >>> [piecewise({0: 0.1, 100: 0.01})(i) for i in (0, 99, 100)]
    [0.1, 0.1, 0.01]
    >>> [piecewise({0: 0.0, 10: 1.0, 20: 0.5}, linear=True)(i) for i in (0, 5, 10, 15, 25)]
    [0.0, 0.5, 1.0, 0.75, 0.5]
    """

    points: Mapping[int, float]
    linear: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.points, Mapping) or not self.points:
            raise TypeError(f"points must be a dictionary of steps and numbers, as in {{0: 0.1}}, got {self.points!r}")
        for at, value in self.points.items():
            whole("a point's step", at)
            checked(f"points[{at}]", value)

    def __call__(self, step: int) -> float:
        steps = sorted(self.points)
        before = max([at for at in steps if at <= step], default=steps[0])
        after = min([at for at in steps if at > step], default=steps[-1])
        value = self.points[before]
        if self.linear and before < step < after:
            value += (self.points[after] - value) * (step - before) / (after - before)
        return value


@dataclass(frozen=True)
class chained(Schedule):
    """One of the ``schedules`` after another, beginning ``at`` the steps listed, one fewer; each counts from 0.

    >>> schedule = chained([warm_up(0.1, steps=2), exponential(0.1, factor=0.5)], at=[3])
    >>> [schedule(i) for i in range(6)]
    [0.05, 0.1, 0.1, 0.1, 0.05, 0.025]
    """

    schedules: Sequence[Then]
    at: Sequence[int]

    def __post_init__(self) -> None:
        for name in ("schedules", "at"):
            if not isinstance(getattr(self, name), Sequence):
                raise TypeError(f"{name} must be a list, got {getattr(self, name)!r}; write chained([a, b], at=[100])")
        object.__setattr__(self, "schedules", tuple(self.schedules))
        object.__setattr__(self, "at", tuple(self.at))
        if len(self.schedules) != len(self.at) + 1:
            raise ValueError(
                f"{len(self.schedules)} schedules need {len(self.schedules) - 1} steps to begin at, after the first; "
                f"got at={list(self.at)}"
            )
        for begin in self.at:
            whole("at", begin, least=1)
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"at must be rising steps, got {list(self.at)}")

    def __call__(self, step: int) -> float:
        i = sum(begin <= step for begin in self.at)
        return _at(self.schedules[i], step - (self.at[i - 1] if i else 0))


@dataclass
class plateau(Schedule):
    """Multiplied by ``factor`` when what it observes has not become better for more than ``patience`` times in a row.

    It goes by ``observe(value)``, after each epoch say, not by the step. Better is lower, by ``threshold`` times the
    best value's size at least; with ``higher`` it is higher. The number does not fall below ``least``.

    >>> schedule = plateau(0.1, factor=0.5, patience=1)
    >>> for loss in (1.0, 1.1, 1.2):
    ...     schedule.observe(loss)
    >>> schedule(3)
    0.05
    """

    value: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    least: float = 0.0
    higher: bool = False
    best: float | None = field(default=None, init=False)
    waited: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.factor > 1:
            raise ValueError(f"factor must be in (0, 1], so that the number falls, got {self.factor!r}")

    def __call__(self, step: int) -> float:
        return self.value

    def observe(self, value: float) -> None:
        """Take note of ``value``; one that is NaN is not better."""
        try:
            value = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"a plateau observes numbers, such as losses, got {value!r}") from None
        if self.best is None:
            better = not math.isnan(value)
        else:
            gain = value - self.best if self.higher else self.best - value
            better = gain > self.threshold * abs(self.best)
        self.best, self.waited = (value, 0) if better else (self.best, self.waited + 1)
        if self.waited > self.patience:
            self.value, self.waited = max(self.value * self.factor, min(self.value, self.least)), 0

    def state_dict(self) -> dict[str, Any]:
        return {"value": float(self.value), "best": self.best, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        states.check("the schedule plateau", self.state_dict(), state)
        best = None if state["best"] is None else float(state["best"])
        value, waited = checked("value", state["value"]), whole("waited", state["waited"])
        self.value, self.best, self.waited = value, best, waited


def plot(schedule: Callable[[int], float] | Mapping[str, Callable[[int], float]], steps: int) -> Any:
    """A matplotlib Figure of a schedule, or of several by their labels, over so many ``steps``.

    Raises ImportError, with what to install, if matplotlib is not there.
    """
    whole("steps", steps, least=1)
    labelled = schedule if isinstance(schedule, Mapping) else {"": schedule}
    if not labelled or not all(callable(f) for f in labelled.values()):
        raise TypeError(f"plot takes a schedule, or a dictionary of labels and schedules, got {schedule!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plotting a schedule needs matplotlib: pip install matplotlib") from error
    figure = Figure(layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="value", xlim=(0, max(steps - 1, 1)))
    for label, f in labelled.items():
        axes.plot(range(steps), [f(i) for i in range(steps)], label=label, drawstyle="steps-post")
    if isinstance(schedule, Mapping):
        axes.legend()
    else:
        axes.set_title(repr(schedule), fontsize="medium", wrap=True)
    return figure


def _wave(start: float, end: float, part: float) -> float:
    """Half a cosine wave from ``start`` to ``end``, after this ``part`` of it."""
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2


def _at(schedule: Then, step: int) -> float:
    return schedule(step) if callable(schedule) else schedule


def _check_numbers(schedule: Any) -> None:
    """Refuse arguments that are no finite numbers, or counts of steps that are not positive."""
    for f in fields(schedule):
        value = getattr(schedule, f.name)
        if f.name in COUNTS:
            whole(f.name, value, COUNTS[f.name])
        elif f.name in ("factor", "low", "lowest"):
            positive(f.name, value)
        elif f.init and f.type != "bool" and not callable(value):
            checked(f.name, value)
    if not 0 <= getattr(schedule, "rise", 0) <= 1:
        raise ValueError(f"rise must be a part of the steps, in [0, 1], got {schedule.rise!r}")
