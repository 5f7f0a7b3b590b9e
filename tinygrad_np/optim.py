"""Optimizers: each is one in-place update of an array; one interpreter applies it to all parameters.

The parameters of a group are kept side by side in one flat array, of which each ``parameter.data``
is a view, so that a step is a handful of NumPy calls however many parameters there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.tape import tick
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]
Params = Sequence[Tensor] | Sequence[Mapping[str, Any]]

# What each hyperparameter must be, and how an error says it.
LIMITS: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda v: 0 <= v < math.inf, "a finite number of at least 0"),
    "momentum": (lambda v: 0 <= v < 1, "in [0, 1)"),
    "beta1": (lambda v: 0 <= v < 1, "in [0, 1)"),
    "beta2": (lambda v: 0 <= v < 1, "in [0, 1)"),
    "eps": (lambda v: 0 < v < math.inf, "a finite number above 0"),
}


class Flat:
    """Parameters of one dtype, their gradients and their state: flat arrays, and a piece of each for each parameter."""

    def __init__(self, params: Sequence[Tensor], states: Sequence[Sequence[Array]]) -> None:
        self.params = params
        data = np.concatenate([p.data for p in params], axis=None)
        flat_states = [np.concatenate(arrays, axis=None, dtype=data.dtype) for arrays in states]
        self.whole = (data, np.empty_like(data), *flat_states)
        self.pieces = list(zip(*map(self._split, self.whole)))
        self.slots = [(param, piece[0], piece[1]) for param, piece in zip(params, self.pieces)]
        self.updates = [0]  # one number as long as all are updated together, then one a parameter
        self._adopt()

    def __reduce__(self) -> Any:
        """Copies and pickles are built anew: views of one array would come back as arrays of their own."""
        states = list(zip(*[piece[2:] for piece in self.pieces]))
        return Flat, (self.params, states), {"updates": self.updates}

    def gather(self) -> list[tuple[int, tuple[Array, ...]]]:
        """Copy in the gradients, and list what to update: (how many updates with this one, (data, gradient, *states)).

        That is everything in one piece as long as all parameters have had a gradient each time.
        """
        stamp, missing = tick(), []
        for i, (param, view, slot) in enumerate(self.slots):
            leaf: Any = param._node
            if leaf is None or leaf.grad is None:
                missing.append(i)
                continue
            if param._data is not view:
                self._adopt()
            leaf.order = stamp  # a graph recorded before this step is out of date
            slot[...] = leaf.grad
        if not missing and len(self.updates) == 1:
            self.updates[0] += 1
            return [(self.updates[0], self.whole)]
        if len(self.updates) == 1:
            self.updates *= len(self.params)
        ready = []
        for i, piece in enumerate(self.pieces):
            if i not in missing:
                self.updates[i] += 1
                ready.append((self.updates[i], piece))
        return ready

    def _split(self, flat: Array) -> list[Array]:
        """Views of ``flat`` in the shapes of the parameters."""
        ends = np.cumsum([p.size for p in self.params])
        return [part.reshape(p.shape) for part, p in zip(np.split(flat, ends[:-1]), self.params)]

    def _adopt(self) -> None:
        """Make each parameter's data its piece (again, where the user or another optimizer replaced it)."""
        for param, (view, *_) in zip(self.params, self.pieces):
            if param.data is not view:
                view[...] = param.data
                param._data = view
                leaf: Any = param._node
                if leaf is not None:
                    leaf.data = view


