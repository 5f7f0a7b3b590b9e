"""What forward and reverse mode cost beside the function itself, on arrays so large that Python's share is small.

A row is a function with ``tg.jvp(f, primals, tangents)``, which is f's value and one product with its Jacobian, and
``tg.grad(f)``, each in multiples of the time that f takes on plain arrays. Nothing is compiled and every number is
float64. f alone needs no more memory than it has arrays alive at a time; both modes need more, so what the system takes
to provide it is a part of the ratio.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary

GOAL = 3.0  # evaluations of f, for its value and a tangent

Array = NDArray[Any]


class Case(NamedTuple):
    """A function of one argument that gives a number, the argument, which may be a list of arrays, and its tangent."""

    function: Callable[[Any], Any]
    primal: Any
    tangent: Any


def cases(scale: int) -> dict[str, Case]:
    """The rows; lengths of axes grow with ``scale``, which is 100 for arrays of some 10⁴ to 10⁵ elements."""
    rng = np.random.default_rng(0)

    def like(x: Array) -> Array:
        return rng.normal(size=x.shape)

    x, square = rng.normal(size=(2 * scale, 2 * scale)), rng.normal(size=(scale, scale))
    long, table = rng.normal(size=20 * scale * scale), rng.normal(size=(4 * scale, 5 * scale))
    weights = [rng.normal(size=x.shape) / len(x) ** 0.5 for _ in range(8)]
    bias = np.zeros(len(x))

    def network(x: Any, weights: Any) -> Any:
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x * x)

    def attention(x: Any) -> Any:
        a, b, c, d = [tg.linear(x, w, bias) for w in weights[:4]]
        return np.sum(tg.softmax(a + b) * tg.relu(c - d))

    def of_array(function: Callable[[Any], Any], x: Array) -> Case:
        return Case(function, x, like(x))

    return {
        "8 layers tanh(x @ w), by x": of_array(lambda x: network(x, weights), x),
        "8 layers tanh(x @ w), by all w": Case(lambda ws: network(x, ws), weights, [like(w) for w in weights]),
        "softmax · relu of linear layers": of_array(attention, x),
        "exp(sin x)·x / (1 + x²)": of_array(lambda x: np.sum(np.exp(np.sin(x)) * x / (1 + x * x)), long),
        "var, axis=0": of_array(lambda x: np.sum(np.var(x, axis=0)), table),
        "cumsum": of_array(lambda x: np.sum(np.cumsum(x) ** 2), long / len(long)),
        "sort": of_array(lambda x: np.sum(np.sort(x) * x), long),
        "eigh, eigenvalues": of_array(lambda x: np.sum(np.linalg.eigh(x + x.T)[0] ** 3), square),
        "det": of_array(np.linalg.det, x / len(x) ** 0.5),
    }


def check(name: str, case: Case) -> None:
    """ValueError if forward and reverse mode do not agree on the derivative along the tangent."""
    f, x, v = case
    forward = tg.jvp(f, (x,), (v,))[1]
    gradient = tg.grad(f)(x)
    pairs = zip(gradient, v, strict=True) if isinstance(v, list) else [(gradient, v)]
    terms = [g * t for g, t in pairs]
    reverse, size = sum(np.sum(term) for term in terms), sum(np.sum(np.abs(term)) for term in terms)
    if not abs(forward - reverse) <= 1e-9 * size:
        raise ValueError(f"{name}: the derivative is {forward} by jvp, and {reverse} by grad")


def contestants(case: Case) -> dict[str, Callable[[], Any]]:
    """The function and both modes, to be timed."""
    f, x, v = case
    return {"f": lambda: f(x), "jvp": lambda: tg.jvp(f, (x,), (v,)), "grad": lambda: tg.grad(f)(x)}


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that both modes agree, then time them and the function side by side."""
    scale, rounds, steps = (4, 2, 1) if quick else (100, 20, 3)
    table = Table(
        "Derivatives of functions of large arrays, in evaluations of the function",
        ["", "ms f", "jvp / f", "half of the rounds", "grad / f", "half of the rounds", "goal for jvp", "verdict"],
    )
    for name, case in cases(scale).items():
        check(name, case)
        seconds = interleaved(contestants(case), rounds, steps)
        jvp, grad = (ratio(seconds[mode], seconds["f"]) for mode in ("jvp", "grad"))
        cells = [f"{jvp.median:.2f}", spread(jvp), f"{grad.median:.2f}", spread(grad)]
        goal = [f"≤ {GOAL:g}", verdict(jvp.median, GOAL)]
        table.rows.append([name, f"{summary(seconds['f']).median * 1e3:.2f}", *cells, *goal])
    table.notes.append(f"Medians of {rounds} interleaved rounds of {steps} calls; ratios are taken within each round.")
    return [table]
