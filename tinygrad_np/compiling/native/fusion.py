"""Which instructions share a nest of loops, and what then need not go through memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from tinygrad_np.compiling.native.instructions import (
    Draw,
    Indexed,
    Instruction,
    Kernel,
    Map,
    Opaque,
    Product,
    Reduce,
    Scatter,
)
from tinygrad_np.compiling.native.views import broadcast, loops, overlap, same_elements, view
from tinygrad_np.compiling.values import Value

LARGEST = 24  # instructions in a kernel: LLVM takes more than twice the time for twice the code
NEAR = 6  # how many kernels back one is looked for that is not the one which made an operand
LONG = 64  # elements of an inner loop that is long enough, though neighbouring axes could be one


def forward_copies(instructions: list[Instruction], kept: set[Value]) -> list[Instruction]:
    """Let what is computed only to be copied be written where it is copied to."""
    uses: defaultdict[Value, list[int]] = defaultdict(list)
    for at, instruction in enumerate(instructions):
        for value in (*instruction.reads(), *instruction.writes()):
            uses[value.memory].append(at)
    gone = set()
    for at, copy in enumerate(instructions):
        if not (isinstance(copy, Map) and copy.copies and isinstance(copy.inputs[0], Value)):
            continue
        source, target = copy.inputs[0], copy.output
        if source.memory in kept or source.memory.array is not None or len(uses[source.memory]) != 2:
            continue
        made = uses[source.memory][0]
        maker: Any = instructions[made]
        if isinstance(maker, (Indexed, Opaque, Draw)) or made == at or made in gone:
            continue
        between = instructions[made:at]
        if any(isinstance(i, Opaque) or i.may_fail() for i in between[1:]) or any(
            overlap(target, v) for i in between for v in (*i.reads(), *i.writes())
        ):
            continue
        moved = redirected(maker.output, source, target)
        if moved is not None:
            maker.output = moved
            uses[target.memory].append(made)
            gone.add(at)
    return [i for at, i in enumerate(instructions) if at not in gone]


def redirected(output: Value, source: Value, target: Value) -> Value | None:
    """``output``, where it is all that ``source`` shows, as the part of ``target`` that it is copied to."""
    own = [(n, s) for n, s in zip(output.shape, output.strides) if n != 1]
    seen = [(n, s) for n, s in zip(source.shape, source.strides) if n != 1]
    if own != seen or output.offset != source.offset:
        return None
    strides = iter([s for n, s in zip(target.shape, target.strides) if n != 1])
    return view(target, output.shape, [0 if n == 1 else next(strides) for n in output.shape])


def remove_unused(instructions: list[Instruction], kept: set[Value]) -> list[Instruction]:
    """Without what computes temporaries that nobody reads."""
    needed, result = set(kept), []
    for instruction in reversed(instructions):
        memories = [v.memory for v in instruction.writes()]
        effects = isinstance(instruction, (Opaque, Draw)) or instruction.may_fail()
        if effects or any(m in needed or m.array is not None for m in memories):
            needed |= {v.memory for v in instruction.reads()}
            if isinstance(instruction, Scatter):
                needed |= set(memories)
            result.append(instruction)
    return result[::-1]


def changes(instruction: Instruction, live: set[Value]) -> bool:
    """Whether something is another afterwards that others see: live memory, or a Generator."""
    lasting = isinstance(instruction, (Draw, Opaque))
    return lasting or any(v.memory in live for v in instruction.writes())


def checks_first(instructions: list[Instruction], live: set[Value]) -> list[Instruction]:
    """With the checks, and what they need, before whatever changes something; as it is where that cannot be."""
    needed: set[Value] = set()
    early = set()
    for instruction in reversed(instructions):
        written = {v.memory for v in instruction.writes()}
        if instruction.may_fail() or written & needed:
            early.add(instruction)
            needed |= {v.memory for v in instruction.reads()} | written
    if any(changes(i, live) for i in early):
        return instructions
    touched: set[Value] = set()
    for instruction in instructions:
        if instruction not in early:
            touched |= {v.memory for v in instruction.reads()}
        elif touched & {v.memory for v in instruction.writes()}:
            return instructions  # it writes what an earlier one, which would come after it, reads
    return sorted(instructions, key=lambda i: i not in early)


class Fusion:
    """Kernels in order: each instruction goes into the earliest that it can share, or a new one."""

    def __init__(self, instructions: Iterable[Instruction], live: set[Value]) -> None:
        self.kernels: list[Kernel] = []
        self.live = live  # memory that others see
        self.accesses: defaultdict[Value, list[tuple[int, Value, bool, bool]]] = defaultdict(list)
        self.last_check = 0  # the first kernel after all checks so far
        self.barrier = 0  # the first kernel after the last call left to NumPy
        self.draws = 0
        for instruction in instructions:
            self._place(instruction)

    def _place(self, instruction: Any) -> None:
        alone = not isinstance(instruction, (Map, Reduce)) or isinstance(instruction, Scatter)
        earliest = self._earliest(instruction)
        if isinstance(instruction, Opaque):
            earliest = len(self.kernels)
        at = None
        if not alone:
            nearby = range(max(earliest, len(self.kernels) - NEAR), len(self.kernels))
            candidates = [earliest, *reversed(nearby)] if earliest < len(self.kernels) else []
            at = next((k for k in candidates if self._fits(self.kernels[k], instruction)), None)
        if at is None:
            at = len(self.kernels)
            self.kernels.append(Kernel(instruction.shape))
        self.kernels[at].instructions.append(instruction)
        self._note(instruction, at)

    def _earliest(self, instruction: Any) -> int:
        """The first kernel that an instruction may be in, after all whose memory it needs or changes."""
        first = self.barrier
        for value, writes, irregular in self._touched(instruction):
            if writes and value.memory in self.live:
                first = max(first, self.last_check)
            for kernel, other, wrote, other_irregular in self.accesses[value.memory]:
                if kernel < first or not (writes or wrote) or not overlap(value, other):
                    continue
                aligned = not (irregular or other_irregular) and self._aligned(kernel, value, other)
                first = max(first, kernel if aligned else kernel + 1)
        if isinstance(instruction, Draw):
            first = max(first, self.draws)
        return first

    def _aligned(self, kernel: int, value: Value, other: Value) -> bool:
        shape = self.kernels[kernel].shape
        if not self.kernels[kernel].loops or len(value.shape) != len(shape) or value.shape != shape:
            return False
        return other.shape == shape and same_elements(value, other)

    @staticmethod
    def _touched(instruction: Any) -> Iterator[tuple[Value, bool, bool]]:
        """What an instruction accesses, whether it writes, and whether otherwise than element by element."""
        irregular = {v.memory for v in instruction.irregular()}
        yield from ((v, False, v.memory in irregular) for v in instruction.reads())
        reduces = isinstance(instruction, Reduce)
        yield from ((v, True, reduces or v.memory in irregular) for v in instruction.writes())

    def _fits(self, kernel: Kernel, instruction: Any) -> bool:
        """Whether the instruction can be in the kernel's loops, without making them much shorter inside."""
        if not kernel.loops or kernel.shape != instruction.shape or len(kernel.instructions) >= LARGEST:
            return False
        if any(isinstance(i, Scatter) for i in kernel.instructions):
            return False
        axes = instruction.axes if isinstance(instruction, Reduce) else None
        if axes is not None and kernel.axes not in ((), axes):
            return False
        joint = self.inner([*kernel.instructions, instruction])
        return joint >= min(LONG, max(self.inner(kernel.instructions), self.inner([instruction])))

    @staticmethod
    def inner(instructions: list[Any]) -> int:
        """The length of the inner loop that the instructions can share."""
        shape = instructions[0].shape
        strides = [s for i in instructions for s in operand_strides(i)]
        groups = loops(shape, strides)
        length = 1
        for axis in groups[-1] if groups else ():
            length *= shape[axis]
        return length

    def _note(self, instruction: Any, at: int) -> None:
        for value, writes, irregular in self._touched(instruction):
            self.accesses[value.memory].append((at, value, writes, irregular))
        if instruction.may_fail():
            self.last_check = max(self.last_check, at + 1)
        if isinstance(instruction, Draw):
            self.draws = at + 1
        if isinstance(instruction, Opaque):
            self.barrier = at + 1


def operand_strides(instruction: Any) -> list[tuple[int, ...]]:
    """How an instruction goes through each operand, along the axes of its loops."""
    if isinstance(instruction, Reduce):
        values = [instruction.input, broadcast(instruction.output, instruction.shape)]
        marks = [tuple(int(a in instruction.axes) for a in range(len(instruction.shape)))]
        return [v.strides for v in values if isinstance(v, Value)] + marks
    if isinstance(instruction, Map):
        extra = [instruction.source.strides] if isinstance(instruction, Indexed) and instruction.source else []
        return [v.strides for v in (*instruction.inputs, instruction.output) if isinstance(v, Value)] + extra
    assert isinstance(instruction, Product)
    return []