class Group(dict[str, float]):
    """Parameters that share hyperparameters: ``group["lr"]`` reads one and, checked, sets one."""

    def __init__(
        self, params: Sequence[Tensor], hyperparameters: Mapping[str, Any], states: Sequence[Sequence[Array]]
    ) -> None:
        super().__init__()
        for name, value in hyperparameters.items():
            self[name] = value
        self.params = params
        self.flats = []
        for dtype in dict.fromkeys(p.dtype for p in params):
            members = [i for i, p in enumerate(params) if p.dtype == dtype]
            parts = [[arrays[i] for i in members] for arrays in states]
            self.flats.append(Flat([params[i] for i in members], parts))

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in LIMITS:
            raise KeyError(f"no hyperparameter {name!r}; known are {', '.join(LIMITS)}")
        holds, expected = LIMITS[name]
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} must be a number {expected}, got {value!r}")
        if not holds(float(value)):
            raise ValueError(f"{name} must be {expected}, got {value!r}")
        super().__setitem__(name, float(value))


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
                    update(t, *arrays, **group)

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
        groups = "; ".join(
            f"{len(group.params)} parameters: " + ", ".join(f"{name}={value:g}" for name, value in group.items())
            for group in self.groups
        )
        return f"{type(self).__name__}({groups})"


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − η·g, with η = ``lr``.

    Robbins & Monro (1951), "A stochastic approximation method".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = tg.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data
    array([0.8, 1.6])
    """

    def __init__(self, params: Params, lr: float = 0.01) -> None:
        super().__init__(params, lr=lr)

    def update(self, t: int, p: Array, g: Array, *, lr: float) -> None:
        g *= lr
        p -= g


class MomentumSGD(Optimizer):
    """Gradient descent with momentum, in the article's and Chainer's form: v ← μ·v − η·g; p ← p + v.

    η = ``lr``, μ = ``momentum``. PyTorch's form, v ← μ·v + g; p ← p − η·v, differs as soon as η
    changes. ``velocity`` gives the first v, one array a parameter (zeros by default). In groups,
    "momentum" and "velocity" may be given for each. Polyak (1964), "Some methods of speeding up the
    convergence of iteration methods".

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0], requires_grad=True)
    >>> optimizer = tg.MomentumSGD([p], lr=0.1, momentum=0.5, velocity=[[0.25]])
    >>> (p * p).sum().backward()
    >>> optimizer.step()  # v = 0.5 · 0.25 − 0.1 · 2
    >>> p.data
    array([0.925])
    """

    states = ("velocity",)

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        momentum: float = 0.9,
        velocity: Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, velocity=velocity)

    def update(self, t: int, p: Array, g: Array, velocity: Array, *, lr: float, momentum: float) -> None:
        velocity *= momentum
        g *= lr
        velocity -= g
        p += velocity


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  p ← p − η·m̂ / (√v̂ + ε), with
    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at the t-th step. Kingma & Ba (2015), "Adam: a method
    for stochastic optimization", algorithm 1.

    >>> import tinygrad_np as tg
    >>> p = tg.Tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = tg.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(6)
    array([ 0.9, -2.9])
    """

    states = ("m", "v")

    def __init__(
        self, params: Params, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    def update(
        self, t: int, p: Array, g: Array, m: Array, v: Array, *, lr: float, beta1: float, beta2: float, eps: float
    ) -> None:
        m *= beta1
        g *= 1 - beta1
        m += g
        g *= g
        g *= (1 - beta2) / (1 - beta1) ** 2
        v *= beta2
        v += g
        np.sqrt(v, g)
        g /= math.sqrt(1 - beta2**t)
        g += eps
        np.divide(m, g, g)
        g *= lr / (1 - beta1**t)
        p -= g


def _checked_groups(params: Params) -> list[dict[str, Any]]:
    """``params`` as a list of groups, or an error that says what is wrong with them."""
    if isinstance(params, Tensor):
        raise TypeError("params must be a list of Tensors, got one Tensor; write [parameter]")
    given: list[Any] = list(params)
    groups = [dict(g) for g in given] if given and isinstance(given[0], Mapping) else [{"params": given}]
    seen: set[Tensor] = set()
    for group in groups:
        group["params"] = list(group.get("params", ()))
        if not group["params"]:
            raise ValueError("got an empty parameter list; pass model.parameters() of a model that has any")
        for parameter in group["params"]:
            _check_parameter(parameter)
            if parameter in seen:
                raise ValueError(f"a parameter of shape {parameter.shape} is listed twice; list it once")
            seen.add(parameter)
    return groups


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
    arrays = [np.array(value, p.dtype) for value, p in zip(given, params)]
    if len(given) != len(params) or any(a.shape != p.shape for a, p in zip(arrays, params)):
        raise ValueError(
            f"{name} has shapes {[np.shape(value) for value in given]} for parameters of shapes "
            f"{[p.shape for p in params]}; give one array a parameter, in the same order"
        )
    return arrays
