"""Recording a step: one real run of it, in which stand-ins play its arguments and its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tinygrad_np.compiling.dry_run import DryRun
from tinygrad_np.compiling.environment import Environment
from tinygrad_np.compiling.errors import TracingError, explained, latest, within_a_step
from tinygrad_np.compiling.given import check_result
from tinygrad_np.compiling.outcome import Outcome
from tinygrad_np.compiling.passes import simplified
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.recorder import Recorder
from tinygrad_np.compiling.recording import UNLISTED, Recording, StandIn
from tinygrad_np.compiling.signature import classes_in
from tinygrad_np.compiling.state import State, Substitution
from tinygrad_np.compiling.state_guards import StateGuards, state_guards
from tinygrad_np.compiling.symbols import Symbol
from tinygrad_np.compiling.values import Call, Scalar, Value, operands_in
from tinygrad_np.graph import placed
from tinygrad_np.optim.group import Group
from tinygrad_np.tape import Leaf, Variable
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, rebuilt


@dataclass
class Recorded:
    """A program, what it holds for, and how its outputs are put together.

    ``checks`` say whether the state is still the one that it was recorded for. ``numbers`` takes the plain numbers
    among the arguments. ``structure`` is what the step returns, with "tensor" or "array" for each output.
    """

    program: Program
    checks: StateGuards
    structure: Any
    touched: list[Leaf]
    groups: list[Group]
    numbers: list[Any] = field(default_factory=list)


def record(
    step: Callable[..., Any],
    arguments: Any,
    names: Sequence[str],
    state: State,
    moving: set[tuple[int, Any]],
) -> tuple[Any, Recorded]:
    """Run ``step``, and give what it returns and its program. If it raises, the state is as it was before.

    ``arguments`` is the pair of positional ones and those by name, ``names`` one name for each leaf of them. ``moving``
    are the places of the ints that change from step to step. Two dry runs come first, to see that the program is
    the same each time, and the numbers are those of an eager run.
    """
    with DryRun(state, step):
        before = _performed(step, arguments, names, state, moving)[1].program.calls
    with DryRun(state, step), np.errstate(all="ignore"), within_a_step():
        eager = Outcome(step(*arguments[0], **arguments[1]), state.roots)
    return _performed(step, arguments, names, state, moving, before, eager)


def _performed(
    step: Callable[..., Any],
    arguments: Any,
    names: Sequence[str],
    state: State,
    moving: set[tuple[int, Any]],
    before: Sequence[Call] | None = None,
    eager: Outcome | None = None,
) -> tuple[Any, Recorded]:
    """Run ``step`` once, and record it: it must make the calls of ``before``, and give what the ``eager`` run gave."""
    numbers: list[Any] = [leaf for _, leaf in leaves_of(arguments)]
    others = [x for x in numbers if not isinstance(x, Variable)]  # functions and objects among them
    others += classes_in(arguments)
    recording, environment = Recording(Recorder, before), Environment(step, state.roots, others)
    substitution = Substitution(state, recording, moving, environment)
    try:
        played = [_played(recording, leaf, name, numbers, i) for i, (leaf, name) in enumerate(zip(numbers, names))]
        substitution.begin()
        positional, named = rebuilt(arguments, [p for p, _ in played])
        returned = _uncaught(environment.step[0], positional, named)
        _check_arguments((positional, named), arguments, names, [p for p, _ in played])
        outputs, structure, results = _returned(recording, returned)
        updates = substitution.finish()
        environment.check(substitution.by_identity, {id(generator) for generator, _ in substitution.drawn})
        if eager is not None:
            Outcome(results, state.roots).require_equal(eager)
        found = [value for _, value in played if value is not None]
        program = Program(found, recording.calls, tuple(outputs), updates)
        _check_parameters(substitution, program)
        checks = state_guards(substitution, program, environment)
        shorter = program if before is None else simplified(program)
    except BaseException:
        substitution.abandon()
        environment.put_back()
        raise
    finally:
        recording.forget()
    groups = [group for group, _ in substitution.schedules]
    return results, Recorded(shorter, checks, structure, substitution.touched(), groups, numbers)


def _uncaught(step: Callable[..., Any], positional: Any, named: Any) -> Any:
    """What ``step`` returns; if it catches a refusal, and goes on without the value, that is raised all the same."""
    latest.error = None
    try:
        with within_a_step():
            returned = step(*positional, **named)
        if latest.error is not None:
            raise latest.error
        return returned
    except Exception as error:
        better = explained(error)
        if better is error:
            raise
        raise better from error
    finally:
        latest.error = None


def _played(recording: Recording, leaf: Any, name: str, numbers: list[Any], i: int) -> tuple[Any, Value | None]:
    """The stand-in for an argument, and the Value of it if it is an array."""
    if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
        array = leaf.data if isinstance(leaf, Tensor) else leaf
        if isinstance(array, np.ndarray):  # a copy, which shares no memory with another argument or the state
            array = np.array(array, order="C")
        recorder = recording.argument(array, name)
        return (placed(recorder, None) if isinstance(leaf, Tensor) else recorder), recorder.value
    if type(leaf) is float:
        return Symbol(recording, leaf, Scalar(partial(numbers.__getitem__, i), (), name)), None
    return leaf, None


def _returned(recording: Recording, returned: Any) -> tuple[list[Any], Any, Any]:
    """The outputs of the program, which kind each one is, and what the recorded run itself gives."""
    outputs, kinds, results = [], [], []
    for _, leaf in leaves_of(returned):
        inner = leaf._array if isinstance(leaf, Variable) else leaf
        real = inner.array if isinstance(inner, StandIn) else inner.number if isinstance(inner, Symbol) else inner
        check_result(inner)
        outputs.append(recording.noted(inner))
        if isinstance(inner, StandIn):
            inner.value.number = not isinstance(leaf, Variable) and not isinstance(inner.array, np.ndarray)
        kinds.append("tensor" if isinstance(leaf, Variable) else "array")
        results.append(placed(np.asarray(real), None) if isinstance(leaf, Variable) else real)
    return outputs, rebuilt(returned, kinds), rebuilt(returned, results)


def _check_arguments(now: Any, arguments: Any, names: Sequence[str], played: Sequence[Any]) -> None:
    """Refuse a step that changed a list or a dictionary which it was given."""
    before, after = list(leaves_of(arguments)), list(leaves_of(now))
    if [path for path, _ in before] != [path for path, _ in after]:
        what = "a list or a dictionary"
    else:
        what = next((name for name, (_, x), was in zip(names, after, played) if x is not was), "")
    if what:
        raise TracingError(
            f"the step changes {what} that it was given as an argument, which a compiled step would not; return what "
            "is new"
        )


def _check_parameters(substitution: Substitution, program: Program) -> None:
    """Refuse parameters around the step that it uses and the state does not hold."""
    used = {v for call in program.calls for v in operands_in((call.arguments, call.keywords)) if isinstance(v, Value)}
    for place, array in substitution.scenery.arrays:
        if isinstance(place.container, Leaf) and substitution.recording.values[id(array)][0] in used:
            raise TracingError(UNLISTED.format(f"the parameter {place.name}"))
