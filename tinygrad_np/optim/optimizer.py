"""What all optimizers share: parameter groups with checked hyperparameters, and the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.optim.flat import Flat
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]
Params = Sequence[Tensor] | Sequence[Mapping[str, Any]]

# What a hyperparameter must be, and how an error says it; those not listed must be finite.
LIMITS: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda v: 0 <= v < math.inf, "a finite number of at least 0"),
    "momentum": (lambda v: 0 <= v < 1, "a number in [0, 1)"),
    "beta1": (lambda v: 0 <= v < 1, "a number in [0, 1)"),
    "beta2": (lambda v: 0 <= v < 1, "a number in [0, 1)"),
    "eps": (lambda v: 0 < v < math.inf, "a finite number above 0"),
}
FINITE: tuple[Callable[[float], bool], str] = (math.isfinite, "a finite number")


class Group(MutableMapping[str, float]):
    """Parameters that share hyperparameters: ``group["lr"]`` reads one and, checked, sets one."""

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
            raise KeyError(f"no hyperparameter {name!r}; there are {', '.join(self.hyperparameters)}")
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
    whatever is to differ from the other groups, hyperparameters or first states. Setting
    ``optimizer.groups[0]["lr"]``, or ``optimizer.lr`` for every group, takes effect at the next
    step. A parameter whose gradient is None is left alone, state and all.

    Raises TypeError for params that are not leaves and for hyperparameters that are not numbers,
    ValueError for no parameters, for one listed twice and for hyperparameters out of range.
    """

    states: tuple[str, ...] = ()

    def __init__(self, params: Params, **options: Any) -> None:
        given = _checked_groups(params)
        names = [name for name in options if name not in self.states]
        for name in self.states:
            if options.get(name) is not None and len(given) > 1:
                raise ValueError(f"{name} is given for {len(given)} groups at once; give each group its own")
        self.groups = []
        for group in given:
            unknown = group.keys() - {"params", *names, *self.states}
            if unknown:
                raise TypeError(f"{type(self).__name__} does not take {', '.join(sorted(unknown))} in a group")
            merged = {**options, **group}
            states = [_first_state(name, merged.get(name), group["params"]) for name in self.states]
            self.groups.append(Group(group["params"], {name: merged[name] for name in names}, states))

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

    @property
    def lr(self) -> float:
        """Learning rate of the first group; setting it sets every group's."""
        return self.groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.groups:
            group["lr"] = value

    def __repr__(self) -> str:
        groups = []
        for group in self.groups:
            n = len(group.params)
            settings = ", ".join(f"{name}={value:g}" for name, value in group.items())
            groups.append(f"{n} parameter{'s' * (n != 1)}: {settings}")
        return f"{type(self).__name__}({'; '.join(groups)})"


def _checked(name: str, value: Any) -> float:
    """``value`` as the float that the hyperparameter ``name`` may be, or an error that says what it must be."""
    holds, expected = LIMITS.get(name, FINITE)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not holds(number):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return number


def _checked_groups(params: Any) -> list[dict[str, Any]]:
    """``params`` as a list of groups, or an error that says what is wrong with them."""
    given = _listed(params)
    if any(isinstance(g, Mapping) for g in given):
        if not all(isinstance(g, Mapping) for g in given):
            raise TypeError('params must be all Tensors or all groups; put each Tensor into a group\'s "params"')
        groups = [{**g, "params": _listed(g.get("params", ()))} for g in given]
    else:
        groups = [{"params": given}]
    seen: set[Tensor] = set()
    for group in groups:
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
    if isinstance(params, (str, Mapping)) or not hasattr(params, "__iter__"):
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
