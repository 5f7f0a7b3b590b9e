"""What each operation costs beside the arithmetic: forward and backward on arrays of four elements, float64.

Timed is what a user does again and again, in each library's own way: with the arrays to differentiate for made once,
the call as it is written (``np.sin(x)``, ``x1 * x2``, ``x.T``) and the gradient of every array.

* tinygrad_np: ``x.grad = None; y = np.sin(x); y.backward(g)``, as its gradients accumulate.
* MyGrad: ``y = mg.sin(x); y.backward(g)``, as its gradients do not; memory guarding is off, which its page on
  performance advises and nobody else does.
* HIPS autograd: ``vjp, y = make_vjp(f, …)(x); vjp(g)``, which is what its grad does; of two arrays at once.

``g`` has y's shape and is made once. A number y is its own loss: ``y.backward()`` and ``vjp`` of 1.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks.rows import AUTOGRAD, MYGRAD, ROWS, Function, namespace
from benchmarks.tables import Table
from benchmarks.timing import interleaved, ratio, summary

OURS = "tinygrad_np"
VALUE = "NumPy, the value alone"
GOALS = {MYGRAD: 0.60, AUTOGRAD: 0.30}  # shares of the peers' times

Arrays = Sequence[NDArray[Any]]


class Call(NamedTuple):
    """An operation in one library: ``forward`` records it, ``step`` goes back as well and leaves ``gradients``."""

    forward: Callable[[], Any]
    step: Callable[[], Any]
    gradients: Callable[[], Sequence[Any]]


def seed(y: Any) -> tuple[NDArray[Any], ...]:
    """What backward is given: 1, 2, 3, … in y's shape, or nothing for a number."""
    return (1.0 + np.arange(y.size).reshape(y.shape),) if y.shape else ()


def names() -> Any:
    """NumPy, with tinygrad_np's functions where it has none: they too give arrays for arrays."""
    return namespace(
        np,
        multi_dot=np.linalg.multi_dot,
        relu=tg.relu,
        sigmoid=tg.sigmoid,
        softmax=tg.softmax,
        log_softmax=tg.log_softmax,
        logsumexp=tg.logsumexp,
        softmax_cross_entropy=tg.softmax_cross_entropy,
    )


def ours(function: Function, arrays: Arrays) -> Call:
    """tinygrad_np under NumPy's names."""
    xp = names()
    leaves = [tg.Tensor(x, requires_grad=True) for x in arrays]
    g = seed(function(xp, *leaves))

    def step() -> None:
        for x in leaves:
            x.grad = None
        function(xp, *leaves).backward(*g)

    return Call(lambda: function(xp, *leaves), step, lambda: [x.grad for x in leaves])


def mygrad(function: Function, arrays: Arrays) -> Call:
    """MyGrad under its own names."""
    import mygrad as mg
    from mygrad.nnet.activations import logsoftmax, relu, sigmoid, softmax
    from mygrad.nnet.losses import softmax_crossentropy

    xp = namespace(
        mg,
        multi_dot=mg.multi_matmul,
        relu=relu,
        sigmoid=sigmoid,
        softmax=softmax,
        log_softmax=logsoftmax,
        softmax_cross_entropy=softmax_crossentropy,
    )
    mg.turn_memory_guarding_off()
    leaves = [mg.tensor(x) for x in arrays]
    g = seed(function(xp, *leaves))

    def step() -> None:
        function(xp, *leaves).backward(*g)

    return Call(lambda: function(xp, *leaves), step, lambda: [x.grad for x in leaves])


def autograd(function: Function, arrays: Arrays) -> Call:
    """HIPS autograd's NumPy, and its SciPy where NumPy has no such function."""
    import autograd.numpy as anp
    from autograd import make_vjp
    from autograd.scipy.signal import convolve
    from autograd.scipy.special import expit, logsumexp

    xp = namespace(anp, relu=lambda x: anp.maximum(x, 0), sigmoid=expit, logsumexp=logsumexp, convolve=convolve)
    every = tuple(range(len(arrays))) if len(arrays) > 1 else 0
    prepare = make_vjp(lambda *xs: function(xp, *xs), every)
    (g,) = seed(np.asarray(function(xp, *arrays))) or (1.0,)

    def step() -> Any:
        vjp, _ = prepare(*arrays)
        return vjp(g)

    return Call(lambda: prepare(*arrays), step, lambda: step() if every else [step()])


def plain(function: Function, arrays: Arrays) -> Callable[[], Any]:
    """NumPy alone: the value, without a gradient."""
    xp = names()
    return lambda: function(xp, *arrays)


LIBRARIES: dict[str, Callable[[Function, Arrays], Call]] = {OURS: ours, MYGRAD: mygrad, AUTOGRAD: autograd}


def installed() -> list[str]:
    """The other libraries that can be imported here."""
    needed = {MYGRAD: ["mygrad"], AUTOGRAD: ["autograd", "scipy"]}
    return [name for name, modules in needed.items() if all(find_spec(module) for module in modules)]


