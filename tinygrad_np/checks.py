"""Gradients against numbers: central differences, and a check that says where a gradient is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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

    Raises TypeError for inputs that are not floating, ValueError for a result that is not scalar, for a
    step that is not positive and where there are no inputs.

    >>> import numpy as np
    >>> numerical_gradient(lambda x, y: np.sum(x**2 * y), [1.0, 2.0], [3.0, 4.0])[0].round(6)
    array([ 6., 16.])
    """
    names = _names(None, inputs)
    tensors = [_float_tensor(x, name) for x, name in zip(inputs, names)]
    arguments = [t if isinstance(x, Tensor) else t.data for x, t in zip(inputs, tensors)]
    return tuple([slopes for slopes, _ in _differences(lambda: _number(f(*arguments)), tensors, step)])


def check_gradients(
    f: Callable[..., Any],
    *inputs: ArrayLike | Tensor,
    names: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float | None = None,
) -> None:
    """Raise unless the gradient of ``f`` that autodiff gives agrees with central differences, element by element.

    Agreement is

        |analytic − numerical| ≤ atol + rtol·|numerical| + 4ε·|f(x)| / hᵢ,    ε = 2⁻⁵²

    with hᵢ the step of ``numerical_gradient`` and |f(x)| the mean of |f(x + hᵢeᵢ)| and |f(x − hᵢeᵢ)|. The
    last term is what the differences cannot see: f(x ± hᵢeᵢ) are rounded to some ε·|f|, and the quotient
    magnifies that by 1/hᵢ (Press et al. (2007), "Numerical recipes", 5.7). It is 10⁻¹⁰ for an f near 1,
    but hides a slope of 10⁻³ beside an f of 10⁷; a larger ``step`` or an f without its large constant
    brings it down.

    ``f`` takes Tensors and returns one; a result that is not scalar is multiplied by fixed random numbers
    and summed, so that every element counts, and |f| is then the sum of the terms' absolute values.
    Arrays become float64 leaves (float32 ones are upcast, for differences in float32 prove nothing);
    Tensors are passed as they are, which checks a model in place:

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.check_gradients(lambda x: np.tanh(x) * x, [0.5, -2.0])
    >>> model = tg.nn.Linear(2, 3, rng=0)
    >>> loss = lambda *_: tg.softmax_cross_entropy(model(np.ones((4, 2))), np.array([0, 1, 2, 0]))
    >>> tg.check_gradients(loss, *model.parameters(), names=["weight", "bias"])

    Raises GradientError (an AssertionError) with the worst element's input, index and both values,
    also for NaN and for a gradient of another shape or dtype; TypeError for inputs that are not
    floating, ValueError for Tensors that are not float64 leaves requiring a gradient and where there
    are no inputs.
    """
    names = _names(names, inputs)
    tensors = [_leaf(x, name) for x, name in zip(inputs, names)]
    output = f(*tensors)
    if not isinstance(output, Tensor):
        raise TypeError(
            f"f returned {type(output).__name__} where a Tensor was expected; write it with np.* or operators on its "
            "inputs"
        )
    weights = np.random.default_rng(0).uniform(0.5, 1.5, output.shape) if output.ndim else np.ones(())
    analytic = _analytic(np.sum(output * weights), tensors, names)
    numerical = _differences(lambda: f(*tensors).data * weights, tensors, step)
    failures = [
        failure
        for name, a, (n, rounding) in zip(names, analytic, numerical)
        for failure in _disagreements(name, a, n, atol + rtol * np.abs(n) + rounding)
    ]
    if failures:
        _, text = max(failures)
        raise GradientError(text)


