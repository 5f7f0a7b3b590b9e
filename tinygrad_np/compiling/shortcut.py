"""The fast path of a compiled step: one generated function that checks the state, runs the program and returns.

A call takes about 2 µs. A loop over checks would take longer than that, so they are written out one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_np.compiling.native.script import Script
from tinygrad_np.compiling.state_guards import GONE, StateGuards
from tinygrad_np.optim.group import Group
from tinygrad_np.tape import Leaf, tick
from tinygrad_np.tensor import Tensor

MISSED = object()  # what it gives where it does not hold


def shortcut(
    checks: StateGuards,
    groups: Sequence[Group],
    touched: Sequence[Leaf],
    give: Callable[[Any], Any] | None,
    counter: Any,
    script: Script,
    step: Callable[[Script], None],
) -> None:
    """Write a function that runs a step: as Version does, but without asking twice, or a loop.

    ``step`` writes the native step itself. ``give`` makes of what that gives what is to be returned; None where that is
    one Tensor. ``counter`` counts runs.
    """
    script.bound |= checks.bound
    script.begin("shortcut(arguments)")
    script.add("try:")
    script.add(f" if not ({checks.text}): return {script.named(MISSED)}")
    script.add(f"except {script.named(GONE)}: return {script.named(MISSED)}")
    for group in groups:
        script.add(f"{script.named(group.follow)}()")
    step(script)
    script.add(f"{script.named(counter)}.runs += 1")
    if touched:
        script.add(f"stamp = {script.named(tick)}()")
    for leaf in touched:
        script.add(f"{script.named(leaf)}.order = stamp")
    if give is not None:
        script.add(f"return {script.named(give)}(given)")
        return
    script.add(f"tensor = {script.named(Tensor.__new__)}({script.named(Tensor)})")
    script.add("tensor._array, = given")
    script.add("tensor._node = None")
    script.add("return tensor")
