"""Groups: parameters that share hyperparameters, each a number or a schedule of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.optim.flat import Flat, Method
from tinygrad_np.optim.hyperparameters import Schedule, checked, listing, scheduled
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]
Hook = Callable[[list[Tensor]], Any]
DECAYS = ("l2", "weight_decay")  # which every optimizer has, and its update does not see


class Shared:
    """What the groups of an optimizer share: hooks, steps taken, whether there ever was a schedule, and all flats."""

    __slots__ = ("flats", "hooks", "scheduled", "steps")
    flats: Final[list[Flat]]

    def __init__(self, hooks: list[Hook]) -> None:
        self.hooks = hooks
        self.scheduled = False
        self.steps = 0
        self.flats = []


class Group(MutableMapping[str, float]):
    """Parameters that share hyperparameters: ``group["lr"]`` reads the number in use; a number or schedule sets it.

    ``params`` are its parameters, ``schedules`` the hyperparameters that have one.
    """

    # and no others, so that group.lr = 0.1 is refused
    __slots__ = ("flats", "numbers", "params", "schedules", "shared")
    flats: Final[list[Flat]]
    numbers: Final[dict[str, float]]
    params: Final[tuple[Tensor, ...]]
    shared: Final[Shared]

    def __init__(
        self,
        params: Sequence[tuple[str, Tensor]],
        hyperparameters: Mapping[str, Any],
        states: Sequence[Sequence[Array]],
        method: type[Method],
        shared: Shared,
    ) -> None:
        self.params = tuple([p for _, p in params])
        self.shared = shared
        self.numbers = dict.fromkeys(hyperparameters, 0.0)
        self.schedules: dict[str, Schedule] = {}
        self.flats = []  # and none as long as a hyperparameter may be refused
        for name, value in hyperparameters.items():
            self[name] = value
        taken = [name for name in self.numbers if name not in DECAYS]
        for dtype in dict.fromkeys(p.dtype for p in self.params):
            members = [i for i, p in enumerate(self.params) if p.dtype == dtype]
            names = [params[i][0] for i in members]
            parts = [[arrays[i] for i in members] for arrays in states]
            self.flats.append(Flat(names, [self.params[i] for i in members], parts, method, taken))
        shared.flats.extend(self.flats)
        for name, number in self.numbers.items():
            self.put(name, number)

    def follow(self) -> None:
        """Take from the schedules the numbers of the next step."""
        for name, schedule in self.schedules.items():
            self.put(name, scheduled(name, schedule, self.shared.steps))

    def put(self, name: str, number: float) -> None:
        """Use ``number``, which was checked, from now on."""
        self.numbers[name] = number
        l2, shrinkage = self.numbers["l2"], 1 - self.numbers.get("lr", 1.0) * self.numbers["weight_decay"]
        for flat in self.flats:
            if name not in DECAYS:
                flat.take(name, number)
            flat.decay = (l2, shrinkage) if l2 or shrinkage != 1 else None

    def __getitem__(self, name: str) -> float:
        return self.numbers[name]

    def __setitem__(self, name: str, value: float | Schedule) -> None:
        if name not in self.numbers:
            raise KeyError(f"no hyperparameter {name!r}; there are {listing(self, name)}")
        if callable(value):
            self.put(name, scheduled(name, value, self.shared.steps))
            self.schedules[name] = value
            self.shared.scheduled = True
        else:
            self.put(name, checked(name, value))
            self.schedules.pop(name, None)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a hyperparameter can be changed, but not removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        settings = []
        for name, value in self.items():
            by = f" by {self.schedules[name]!r}" if name in self.schedules else ""
            if value or by or name not in DECAYS:
                settings.append(f"{name}={value:g}{by}")
        n = len(self.params)
        return f"{n} parameter{'s' * (n != 1)}: {', '.join(settings)}"


def first_state(name: str, given: Any, params: Sequence[Tensor]) -> list[Array]:
    """The first value of a state for each parameter: zeros, or what was ``given``."""
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
    return arrays
