"""A look into the headers of live arrays at each step: native code goes by where their memory was when it was made.

In Python that would take longer than the step. Here it is a nanosecond or two an array: its object's header is
compared with a copy of it, as one vector; and so are its shape and strides, which lie one behind the other. The
function is to be compiled as it stands: with loops that are written out, LLVM would take 15 ms for it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.compiling.native.object_layout import AXES, DATA, DTYPE, FLAGS, SHAPE, STRIDES, WRITEABLE

# The words of a header that are compared, and which of their bits: the number of axes, and the flags, are half a word.
WORDS = 8
MASKS = {DATA: -1, AXES: 2**32 - 1, SHAPE: -1, STRIDES: -1, DTYPE: -1, FLAGS: WRITEABLE}
MASK = [MASKS.get(DATA + 8 * n, 0) for n in range(WORDS)]


def by_axes(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The arrays in the order in which they are compared: those of as many axes one after the other."""
    return sorted(arrays, key=np.ndim)


def copies(arrays: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """For each array, in order: where the object is, its header, its shape and strides."""
    words: list[int] = []
    for array in by_axes(arrays):
        header = (ctypes.c_uint64 * WORDS).from_address(id(array) + DATA)
        words += [id(array), *[word & mask & (2**64 - 1) for word, mask in zip(header, MASK)]]
        words += [n & (2**64 - 1) for n in (*array.shape, *array.strides)]
    return np.array(words, np.uint64)


def comparison(arrays: Sequence[NDArray[Any]], slot: int) -> str:
    """The function @changed: whether a header is no longer like its copy, which the ``slot`` of the table points to."""
    lines = [
        "define internal i1 @changed(ptr %table) noinline minsize optsize #0 {",
        "entry:",
        f"  %slot = getelementptr i8, ptr %table, i64 {8 * slot}",
        "  %copies = load ptr, ptr %slot",
        "  br label %group0",
    ]
    offset = n = 0
    for n, (axes, group) in enumerate(groupby(by_axes(arrays), np.ndim), 1):
        count, size = len([*group]), 8 * (1 + WORDS + 2 * axes)
        lines += _group(n - 1, axes, count, size, offset)
        offset += count * size
    lines += [f"group{n}:", "  ret i1 0", "leave:", "  ret i1 1", "}", ""]
    return "\n".join(lines)


def _group(n: int, axes: int, count: int, size: int, offset: int) -> list[str]:
    """The loop over the arrays of as many ``axes``, whose copies take ``size`` bytes each from ``offset`` on."""
    whole, lengths = f"<{WORDS} x i64>", f"<{2 * axes} x i64>"
    mask = ", ".join(f"i64 {bits}" for bits in MASK)
    lines = [
        f"group{n}:",
        f"  %copies{n} = getelementptr i8, ptr %copies, i64 {offset}",
        f"  br label %array{n}",
        f"array{n}:",
        f"  %i{n} = phi i64 [ 0, %group{n} ], [ %following{n}, %next{n} ]",
        f"  %at{n} = mul i64 %i{n}, {size}",
        f"  %copy{n} = getelementptr i8, ptr %copies{n}, i64 %at{n}",
        f"  %object{n} = load ptr, ptr %copy{n}",
        f"  %header{n} = getelementptr i8, ptr %object{n}, i64 {DATA}",
        f"  %now{n} = load {whole}, ptr %header{n}, align 8",
        f"  %bits{n} = and {whole} %now{n}, <{mask}>",
        f"  %wasat{n} = getelementptr i8, ptr %copy{n}, i64 8",
        f"  %was{n} = load {whole}, ptr %wasat{n}, align 8",
        *_unequal(f"{n}", whole, f"%bits{n}", f"%was{n}", f"%lengths{n}"),
        f"lengths{n}:",
    ]
    if axes:
        lines += [
            f"  %shapeat{n} = getelementptr i8, ptr %object{n}, i64 {SHAPE}",
            f"  %shape{n} = load ptr, ptr %shapeat{n}",
            f"  %nowlong{n} = load {lengths}, ptr %shape{n}, align 8",
            f"  %longat{n} = getelementptr i8, ptr %copy{n}, i64 {8 * (1 + WORDS)}",
            f"  %waslong{n} = load {lengths}, ptr %longat{n}, align 8",
            *_unequal(f"long{n}", lengths, f"%nowlong{n}", f"%waslong{n}", f"%next{n}"),
        ]
    else:
        lines.append(f"  br label %next{n}")
    return [
        *lines,
        f"next{n}:",
        f"  %following{n} = add i64 %i{n}, 1",
        f"  %more{n} = icmp ult i64 %following{n}, {count}",
        f"  br i1 %more{n}, label %array{n}, label %group{n + 1}",
    ]


def _unequal(name: str, kind: str, now: str, was: str, go_on: str) -> list[str]:
    """Leave where two vectors differ in a word."""
    bits = f"i{kind.split()[0][1:]}"
    return [
        f"  %differ{name} = icmp ne {kind} {now}, {was}",
        f"  %words{name} = bitcast {kind.replace('i64', 'i1')} %differ{name} to {bits}",
        f"  %any{name} = icmp ne {bits} %words{name}, 0",
        f"  br i1 %any{name}, label %leave, label {go_on}",
    ]
