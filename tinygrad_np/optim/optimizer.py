"""What all optimizers share: parameter groups with checked hyperparameters, and the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.optim.flat import Flat
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]
# All Tensors or all groups: a union of two sequences would say so, but mypy does not infer unlike groups from one.
Params = Sequence[Tensor | Mapping[str, Any]]

# What a hyperparameter must be, how an error says it, and a value that it advises; those not listed must be finite.
Limit = tuple[Callable[[float], bool], str, float]
LIMITS: dict[str, Limit] = {
    "lr": (lambda v: 0 <= v < math.inf, "a finite number of at least 0", 0.1),
    "momentum": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.9),
    "beta1": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.9),
    "beta2": (lambda v: 0 <= v < 1, "a number in [0, 1)", 0.999),
    "eps": (lambda v: 0 < v < math.inf, "a finite number above 0", 1e-8),
}
FINITE: Limit = (math.isfinite, "a finite number", 0.5)


class Group(MutableMapping[str, float]):
    """Parameters that share hyperparameters: ``group["lr"]`` reads one and, checked, sets one."""

    __slots__ = ("flats", "hyperparameters", "params")  # and no others, so that group.lr = 0.1 is refused

    def __init__(
        self, params: Sequence[Tensor], hyperparameters: Mapping[str, Any], states: Sequence[Sequence[Array]]
    ) -> None:
        self.params = params
        self.hyperparameters = {name: _checked(name, value) for name, value in hyperparameters.items()}
        self.flats = []
        for dtype in dict.fromkeys(p.dtype for p in params):
            members = [i for i, p in enumerate(params) if p.dtype == dtype]
            parts = [[arrays[i] for i in members] for arrays in states]
            self.flats.append(Flat([params[i] for i in members], parts))

    def __getitem__(self, name: str) -> float:
        return self.hyperparameters[name]

    def __setitem__(self, name: str, value: float) -> None:
        if name not in self.hyperparameters:
            raise KeyError(f"no hyperparameter {name!r}; there are {_listing(self, name)}")
        self.hyperparameters[name] = _checked(name, value)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a hyperparameter can be changed, but not removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self.hyperparameters)

    def __len__(self) -> int:
        return len(self.hyperparameters)


class Optimizer:
    """Base of the optimizers: subclass it, name the ``states``, define ``update``.

    ``params`` is a list of leaf Tensors, or a list of groups: dictionaries with "params" and
    whatever is to differ from the other groups, hyperparameters or first states. A hyperparameter is
    an attribute too: ``optimizer.lr`` reads the first group's, and setting it sets every group's, as
    ``optimizer.groups[0]["lr"]`` does for one; both take effect at the next step. A parameter whose
    gradient is None is left alone, state and all.

    Attributes that the built-in optimizers do not know are refused. A subclass may have any of its
    own, or say ``__slots__ = ()`` to be as strict.

    Raises TypeError for params that are not leaves and for hyperparameters that are not numbers,
    ValueError for no parameters, for one listed twice and for hyperparameters out of range.
    """

    __slots__ = ("__weakref__", "groups")

    states: tuple[str, ...] = ()

    def __init__(self, params: Params, **options: Any) -> None:
        names = [name for name in options if name not in self.states]
        for name in names:
            if hasattr(self, name):
                raise TypeError(
                    f"{type(self).__name__} has an attribute {name!r}, which would hide the hyperparameter of that "
                    "name; rename one of them"
                )
        given = _as_groups(params, ["params", *names, *self.states], type(self).__name__)
        for name in self.states:
            if options.get(name) is not None and len(given) > 1:
                raise ValueError(f"{name} is given for {len(given)} groups at once; give each group its own")
        groups = []
        for group in given:
            merged = {**options, **group}
            states = [_first_state(name, merged.get(name), group["params"]) for name in self.states]
            groups.append(Group(group["params"], {name: merged[name] for name in names}, states))
        self.groups = groups

    def __getattr__(self, name: str) -> float:
        """The first group's hyperparameter: asked for where there is no other attribute of that name."""
        if name == "groups":
            raise AttributeError(f"{type(self).__name__} has no groups yet; call super().__init__(params, ...) first")
        group = self.groups[0]
        if name not in group:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}; "
                f"the hyperparameters are {_listing(group, name)}"
            )
        return group[name]

    def __setattr__(self, name: str, value: Any) -> None:
        groups = [group for group in getattr(self, "groups", ()) if name in group]
        for group in groups:
            group[name] = value
        if not groups:
            try:
                super().__setattr__(name, value)
            except AttributeError as error:
                listing = _listing(self.groups[0], name)
                raise AttributeError(f"{error}; the hyperparameters are {listing}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.groups[0]]

    def update(self, t: int, p: Array, g: Array, *states: Any, **hyperparameters: Any) -> None:
        """Change ``p`` in place by its gradient ``g``, which may be overwritten; for the ``t``-th time, from 1."""
        raise TypeError(f"{type(self).__name__} does not define update(self, t, p, g, ...)")

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        update: Any = self.update  # each optimizer names its own states and hyperparameters
        for group in self.groups:
            for flat in group.flats:
                for t, arrays in flat.gather():
                    update(t, *arrays, **group.hyperparameters)

    def zero_grad(self) -> None:
        """Forget the gradients, before the next backward() adds to them."""
        for group in self.groups:
            for parameter in group.params:
                leaf: Any = parameter._node
                if leaf is not None:
                    leaf.grad = None

    def __repr__(self) -> str:
        groups = []
        for group in self.groups:
            n = len(group.params)
            settings = ", ".join(f"{name}={value:g}" for name, value in group.items())
            groups.append(f"{n} parameter{'s' * (n != 1)}: {settings}")
        return f"{type(self).__name__}({'; '.join(groups)})"


def _checked(name: str, value: Any) -> float:
    """``value`` as the float that the hyperparameter ``name`` may be, or an error that says what it must be."""
    holds, expected, example = LIMITS.get(name, FINITE)
    error: type[Exception] = TypeError
    advice = f"{name}={example}, or float(value)"
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if holds(number):
            return number
        error, advice = ValueError, f"{name}={example}"
    raise error(f"{name} must be {expected}, got {value!r}; give for example {advice}")


def _listing(names: Iterable[str], *unknown: str) -> str:
    """``names`` as an error lists them, with those that are near the ``unknown`` ones, which may be misspelt."""
    names = list(names)
    near = {match for name in unknown for match in get_close_matches(name, names)}
    listing = ", ".join(names)
    return f"{listing}; did you mean {' or '.join(name for name in names if name in near)}?" if near else listing


def _as_groups(params: Any, keys: Sequence[str], optimizer: str) -> list[dict[str, Any]]:
    """``params`` as a list of groups that have no other than these ``keys``, or an error that says what is wrong."""
    given = _listed(params)
    if any(isinstance(g, Mapping) for g in given):
        if not all(isinstance(g, Mapping) for g in given):
            raise TypeError('params must be all Tensors or all groups; put each Tensor into a group\'s "params"')
        groups = [{**g, "params": _listed(g.get("params", ()))} for g in given]
    else:
        groups = [{"params": given}]
    seen: set[Tensor] = set()
    for group in groups:
        unknown = sorted(str(key) for key in group.keys() - keys)
        if unknown:
            raise TypeError(
                f"{optimizer} does not take {', '.join(unknown)} in a group; it takes {_listing(keys, *unknown)}"
            )
        if not group["params"]:
            raise ValueError("got an empty parameter list; pass model.parameters() of a model that has any")
        for parameter in group["params"]:
            _check_parameter(parameter)
            if parameter in seen:
                raise ValueError(f"a parameter of shape {parameter.shape} is listed twice; list it once")
            seen.add(parameter)
    return groups


def _listed(params: Any) -> list[Any]:
    """``params`` as a list, or an error that says what to give instead."""
    if isinstance(params, Tensor):
        raise TypeError("params must be a list of Tensors, got one Tensor; write [parameter]")
    if isinstance(params, (str, Mapping, set, frozenset)) or not hasattr(params, "__iter__"):
        if isinstance(params, Mapping) and not params:
            return []
        raise TypeError(
            f"params must be a list of Tensors or of groups, got {type(params).__name__}; pass model.parameters() "
            'or [{"params": [...], ...}]'
        )
    return list(params)


def _check_parameter(parameter: Any) -> None:
    """Refuse what cannot be updated by its gradient."""
    if not isinstance(parameter, Tensor):
        raise TypeError(
            f"params must be Tensors, got {type(parameter).__name__}; make one with tg.Tensor(data, requires_grad=True)"
        )
    if not (parameter.is_leaf and parameter.requires_grad):
        raise TypeError(
            f"a parameter of shape {parameter.shape} is not a leaf that requires a gradient; set requires_grad=True "
            "or leave it out, as in [p for p in model.parameters() if p.requires_grad]"
        )


def _first_state(name: str, given: Sequence[ArrayLike] | None, params: Sequence[Tensor]) -> list[Array]:
    """The first value of a state for each parameter: zeros, or copies of what was ``given``."""
    if given is None:
        return [np.zeros_like(p.data) for p in params]
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise TypeError(f"{name} must be a list of arrays, one a parameter, got {given!r}")
    arrays = [np.asarray(value) for value in given]
    if [a.shape for a in arrays] != [p.shape for p in params]:
        raise ValueError(
            f"{name} has shapes {[a.shape for a in arrays]} for parameters of shapes {[p.shape for p in params]}; "
            "give one array a parameter, in the same order"
        )
    if any(a.dtype.kind not in "fiu" for a in arrays):
        raise TypeError(f"{name} must hold real numbers, got {[str(a.dtype) for a in arrays]}")
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError(f"{name} holds NaN or infinity, which would spread to the parameters")
    return [a.astype(p.dtype) for a, p in zip(arrays, params)]
