"""The way from Python into native code: one function that looks at the arguments, notes where they are, and runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinygrad_np.compiling.native.frame import Layout
from tinygrad_np.compiling.native.headers import AXES, DATA, DTYPE, SHAPE, STRIDES, TYPE
from tinygrad_np.compiling.native.views import extent
from tinygrad_np.compiling.program import Value

REFUSED = -1  # an argument is no array of the shape, dtype and strides that are expected, or shares memory


def entry(layout: Layout, arguments: Sequence[Value], written: Sequence[Value], runs: bool) -> str:
    """The function of Python's, by the name @enter, whose self is the table: 0, the number of a check, or REFUSED.

    No argument may share memory with what is ``written``. If ``runs``, it runs the step.
    """
    lines = [
        "define ptr @enter(ptr %self, ptr %arguments, i64 %count) #0 {",
        f"  %in = getelementptr i8, ptr %self, i64 {DATA}",
        "  %table = load ptr, ptr %in",
        f"  %enough = icmp eq i64 %count, {len(arguments)}",
        "  br i1 %enough, label %look0, label %refuse",
    ]
    for i, value in enumerate(arguments):
        lines += _looks(i, value, layout, written, "run" if i + 1 == len(arguments) else f"look{i + 1}")
    lines += ["look0:\n  br label %run"] * (not arguments) + ["run:"]
    for i, value in enumerate(arguments):
        lines += _slot(f"to{i}", layout.slots[value])
        lines.append(f"  store ptr %data{i}, ptr %to{i}")
    lines.append("  %ran = call i64 @step(ptr %table)" if runs else "  %ran = add i64 0, 0")
    lines += ["  br label %leave", "refuse:", "  br label %leave", "leave:"]
    lines.append(f"  %code = phi i64 [ %ran, %run ], [ {REFUSED}, %refuse ]")
    lines += [*_slot("long", layout.slots["long"]), "  %make = load ptr, ptr %long"]
    lines += ["  %result = call ptr %make(i64 %code)", "  ret ptr %result", "}", ""]
    return "\n".join(lines)


def _slot(name: str, n: int) -> list[str]:
    return [f"  %{name} = getelementptr i8, ptr %table, i64 {8 * n}"]


def _looks(i: int, value: Value, layout: Layout, written: Sequence[Value], following: str) -> Iterator[str]:
    """Whether argument ``i`` is as it should be, and where it is."""
    yield f"look{i}:"
    yield f"  %at{i} = getelementptr i8, ptr %arguments, i64 {8 * i}"
    yield f"  %x{i} = load ptr, ptr %at{i}"
    yield from _equal(f"type{i}", f"%x{i}", TYPE, "ptr", layout.slots["ndarray"])
    yield f"  br i1 %type{i}, label %array{i}, label %refuse"
    yield f"array{i}:"
    yield from _equal(f"dtype{i}", f"%x{i}", DTYPE, "ptr", layout.slots["dtype", value])
    yield from _equal(f"axes{i}", f"%x{i}", AXES, "i32", None, len(value.shape))
    yield f"  %kind{i} = and i1 %dtype{i}, %axes{i}"
    yield f"  br i1 %kind{i}, label %lengths{i}, label %refuse"
    yield f"lengths{i}:"
    found = []
    for what, at, numbers in ("shape", SHAPE, value.shape), ("stride", STRIDES, value.strides):
        if numbers:
            yield f"  %{what}s{i} = getelementptr i8, ptr %x{i}, i64 {at}"
            yield f"  %all{what}s{i} = load ptr, ptr %{what}s{i}"
        for axis, number in enumerate(numbers):
            found.append(f"{what}{i}_{axis}")
            yield from _equal(found[-1], f"%all{what}s{i}", 8 * axis, "i64", None, number)
    yield f"  %in{i} = getelementptr i8, ptr %x{i}, i64 {DATA}"
    yield f"  %data{i} = load ptr, ptr %in{i}"
    yield f"  %start{i} = ptrtoint ptr %data{i} to i64"
    yield f"  %odd{i} = and i64 %start{i}, {value.dtype.itemsize - 1}"
    found.append(f"even{i}")
    yield f"  %even{i} = icmp eq i64 %odd{i}, 0"
    for n, memory in enumerate(written):
        found.append(f"apart{i}_{n}")
        yield from _apart(f"{i}_{n}", i, value, memory, layout)
    yield from _all(f"fits{i}", found)
    yield f"  br i1 %fits{i}, label %{following}, label %refuse"


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


def _apart(name: str, i: int, value: Value, memory: Value, layout: Layout) -> Iterator[str]:
    """Whether argument ``i`` and written ``memory`` share no byte."""
    (low, high), (first, last) = extent(value), extent(memory)
    yield from _slot(f"slot{name}", layout.slots[memory])
    yield f"  %other{name} = load i64, ptr %slot{name}"
    yield f"  %from{name} = add i64 %other{name}, {first - high}"
    yield f"  %until{name} = add i64 %other{name}, {last - low}"
    yield f"  %below{name} = icmp sle i64 %start{i}, %from{name}"
    yield f"  %above{name} = icmp sge i64 %start{i}, %until{name}"
    yield f"  %apart{name} = or i1 %below{name}, %above{name}"


def _all(name: str, conditions: Sequence[str]) -> Iterator[str]:
    last = "true"
    for n, condition in enumerate(conditions):
        yield f"  %{name}_{n} = and i1 {last}, %{condition}"
        last = f"%{name}_{n}"
    yield f"  %{name} = and i1 {last}, true"
