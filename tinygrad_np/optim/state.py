"""The state of an optimizer, by the names of its parameters: taken, checked as a whole, and put back."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, Sequence
from typing import Any

from tinygrad_np import states
from tinygrad_np.optim.group import Group
from tinygrad_np.optim.hyperparameters import checked


def taken(kind: str, steps: int, groups: Sequence[Group], names: Sequence[str], hooks: Sequence[Any]) -> dict[str, Any]:
    """All that ``groups`` need to go on: numbers, counts, states ``names`` by parameter, of schedules and hooks too."""
    flats = [flat for group in groups for flat in group.flats]
    arrays: dict[str, dict[str, Any]] = {name: {} for name in names}
    for flat in flats:
        for parameter, piece in zip(flat.names, flat.pieces):
            for name, array in zip(names, flat.states_of(piece)):
                arrays[name][parameter] = array.copy()
    return {
        "optimizer": kind,
        "step": steps,
        "groups": [{**group, "params": [n for flat in group.flats for n in flat.names]} for group in groups],
        "schedules": {key: own(schedule) for key, schedule in _schedules(groups).items()},
        "hooks": {str(i): own(hook) for i, hook in enumerate(hooks)},
        "updates": {name: count for flat in flats for name, count in flat.counts().items()},
        "states": arrays,
    }


def own(thing: Any) -> Any:
    """The state of a schedule or hook; that of a plain function is empty."""
    return thing.state_dict() if hasattr(thing, "state_dict") else {}


def put_back(state: Mapping[str, Any], groups: Sequence[Group], names: Sequence[str], hooks: Sequence[Any]) -> None:
    """Let ``groups`` go on from a ``state`` that was checked."""
    for group, numbers in zip(groups, state["groups"]):
        group.shared.steps = state["step"]
        for name in group:
            group.put(name, float(numbers[name]))
        for flat in group.flats:
            flat.updates[:] = [int(state["updates"][parameter]) for parameter in flat.names]
            flat.meet()
            for parameter, piece in zip(flat.names, flat.pieces):
                for name, array in zip(names, flat.states_of(piece)):
                    array[...] = state["states"][name][parameter]
    schedules = _schedules(groups)
    stateful = [(schedules[key], value) for key, value in state["schedules"].items()]
    stateful += [(hook, state["hooks"][str(i)]) for i, hook in enumerate(hooks)]
    for thing, value in stateful:
        if hasattr(thing, "load_state_dict"):
            thing.load_state_dict(value)


def check(expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a ``given`` state that is not of the optimizer whose state is ``expected``, with all that differs."""
    what = f"this {expected['optimizer']}"
    states.check(what, expected, given)
    if given["optimizer"] != expected["optimizer"]:
        raise ValueError(f"the state is of {given['optimizer']}, and the optimizer is {expected['optimizer']}")
    states.check(what, _flattened(expected), _flattened(given))
    for i, (ours, theirs) in enumerate(zip(expected["groups"], given["groups"])):
        if set(theirs["params"]) != set(ours["params"]):
            raise ValueError(
                f"the state does not fit {what}: its group {i} has the parameters {', '.join(theirs['params'])}, "
                f"expected {', '.join(ours['params'])}"
            )
        for name in ours.keys() - {"params"}:
            checked(name, theirs[name], f" in group {i} of the state")
    counts = {"step": given["step"], **{f"updates.{name}": n for name, n in given["updates"].items()}}
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"the state does not fit {what}: {name} is {count!r}, expected an integer of at least 0")


def _schedules(groups: Sequence[Group]) -> dict[str, Any]:
    return {f"{i}.{name}": f for i, group in enumerate(groups) for name, f in group.schedules.items()}


def _flattened(state: Mapping[str, Any]) -> dict[str, Any]:
    """What must be there by name, one level: a group's hyperparameters, schedules, hooks, counts, arrays."""
    if not isinstance(state["groups"], (list, tuple)):
        raise TypeError(f"the state's groups must be a list, got {type(state['groups']).__name__}")
    nested = {f"groups.{i}": group for i, group in enumerate(state["groups"])}
    nested |= {key: state[key] for key in ("schedules", "hooks", "updates")}
    nested |= {f"states.{name}": arrays for name, arrays in _entries("states", state["states"])}
    flat: dict[str, Any] = dict.fromkeys(nested, True)
    for key, entries in nested.items():
        flat |= {f"{key}.{name}": value for name, value in _entries(key, entries)}
    return flat


def _entries(key: str, entries: Any) -> ItemsView[str, Any]:
    if not isinstance(entries, Mapping):
        raise TypeError(f"the state's {key} must be a dictionary, got {type(entries).__name__}")
    return entries.items()
