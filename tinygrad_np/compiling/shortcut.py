"""The shortest way through a compiled step: one function, written out for the state and the arguments of last time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_np.compiling.fitting import Checks
from tinygrad_np.compiling.native.script import Script
from tinygrad_np.optim.group import Group
from tinygrad_np.tape import Leaf, tick
from tinygrad_np.tensor import Tensor

MISSED = object()  # what it gives where it does not hold


def shortcut(
    checks: Checks, groups: Sequence[Group], run: Callable[[Any], Any], touched: Sequence[Leaf], give: Any, counter: Any
) -> Callable[[Any], Any]:
    """A function of the arguments that runs a step: as Version does, but without asking twice, or a loop.

    ``give`` makes of what ``run`` gives what the step returns; None where that is one Tensor. ``counter`` counts runs.
    """
    script = Script()
    script.bound |= checks.bound
    script.begin("shortcut(arguments)")
    script.add(f"if not ({checks.text}): return {script.named(MISSED)}")
    for group in groups:
        script.add(f"{script.named(group.follow)}()")
    script.add(f"given = {script.named(run)}(arguments)")
    script.add(f"{script.named(counter)}.runs += 1")
    if touched:
        script.add(f"stamp = {script.named(tick)}()")
    for leaf in touched:
        script.add(f"{script.named(leaf)}.order = stamp")
    if give is None:
        script.add(f"tensor = {script.named(Tensor.__new__)}({script.named(Tensor)})")
        script.add("tensor._array, = given")
        script.add("tensor._node = None")
        script.add("return tensor")
    else:
        script.add(f"return {script.named(give)}(given)")
    (function,) = script.compiled()
    return function
