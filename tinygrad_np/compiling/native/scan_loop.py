"""Where native code finds things, and its loop over minibatches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_np.compiling.values import Value

# Words of the table: how many steps to take, in epochs of how many; how many are done, and how many of this epoch.
COUNTS = ("steps", "epoch", "done", "within")


class Layout(NamedTuple):
    """Where a step finds things: slots of the table by key, and temporaries' offsets in the scratch buffer."""

    slots: dict[Any, int]
    scratch: dict[Value, int]


class Moving(NamedTuple):
    """Memory that is elsewhere at each minibatch: ``stride`` bytes further on. ``returns`` with each epoch, or not."""

    memory: Value
    stride: int
    returns: bool


def loop(layout: Layout, moving: Sequence[Moving]) -> str:
    """The function @scan, which takes as many steps as the table says; it ends where a check fails, with its number."""
    moves = "".join(_move(n, at, layout) for n, at in enumerate(moving))
    counts = "".join(_word(key, f"{key}_at", layout) for key in COUNTS)
    return f"""define i64 @scan(ptr noalias %table) #0 {{
entry:
{counts}  %steps = load i64, ptr %steps_at
  %epoch = load i64, ptr %epoch_at
  br label %step
step:
  %i = phi i64 [ 0, %entry ], [ %following, %update ]
  %code = call i64 @step(ptr %table)
  %failed = icmp ne i64 %code, 0
  br i1 %failed, label %leave, label %update
update:
  %ignored = call i64 @update(ptr %table)
  %following = add i64 %i, 1
  store i64 %following, ptr %done_at
  %before = load i64, ptr %within_at
  %count = add i64 %before, 1
  %ends = icmp eq i64 %count, %epoch
  %rest = select i1 %ends, i64 0, i64 %count
  store i64 %rest, ptr %within_at
{moves}  %again = icmp ult i64 %following, %steps
  br i1 %again, label %step, label %leave
leave:
  %result = phi i64 [ %code, %step ], [ 0, %update ]
  ret i64 %result
}}
"""


def _word(key: Any, name: str, layout: Layout) -> str:
    return f"  %{name} = getelementptr i8, ptr %table, i64 {8 * layout.slots[key]}\n"


def _move(n: int, at: Moving, layout: Layout) -> str:
    """The pointer to moving memory ``n``, moved on; after an epoch, back to where it began."""
    text = _word(at.memory, f"place{n}", layout)
    text += f"  %old{n} = load i64, ptr %place{n}\n  %on{n} = add i64 %old{n}, {at.stride}\n"
    if not at.returns:
        return f"{text}  store i64 %on{n}, ptr %place{n}\n"
    text += f"  %all{n} = mul i64 %epoch, {at.stride}\n  %first{n} = sub i64 %on{n}, %all{n}\n"
    return f"{text}  %new{n} = select i1 %ends, i64 %first{n}, i64 %on{n}\n  store i64 %new{n}, ptr %place{n}\n"
