"""Who may run when: one thread a step; alone, while a step is recorded; and nobody while the process forks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from weakref import WeakSet

from tinygrad_np.compiling.native.engine import lock as lock_of_compiler
from tinygrad_np.compiling.places import places

PATIENCE = 1.0  # seconds that a fork waits for steps to end


class Turns:
    """The locks of all compiled steps: each step has one, as its ``lock``, which is held while a program runs.

    While a step runs eagerly, is recorded, or makes a dry run, it is ``alone``: stand-ins are in the place of its
    state, so that steps which share some of it have to wait. Whoever waits to be alone holds no step's lock, and a
    program that runs waits for nobody: so there is no deadlock.
    """

    def __init__(self) -> None:
        self.recording = threading.RLock()
        self.steps: WeakSet[Any] = WeakSet()
        self.forking = False
        self._held: list[Any] = []
        self._compiler: Any = None

    def join(self, step: Any) -> None:
        """Give ``step`` its lock."""
        step.lock = threading.RLock()
        self.steps.add(step)

    @contextmanager
    def alone(self, step: Any) -> Iterator[None]:
        """Within this context no other step runs that shares state with ``step``, and none is recorded."""
        with self.recording, ExitStack() as stack:
            own = _containers(step)
            for other in list(self.steps):
                if other is step or not own.isdisjoint(_containers(other)):
                    stack.enter_context(other.lock)
            yield

    def give_way(self) -> None:
        """Let a fork go first, if there is one: for who holds no lock, and would take it again at once."""
        if self.forking:
            with self.recording:
                pass

    def before_fork(self) -> None:
        """Wait for steps of other threads, so that the child inherits no half-changed state and no locked Generator.

        A scan stops between two minibatches, and goes on afterwards.
        """
        self.forking, deadline = True, time.monotonic() + PATIENCE
        locks = [self.recording, *[step.lock for step in list(self.steps)]]
        self._held = [lock for lock in locks if self._taken(lock, deadline)]
        compiler = lock_of_compiler()  # last, for a step may wait for it
        self._compiler = compiler if compiler is not None and self._taken(compiler, deadline) else None

    @staticmethod
    def _taken(lock: Any, deadline: float) -> bool:
        taken: bool = lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
        return taken

    def after_fork_in_parent(self) -> None:
        """All may go on."""
        self.forking = False
        self._let_the_compiler_go()
        for lock in self._held:
            lock.release()

    def after_fork_in_child(self) -> None:
        """All may go on but those that were in the middle of a step: nobody is there to end it."""
        self._let_the_compiler_go()
        unfinished = self.recording not in self._held
        self.forking, self.recording = False, threading.RLock()
        for step in list(self.steps):
            step.lock = threading.RLock() if step.lock in self._held and not unfinished else Lost()
        self._held = []

    def _let_the_compiler_go(self) -> None:
        if self._compiler is not None:
            self._compiler.release()
            self._compiler = None


class Lost:
    """The lock of a step that another thread of the parent was in when the process forked."""

    def acquire(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise RuntimeError(
            f"the process was forked while another thread was within this compiled step, for longer than the "
            f"{PATIENCE:g} s that a fork waits: its state may be half changed; make the model and the step anew, or "
            "start processes by spawn"
        )

    __enter__ = acquire

    def __exit__(self, *_: Any) -> None:
        """Never held."""


def _containers(step: Any) -> set[int]:
    """The objects that hold a step's state, by id."""
    return {id(place.container) for place in places(step.state.roots)}


turns = Turns()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=turns.before_fork,
        after_in_parent=turns.after_fork_in_parent,
        after_in_child=turns.after_fork_in_child,
    )