def _differences(
    terms: Callable[[], Any], tensors: Sequence[Tensor], step: float | None
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each of ``tensors`` the central differences of the sum of ``terms()``, and how far off rounding may put them.

    ``terms`` gives a number or an array of its own, which does not change when the tensors do.
    """
    if step is not None and not 0 < step < np.inf:
        raise ValueError(f"step must be a finite number above 0, got {step!r}")
    results = []
    for tensor in tensors:
        slopes, rounding = np.empty(tensor.shape), np.empty(tensor.shape)
        eps = float(np.finfo(tensor.dtype).eps)
        scale = step or float(np.cbrt(eps))
        for index in np.ndindex(tensor.shape):
            value = tensor.data[index]
            h = scale * max(1.0, abs(float(value)))
            try:
                tensor.data[index] = value + h
                above, high = terms(), tensor.data[index]
                tensor.data[index] = value - h
                below, low = terms(), tensor.data[index]
            finally:
                tensor.data[index] = value
            h = float(high - low) / 2  # the step that was really taken
            with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which agrees with nothing
                slopes[index] = np.sum(above - below) / (2 * h)
            rounding[index] = 4 * eps * np.sum(np.abs(above) / 2 + np.abs(below) / 2) / h
        results.append((slopes, rounding))
    return results


def _analytic(output: Tensor, leaves: Sequence[Tensor], names: Sequence[str]) -> list[NDArray[Any]]:
    """The gradient of each leaf just as the rules give it: nothing is cast or copied on the way."""
    node: Any = output._node
    try:
        found = walk({node: output.seed(None)}) if node is not None else {}
    except GraphError as error:
        raise GradientError(f"the gradient cannot be computed: {error}") from error
    results = [np.asarray(found.get(leaf._node, np.zeros_like(leaf.data))) for leaf in leaves]  # type: ignore[arg-type]  # a leaf has a node
    for name, leaf, g in zip(names, leaves, results):
        if g.dtype != leaf.dtype:
            raise GradientError(f"the gradient of {name} is {g.dtype} where the input is {leaf.dtype}")
    return results


def _disagreements(
    name: str, analytic: NDArray[Any], numerical: NDArray[Any], tolerance: NDArray[Any]
) -> Iterator[tuple[float, str]]:
    """How far off and what to say, for the worst element of one input, if any is wrong."""
    with np.errstate(invalid="ignore"):
        error = np.abs(analytic - numerical)
    wrong = ~(error <= tolerance) | (error == np.inf)  # NaN is wrong too, and infinity whatever the tolerance
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


def _float_tensor(x: ArrayLike | Tensor, name: str, requires_grad: bool = False) -> Tensor:
    """``x`` itself if it is a Tensor, else a Tensor with a float64 copy of it; floating numbers in either case."""
    array = x.data if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} of {array.dtype} has no gradient; give floating numbers, as in np.asarray(x, float)")
    return x if isinstance(x, Tensor) else Tensor(np.array(array, np.float64), requires_grad)


def _leaf(x: ArrayLike | Tensor, name: str) -> Tensor:
    """``x`` as a float64 leaf that requires a gradient."""
    if not isinstance(x, Tensor):
        return _float_tensor(x, name, requires_grad=True)
    if not (x.is_leaf and x.requires_grad and x.dtype == np.float64):
        raise ValueError(f"{name} must be a float64 leaf that requires a gradient, got {x!r}")
    return x


def _names(names: Sequence[str] | None, inputs: Sequence[Any]) -> Sequence[str]:
    """One name for each of ``inputs``, of which there must be some."""
    if not inputs:
        raise ValueError(
            "there are no inputs to differentiate by; give them after the function, as in (f, x1, x2) or "
            "(loss, *model.parameters())"
        )
    for i, x in enumerate(inputs):
        if isinstance(x, list | tuple) and any(isinstance(item, Tensor) for item in x):
            raise TypeError(
                f"input {i} is a {type(x).__name__} of {len(x)} Tensors; give each as an input of its own, with a star "
                "as in *model.parameters()"
            )
    if names is None:
        return [f"input {i}" for i in range(len(inputs))]
    if len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs; give one each")
    return names


def _number(value: Any) -> float:
    """The one number that a checked function returned."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.size != 1:
        raise ValueError(f"the function must return one number, got shape {array.shape}; sum it, or check_gradients it")
    return float(array.item())
