"""Stand-ins for the arrays around a step, wherever it can name them, so that a program follows if they are replaced."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import suppress
from typing import Any

from tinygrad_np.compiling.environment import Environment
from tinygrad_np.compiling.errors import TracingError
from tinygrad_np.compiling.holding import are_equal, arrays_in, is_followed
from tinygrad_np.compiling.places import Place, identifier
from tinygrad_np.compiling.recording import UNLISTED, Recording

GONE = AttributeError, LookupError, ValueError  # where an attribute, an item or a variable is no more


class Scenery:
    """The ``arrays`` that are around a step, by their places, and whatever else holds some, but for ``known`` places.

    Where no stand-in can be put, the program holds only for the numbers that an array has while it is recorded.
    """

    def __init__(self, environment: Environment, known: Container[tuple[int, Any]], recording: Recording) -> None:
        found = [(place, place.get()) for place in environment.slots(known)]
        self.recording, self.hidden = recording, environment.hidden
        self.arrays = [(place, value) for place, value in found if is_followed(value)]
        self.others = [(place, value) for place, value in found if not is_followed(value)]
        self.put: list[tuple[Place, Any, Any]] = []
        self.fixed: dict[int, tuple[str, Any, Any]] = {}  # by the id of an array

    def begin(self, play: Callable[[Any, Place], Any]) -> None:
        """Put everywhere what ``play`` gives for what is there."""
        for place, value in [*self.arrays, *self.others]:
            played = play(value, place)
            if played is not value:
                self._put(place, value, played)
        for name, array in self.hidden:
            self.fix(array, name)

    def _put(self, place: Place, value: Any, played: Any) -> None:
        """Put ``played`` at a place, if it takes that: one that another language keeps, or a property, may not."""
        with suppress(Exception):
            place.set(played)
            if place.get() is played:
                self.put.append((place, value, played))
                return
            place.set(value)
        self.fix_all(value, place.name)

    def fix_all(self, value: Any, name: str) -> None:
        """Fix the arrays that ``value`` is or holds."""
        for array in arrays_in(value):
            self.fix(array, name)

    def fix(self, array: Any, name: str) -> None:
        """Let the program hold only where ``array`` has the numbers that it has now."""
        if id(array) in self.fixed:
            return
        copy = array.copy()
        self.fixed[id(array)] = name, array, copy
        try:
            are_equal(array, copy)
        except (TypeError, ValueError):
            raise TracingError(
                f"the step can read {name}, {type(array).__name__} of {array.dtype}, and what it holds would stay as "
                "it was while recorded; take what the step needs of it out of it before, or give it as an argument"
            ) from None
        stand_in = self.recording.live(array, identifier(name))
        self.recording.guard(self.recording.run(are_equal, (stand_in, copy), {}), True)

    def all_arrays(self) -> list[Any]:
        """Those that stand-ins play, each as often as it is met."""
        return [x for _, value in [*self.arrays, *self.others] for x in arrays_in(value)]

    def put_back(self) -> None:
        """Let everything be as it was."""
        for place, value, _ in self.put:
            with suppress(LookupError):  # where a list became shorter, which is put back as a whole
                place.set(value)

    def finish(self) -> None:
        """Put everything back, unless the step changed it."""
        for place, value, played in self.put:
            try:
                now = place.get()
            except GONE:
                now = None
            if now is not played:
                raise TracingError(UNLISTED.format(f"and changes {place.name}"))
            place.set(value)
        for name, array, copy in self.fixed.values():
            if array.tobytes() != copy.tobytes():
                raise TracingError(UNLISTED.format(f"and changes {name}"))
