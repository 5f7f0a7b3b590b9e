"""What is checked: a function at a point, its inputs by name, and the gradients that are claimed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from inspect import Parameter, signature
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.checks.slopes import Line
from tinygrad_np.gradients import gradients
from tinygrad_np.tape import walk
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of, mapped

Array = NDArray[Any]

ANALYTIC, HAND_DERIVED = "analytic", "hand-derived"


class Subject:
    """A function whose inputs are taken apart into named float64 arrays, which can be moved about and put back.

    An input is an array or number, of which f gets a Tensor (or an array, where the gradient is
    hand-derived); a Tensor that requires a gradient, which f may use from anywhere; a list, tuple or
    dict of these; or a model, anything with ``named_parameters``. f's value is multiplied by
    ``weights`` and summed, so that it is one number. Within ``with subject:`` the arrays may be moved.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        inputs: Sequence[Any],
        names: Sequence[str] | None = None,
        gradient: Callable[..., Any] | None = None,
        output_gradient: Any = None,
        seed: int = 0,
        plain: bool = False,
        label: str = HAND_DERIVED,
    ) -> None:
        if not callable(f):
            raise TypeError(f"got {f!r} for the function to check; give a function of the inputs after it")
        self.f, self.gradient, self.output_gradient, self.seed = f, gradient, output_gradient, seed
        self.label = label  # what the gradient that is given is called
        self.plain = plain or gradient is not None  # whether f gets arrays as arrays
        self.names: list[str] = []
        self.arrays: list[Array] = []  # what is moved
        self.tensors: list[Tensor | None] = []  # the leaf that holds the array of the same place, if one does
        self.own = True  # whether f gets all inputs from here and none is a Tensor or a model of the user's
        self.lent: list[tuple[Tensor, Array]] = []  # Tensors of other dtypes, and the arrays to give back to them
        self.calls = 0
        self.weights: Any = None
        self.roots = _names(f, names, inputs)  # of the inputs, which may hold several arrays each
        self.arguments = [self._taken(x, name, alone=len(inputs) == 1) for x, name in zip(inputs, self.roots)]
        models = [x for x in inputs if hasattr(x, "named_buffers")]
        self.buffers = [(array, array.copy()) for model in models for _, array in model.named_buffers()]
        if not self.arrays:
            raise ValueError(
                "there are no inputs to differentiate by; give them after the function, as in (f, x1, x2) or (f, model)"
            )
        self.autodiff = not plain and any(tensor is not None for tensor in self.tensors)
        self.start = [array.astype(np.float64) for array in self.arrays]  # as the user gave it
        self.point = self.start  # where it is checked: away from a kink, perhaps

    # -- taking inputs apart -----------------------------------------------------------------------

    def _taken(self, x: Any, name: str, alone: bool) -> Any:
        """The argument that f gets for the input ``x``, whose arrays are noted by name."""
        if hasattr(x, "named_parameters"):
            for path, parameter in x.named_parameters():
                if parameter.requires_grad:  # others are frozen
                    self._leaf(parameter, path if alone else f"{name}.{path}")
            return x
        if isinstance(x, dict) or (isinstance(x, (list, tuple)) and _holds_arrays(x)):
            paths = iter([path for path, _ in leaves_of(x)])
            return mapped(lambda leaf: self._leaf(leaf, name + next(paths)), x)
        return self._leaf(x, name)

    def _leaf(self, x: Any, name: str) -> Any:
        """The argument for one array or Tensor."""
        data = x.data if isinstance(x, Tensor) else np.asarray(x)
        if data.dtype.kind != "f":
            raise TypeError(
                f"{name} of {data.dtype} has no gradient; give floating numbers, as in np.asarray(x, float)"
            )
        argument: Any = x
        if isinstance(x, Tensor):
            self.own = False
            if not (x.is_leaf and x.requires_grad):
                raise ValueError(f"{name} must be an array or a leaf that requires a gradient, got {x!r}")
            if any(x is tensor for tensor in self.tensors):
                raise ValueError(f"{name} is the same Tensor as {self.names[self.tensors.index(x)]}; give it once")
        elif self.plain:
            argument = np.array(data, np.float64)
        else:
            argument = Tensor(np.array(data, np.float64), requires_grad=True)
        self.names.append(name)
        self.tensors.append(argument if isinstance(argument, Tensor) else None)
        self.arrays.append(argument.data if isinstance(argument, Tensor) else argument)
        return argument

    def __enter__(self) -> Self:
        """Lend float64 arrays to Tensors of other dtypes: differences in float32 prove nothing."""
        for i, tensor in enumerate(self.tensors):
            if tensor is not None and tensor.dtype != np.float64:
                self.lent.append((tensor, tensor.data))
                self.arrays[i] = tensor.data.astype(np.float64)
                _hold(tensor, self.arrays[i])
        return self

    def __exit__(self, *raised: object) -> None:
        self.move(self.start)
        for array, data in self.buffers:  # running statistics, which evaluations have moved
            array[...] = data
        for tensor, array in self.lent:
            _hold(tensor, array)
        self.lent.clear()

    def move(self, point: Sequence[Array]) -> None:
        """Go to another point, from which differences are taken then."""
        self.point = list(point)
        self.restore()

    def changed(self) -> list[str]:
        """The names of the arrays that are not what they are at the point."""
        triples = zip(self.names, self.arrays, self.point)
        return [name for name, array, x in triples if not np.array_equal(array, x, equal_nan=True)]

    def restore(self) -> None:
        """Put every array back to the point."""
        for array, data in zip(self.arrays, self.point):
            array[...] = data

    # -- its values --------------------------------------------------------------------------------

    def value(self) -> Any:
        """What f returns where the arrays are now; in the first call the weights are chosen too."""
        self.calls += 1
        output = self.f(*self.arguments)
        if self.autodiff and not isinstance(output, Tensor):
            raise TypeError(
                f"f returned {type(output).__name__} where a Tensor was expected; write it with np.* or operators on "
                "its inputs, or give its hand-derived gradient= to check a function of arrays"
            )
        data = output.data if isinstance(output, Tensor) else np.asarray(output)
        if data.dtype.kind not in "fiub":
            raise TypeError(f"f returned {data.dtype} data; a gradient is of real numbers")
        if self.weights is None:
            self.weights = self._weights(data)
        if data.shape != np.shape(self.weights):
            raise ValueError(f"f returned shape {data.shape} after {np.shape(self.weights)}; its shape must not change")
        return output

    def _weights(self, data: Array) -> Any:
        """What f's value is multiplied by before it is summed: every element counts, and differently."""
        if self.output_gradient is not None:
            given = self.output_gradient
            weights = np.asarray(given.data if isinstance(given, Tensor) else given, np.float64)
            if weights.shape != data.shape:
                raise ValueError(f"output_gradient of shape {weights.shape} for an f of shape {data.shape}")
            return weights
        if data.size == 1:
            return np.ones(data.shape)
        if not self.autodiff or self.gradient is not None:
            raise ValueError(
                f"f must return one number, got shape {data.shape}; sum it, or give check_gradients "
                "output_gradient=w, with which the number is np.sum(f(...) * w)"
            )
        return np.random.default_rng(self.seed).uniform(0.5, 1.5, data.shape)

    def terms(self) -> Array:
        """The terms whose sum is the number to differentiate, as an array of their own."""
        return self.terms_of(self.value())

    def terms_of(self, output: Any) -> Array:
        """The terms of a value that f returned."""
        terms: Array = np.asarray(output.data if isinstance(output, Tensor) else output, np.float64) * self.weights
        return np.asarray(terms)

    def line(self, directions: Sequence[Array]) -> Line:
        """The terms at the point x + t·v, v one array for each input; warnings are for x itself to give."""

        def at(t: float) -> tuple[float, Array]:
            try:
                with np.errstate(all="ignore"):
                    for array, x, v in zip(self.arrays, self.point, directions):
                        array[...] = x + t * v
                    return t, self.terms()
            finally:
                self.restore()

        return at

    def element(self, i: int, index: tuple[int, ...], unit: float) -> Line:
        """The terms with one element of the i-th input moved by t·``unit``."""
        array, x = self.arrays[i], self.point[i][index]

        def at(t: float) -> tuple[float, Array]:
            try:
                with np.errstate(all="ignore"):
                    array[index] = x + t * unit
                    return float(array[index] - x) / unit, self.terms()
            finally:
                array[index] = x

        return at

    def complex_line(self, directions: Sequence[Array]) -> Callable[[complex], Array]:
        """The terms at complex points x + t·v, for which f gets plain arrays."""
        if not self.own:
            raise ValueError("the complex step cannot pass through a model or a Tensor of yours; give arrays instead")

        def at(t: complex) -> Array:
            self.calls += 1
            points = iter([x + t * v for x, v in zip(self.point, directions)])
            value = np.asarray(self.f(*[mapped(lambda _: next(points), argument) for argument in self.arguments]))
            if value.dtype.kind != "c":
                raise ValueError(
                    f"f gave {value.dtype} for complex inputs, so something in it is not analytic (abs, maximum, "
                    ".real); use method='central'"
                )
            terms: Array = value * self.weights
            return terms

        return at

    # -- what is claimed ---------------------------------------------------------------------------

    def claims(self, output: Any) -> tuple[dict[str, list[Array]], list[bool]]:
        """The gradients of each input, by autodiff and as derived by hand where there are such; which are reached.

        Autodiff's come just as the rules give them: nothing is cast or copied on the way. An input is
        reached if f's graph leads to it, or if there is no graph to tell.
        """
        found: dict[str, list[Array]] = {}
        reached = [True] * len(self.names)
        if self.autodiff:
            slopes: Any = {} if output._node is None else self._walked(output)
            nodes = [None if tensor is None else tensor._node for tensor in self.tensors]
            reached = [node is None or node in slopes for node in nodes]
            found[ANALYTIC] = [np.asarray(slopes.get(node, np.zeros_like(x))) for node, x in zip(nodes, self.point)]
        if self.gradient is not None:
            found[self.label] = self._hand_derived()
        return found, reached

    def _walked(self, output: Tensor) -> Mapping[Any, Any]:
        scalar = np.sum(output * self.weights)
        node: Any = scalar._node
        return walk({node: scalar.seed(None)})

    def _hand_derived(self) -> list[Array]:
        """What the user's gradient function gives, one array for each input."""
        gradient: Any = self.gradient
        result = gradient(*self.arguments)
        if isinstance(result, Mapping) and set(result) == set(self.names):
            given = [result[name] for name in self.names]
        elif len(self.names) == 1 and not (isinstance(result, (list, tuple, dict)) and _holds_arrays(result)):
            given = [result]  # a list of numbers is an array
        elif any(isinstance(part, Mapping) for part in (result, *(result if isinstance(result, tuple) else ()))):
            given = self._by_name(result)
        elif isinstance(result, (list, tuple)) and len(result) == len(self.names):
            given = list(result)
        else:
            given = [leaf for _, leaf in leaves_of(result)]
        if len(given) != len(self.names):
            raise ValueError(
                f"gradient gave {len(given)} arrays for the {len(self.names)} inputs {', '.join(self.names)}; return "
                "one for each, in that order, or a dict by these names"
            )
        arrays = [np.array(g.data if isinstance(g, Tensor) else g) for g in given]
        return [g.astype(np.float64) if g.dtype.kind in "iub" else g for g in arrays]

    def _by_name(self, result: Any) -> list[Any]:
        """The arrays of nested dictionaries, by the names of the inputs that they are the gradients of."""
        parts = [result] if len(self.roots) == 1 else result
        if isinstance(parts, Mapping):
            parts = [parts.get(root, {}) for root in self.roots] if set(parts) == set(self.roots) else [parts]
        found = {path: g for root, part in zip(self.roots, parts) for path, g in leaves_of(part, root)}
        if set(found) != set(self.names):
            raise ValueError(
                f"gradient gave {len(found)} arrays for the {len(self.names)} inputs {', '.join(self.names)}; return "
                f"one for each, by these names, not {', '.join(found)}"
            )
        return [found[name] for name in self.names]

    def derived(self) -> Subject:
        """The same inputs under the function that gives all elements of f's gradient, recorded, in one row."""
        f, weights, tensors = self.f, self.weights, [tensor for tensor in self.tensors if tensor is not None]

        def slopes(*arguments: Any) -> Any:
            found = gradients(np.sum(f(*arguments) * weights), tensors, create_graph=True)
            return np.concatenate([np.ravel(g) for g in found])

        other = copy(self)
        other.f, other.weights, other.output_gradient, other.gradient = slopes, None, None, None
        return other


def _hold(tensor: Tensor, array: Array) -> None:
    """Let a leaf hold another array, of any dtype, without a word to the graphs that used the one before."""
    tensor._array = array
    tensor._node.data = array  # type: ignore[union-attr]  # it is a leaf's


def _holds_arrays(tree: Any) -> bool:
    return any(isinstance(leaf, (Tensor, np.ndarray)) for _, leaf in leaves_of(tree))


def _names(f: Callable[..., Any], names: Sequence[str] | None, inputs: Sequence[Any]) -> Sequence[str]:
    """One name for each of ``inputs``: those given, or else f's own names for its arguments."""
    if names is None:
        return [*_parameters(f)[: len(inputs)], *[f"input {i}" for i in range(len(_parameters(f)), len(inputs))]]
    if len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs; give one each")
    return names


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The names of the arguments that ``f`` takes by position, as far as they can be read."""
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):  # NumPy's compiled functions show none
        return []
    return [p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
