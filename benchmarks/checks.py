"""What it costs to check the gradients of a network, in evaluations of its loss and in time.

The network is 64-128-10 with tanh and cross-entropy on 32 rows, in float64: 9,610 parameters in four arrays.

* fast: ``tg.check_gradients(loss, model)``, along four random directions.
* full: the same with ``mode="full"``, two evaluations for each parameter.
* stacks: ``mode="full"`` of ``x @ w`` by the 2,000 elements of ``w``, of which many are moved in one call.
* PyTorch: ``torch.autograd.gradcheck``, whose fast mode takes one random direction of each array.
* HIPS autograd: ``check_grads(loss, modes=["rev"])``, one random direction of each array; it has no full mode.

Times are medians of interleaved rounds, but for PyTorch's full mode and ours, which run once.
"""

from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

import tinygrad_np as tg
from benchmarks.tables import Table
from benchmarks.timing import interleaved, summary

SIZES, QUICK_SIZES = (64, 128, 10), (4, 5, 3)
ROWS = 32
EVALUATIONS, QUICKER = 30, 100  # goals: fewer evaluations in fast mode, and times quicker than full mode


class Problem:
    """A network with its data, and the loss as each library writes it."""

    def __init__(self, sizes: tuple[int, int, int]) -> None:
        rng = np.random.default_rng(0)
        features, hidden, classes = sizes
        self.model = tg.Sequential(tg.nn.Linear(features, hidden, rng=0), np.tanh, tg.nn.Linear(hidden, classes, rng=1))
        self.x, self.labels = rng.normal(size=(ROWS, features)), rng.integers(classes, size=ROWS)
        self.calls = 0

    def loss(self, model: tg.Sequential) -> tg.Tensor:
        """Ours; the calls are counted."""
        self.calls += 1
        return tg.softmax_cross_entropy(model(self.x), self.labels)

    def check(self, mode: str) -> int:
        """Check the gradients, and return how often the loss was evaluated."""
        self.calls = 0
        tg.check_gradients(self.loss, self.model, mode=mode)
        return self.calls

    def torch(self, fast_mode: bool) -> Callable[[], Any]:
        """PyTorch's check of the same loss."""
        import torch

        x, labels = torch.tensor(self.x), torch.tensor(self.labels)
        params = [torch.tensor(p.data.copy(), requires_grad=True) for p in self.model.parameters()]

        def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
            return torch.nn.functional.cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, labels)

        return lambda: torch.autograd.gradcheck(loss, params, fast_mode=fast_mode)

    def autograd(self) -> Callable[[], Any]:
        """HIPS autograd's check of the same loss."""
        import autograd.numpy as anp
        from autograd.scipy.special import logsumexp
        from autograd.test_util import check_grads

        params = [p.data.copy() for p in self.model.parameters()]

        def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
            u = anp.dot(anp.tanh(anp.dot(self.x, w1) + b1), w2) + b2
            return anp.mean(logsumexp(u, axis=1) - u[anp.arange(ROWS), self.labels])

        return lambda: check_grads(loss, modes=["rev"], order=1)(*params)


def seconds(step: Callable[[], Any]) -> float:
    """Time of one run."""
    start = perf_counter()
    step()
    return perf_counter() - start


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Time the checks side by side."""
    problem = Problem(QUICK_SIZES if quick else SIZES)
    size = sum(p.size for p in problem.model.parameters())
    table = Table(f"Checking the gradients of {size:,} parameters", ["", "evaluations", "ms", "goal", "verdict"])
    fast: dict[str, Callable[[], Any]] = {"tinygrad_np, fast": lambda: problem.check("fast")}
    full: dict[str, Callable[[], Any]] = {"tinygrad_np, full": lambda: problem.check("full")}
    if peers and find_spec("torch"):
        fast["PyTorch, fast"], full["PyTorch, full"] = problem.torch(True), problem.torch(False)
    if peers and find_spec("autograd") and find_spec("scipy"):
        fast["HIPS autograd"] = problem.autograd()
    times = {name: summary(values).median for name, values in interleaved(fast, 3 if quick else 21, 1).items()}
    times |= {name: seconds(step) for name, step in full.items()}
    counts = {"tinygrad_np, fast": problem.check("fast"), "tinygrad_np, full": problem.check("full")}
    verdicts = {
        "tinygrad_np, fast": [f"< {EVALUATIONS} evaluations", holds(counts["tinygrad_np, fast"] < EVALUATIONS)],
        "tinygrad_np, full": [
            f"fast {QUICKER} times quicker",
            f"{times['tinygrad_np, full'] / times['tinygrad_np, fast']:.0f} times: "
            + holds(times["tinygrad_np, full"] >= QUICKER * times["tinygrad_np, fast"]),
        ],
    }
    for name, elapsed in times.items():
        count = f"{counts[name]:,}" if name in counts else ""
        table.rows.append([name, count, f"{elapsed * 1e3:.2f}", *verdicts.get(name, ["", ""])])
    table.rows.append(stacks(quick))
    return [table]


def stacks(quick: bool) -> list[str]:
    """The row of a function that takes stacks of points."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 40)), rng.normal(size=(40, 5 if quick else 50))
    report = tg.check_gradients(lambda w: np.tanh(x @ w), w, mode="full")
    elapsed = seconds(lambda: tg.check_gradients(lambda w: np.tanh(x @ w), w, mode="full"))
    return [f"stacks, full, {w.size:,} elements", f"{report.evaluations}", f"{elapsed * 1e3:.2f}", "", ""]


def holds(it_does: bool) -> str:
    """A verdict."""
    return "holds" if it_does else "misses"
