"""How a check is made: all options, each refused by its name where it makes no sense."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinygrad_np.arguments import number, whole
from tinygrad_np.names import nearest

CHOICES = {"mode": ("auto", "fast", "full"), "method": ("central", "complex", "taylor")}


@dataclass(frozen=True)
class Options:
    """What ``check_gradients`` was asked for; it says what each means."""

    mode: str = "auto"
    method: str = "central"
    rtol: float = 1e-6
    atol: float = 1e-8
    step: float | None = None
    directions: int = 4
    allow_unused: bool = False
    seed: int = 0
    order: int = 1
    dodge: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            nearest(name, getattr(self, name), dict.fromkeys(choices))
        for name in ("rtol", "atol"):
            number(name, getattr(self, name), 1e-6, lambda t: 0 <= t < math.inf, "a finite number, 0 or above")
        if self.step is not None:
            number("step", self.step, 1e-5, lambda h: 0 < h < math.inf, "a finite number above 0")
        for name, least in {"directions": 1, "order": 1, "seed": 0}.items():
            whole(name, getattr(self, name), least)
        for name in ("allow_unused", "dodge"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if self.order > 1 and self.method == "complex":
            raise ValueError(
                f"method='complex' gives f complex arrays, through which no gradient is recorded, as "
                f"order={self.order} needs; use method='central'"
            )
