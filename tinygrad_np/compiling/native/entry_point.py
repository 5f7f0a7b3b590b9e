"""The ways from Python into native code: functions that look at the arguments, note where they are, and run.

Asking an array for its shape and address in Python takes 200 ns an array. Here its header is read, in a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tinygrad_np.compiling.native.object_layout import AXES, DATA, DTYPE, SHAPE, STRIDES, TYPE
from tinygrad_np.compiling.native.scan_loop import Layout
from tinygrad_np.compiling.native.views import extent
from tinygrad_np.compiling.values import Value

REFUSED = -1  # a live array has changed, or an argument is not as expected, or shares memory


def entry(layout: Layout, arguments: Sequence[Value], written: Sequence[Value], runs: bool) -> str:
    """The function of Python's, by the name @enter, whose self is the table: 0, the number of a check, or REFUSED.

    No argument may share memory with what is ``written``. If ``runs``, it runs the step.
    """
    lines: list[str] = []
    for i, value in enumerate(arguments):
        lines += [*_kind(i, value, layout), *_lengths(i, value), *_place(i), *_fits(i, value, layout, written)]
    last = "call i64 @step(ptr %table)" if runs else "add i64 0, 0"
    return _function("enter", lines, arguments, layout, last)


def finding(layout: Layout, arguments: Sequence[Value], stacks: Sequence[Value], written: Sequence[Value]) -> str:
    """The function @find, of the arguments for a whole epoch, and of arrays for the results: 0 or REFUSED.

    It only notes where they are. How many minibatches an epoch has is in the table.
    """
    lines = [*_slot("epoch_at", layout.slots["epoch"]), "  %epoch = load i64, ptr %epoch_at"]
    for i, value in enumerate(arguments):
        lines += [*_kind(i, value, layout), *_lengths(i, value, many=True), *_place(i)]
        lines += _fits(i, value, layout, written, many=True)
    for i in range(len(arguments), len(arguments) + len(stacks)):
        lines += [*_argument(i), *_place(i)]
    return _function("find", lines, [*arguments, *stacks], layout, "add i64 0, 0")


def _function(name: str, looks: Iterable[str], arguments: Sequence[Value], layout: Layout, last: str) -> str:
    """A function of Python's that looks at its arguments, notes where they are, and gives what comes ``last``."""
    lines = [
        f"define ptr @{name}(ptr %self, ptr %arguments, i64 %count) #0 {{",
        f"  %in = getelementptr i8, ptr %self, i64 {DATA}",
        "  %table = load ptr, ptr %in",
        f"  %enough = icmp eq i64 %count, {len(arguments)}",
        "  br i1 %enough, label %live, label %refuse",
        "live:",
        "  %differ = call i1 @changed(ptr %table)",
        "  br i1 %differ, label %refuse, label %look",
        "look:",
        *looks,
        "  br label %run",
        "run:",
    ]
    for i, value in enumerate(arguments):
        lines += [*_slot(f"to{i}", layout.slots[value]), f"  store ptr %data{i}, ptr %to{i}"]
    lines += [f"  %ran = {last}", "  br label %leave", "refuse:", "  br label %leave", "leave:"]
    lines.append(f"  %code = phi i64 [ %ran, %run ], [ {REFUSED}, %refuse ]")
    lines += [*_slot("long", layout.slots["long"]), "  %make = load ptr, ptr %long"]
    lines += ["  %result = call ptr %make(i64 %code)", "  ret ptr %result", "}", ""]
    return "\n".join(lines)


def _slot(name: str, n: int) -> list[str]:
    return [f"  %{name} = getelementptr i8, ptr %table, i64 {8 * n}"]


def _argument(i: int) -> Iterator[str]:
    yield f"  %at{i} = getelementptr i8, ptr %arguments, i64 {8 * i}"
    yield f"  %x{i} = load ptr, ptr %at{i}"


def _kind(i: int, value: Value, layout: Layout) -> Iterator[str]:
    """Whether argument ``i`` is an array of the dtype, with as many axes."""
    yield from _argument(i)
    yield from _equal(f"type{i}", f"%x{i}", TYPE, "ptr", layout.slots["ndarray"])
    yield f"  br i1 %type{i}, label %array{i}, label %refuse"
    yield f"array{i}:"
    yield from _equal(f"dtype{i}", f"%x{i}", DTYPE, "ptr", layout.slots["dtype", value])
    yield from _equal(f"axes{i}", f"%x{i}", AXES, "i32", None, len(value.shape))
    yield f"  %kind{i} = and i1 %dtype{i}, %axes{i}"
    yield f"  br i1 %kind{i}, label %lengths{i}, label %refuse"
    yield f"lengths{i}:"


