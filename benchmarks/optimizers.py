"""How long a step of each optimizer takes, beside the same update hand-written in place over one flat buffer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary

Array = NDArray[Any]
GOAL = 1.3
LR = 0.01
NETWORKS: dict[str, tuple[tuple[int, ...], Any, int]] = {  # sizes of the layers, dtype, steps a round
    "2-3-3": ((2, 3, 3), np.float64, 200),
    "64-128-10": ((64, 128, 10), np.float32, 100),
    "784-512-256-10": ((784, 512, 256, 10), np.float32, 4),
}
BY_HAND, FLAT, OURS = "by hand", "by hand, gradients flat already", "tinygrad_np"
Update = Callable[[Array, Array], None]  # of the parameters and their gradient, which is scratch afterwards


# -- the updates by hand: states and scratch beside each, every operation in place ----------------


def sgd(n: int, dtype: Any) -> Update:
    """p ← p − η·g."""

    def update(p: Array, g: Array) -> None:
        g *= LR
        p -= g

    return update


def momentum(n: int, dtype: Any) -> Update:
    """v ← μ·v − η·g; p ← p + v."""
    v = np.zeros(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(v, 0.9, v)
        g *= LR
        np.subtract(v, g, v)
        p += v

    return update


def corrected_momentum(n: int, dtype: Any) -> Update:
    """v ← μ·v + g; p ← p − η·v."""
    v = np.zeros(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(v, 0.9, v)
        np.add(v, g, v)
        np.multiply(v, LR, g)
        p -= g

    return update


def nesterov(n: int, dtype: Any) -> Update:
    """v ← μ·v − η·g; p ← p + μ·v − η·g."""
    v = np.zeros(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(v, 0.9, v)
        g *= LR
        np.subtract(v, g, v)
        p -= g
        np.multiply(v, 0.9, g)
        p += g

    return update


def adagrad(n: int, dtype: Any) -> Update:
    """s ← s + g²; p ← p − η·g / (√s + ε)."""
    s, work = np.zeros(n, dtype), np.empty(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(g, g, work)
        np.add(s, work, s)
        np.sqrt(s, work)
        np.add(work, 1e-10, work)
        g /= work
        g *= LR
        p -= g

    return update


def adadelta(n: int, dtype: Any) -> Update:
    """s ← ρ·s + (1 − ρ)·g²; d = g·√(u + ε) / √(s + ε); u ← ρ·u + (1 − ρ)·d²; p ← p − η·d."""
    s, u, work = np.zeros(n, dtype), np.zeros(n, dtype), np.empty(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(s, 0.9, s)
        np.multiply(g, g, work)
        np.multiply(work, 1 - 0.9, work)
        np.add(s, work, s)
        np.add(s, 1e-6, work)
        np.sqrt(work, work)
        g /= work
        np.add(u, 1e-6, work)
        np.sqrt(work, work)
        g *= work
        np.multiply(u, 0.9, u)
        np.multiply(g, g, work)
        np.multiply(work, 1 - 0.9, work)
        np.add(u, work, u)
        g *= LR
        p -= g

    return update


def rmsprop(n: int, dtype: Any) -> Update:
    """s ← ρ·s + (1 − ρ)·g²; p ← p − η·g / (√s + ε)."""
    s, work = np.zeros(n, dtype), np.empty(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.multiply(s, 0.99, s)
        np.multiply(g, g, work)
        np.multiply(work, 1 - 0.99, work)
        np.add(s, work, s)
        np.sqrt(s, work)
        np.add(work, 1e-8, work)
        g /= work
        g *= LR
        p -= g

    return update


def adam(n: int, dtype: Any, weight_decay: float = 0.0, amsgrad: bool = False) -> Update:
    """Adam, as its paper's remark on efficiency has it: α = η·√(1 − β₂ᵗ) / (1 − β₁ᵗ) and ε·√(1 − β₂ᵗ)."""
    m, v, work, greatest = np.zeros(n, dtype), np.zeros(n, dtype), np.empty(n, dtype), np.zeros(n, dtype)
    t = 0

    def update(p: Array, g: Array) -> None:
        nonlocal t
        t += 1
        root = sqrt(1 - 0.999**t)
        if weight_decay:
            p *= 1 - LR * weight_decay
        np.multiply(m, 0.9, m)
        np.multiply(g, 1 - 0.9, work)
        np.add(m, work, m)
        np.multiply(v, 0.999, v)
        np.multiply(g, g, g)
        np.multiply(g, 1 - 0.999, g)
        np.add(v, g, v)
        if amsgrad:
            np.maximum(greatest, v, out=greatest)
        np.sqrt(greatest if amsgrad else v, g)
        g += 1e-8 * root
        np.divide(m, g, g)
        g *= LR * root / (1 - 0.9**t)
        p -= g

    return update


def adamw(n: int, dtype: Any) -> Update:
    """p ← p − η·λ·p before Adam's update."""
    return adam(n, dtype, weight_decay=0.01)


def amsgrad(n: int, dtype: Any) -> Update:
    """Adam's update with the greatest v so far."""
    return adam(n, dtype, amsgrad=True)


