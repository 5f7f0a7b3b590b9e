"""What all optimizers share: parameter groups with checked hyperparameters, the step, and the state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import Any, TypedDict

from numpy.typing import NDArray

from tinygrad_np.optim.group import DECAYS, Group, Hook, Shared, first_state
from tinygrad_np.optim.hyperparameters import Value, listing
from tinygrad_np.optim.parameters import Groups, Params, grouped
from tinygrad_np.optim.state import check, put_back, taken
from tinygrad_np.tensor import Tensor

Array = NDArray[Any]


class Options(TypedDict, total=False):
    """What every optimizer takes by name, beside its own hyperparameters."""

    groups: Groups | None
    hooks: Iterable[Hook]
    l2: Value
    weight_decay: Value


class Optimizer:
    """Base of the optimizers: subclass it, name the ``states``, define ``update``.

    ``params`` is a model, or a list of leaf Tensors, of (name, Tensor) pairs, or of groups:
    dictionaries with "params" and whatever is to differ from the other groups, hyperparameters or
    first states. ``groups`` makes groups by name, ``groups={"*.bias": {"l2": 0.0}}``: the first
    pattern that fits a parameter's name counts, and the first group holds the parameters that fit
    none. Tensors without a name are called "0", "1", ...

    A hyperparameter is a number, or a schedule: a function of how many steps were taken before, which
    each group asks once when it is set, to check it, and once at the start of each step. It is an attribute
    too: ``optimizer.lr`` reads the number in use in the first group, and setting a number or a
    schedule sets every group's, as ``optimizer.groups[0]["lr"]`` does for one; both take effect at the
    next step. A parameter whose gradient is None is left alone, state and all; of a model, what is frozen
    (``requires_grad=False``) is left out. State has the parameters' dtype, but float32 for float16.

    All optimizers know two ways to keep weights small, both 0 by default (AdamW's is not).
    ``l2`` is a penalty of l2/2·‖p‖² in the loss: it adds l2·p to the gradient, and goes through momentum
    and scaling like the rest of it. ``weight_decay`` λ takes no part in the gradient: just before the
    update, p ← p − η·λ·p (Loshchilov & Hutter 2019).

    ``hooks`` are functions of the list of parameters that step() calls first, such as one that clips
    gradients. ``steps`` counts the steps taken.

    Attributes that the built-in optimizers do not know are refused. A subclass may have any of its
    own, or say ``__slots__ = ()`` to be as strict. If its update needs arrays to work in, it says how
    many, as in ``scratch = 1``, and gets them after the states. Hyperparameters that it does nothing with but to
    multiply arrays may be ``constants = ("lr",)``: they come as arrays without dimensions, of the
    state's dtype, by which NumPy multiplies in half the time that a Python float takes.

    Raises TypeError for params that are not leaves and for hyperparameters that are not numbers,
    ValueError for no parameters, for one listed twice, for a pattern that fits none and for
    hyperparameters out of range.
    """

    __slots__ = ("__weakref__", "groups")

    states: tuple[str, ...] = ()
    scratch: int = 0
    constants: tuple[str, ...] = ()

    def __init__(
        self,
        params: Params,
        *,
        groups: Groups | None = None,
        hooks: Iterable[Hook] = (),
        l2: Value = 0.0,
        weight_decay: Value = 0.0,
        **options: Any,
    ) -> None:
        shared = Shared(_checked_hooks(hooks))
        options |= {"l2": l2, "weight_decay": weight_decay}
        names = [name for name in options if name not in self.states]
        self._check_names(names)
        given = grouped(params, groups, [*names, *self.states], type(self).__name__)
        for name in self.states:
            if options.get(name) is not None and len(given) > 1:
                raise ValueError(f"{name} is given for {len(given)} groups at once; give each group its own")
        made = []
        for group in given:
            merged = {**options, **group}
            first = [first_state(name, merged.get(name), [p for _, p in group["params"]]) for name in self.states]
            own = {name: merged[name] for name in names}
            made.append(Group(group["params"], own, first, type(self), shared))
        self.groups = made

    def _check_names(self, names: list[str]) -> None:
        """Refuse hyperparameters that the update does not take, lack, or that an attribute would hide."""
        kind = type(self).__name__
        for name in names:
            if not name.isidentifier() or iskeyword(name):
                raise TypeError(f"{kind} cannot have a hyperparameter {name!r}, which Python does not take for a name")
            if hasattr(type(self), name) or hasattr(self, name):
                raise TypeError(
                    f"{kind} has an attribute {name!r}, which would hide the hyperparameter of that name; rename one "
                    "of them"
                )
        takes = inspect.signature(self.update).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in takes):
            return
        known = [p.name for p in takes if p.name not in ("t", "p", "g", *self.states)]
        unknown = [name for name in names if name not in [*known, *DECAYS]]
        if unknown:
            options = listing([*known, *Options.__annotations__], *unknown)
            raise TypeError(f"{kind} does not take {', '.join(unknown)}; it takes {options}")
        missing = [p.name for p in takes if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in names]
        if missing:
            raise TypeError(f"{kind} needs {', '.join(missing)}: its update takes what its constructor was not given")
        if set(known) & set(DECAYS):
            raise TypeError(f"{kind} has an update with {' or '.join(DECAYS)}, which step() applies before; rename it")

    def __getattr__(self, name: str) -> float:
        """The first group's hyperparameter: asked for where there is no other attribute of that name."""
        if name == "groups":
            raise AttributeError(f"{type(self).__name__} has no groups yet; call super().__init__(params, ...) first")
        group = self.groups[0]
        if name not in group:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}; "
                f"the hyperparameters are {listing(group, name)}"
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
                options = listing(self.groups[0], name)
                raise AttributeError(f"{error}; the hyperparameters are {options}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.groups[0]]

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.groups[0].shared.steps

    @property
    def hooks(self) -> list[Hook]:
        """The functions of the list of parameters that step() calls first."""
        return self.groups[0].shared.hooks

    @hooks.setter
    def hooks(self, hooks: Iterable[Hook]) -> None:
        self.groups[0].shared.hooks = _checked_hooks(hooks)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Pairs of a name and a parameter."""
        for group in self.groups:
            for flat in group.flats:
                yield from zip(flat.names, flat.params)

    def update(self, t: int, p: Array, g: Array, *states: Any, **hyperparameters: Any) -> None:
        """Change ``p`` in place by its gradient ``g``, which may be overwritten; for the ``t``-th time, from 1."""
        raise TypeError(f"{type(self).__name__} does not define update(self, t, p, g, ...)")

    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:
        """Update every parameter that has a gradient.

        With a ``closure``, a function that computes the loss anew, the gradients are taken first:
        zero_grad(), loss = closure(), loss.backward(). Returns that loss, or None without one.
        """
        loss = None if closure is None else self.evaluate(closure)
        shared = self.groups[0].shared
        if shared.hooks or shared.scheduled:
            self._prepare()
        for flat in shared.flats:
            flat.step(self)
        shared.steps += 1
        return loss

    def _prepare(self) -> None:
        """Call the hooks, and ask the schedules for their numbers, before anything moves."""
        groups = self.groups
        hooks = groups[0].shared.hooks
        if hooks:
            parameters = [p for group in groups for p in group.params]
            for hook in hooks:
                hook(parameters)
        for group in groups:
            group.follow()

    def evaluate(self, closure: Callable[[], Tensor]) -> Tensor:
        """The loss that ``closure`` computes, after its gradients took the place of those that were there."""
        if not callable(closure):
            raise TypeError(
                f"step() takes a function that computes the loss, got {closure!r}; after loss.backward(), write step()"
            )
        self.zero_grad()
        loss = closure()
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"the closure must return the loss as a Tensor, got {loss!r}; step() calls its backward() itself"
            )
        loss.backward()
        return loss

    def zero_grad(self) -> None:
        """Forget the gradients, before the next backward() adds to them."""
        for group in self.groups:
            for parameter in group.params:
                leaf: Any = parameter._node
                if leaf is not None:
                    leaf.grad = None

    def observe(self, value: float) -> None:
        """Tell the schedules that wait for it, such as a plateau, how well training goes; each once."""
        told: list[Any] = []
        for group in self.groups:
            for schedule in group.schedules.values():
                if hasattr(schedule, "observe") and not any(schedule is other for other in told):
                    schedule.observe(value)
                    told.append(schedule)

    def state_dict(self) -> dict[str, Any]:
        """What this optimizer needs to go on: numbers and states, by the names of the parameters; all copies.

        "optimizer" is its class's name, "step" the steps taken, "groups" the hyperparameters in use,
        "updates" the updates of each parameter, "states" the arrays, "schedules" and "hooks" the states
        of those. Schedules and hooks themselves are functions, which a state does not hold.
        """
        return taken(type(self).__name__, self.steps, self.groups, self.states, self.hooks)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that state_dict() gave, whatever the order of the parameters.

        Nothing changes unless it fits: ValueError lists names that are missing or unexpected, other
        shapes, another optimizer. Make the optimizer with the same groups, schedules and hooks first.
        """
        before = self.state_dict()
        check(before, state)
        try:
            put_back(state, self.groups, self.states, self.hooks)
        except BaseException:
            put_back(before, self.groups, self.states, self.hooks)
            raise

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'; '.join(map(repr, self.groups))})"


def _checked_hooks(hooks: Any) -> list[Hook]:
    """``hooks`` as a list of functions, or an error that says what to give instead."""
    if isinstance(hooks, str) or not hasattr(hooks, "__iter__"):
        raise TypeError(f"hooks must be a list of functions, got {hooks!r}; write hooks=[function]")
    listed = list(hooks)
    for hook in listed:
        if not callable(hook) or isinstance(hook, type):
            raise TypeError(f"each hook must be a function of the list of parameters, got {hook!r}")
    return listed
