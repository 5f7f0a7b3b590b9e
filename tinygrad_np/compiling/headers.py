"""Whether live arrays still have the memory, shape, strides, dtype and flag that they had when a program was made.

A program knows an array as an object, and all of these may be changed of the same object: ``a.shape = ...``,
``a.resize(...)``. Constants of the program may depend on them, views that it keeps, and native code's addresses.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinygrad_np.compiling.program import Program, live_values
from tinygrad_np.compiling.values import GuardError


class Headers:
    """The live arrays of ``program`` that are the same objects at each step, and what they were when it was recorded.

    ``by_address`` says that the program goes by where their memory is; else that matters only to the views it keeps.
    """

    def __init__(self, program: Program, by_address: bool) -> None:
        found = [live for value in live_values(program) for live in (value, value.memory)]
        values = {id(v.array): v for v in found if v.array is not None and not v.reading}.values()
        self.arrays: list[NDArray[Any]] = [v.array for v in values if v.array is not None]
        self.recorded = [(v.shape, v.strides, v.dtype, a.flags.writeable) for v, a in zip(values, self.arrays)]
        viewed = {id(v.memory.array) for v in found if v.root is not None}
        self.located = [a for a in self.arrays if by_address or (id(a) in viewed and a.flags.owndata)]
        self.pointers = [*map(_pointer, self.located)]

    def check(self) -> None:
        """Raise GuardError where one has changed."""
        if self.have_changed():
            raise GuardError("the shape, dtype, strides, memory or flags of an array were changed in place")

    def have_changed(self) -> bool:
        """Whether one has."""
        now = [(a.shape, a.strides, a.dtype, a.flags.writeable) for a in self.arrays]
        return now != self.recorded or [*map(_pointer, self.located)] != self.pointers


def _pointer(array: NDArray[Any]) -> int:
    pointer: int = array.__array_interface__["data"][0]
    return pointer