def nadam(n: int, dtype: Any) -> Update:
    """NAdam, with PyTorch's schedule of the momentum."""
    m, v, work = np.zeros(n, dtype), np.zeros(n, dtype), np.empty(n, dtype)
    t, product = 0, 1.0

    def update(p: Array, g: Array) -> None:
        nonlocal t, product
        t += 1
        now, after = 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)), 0.9 * (1 - 0.5 * 0.96 ** ((t + 1) * 0.004))
        product *= now
        root = sqrt(1 - 0.999**t)
        np.multiply(m, 0.9, m)
        np.multiply(g, 1 - 0.9, work)
        np.add(m, work, m)
        np.multiply(v, 0.999, v)
        np.multiply(g, g, work)
        np.multiply(work, 1 - 0.999, work)
        np.add(v, work, v)
        g *= (1 - now) / (1 - product)
        np.multiply(m, after / (1 - product * after), work)
        g += work
        np.sqrt(v, work)
        np.add(work, 1e-8 * root, work)
        g /= work
        g *= LR * root
        p -= g

    return update


def lion(n: int, dtype: Any) -> Update:
    """p ← p − η·sign(β₁·m + (1 − β₁)·g); m ← β₂·m + (1 − β₂)·g."""
    m, work = np.zeros(n, dtype), np.empty(n, dtype)

    def update(p: Array, g: Array) -> None:
        np.subtract(m, g, work)
        np.multiply(work, 0.9, work)
        np.add(work, g, work)
        np.sign(work, work)
        np.multiply(work, LR, work)
        p -= work
        np.multiply(m, 0.99, m)
        g *= 1 - 0.99
        np.add(m, g, m)

    return update


UPDATES: dict[str, Callable[[int, Any], Update]] = {
    "sgd": sgd,
    "momentum": momentum,
    "corrected_momentum": corrected_momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
    "amsgrad": amsgrad,
    "nadam": nadam,
    "lion": lion,
}


@dataclass(frozen=True)
class Contestant:
    """``step`` updates once; ``parameters`` shows all elements side by side."""

    step: Callable[[], object]
    parameters: Callable[[], Array]


def contestants(name: str, sizes: Sequence[int], dtype: Any) -> dict[str, Contestant]:
    """One optimizer three times, from the same parameters and with the same gradients in each step."""
    rng = np.random.default_rng(0)
    shapes = [shape for a, b in pairwise(sizes) for shape in ((a, b), (b,))]
    weights, gradients = ([rng.normal(size=shape).astype(dtype) for shape in shapes] for _ in range(2))
    leaves = [tg.Tensor(w, requires_grad=True) for w in weights]
    for leaf, g in zip(leaves, gradients, strict=True):
        leaf.grad = g
    optimizer = tg.optim.by_name(name)(leaves, lr=LR)
    return {
        BY_HAND: by_hand(UPDATES[name], weights, gradients),
        FLAT: by_hand(UPDATES[name], weights, [np.concatenate(gradients, axis=None)]),
        OURS: Contestant(optimizer.step, lambda: np.concatenate([leaf.data for leaf in leaves], axis=None)),
    }


def by_hand(build: Callable[[int, Any], Update], weights: Sequence[Array], gradients: Sequence[Array]) -> Contestant:
    """The update over one flat buffer, into which the ``gradients``, an array each, are copied in each step."""
    p = np.concatenate(weights, axis=None)
    g = np.empty_like(p)
    update = build(p.size, p.dtype)
    parts = np.split(g, np.cumsum([a.size for a in gradients])[:-1])
    pairs = [(part.reshape(a.shape), a) for part, a in zip(parts, gradients, strict=True)]

    def step() -> None:
        for part, gradient in pairs:
            part[...] = gradient
        update(p, g)

    return Contestant(step, lambda: p)


def assert_agreement(name: str, group: dict[str, Contestant], steps: int = 5) -> None:
    """ValueError if after some steps one of them has other parameters than the first."""
    for contestant in group.values():
        for _ in range(steps):
            contestant.step()
    expected = group[BY_HAND].parameters()
    for contestant, found in group.items():
        error = float(np.max(np.abs(found.parameters() - expected)))
        if not error <= 100 * np.finfo(expected.dtype).eps:
            raise ValueError(f"{name}: {contestant} has parameters that are off by {error}")


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that the contestants move alike, then time them."""
    rounds = 3 if quick else 60
    tables = []
    for network, (sizes, dtype, steps) in NETWORKS.items():
        table = Table(
            f"One step of an optimizer, {network} network, {np.dtype(dtype)}",
            ["", "µs by hand", "µs", "times by hand", "half of the rounds", "goal", "verdict", "times, flat already"],
        )
        for name in UPDATES:
            group = contestants(name, sizes, dtype)
            assert_agreement(name, group)
            seconds = interleaved({k: c.step for k, c in group.items()}, rounds, 2 if quick else steps)
            times, flat = ratio(seconds[OURS], seconds[BY_HAND]), ratio(seconds[OURS], seconds[FLAT])
            micro = [f"{summary(seconds[k]).median * 1e6:.1f}" for k in (BY_HAND, OURS)]
            goal = [f"≤ {GOAL}", verdict(times.median, GOAL)]
            table.rows.append([name, *micro, f"{times.median:.2f}", spread(times), *goal, f"{flat.median:.2f}"])
        tables.append(table)
    tables[-1].notes += [
        f"Medians of {rounds} interleaved rounds; ratios are taken within each round.",
        "By hand: the same update in place over one flat buffer, to which the parameters' gradients, an array each,",
        "are copied first, as they are here. Flat already: beside a baseline whose gradients arrive as one flat array.",
    ]
    return tables
