"""The inputs of a function, taken apart into named arrays that can be moved about and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any, Self

import numpy as np

from tinygrad_np.checks.slopes import FEWER, Array, units
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, mapped


class Inputs:
    """Named arrays, and the ``arguments`` that a function gets, which hold them.

    An input is an array or number, of which the function gets a Tensor (or an array, if it is to be
    ``plain``), float64 where they are ``upcast``; a Tensor that requires a gradient, which it may use from
    anywhere; a model, anything with ``named_parameters``; or a list, tuple or dict of these. Within ``with
    inputs:`` the arrays may be moved; afterwards all are as they were, and so are a model's buffers.
    """

    def __init__(self, inputs: Sequence[Any], roots: Sequence[str], plain: bool = False, upcast: bool = True) -> None:
        self.plain, self.upcast = plain, upcast
        self.roots = roots  # the names of the inputs, which may hold several arrays each
        self.names: list[str] = []
        self.arrays: list[Array] = []  # what is moved
        self.tensors: list[Tensor | None] = []  # the leaf that holds the array of the same place, if one does
        self.models: list[Any] = []
        self.frozen: list[str] = []  # parameters that are not moved, by name
        self.own = True  # whether all are made here, and none is a Tensor or a model of the user's
        self.lent: list[tuple[Tensor, Array]] = []  # Tensors of other dtypes, and the arrays to give back to them
        self.buffers: list[tuple[Array, Array]] = []  # running statistics, which evaluations move, and their copies
        self.alone = len(inputs) == 1
        self.arguments = [self._taken(x, name) for x, name in zip(inputs, roots)]
        if not self.arrays:
            raise ValueError(
                "there are no inputs to differentiate by; give them after the function, as in (f, x1, x2) or (f, model)"
            )
        self.start = [array.astype(np.float64) for array in self.arrays]  # as the user gave it
        self.point = self.start  # where it is checked: away from a kink, perhaps

    # -- taking them apart -------------------------------------------------------------------------

    def _taken(self, x: Any, name: str) -> Any:
        """The argument that the function gets for the input ``x``, whose arrays are noted by name."""
        if hasattr(x, "named_parameters"):
            return self._model(x, "" if self.alone else f"{name}.")
        if isinstance(x, dict) or (isinstance(x, (list, tuple)) and holds_arrays(x)):
            paths = iter([path for path, _ in leaves_of(x)])
            return mapped(lambda leaf: self._leaf(leaf, name + next(paths)), x)
        return self._leaf(x, name)

    def _leaf(self, x: Any, name: str) -> Any:
        """The argument for one model, Tensor or array."""
        if hasattr(x, "named_parameters"):
            return self._model(x, f"{name}.")
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(
                f"{name} is a masked array, whose mask would be lost; give {name}.compressed(), or an f that masks"
            )
        data = x.data if isinstance(x, Tensor) else np.asarray(x)
        if data.dtype.kind != "f":
            what = f"of {data.dtype} has" if data.dtype.kind in "biuc" else f"is {repr(x)[:60]}, which has"
            raise TypeError(f"{name} {what} no gradient; give floating numbers, as in np.asarray({name}, float)")
        if isinstance(x, Tensor):
            self._check_tensor(x, name)
            self.own = False
            return self._noted(x, name)
        array = np.array(data, np.float64 if self.upcast else data.dtype)
        return self._noted(array if self.plain else Tensor(array, requires_grad=True), name)

    def _noted(self, argument: Any, name: str) -> Any:
        """An argument whose array is moved."""
        self.names.append(name)
        self.tensors.append(argument if isinstance(argument, Tensor) else None)
        self.arrays.append(argument.data if isinstance(argument, Tensor) else argument)
        return argument

    def _check_tensor(self, x: Tensor, name: str) -> None:
        """Refuse a Tensor of the user's that cannot be moved, or not without another."""
        if not (x.is_leaf and x.requires_grad):
            raise ValueError(f"{name} must be an array or a leaf that requires a gradient, got {x!r}")
        for other, tensor in zip(self.names, self.tensors):
            if x is tensor:
                raise ValueError(f"{name} is the same Tensor as {other}; give it once")
            if tensor is not None and np.shares_memory(x.data, tensor.data):
                raise ValueError(
                    f"{name} shares numbers with {other}, so that neither moves alone; give one of them a copy"
                )

    def _model(self, model: Any, prefix: str) -> Any:
        """The model itself, its parameters noted."""
        self.models.append(model)
        for path, parameter in model.named_parameters():
            if parameter.requires_grad:
                self._leaf(parameter, prefix + path)
            else:
                self.frozen.append(prefix + path)
        if hasattr(model, "named_buffers"):
            self.buffers += [(array, array.copy()) for _, array in model.named_buffers()]
        return model

    # -- moving them -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Lend float64 arrays to Tensors of other dtypes, in which differences prove nothing, and of read-only data."""
        for i, tensor in enumerate(self.tensors):
            if tensor is None:
                continue
            dtype = np.dtype(np.float64) if self.upcast else tensor.dtype
            if tensor.dtype != dtype or not tensor.data.flags.writeable:
                self.lent.append((tensor, tensor.data))
                self.arrays[i] = tensor.data.astype(dtype)
        self.hold()
        return self

    def __exit__(self, *raised: object) -> None:
        self.move(self.start)
        self.hold()
        for array, data in self.buffers:
            array[...] = data
        for tensor, array in self.lent:
            _hold(tensor, array)
        self.lent.clear()

    def hold(self) -> None:
        """Let every Tensor hold the array that is moved, whatever others it was given by assigning to its data."""
        for tensor, array in zip(self.tensors, self.arrays):
            if tensor is not None and tensor._array is not array:
                _hold(tensor, array)

    def move(self, point: Sequence[Array]) -> None:
        """Go to another point, from which differences are taken then."""
        self.point = list(point)
        self.restore()

    def changed(self) -> list[str]:
        """The names of the arrays that are not what they are at the point."""
        held = [array if tensor is None else tensor.data for tensor, array in zip(self.tensors, self.arrays)]
        triples = zip(self.names, held, self.point)
        return [name for name, array, x in triples if not np.array_equal(array, x, equal_nan=True)]

    def check_step(self, step: float | None) -> None:
        """Refuse a step of which a part is less than the distance from an element to the next number."""
        if step is None:
            return
        for name, x in zip(self.names, self.point):
            stuck = (x + step / FEWER * units(x) == x) & np.isfinite(x)
            if stuck.any():
                number = float(x[stuck].flat[0])
                raise ValueError(
                    f"step={step:.3g} is too small to move {name}, whose next number after {number} is "
                    f"{np.spacing(number):.3g} away; give a larger step=, or none to have one chosen"
                )

    def restore(self) -> None:
        """Put every array back to the point."""
        for array, data in zip(self.arrays, self.point):
            array[...] = data


