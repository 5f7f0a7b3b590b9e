"""Gradients against numbers: central differences, and a check that says where a gradient is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.recording import no_grad
from tinygrad_np.tape import GraphError, walk
from tinygrad_np.tensor import Tensor


class GradientError(AssertionError):
    """A gradient that the numbers contradict."""


def numerical_gradient(
    f: Callable[..., Any], *inputs: ArrayLike | Tensor, step: float | None = None
) -> tuple[NDArray[np.float64], ...]:
    """∂f/∂input of a scalar function by central differences: one float64 array for each input, of its shape.

        ∂f/∂xᵢ ≈ (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ,    hᵢ = ``step``·max(1, |xᵢ|)

    ``step`` is ∛(machine epsilon of the input's dtype) by default, 6·10⁻⁶ in float64, which balances
    truncation (∝ h²) against rounding (∝ 1/h) and leaves a relative error near 10⁻¹⁰ there (Press et
    al. (2007), "Numerical recipes", 5.7). ``f`` gets float64 arrays for arrays, and each Tensor as it
    is, its data changed in place and put back: so that a model's own parameters can be checked. It
    returns one number, as a Tensor, an array or a float.

    Raises TypeError for inputs that are not floating, ValueError for a result that is not scalar and for a
    step that is not positive.

    >>> import numpy as np
    >>> numerical_gradient(lambda x, y: np.sum(x**2 * y), [1.0, 2.0], [3.0, 4.0])[0].round(6)
    array([ 6., 16.])
    """
    if step is not None and not 0 < step < np.inf:
        raise ValueError(f"step must be a finite number above 0, got {step!r}")
    tensors = [_float_tensor(x) for x in inputs]
    arguments = [t if isinstance(x, Tensor) else t.data for x, t in zip(inputs, tensors)]
    results = []
    with no_grad():
        for tensor in tensors:
            slopes = np.empty(tensor.shape)
            scale = step or float(np.cbrt(np.finfo(tensor.dtype).eps))
            for index in np.ndindex(tensor.shape):
                value = tensor.data[index]
                h = scale * max(1.0, abs(float(value)))
                try:
                    tensor.data[index] = value + h
                    above, high = _number(f(*arguments)), tensor.data[index]
                    tensor.data[index] = value - h
                    below, low = _number(f(*arguments)), tensor.data[index]
                finally:
                    tensor.data[index] = value
                slopes[index] = (above - below) / (high - low)  # the step that was really taken
            results.append(slopes)
    return tuple(results)


def check_gradients(
    f: Callable[..., Any],
    *inputs: ArrayLike | Tensor,
    names: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float | None = None,
) -> None:
    """Raise unless the gradient of ``f`` that autodiff gives agrees with central differences, element by element.

    Agreement is |analytic − numerical| ≤ atol + rtol·|numerical|. ``f`` takes Tensors and returns
    one; a result that is not scalar is multiplied by fixed random numbers and summed, so that every
    element counts. Arrays become float64 leaves (float32 ones are upcast, for differences in float32
    prove nothing); Tensors are passed as they are, which checks a model in place:

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.check_gradients(lambda x: np.tanh(x) * x, [0.5, -2.0])
    >>> model = tg.nn.Linear(2, 3, rng=0)
    >>> loss = lambda *_: tg.softmax_cross_entropy(model(np.ones((4, 2))), np.array([0, 1, 2, 0]))
    >>> tg.check_gradients(loss, *model.parameters(), names=["weight", "bias"])

    Raises GradientError (an AssertionError) with the worst element's input, index and both values,
    also for NaN and for a gradient of another shape or dtype; TypeError for inputs that are not
    floating, ValueError for Tensors that are not float64 leaves requiring a gradient.
    """
    names = _names(names, len(inputs))
    tensors = [_leaf(x, name) for x, name in zip(inputs, names)]
    output = f(*tensors)
    if not isinstance(output, Tensor):
        raise TypeError(
            f"f returned {type(output).__name__} where a Tensor was expected; write it with np.* or operators on its "
            "inputs"
        )
    weights = np.random.default_rng(0).uniform(0.5, 1.5, output.shape) if output.ndim else np.ones(())

    def scalar(*_: Any) -> Any:
        return np.sum(f(*tensors) * weights)

    analytic = _analytic(np.sum(output * weights), tensors, names)
    numerical = numerical_gradient(scalar, *tensors, step=step)
    failures = [
        failure for name, a, n in zip(names, analytic, numerical) for failure in _disagreements(name, a, n, rtol, atol)
    ]
    if failures:
        _, text = max(failures)
        raise GradientError(text)


def _analytic(output: Tensor, leaves: Sequence[Tensor], names: Sequence[str]) -> list[NDArray[Any]]:
    """The gradient of each leaf just as the rules give it: nothing is cast or copied on the way."""
    node: Any = output._node
    try:
        found = walk({node: output.seed(None)}) if node is not None else {}
    except GraphError as error:
        raise GradientError(f"the gradient cannot be computed: {error}") from error
    results = [np.asarray(found.get(leaf._node, np.zeros_like(leaf.data))) for leaf in leaves]  # type: ignore[arg-type]
    for name, leaf, g in zip(names, leaves, results):
        if g.dtype != leaf.dtype:
            raise GradientError(f"the gradient of {name} is {g.dtype} where the input is {leaf.dtype}")
    return results


def _disagreements(
    name: str, analytic: NDArray[Any], numerical: NDArray[Any], rtol: float, atol: float
) -> Iterator[tuple[float, str]]:
    """How far off and what to say, for the worst element of one input, if any is wrong."""
    error = np.abs(analytic - numerical)
    wrong = ~(error <= atol + rtol * np.abs(numerical))  # NaN is wrong too
    if wrong.any():
        error = np.where(np.isnan(error), np.inf, error)
        worst = np.unravel_index(int(np.argmax(np.where(wrong, error, -1.0))), error.shape)
        index = tuple(int(i) for i in worst)
        a, n = float(analytic[worst]), float(numerical[worst])
        relative = float(error[worst]) / abs(n) if n else np.inf
        yield (
            float(error[worst]),
            f"the gradient of {name} is wrong in {np.count_nonzero(wrong)} of {wrong.size} elements; worst at index "
            f"{index}: analytic {a:.10g}, numerical {n:.10g} "
            f"(absolute error {error[worst]:.3g}, relative {relative:.3g})",
        )


def _float_tensor(x: ArrayLike | Tensor, requires_grad: bool = False) -> Tensor:
    """``x`` itself if it is a Tensor, else a Tensor with a float64 copy of it; floating numbers in either case."""
    array = x.data if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind != "f":
        raise TypeError(f"an input of {array.dtype} has no gradient; give floating numbers, as in np.asarray(x, float)")
    return x if isinstance(x, Tensor) else Tensor(np.array(array, np.float64), requires_grad)


def _leaf(x: ArrayLike | Tensor, name: str) -> Tensor:
    """``x`` as a float64 leaf that requires a gradient."""
    if not isinstance(x, Tensor):
        return _float_tensor(x, requires_grad=True)
    if not (x.is_leaf and x.requires_grad and x.dtype == np.float64):
        raise ValueError(f"{name} must be a float64 leaf that requires a gradient, got {x!r}")
    return x


def _names(names: Sequence[str] | None, n: int) -> Sequence[str]:
    """One name for each of ``n`` inputs."""
    if names is None:
        return [f"input {i}" for i in range(n)]
    if len(names) != n:
        raise ValueError(f"{len(names)} names for {n} inputs; give one each")
    return names


def _number(value: Any) -> float:
    """The one number that a checked function returned."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.size != 1:
        raise ValueError(f"the function must return one number, got shape {array.shape}; sum it, or check_gradients it")
    return float(array.item())