def calls(name: str, function: Function, arrays: Arrays, peers: Sequence[str]) -> dict[str, Call]:
    """Ours and the ``peers``', run once; ValueError if they do not give the same gradients."""
    built = {library: LIBRARIES[library](function, arrays) for library in [OURS, *peers]}
    for call in built.values():
        call.step()
    expected = built[OURS].gradients()
    for library in peers:
        for x, y in zip(expected, built[library].gradients(), strict=True):
            if np.shape(x) != np.shape(y) or not np.allclose(x, y, rtol=1e-9, atol=1e-12):
                raise ValueError(f"{name}: {library} has the gradient\n{y}\nwhere {OURS} has\n{x}")
    return built


def overheads(peers: Sequence[str], rounds: int, steps: int) -> Table:
    """Every operation in every library that has it."""
    heading = ["", "µs", *[cell for name in peers for cell in (name, "share")], "verdict"]
    table = Table("Operations, forward and backward, on 4 elements", heading)
    shares: dict[str, list[float]] = {name: [] for name in peers}
    beside: dict[str, list[float]] = {name: [] for name in peers}
    for name, row in ROWS.items():
        having = [peer for peer in peers if peer in row.peers]
        built = calls(name, row.function, row.arrays, having)
        steppers = {library: call.step for library, call in built.items()}
        seconds = interleaved({**steppers, VALUE: plain(row.function, row.arrays)}, rounds, steps)
        cells, missed = [f"{summary(seconds[OURS]).median * 1e6:.1f}"], []
        for peer in peers:
            if peer not in having:
                cells += ["", ""]
                continue
            share = ratio(seconds[OURS], seconds[peer]).median
            shares[peer].append(share)
            values = seconds[VALUE]
            beside[peer].append(ratio(without(seconds[OURS], values), without(seconds[peer], values)).median)
            cells += [f"{summary(seconds[peer]).median * 1e6:.1f}", f"{share:.0%}"]
            missed += [peer] if share > GOALS[peer] else []
        table.rows.append([name, *cells, f"misses {' and '.join(missed)}" if missed else "holds" if having else ""])
    table.notes.append(f"Medians of {rounds} interleaved rounds of {steps} calls; shares are taken within each round.")
    table.notes += [summarized(peer, shares[peer], beside[peer]) for peer in peers]
    return table


def without(seconds: Sequence[float], part: Sequence[float]) -> list[float]:
    """What is left of each time."""
    return [whole - taken for whole, taken in zip(seconds, part, strict=True)]


def summarized(peer: str, shares: Sequence[float], beside: Sequence[float]) -> str:
    """How many shares of a peer's time are within the goal: of all of it, and of what comes beside NumPy's value."""
    goal = GOALS[peer]
    within, within_beside = (sum(share <= goal for share in found) for found in (shares, beside))
    return (
        f"Goal: at most {goal:.0%} of {peer}'s time, which holds in {within} of {len(shares)} rows; the median is "
        f"{median(shares):.0%}, the greatest {max(shares):.0%}. Of the time beside that in which NumPy alone gives the "
        f"value, it holds in {within_beside}; the median is {median(beside):.0%}."
    )


def path_reuse(peers: Sequence[str], rounds: int, n: int) -> Table:
    """einsum of three n × n matrices: products of pairs forward, and twice as many backward if these are reused."""
    matrices = [np.random.default_rng(i).normal(size=(n, n)) / n for i in range(3)]

    def chain(xp: Any, a: Any, b: Any, c: Any) -> Any:
        return xp.einsum("ij,jk,kl->il", a, b, c, optimize=True)

    table = Table(
        f"einsum ij,jk,kl->il with optimize=True, matrices of {n} × {n}",
        ["", "µs forward", "µs backward", "backward / forward"],
        notes=[
            "Forward takes two products of matrices. Backward takes four if it goes back over the same pairs, and six "
            "if each of the three gradients is an einsum of three operands by itself."
        ],
    )
    for name, call in calls("einsum of three", chain, matrices, peers).items():
        seconds = interleaved({"forward": call.forward, "both": call.step}, rounds, steps=1)
        backward = [both - forward for both, forward in zip(seconds["both"], seconds["forward"], strict=True)]
        micro = [f"{summary(values).median * 1e6:.0f}" for values in (seconds["forward"], backward)]
        table.rows.append([name, *micro, f"{ratio(backward, seconds['forward']).median:.2f}"])
    return table


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that the libraries have the same gradients, then time them operation by operation."""
    others = installed() if peers else []
    # Turns that are short beside the system's time slices: long ones would seldom pass without an interruption.
    rounds, steps = (2, 2) if quick else (200, 10)
    table = overheads(others, rounds, steps)
    absent = [name for name in GOALS if name not in others]
    if peers and absent:
        table.notes.append(f"Not installed: {', '.join(absent)}. To add: pip install mygrad autograd scipy")
    return [table, path_reuse(others, *((2, 8) if quick else (40, 64)))]