def _hold(tensor: Tensor, array: Array) -> None:
    """Let a leaf hold another array, of any dtype, without a word to the graphs that used the one before."""
    tensor._array = array
    tensor._node.data = array  # type: ignore[union-attr]  # it is a leaf's


def holds_arrays(tree: Any) -> bool:
    """Whether a list or the like has arrays or models in it, and not only numbers, which make one array together."""
    return any(
        isinstance(leaf, (Tensor, np.ndarray)) or hasattr(leaf, "named_parameters") for _, leaf in leaves_of(tree)
    )


def names_of(f: Callable[..., Any], names: Sequence[str] | None, inputs: Sequence[Any]) -> Sequence[str]:
    """One name for each of ``inputs``: those given, or else f's own names for its arguments."""
    _check_call(f, inputs)
    if names is None:
        return [*_parameters(f)[: len(inputs)], *[f"input {i}" for i in range(len(_parameters(f)), len(inputs))]]
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be a list of strings, one for each input, got {names!r}")
    if len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs; give one each")
    if len({*names}) < len(names):
        raise ValueError(f"names must differ, got {names!r}")
    return names


def _check_call(f: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Refuse inputs that ``f`` does not take, as far as that can be read."""
    try:
        expected = signature(f, follow_wrapped=False)  # what a decorated function takes itself
    except (TypeError, ValueError):
        return
    try:
        expected.bind(*inputs)
    except TypeError as error:
        number = f"{len(inputs)} input{'' if len(inputs) == 1 else 's'}"
        takes = ", ".join(expected.parameters) or "none"
        is_gradient = inputs and callable(inputs[-1]) and not hasattr(inputs[-1], "named_parameters")
        advice = ", and a gradient is given by its name, gradient=" if is_gradient else ""
        raise TypeError(f"f cannot be called with {number}: {error}; it takes {takes}{advice}") from None


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The names of the arguments that ``f`` takes by position, as far as they can be read."""
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):  # NumPy's compiled functions show none
        return []
    return [p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
