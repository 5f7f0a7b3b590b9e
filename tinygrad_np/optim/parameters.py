"""The parameters that an optimizer, a hook or an average was given: by name, each once, in groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

from tinygrad_np.optim.hyperparameters import listing
from tinygrad_np.tensor import Tensor


class Named(Protocol):
    """A model, an optimizer, or whatever else has parameters with names."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Pairs of a name and a parameter."""


# All of one kind: a union of sequences would say so, but mypy does not infer unlike groups from one.
Params = Named | Iterable[Tensor | tuple[str, Tensor] | Mapping[str, Any]]
Groups = Mapping[str, Mapping[str, Any]]  # what differs for the parameters whose names fit a pattern


def named(params: Params, first: int = 0) -> list[tuple[str, Tensor]]:
    """``params`` as pairs of a name and a Tensor; Tensors without a name get their position, from ``first`` on."""
    if isinstance(params, Tensor):
        raise TypeError("params must be a list of Tensors, got one Tensor; write [parameter]")
    items: Any = params
    if hasattr(params, "named_parameters") and not isinstance(params, type):
        held = params.named_parameters()
        items = [(name, p) for name, p in held if getattr(p, "requires_grad", True)]  # others are frozen
    elif isinstance(params, Mapping) and not params:
        items = []
    elif not _is_list(params):
        raise TypeError(
            f"params must be a list of Tensors or of groups, got {type(params).__name__}; pass a model, "
            'model.parameters() or [{"params": [...], ...}]'
        )
    listed: list[Any] = list(items)
    if any(isinstance(item, Mapping) for item in listed):
        raise TypeError('params must be all Tensors or all groups; put each Tensor into a group\'s "params"')
    are_pairs = [isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in listed]
    if any(are_pairs) and not all(are_pairs):
        raise TypeError("params must be all Tensors or all (name, Tensor) pairs; name each one, or none")
    pairs = listed if any(are_pairs) else [(str(i), item) for i, item in enumerate(listed, start=first)]
    for _, parameter in pairs:
        if not isinstance(parameter, Tensor):
            raise TypeError(
                f"params must be Tensors, got {type(parameter).__name__}; make one with tg.Tensor(data, "
                "requires_grad=True)"
            )
    return pairs


def once(params: list[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """``params`` if there are any, and each Tensor and each name is there once."""
    if not params:
        raise ValueError("got an empty parameter list; pass model.parameters() of a model that has any")
    seen: set[Tensor] = set()
    names: set[str] = set()
    for name, parameter in params:
        if parameter in seen:
            raise ValueError(f"a parameter of shape {parameter.shape} is listed twice; list it once")
        if name in names:
            raise ValueError(f"two parameters are named {name!r}; give (name, parameter) pairs that differ")
        seen.add(parameter)
        names.add(name)
    return params


def grouped(params: Params, groups: Groups | None, keys: Sequence[str], optimizer: str) -> list[dict[str, Any]]:
    """``params`` as a list of groups that have no other than these ``keys``, or an error that says what is wrong.

    In each, "params" is a list of pairs of a name and a Tensor.
    """
    given: Any = params
    if _is_list(params):
        given = list(given)
    if isinstance(given, list) and given and all(isinstance(item, Mapping) for item in given):
        if groups is not None:
            raise TypeError('groups= is for one list of parameters; here each group has its "params" already')
        result: list[dict[str, Any]] = []
        for group in given:
            _refuse_unknown(group, ["params", *keys], optimizer)
            first = sum(len(earlier["params"]) for earlier in result)
            result.append({**group, "params": named(group.get("params", ()), first)})
    else:
        result = _by_pattern(named(given), {} if groups is None else groups, keys, optimizer)
    for group in result:
        for name, parameter in once(group["params"]):
            _check_leaf(name, parameter)
    once([pair for group in result for pair in group["params"]])
    return result


def _is_list(params: Any) -> bool:
    """Whether ``params`` is a list, or what can be made one: a model may have an iterator of something else."""
    unlike = isinstance(params, (Tensor, str, Mapping, set, frozenset)) or hasattr(params, "named_parameters")
    return hasattr(params, "__iter__") and not unlike


def _by_pattern(
    params: list[tuple[str, Tensor]], groups: Groups, keys: Sequence[str], optimizer: str
) -> list[dict[str, Any]]:
    """A group for each pattern, of the parameters that fit no earlier one, after a group of those that fit none."""
    if not isinstance(groups, Mapping):
        raise TypeError(f'groups must be a dictionary, got {groups!r}; write groups={{"*.bias": {{"l2": 0.0}}}}')
    rest, result = list(params), []
    for pattern, settings in groups.items():
        if not isinstance(settings, Mapping):
            raise TypeError(f'groups[{pattern!r}] must be a dictionary, as in {{"lr": 0.1}}, got {settings!r}')
        _refuse_unknown(settings, keys, optimizer)
        members = matching(pattern, rest, [name for name, _ in params])
        rest = [pair for pair in rest if not fnmatchcase(pair[0], pattern)]
        result.append({**settings, "params": members})
    return [{"params": rest}, *result] if rest or not result else result


def matching(pattern: str, params: Sequence[tuple[str, Tensor]], names: Sequence[str]) -> list[tuple[str, Tensor]]:
    """Those of ``params`` whose names fit ``pattern``; ValueError for none, with the ``names`` that there are."""
    if not isinstance(pattern, str):
        raise TypeError(f'a pattern must be a text that names are compared with, as in "*.bias", got {pattern!r}')
    members = [pair for pair in params if fnmatchcase(pair[0], pattern)]
    if not members:
        earlier = any(fnmatchcase(name, pattern) for name in names)
        what = "only what an earlier pattern fits" if earlier else f"no parameter; there are {listing(names, pattern)}"
        raise ValueError(f"the pattern {pattern!r} fits {what}")
    return members


def _refuse_unknown(group: Mapping[str, Any], keys: Sequence[str], optimizer: str) -> None:
    unknown = sorted(str(key) for key in group.keys() - keys)
    if unknown:
        raise TypeError(
            f"{optimizer} does not take {', '.join(unknown)} in a group; it takes {listing(keys, *unknown)}"
        )


def _check_leaf(name: str, parameter: Tensor) -> None:
    """Refuse what cannot be updated by its gradient."""
    if not (parameter.is_leaf and parameter.requires_grad):
        raise TypeError(
            f"a parameter of shape {parameter.shape}, {name}, is not a leaf that requires a gradient; set "
            "requires_grad=True or leave it out, as in [p for p in model.parameters() if p.requires_grad]"
        )
