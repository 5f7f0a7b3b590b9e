"""Functions at and near their kinks, with the right gradient and with a wrong one in an element that has no kink."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import tinygrad_np as tg
from benchmarks.tables import Table
from tests.mutants.mutations import changed
from tests.mutants.trials import KINK, RIGHT, WRONG, Function, check, wrong_elements

DISTANCES = [sign * distance for distance in (1e-9, 1e-7, 1e-6, 5e-6, 2e-5) for sign in (1, -1)]  # from a kink


class Kinked(NamedTuple):
    """A function, a point where it has a kink, and the flat index of an element that lies far from it."""

    f: Function
    at: Any
    smooth: int


def along_rows(f: Callable[..., Any], *options: Any) -> Function:
    return lambda x: f(x, *options, axis=-1)


KINKS = {
    "relu": Kinked(tg.relu, [0, 1, -1], 1),
    "abs": Kinked(np.abs, [0, 1, -1], 1),
    "fabs": Kinked(np.fabs, [0, 1, -1], 1),
    "maximum with a number": Kinked(lambda x: np.maximum(x, 0.5), [0.5, 1, 0], 1),
    "minimum with a number": Kinked(lambda x: np.minimum(x, 0.5), [0.5, 0, 1], 1),
    "fmax with a number": Kinked(lambda x: np.fmax(x, 0.5), [0.5, 1, 0], 1),
    "fmin with a number": Kinked(lambda x: np.fmin(x, 0.5), [0.5, 0, 1], 1),
    "maximum of equals": Kinked(lambda x: np.maximum(x[0], x[1]), [[1, 2], [1, 0]], 1),
    "minimum of equals": Kinked(lambda x: np.minimum(x[0], x[1]), [[1, 0], [1, 2]], 1),
    "clip, lower end": Kinked(lambda x: np.clip(x, 0, 1), [0, 0.5, 2], 1),
    "clip, upper end": Kinked(lambda x: np.clip(x, 0, 1), [1, 0.5, 2], 1),
    "clip, both ends": Kinked(lambda x: np.clip(x, 0, 1), [0, 0.5, 1], 1),
    "max of two equals": Kinked(along_rows(np.max), [[1, 1, 0.5], [2, 1, 0]], 3),
    "max of three equals": Kinked(along_rows(np.max), [[1, 1, 1], [2, 1, 0]], 3),
    "min of two equals": Kinked(along_rows(np.min), [[1, 1, 1.5], [0, 1, 2]], 3),
    "nanmax": Kinked(along_rows(np.nanmax), [[1, 1, 0.5], [2, 1, 0]], 3),
    "ptp": Kinked(along_rows(np.ptp), [[1, 1, 0.5], [2, 1, 0]], 3),
    "sort of two equals": Kinked(np.sort, [1, 1, 0], 2),
    "sort of three equals": Kinked(along_rows(np.sort), [[1, 1, 1, 0]] * 2, 3),
    "partition": Kinked(along_rows(np.partition, 1), [[1, 1, 0], [0, 1, 1]], 2),
    "median of an odd number": Kinked(along_rows(np.median), [[1, 1, 1], [1, 3, 2]], 5),
    "median of an even number": Kinked(along_rows(np.median), [[1, 1, 1, 4], [1, 2, 3, 4]], 5),
    "median of all equal": Kinked(along_rows(np.median), [[1, 1, 1, 1], [1, 2, 3, 4]], 5),
    "quantile": Kinked(along_rows(np.quantile, 0.3), [[1, 1, 1, 4], [1, 2, 3, 4]], 4),
    "where": Kinked(lambda x: np.where(x > 0, x, 0.1 * x), [0, 1, -1], 1),
    "interp": Kinked(lambda x: np.interp(x, [0, 1, 2], [0, 3, 1]), [1, 0.5, 2], 1),
    "norm": Kinked(along_rows(np.linalg.norm), [[0, 0], [3, 4]], 3),
    "norm, sum of sizes": Kinked(along_rows(np.linalg.norm, 1), [[0, 1], [3, 4]], 3),
    "norm, largest size": Kinked(along_rows(np.linalg.norm, np.inf), [[1, 1], [3, 4]], 3),
    "hypot": Kinked(lambda x: np.hypot(x[0], x[1]), [[0, 3], [0, 4]], 1),
    "std": Kinked(along_rows(np.std), [[1, 1, 1], [1, 2, 4]], 5),
    "sign, a jump": Kinked(lambda x: np.sign(x) + x, [0, 0.5, -0.2], 1),
    "remainder, a jump": Kinked(lambda x: np.remainder(x, 1.0), [1, 0.5, -0.2], 1),
    "relu of a steep function": Kinked(lambda x: tg.relu(1000 * x), [0, 1, -1], 1),
    "relu in a sum of many": Kinked(lambda x: np.sum(tg.relu(x)), [0] * 50 + [1] * 50, 60),
    "relu beside large terms": Kinked(lambda x: np.sum(tg.relu(x)) + 1e4, [0, 1, 2], 1),
    "relu with a small slope": Kinked(lambda x: 5e-3 * np.sum(tg.relu(x)) + 1e4, [0, 1, 2], 1),
}


def altered(f: Function, index: int) -> Function:
    """f with a gradient that is 0.1 % too large in one element of its argument."""

    @tg.operation()
    def passing(x: Any) -> Any:
        return x * 1, (lambda g: changed(g, lambda element: element * 1.001, index),)

    return lambda x: f(passing(x))


def found(kinked: Kinked, distance: float, mode: str) -> list[str]:
    """What is said falsely of a function, every element moved away from the kink by a distance of its own."""
    x = np.array(kinked.at, float)
    x += distance * np.arange(1, x.size + 1).reshape(x.shape)
    outcome, _ = check(kinked.f, [x], mode)
    complaints = [] if outcome == KINK or (distance and outcome == RIGHT) else [f"the right gradient is {outcome}"]
    outcome, report = check(altered(kinked.f, kinked.smooth), [x], mode)
    named = wrong_elements(report)
    if outcome != WRONG or named != [kinked.smooth]:
        complaints.append(f"a wrong element {kinked.smooth} is {outcome}, in the elements {named}")
    return complaints


def table_of(names: Sequence[str], modes: Sequence[str]) -> tuple[Table, bool]:
    """A line for each function, and whether nothing false was said of any."""
    heading = ["function", "checks", "false"]
    table = Table("At kinks, and near them, with a right gradient and with one wrong element elsewhere", heading)
    for name in names:
        places = [(distance, mode) for mode in modes for distance in (0.0, *DISTANCES)]
        complaints = [
            f"{name}, {mode}, at a distance of {distance:g}: {complaint}"
            for distance, mode in places
            for complaint in found(KINKS[name], distance, mode)
        ]
        table.rows.append([name, str(2 * len(places)), str(len(complaints))])
        table.notes += complaints
    return table, not table.notes
