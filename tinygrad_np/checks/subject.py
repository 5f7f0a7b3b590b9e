"""What is checked: a function at a point, its value as one number, and the gradients that are claimed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from tinygrad_np.checks.inputs import Inputs, names_of
from tinygrad_np.checks.patterns import listed
from tinygrad_np.checks.returned import arrays_of, numbers_of
from tinygrad_np.checks.slopes import Array, Line, units
from tinygrad_np.gradients import gradients
from tinygrad_np.recording import is_recording
from tinygrad_np.tape import walk
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import mapped

ANALYTIC, HAND_DERIVED = "analytic", "hand-derived"
BESIDE = (
    "f raised this beside the inputs that were given, where check_gradients takes its differences; give inputs around "
    "which f is defined, or a smaller step="
)
COMPLEX = (
    "f raised this for complex arrays, of which method='complex' takes its slopes; write it with functions that take "
    "them, such as np.sin for math.sin, or use method='central'"
)
AWAY = (0.01, -0.01, 1, -1, 100, -100)  # times max(1, |x|), where f is asked whether it depends on an input at all


class Subject(Inputs):
    """Inputs, and a function of them whose value is multiplied by ``weights`` and summed, so that it is one number.

    f gets arrays as arrays where the gradient is hand-derived, else as Tensors.
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
        if gradient is not None and not callable(gradient):
            raise TypeError(
                f"gradient must be a function of the inputs that returns their gradients, got {repr(gradient)[:60]}; "
                "write gradient=lambda x: ..., with as many arguments as f"
            )
        self.f, self.gradient, self.output_gradient, self.seed = f, gradient, output_gradient, seed
        self.label = label  # what the gradient that is given is called
        self.calls = 0
        self.weights: Any = None
        super().__init__(inputs, names_of(f, names, inputs), plain or gradient is not None)
        self.autodiff = not plain and any(tensor is not None for tensor in self.tensors)

    # -- its values --------------------------------------------------------------------------------

    def value(self) -> Any:
        """What f returns where the arrays are now; in the first call the weights are chosen too."""
        self.calls += 1
        self.hold()
        try:
            output = self.f(*self.arguments)
        except Exception as error:
            if self.changed():
                error.add_note(BESIDE)
            raise
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
            return _checked_weights(self.output_gradient, data.shape)
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

    def is_finite(self) -> bool:
        """Whether f has a value at the point that is a number, without a word if it has none."""
        try:
            with np.errstate(all="ignore"):
                return bool(np.all(np.isfinite(self.terms())))
        except Exception:  # as of math.sqrt, which has none below 0
            return False

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
            try:
                value = np.asarray(self.f(*[mapped(lambda _: next(points), argument) for argument in self.arguments]))
            except Exception as error:
                error.add_note(COMPLEX)
                raise
            if value.dtype.kind != "c":
                raise ValueError(
                    f"f gave {value.dtype} for complex inputs, so something in it is not analytic (abs, maximum, "
                    ".real); use method='central'"
                )
            terms: Array = value * self.weights
            return terms

        return at

    def ignores(self, i: int) -> bool:
        """Whether f's terms are the same, to the bit, wherever its i-th input goes, near by and far away.

        That a slope is 0 is not enough: that of x² is at 0, and f depends on x there.
        """
        if not self.point[i].size:
            return False
        origin = self.terms()
        rng = np.random.default_rng([self.seed, 5])
        directions = [np.zeros_like(x) for x in self.point]
        directions[i] = units(self.point[i]) * rng.normal(size=self.point[i].shape)
        try:
            return all(np.array_equal(self.line(directions)(t)[1], origin, equal_nan=True) for t in AWAY)
        except Exception:  # as a function may that is not defined there; one that does not depend on it, never
            return False

    def unchecked(self) -> list[str]:
        """What is not checked, and why, as sentences."""
        if not np.size(self.weights):
            return ["nothing was checked, for f gives no elements"]
        empty = [name for name, x in zip(self.names, self.point) if not x.size]
        frozen = listed(self.frozen) if self.frozen else ""
        left_out = [f"{frozen} are left out, for they are frozen: their requires_grad is False"] if frozen else []
        return [*[f"nothing was checked of {name}, which has no elements" for name in empty], *left_out]

    # -- what is claimed ---------------------------------------------------------------------------

    def claimed(self, output: Any) -> tuple[dict[str, list[Array]], list[bool]]:
        """The gradients of each input, by autodiff and as derived by hand where there are such; which are reached.

        Autodiff's come just as the rules give them: nothing is cast or copied on the way. An input is
        reached if f's graph leads to it, or where there is none, if its gradient is not 0.
        """
        found: dict[str, list[Array]] = {}
        reached = [True] * len(self.names)
        if self.autodiff:
            if not is_recording():
                raise ValueError("within tg.no_grad() nothing is recorded; check outside of it, or give gradient=")
            slopes: Any = {} if output._node is None else self._walked(output)
            nodes = [None if tensor is None else tensor._node for tensor in self.tensors]
            reached = [node is None or node in slopes for node in nodes]
            found[ANALYTIC] = [np.asarray(slopes.get(node, np.zeros_like(x))) for node, x in zip(nodes, self.point)]
        if self.gradient is not None:
            found[self.label] = arrays_of(self.gradient(*self.arguments), self.names, self.roots)
            if not self.autodiff:
                reached = [bool(np.any(g)) for g in found[self.label]]
        return found, reached

    def _walked(self, output: Tensor) -> Mapping[Any, Any]:
        scalar = np.sum(output * self.weights)
        node: Any = scalar._node
        return walk({node: scalar.seed(None)})

    def derived(self) -> Subject:
        """The same inputs under the function that gives all elements of f's gradient, recorded, in one row."""
        f, weights, tensors = self.f, self.weights, [tensor for tensor in self.tensors if tensor is not None]

        def slopes(*arguments: Any) -> Any:
            found = gradients(np.sum(f(*arguments) * weights), tensors, create_graph=True)
            return np.concatenate([np.ravel(g) for g in found])

        other = copy(self)
        other.f, other.weights, other.output_gradient, other.gradient = slopes, None, None, None
        return other


def _checked_weights(given: Any, shape: tuple[int, ...]) -> Array:
    """``output_gradient`` as an array by which every element of f's value can be multiplied."""
    weights = numbers_of(given)
    if weights is None or weights.dtype.kind == "c":
        raise TypeError(f"output_gradient must be an array of real numbers of f's shape, got {repr(given)[:60]}")
    if weights.shape != shape:
        raise ValueError(f"output_gradient of shape {weights.shape} for an f of shape {shape}")
    if not np.all(np.isfinite(weights)):
        raise ValueError(f"output_gradient must be finite, got {repr(given)[:60]}")
    if weights.size and not weights.any():
        raise ValueError("output_gradient is 0 everywhere, and so is the gradient then; give other numbers")
    return weights.astype(np.float64)
