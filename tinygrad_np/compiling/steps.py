"""Compiled steps: each call finds the program for its arguments that holds, or has one recorded."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from types import MethodType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.arguments import size
from tinygrad_np.compiling.backends import MissedError
from tinygrad_np.compiling.dry_run import DryRun
from tinygrad_np.compiling.epochs import Epochs, orders, scanned
from tinygrad_np.compiling.errors import TracingError, UnsettledError, latest, within_a_step
from tinygrad_np.compiling.given import check_root, check_step
from tinygrad_np.compiling.locking import turns
from tinygrad_np.compiling.native import CheckError, MisfitError
from tinygrad_np.compiling.native.engine import machine
from tinygrad_np.compiling.places import Closed
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.record import Recorded, record
from tinygrad_np.compiling.recording import StandIn
from tinygrad_np.compiling.shortcut import MISSED
from tinygrad_np.compiling.signature import Signature, flattened, names
from tinygrad_np.compiling.state import Numbers, State, moved
from tinygrad_np.compiling.version import Version
from tinygrad_np.graph import placed
from tinygrad_np.recording import current_mode
from tinygrad_np.tensor import Tensor
from tinygrad_np.training.interruption import Interruption
from tinygrad_np.trees import mapped

MANY = 8  # versions, beyond which there is a warning
METHODS = "_compiled_methods"  # the attribute that holds those of an object
LIMIT = 16  # versions for one kind of arguments, and one more for each hundred times that those have run
MOST = 64  # kinds of arguments, and versions in all: each takes its time to be compiled, and memory
DRY_RUNS = 3  # at most: to see what a step changes, which may take two, and to record it


def compiled(step: Any = ..., *others: Any, state: Any = (), native: bool | None = None) -> Any:
    """``step`` as a function that is recorded once, as the straight line of NumPy calls that it makes, and replayed.

    ``step`` is a training step (zero_grad, loss, backward, step of the optimizer), an evaluation, or any function of
    arrays. ``state`` is the object, or the tuple of objects, that it reads and changes besides its arguments: the
    model, the optimizer. The first call with arguments of new shapes or dtypes runs the step as it is, the second
    records it, and later ones run the program; each is one real step. Results that are Tensors come back without their
    graph. Without ``step`` it is a decorator, ``@tg.compiled(state=model)``. Of a method, ``@tg.compiled``, it makes a
    step for each object, whose state the object is.

    Where llvmlite is installed (``pip install 'tinygrad_np[compiled]'``), the program runs as native code, with eager
    numbers but for rounding; explain() says so. ``native=False`` runs it as NumPy source, with the same numbers to the
    last bit; ``native=True`` raises ImportError without llvmlite, and NotNativeError for what only NumPy can run.

    Numbers of the state, such as learning rates, are read at each step, and Dropout draws at each. What would keep the
    value that it had while recorded raises TracingError, which names the line: ``if`` and ``float()`` of what was
    computed, parameters and Generators that ``state`` does not hold, changes to anything outside it. Arrays that are
    neither state nor argument are read where they are. Where an argument is a Tensor that requires a gradient, and
    within another compiled step, the step runs as it is. Where the state has changed in its structure since it was
    recorded (other arrays, ``model.eval()``), another version is recorded; past 16 for arguments of one kind that
    hardly ran, or 64 kinds of arguments, a step that no version fits runs eagerly, with a warning. NumPy's warnings
    are not given.

    >>> import numpy as np, tinygrad_np as tg
    >>> model = tg.nn.Linear(2, 2, rng=0)
    >>> optimizer = tg.MomentumSGD(model.parameters(), lr=0.5)
    >>> @tg.compiled(state=(model, optimizer))
    ... def step(x, t):
    ...     optimizer.zero_grad()
    ...     loss = tg.softmax_cross_entropy(model(x), t)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> x, t = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
    >>> [round(step(x, t).item(), 3) for _ in range(4)]
    [0.532, 0.441, 0.319, 0.216]
    >>> print(step.explain())
    step(x: float64[2, 2], t: int64[2]): a program of ... calls, ..., run 2 times
    """
    if others:
        raise TypeError(f"compiled takes one step, got {1 + len(others)} things; write tg.compiled(step, state=model)")
    if native is not None and not isinstance(native, bool):
        raise TypeError(
            f"native must be True, for native code or an error, False, for NumPy source, or None, for native code "
            f"where it can be, got {native!r}"
        )
    roots = state if isinstance(state, (tuple, list)) else (state,)
    for root in roots:
        check_root(root)
    if step is ...:
        return partial(compiled, state=state, native=native)
    check_step(step)
    if native:
        machine()
    return CompiledStep(step, roots, native)


class CompiledStep(Closed):
    """A step that is recorded and replayed: what :func:`compiled` gives.

    ``rehearsed`` says that a program is recorded before the first step, in runs with the same arguments after which
    the state is put back. So every step runs a program, and its numbers do not depend on what ran before, to the last
    bit. ``lock`` is held while a program runs.
    """

    lock: Any

    def __init__(
        self,
        step: Callable[..., Any],
        state: Sequence[Any],
        native: bool | None = None,
        rehearsed: bool = False,
    ) -> None:
        self.step, self.native, self.rehearsed = step, native, rehearsed
        self.state = State(state)
        self._versions: dict[Signature, list[Version]] = {}
        self._moving: dict[Signature, set[Any]] = {}  # the ints that a first run was seen to change
        self._eager: dict[Signature | None, int] = {}
        self._numbers: Numbers = {}  # as they were when a step was last recorded, or run to see what it changes
        self._changing: set[Any] = set()  # of those, the ints that something else has changed since
        self._vain: dict[Signature, int] = {}  # how often a step was to be observed again
        self._full: set[Signature | None] = set()  # for which no more is recorded; None stands for all
        self._last: Version | None = None
        self._shortcut: Callable[[Any], Any] = _none  # for what comes again and again
        turns.join(self)
        update_wrapper(self, step, updated=())

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The step of one object, where this one was a method: its state is the object, besides what was said here."""
        bind = getattr(type(self.step), "__get__", None)
        bound = self.step if instance is None or bind is None else bind(self.step, instance, owner)
        if instance is None or getattr(bound, "__self__", None) is not instance:
            return self
        if isinstance(instance, type):  # of a class method, which holds nothing of its own
            return MethodType(self, instance)
        if not hasattr(instance, "__dict__"):
            raise TypeError(
                "a compiled method keeps the programs of each object in its __dict__, and "
                f"{type(instance).__name__} has none; add '__dict__' to its __slots__, or compile a function, with "
                "state= what it uses"
            )
        methods = vars(instance).get(METHODS)
        if methods is None or methods.owner is not instance:  # a copy of the object has steps of its own
            methods = vars(instance)[METHODS] = Methods(instance)
        if self not in methods.steps:
            state = (instance, *self.state.roots)
            methods.steps.setdefault(self, CompiledStep(bound, state, self.native, self.rehearsed))
        return methods.steps[self]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuse copies and pickles."""
        name = getattr(self.step, "__qualname__", repr(self.step))
        raise TypeError(
            f"{name} is a compiled step, whose programs are bound to the arrays of this process: it cannot be copied "
            "or pickled, nor can what holds it; copy or pickle the model and the optimizer, or the Trainer, and "
            "compile again. A method that is compiled by a decorator, @tg.compiled, stands in the way of neither"
        )

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """One step, with what ``step`` returns."""
        mode = current_mode()
        if mode is None and not keywords and not latest.within:
            lock = self.lock
            lock.acquire()
            try:
                result = self._shortcut(arguments)
                if result is not MISSED:
                    return result
            except (CheckError, MisfitError):
                pass  # nothing has changed
            finally:
                lock.release()
        elif mode is not None and mode.watchers:
            return self._eagerly(arguments, keywords)  # watchers must see every operation
        kind, leaves = Signature.of(arguments, keywords), flattened(arguments, keywords)
        if latest.within or any(map(_is_followed, leaves)):
            return self._eagerly(arguments, keywords)
        with self.lock:
            result, _ = self._replayed(kind, leaves)
        if result is not MISSED:
            return result
        with turns.alone(self):
            result, missed = self._replayed(kind, leaves)  # which another thread may have recorded by now
            return self._unheld(kind, missed, leaves, arguments, keywords) if result is MISSED else result

    def _eagerly(self, arguments: Any, keywords: Any) -> Any:
        """Run the step as it is."""
        with within_a_step():
            return self.step(*arguments, **keywords)

    def _replayed(self, kind: Signature, leaves: Sequence[Any]) -> tuple[Any, MissedError | None]:
        """What the version gives that fits; MISSED where none does, with what a guard or a check of one said."""
        missed = None
        for version in self._versions.get(kind, []):
            if version.fits():
                self._last = version
                try:
                    result = version(leaves)
                    self._shortcut = (version.shortcut if current_mode() is None else None) or _none
                    return result, None
                except MissedError as error:
                    missed = error
                    if not error.branch:
                        break
        return MISSED, missed

    def _unheld(
        self, kind: Signature, missed: MissedError | None, leaves: Sequence[Any], arguments: Any, keywords: Any
    ) -> Any:
        """Run the step where no version holds: record another, or run it as it is."""
        if missed is None:
            return self._first_run(kind, leaves, arguments, keywords)
        # A branch that is met twice may come again, and is recorded; an error is left to the eager step, to be raised.
        times = self._eager[kind] = self._eager.get(kind, 0) + 1
        known = times > 1 or self.rehearsed
        if known and missed.branch and not self._is_full(kind):
            return self._first_run(kind, leaves, arguments, keywords)
        return self._eagerly(arguments, keywords)

    def _first_run(self, kind: Signature, leaves: Sequence[Any], arguments: Any, keywords: Any) -> Any:
        """Run the step where no program is known: by one that is recorded beforehand, or as it is, or recording it."""
        if self._is_full(kind):
            which = kind if kind in self._full else None
            self._eager[which] = self._eager.get(which, 0) + 1
            return mapped(_without_graph, self._eagerly(arguments, keywords))
        if self.rehearsed and self._record_beforehand(kind, arguments, keywords) and self._versions[kind][-1].fits():
            self._last = self._versions[kind][-1]
            return self._last(leaves)
        return self._recorded(kind, arguments, keywords)

    def _record_beforehand(self, kind: Signature, arguments: Any, keywords: Any) -> bool:
        """Record another version for such arguments, with the state put back, and say whether there is one."""
        known = len(self._versions.get(kind, ()))
        for _ in range(DRY_RUNS):
            with DryRun(self.state, self.step), np.errstate(all="ignore"):  # as programs are
                self._recorded(kind, arguments, keywords)
            if len(self._versions.get(kind, ())) > known:
                return True
        return False  # the state's structure still changes from step to step

    def prepare(self, *arguments: Any) -> None:
        """Record the step for arguments like these, if it is not yet, and leave the state as it is."""
        kind = Signature.of(arguments)
        with turns.alone(self):
            if not any(version.fits() for version in self._versions.get(kind, ())) and not self._is_full(kind):
                self._record_beforehand(kind, arguments, {})

    def scan(
        self, *arrays: ArrayLike, batch_size: int, epochs: int = 1, order: ArrayLike | None = None
    ) -> NDArray[Any]:
        """Run whole epochs, minibatch by minibatch, and give the loss of each: of shape (epochs·batches,).

        ``arrays`` are the step's arguments for all rows, (rows, ...); each step gets ``batch_size`` rows of them, the
        last of an epoch what is left. ``order`` is the order of the rows: None keeps the given one; or
        their numbers, of shape (rows,), or (epochs, rows) for another order at each epoch. Ctrl-C stops it between two
        minibatches. Raises ValueError for arrays of different lengths, and ValueError or TypeError for counts that are
        none.
        """
        data = [np.asarray(array) for array in arrays]
        if len({array.shape[:1] for array in data}) != 1 or not data[0].ndim:
            raise ValueError(f"scan takes arrays with equal numbers of rows, got {[array.shape for array in data]}")
        of_epochs = orders(order, size("epochs", epochs), len(data[0]))
        minibatches = Epochs(data, size("batch_size", batch_size), of_epochs)
        with Interruption() as interruption:
            return scanned(self, minibatches, interruption)

    def ready(self, arrays: Sequence[NDArray[Any]]) -> Version | None:
        """The version that can run many steps on arrays like these in native code, if there is one."""
        mode = current_mode()
        if mode is not None and mode.watchers:
            return None
        for version in self._versions.get(Signature.of(arrays), []):
            if version.fits():
                self._last = version
                return version if version.scans else None
        return None

    @property
    def program(self) -> Program:
        """The program that ran last, to be printed, or as ``program.numpy_source()``."""
        if self._last is None:
            raise RuntimeError(
                "nothing is recorded yet: the first call runs the step as it is, the second records it; call it twice"
            )
        return self._last.program

    def explain(self) -> str:
        """What was recorded for which arguments, and how often it ran; one line a version."""
        lines = []
        for kind in self._moving:
            call = kind.described(self.step)
            for version in self._versions.get(kind, []):
                calls, runs = len(version.program.calls), version.runs
                lines.append(f"{call}: a program of {calls} calls, {version.explain()}, run {runs} times")
            if kind not in self._versions:
                lines.append(f"{call}: seen once; the next such call records it")
            if self._eager.get(kind):
                why = f"past {LIMIT} versions" if kind in self._full else "not held by a program"
                lines.append(f"{call}: run eagerly {self._eager[kind]} times, {why}")
        if None in self._full:
            lines.append(f"others: run eagerly {self._eager[None]} times, past {MOST} kinds or versions")
        return "\n".join(lines) or "nothing is recorded yet"

    def _is_full(self, kind: Signature) -> bool:
        """Whether so many versions are known that no more is recorded for such arguments; says so the first time."""
        versions = self._versions.get(kind, ())
        known = len(versions) + self._vain.get(kind, 0) - sum(version.runs for version in versions) // 100
        total = sum(map(len, self._versions.values())) if kind in self._moving else len(self._moving)
        if known < LIMIT and total < MOST:
            return False
        which: Signature | None = None
        met = f"a compiled step met {MOST} kinds of arguments, or versions of them; with others"
        if known >= LIMIT:
            which = kind
            met = f"{LIMIT} versions of a compiled step were recorded, or begun, for arguments of one kind; in others"
        if which not in self._full:
            self._full.add(which)
            warnings.warn(
                f"{met} it runs eagerly from now on. explain() lists them. Give batches of one shape, and numbers that "
                "change as arrays or state",
                RuntimeWarning,
                stacklevel=5,
            )
        return True

    def _observed(self, kind: Signature, moving: set[Any], arguments: Any, keywords: Any) -> Any:
        """Run the step as it is, and note which ints of the state it changes, besides those known as ``moving``."""
        before = self.state.numbers()
        result = self._eagerly(arguments, keywords)
        found = moved(before, self.state.numbers())
        if found is not None:  # else it is not settled yet
            self._moving[kind] = moving | found
        return mapped(_without_graph, result)

    def _recorded(self, kind: Signature, arguments: Any, keywords: Any) -> Any:
        """Run the step for the first time, to see what it changes; for the second, to record it."""
        self._look()
        if kind not in self._moving and self.state.roots:
            return self._observed(kind, set(), arguments, keywords)
        moving = self._moving.setdefault(kind, set())
        try:
            result, recorded = self._record(moving, arguments, keywords)
        except UnsettledError as error:
            self._vain[kind] = self._vain.get(kind, 0) + 1
            return self._observed(kind, moving | {error.place}, arguments, keywords)
        self._last, self._shortcut = Version(recorded, self.native, self.rehearsed), _none
        self._versions.setdefault(kind, []).append(self._last)
        total = sum(map(len, self._versions.values()))
        if total == MANY + 1:
            warnings.warn(
                f"{total} versions of a compiled step were recorded, for other shapes, dtypes, numbers or states; "
                "explain() lists them. Give batches of one shape, and numbers that change as arrays or state",
                RuntimeWarning,
                stacklevel=3,
            )
        return result

    def _look(self) -> None:
        """Note which numbers have changed, and let go of versions that were made before that was known."""
        numbers = self.state.numbers()
        new = (moved(self._numbers, numbers) or set()) - self._changing
        self._numbers = numbers
        if new:
            self._changing |= new
            for versions in self._versions.values():
                versions[:] = [version for version in versions if new.isdisjoint(version.recorded.checks.fixed)]

    def _record(self, moving: set[Any], arguments: Any, keywords: Any) -> tuple[Any, Recorded]:
        """Record the step, as one for any of the numbers that have changed so far, if that can be."""
        named = names(self.step, arguments, keywords)
        if not self._changing <= moving:
            try:
                return record(self.step, (arguments, keywords), named, self.state, moving | self._changing)
            except TracingError as error:  # it needs one of them as a plain number, to which the program is bound then
                if isinstance(error, UnsettledError):
                    raise
        return record(self.step, (arguments, keywords), named, self.state, moving)


class Methods(Closed):
    """The compiled steps of one object, whose methods they are. Copies are empty, and record anew."""

    def __init__(self, owner: Any = None) -> None:
        self.owner, self.steps = owner, dict[CompiledStep, CompiledStep]()

    def __reduce__(self) -> Any:
        return Methods, ()


def _none(arguments: Any) -> Any:
    """The way where there is no shortcut."""
    return MISSED


def _is_followed(x: Any) -> bool:
    """Whether a gradient is to come back to an argument, or it is one of a step that is being recorded."""
    return isinstance(x._array if isinstance(x, Tensor) else x, StandIn) or (isinstance(x, Tensor) and x.requires_grad)


def _without_graph(x: Any) -> Any:
    return placed(x.data, None) if isinstance(x, Tensor) and not x.is_leaf else x