def _lengths(i: int, value: Value, many: bool = False) -> Iterator[str]:
    """Whether it has the shape and the strides; with ``many``, at least as many rows as an epoch needs."""
    found = []
    for what, at, numbers in ("shape", SHAPE, value.shape), ("stride", STRIDES, value.strides):
        if numbers:
            yield f"  %{what}s{i} = getelementptr i8, ptr %x{i}, i64 {at}"
            yield f"  %all{what}s{i} = load ptr, ptr %{what}s{i}"
        for axis, number in enumerate(numbers):
            found.append(f"{what}{i}_{axis}")
            if many and what == "shape" and not axis:
                yield f"  %rows{i} = load i64, ptr %allshapes{i}"
                yield f"  %needed{i} = mul i64 %epoch, {number}"
                yield f"  %shape{i}_0 = icmp sge i64 %rows{i}, %needed{i}"
            else:
                yield from _equal(found[-1], f"%all{what}s{i}", 8 * axis, "i64", None, number)
    yield from _all(f"long{i}", found)


def _place(i: int) -> Iterator[str]:
    """Where its first element is."""
    yield f"  %in{i} = getelementptr i8, ptr %x{i}, i64 {DATA}"
    yield f"  %data{i} = load ptr, ptr %in{i}"


def _fits(i: int, value: Value, layout: Layout, written: Sequence[Value], many: bool = False) -> Iterator[str]:
    """Whether all that holds, it is aligned, and no byte of it, or of an epoch's minibatches, is ``written``."""
    yield f"  %start{i} = ptrtoint ptr %data{i} to i64"
    yield f"  %odd{i} = and i64 %start{i}, {value.dtype.itemsize - 1}"
    yield f"  %even{i} = icmp eq i64 %odd{i}, 0"
    low, high = f"%start{i}", f"%start{i}"
    if many:
        moved = value.strides[0] * value.shape[0]
        yield f"  %others{i} = sub i64 %epoch, 1"
        yield f"  %further{i} = mul i64 %others{i}, {moved}"
        yield f"  %last{i} = add i64 %start{i}, %further{i}"
        low, high = (low, f"%last{i}") if moved > 0 else (f"%last{i}", high)
    for n, memory in enumerate(written):
        yield from _apart(f"{i}_{n}", (low, high), value, memory, layout)
    yield from _all(f"fits{i}", [f"long{i}", f"even{i}", *[f"apart{i}_{n}" for n in range(len(written))]])
    yield f"  br i1 %fits{i}, label %found{i}, label %refuse"
    yield f"found{i}:"


def _equal(name: str, start: str, offset: int, kind: str, slot: int | None, number: int = 0) -> Iterator[str]:
    """Whether what is in memory is the ``number``, or what is in a slot of the table."""
    yield f"  %{name}_at = getelementptr i8, ptr {start}, i64 {offset}"
    yield f"  %{name}_is = load {kind}, ptr %{name}_at"
    wanted = str(number)
    if slot is not None:
        yield from _slot(f"{name}_slot", slot)
        yield f"  %{name}_wanted = load {kind}, ptr %{name}_slot"
        wanted = f"%{name}_wanted"
    yield f"  %{name} = icmp eq {kind} %{name}_is, {wanted}"


def _apart(name: str, starts: tuple[str, str], value: Value, memory: Value, layout: Layout) -> Iterator[str]:
    """Whether views like ``value``, between the first and the last of two ``starts``, share no byte with ``memory``."""
    (low, high), (first, last) = extent(value), extent(memory)
    yield from _slot(f"slot{name}", layout.slots[memory])
    yield f"  %other{name} = load i64, ptr %slot{name}"
    yield f"  %from{name} = add i64 %other{name}, {first - high}"
    yield f"  %until{name} = add i64 %other{name}, {last - low}"
    yield f"  %below{name} = icmp sle i64 {starts[1]}, %from{name}"
    yield f"  %above{name} = icmp sge i64 {starts[0]}, %until{name}"
    yield f"  %apart{name} = or i1 %below{name}, %above{name}"


def _all(name: str, conditions: Sequence[str]) -> Iterator[str]:
    last = "true"
    for n, condition in enumerate(conditions):
        yield f"  %{name}_{n} = and i1 {last}, %{condition}"
        last = f"%{name}_{n}"
    yield f"  %{name} = and i1 {last}, true"
