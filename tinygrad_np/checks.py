"""Gradients against numbers: central differences, and a check that says where a gradient is wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_np.gradients import gradients
from tinygrad_np.recording import no_grad
from tinygrad_np.tensor import Tensor

Inputs = Mapping[str, Tensor]


class GradientError(AssertionError):
    """A gradient that the numbers contradict."""


def numerical_gradient(
    f: Callable[..., Any], *inputs: ArrayLike | Tensor, step: float | None = None
) -> tuple[NDArray[np.float64], ...]:
    """∂f/∂input of a scalar function by central differences: one float64 array for each input, of its shape.

        ∂f/∂xᵢ ≈ (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ,    hᵢ = ``step``·max(1, |xᵢ|)

    ``step`` is ∛(machine epsilon), about 6·10⁻⁶, by default, which balances truncation (∝ h²) against
    rounding (∝ 1/h) and leaves a relative error near 10⁻¹⁰ (Press et al. (2007), "Numerical
    recipes", 5.7). ``f`` gets float64 arrays for arrays, and each Tensor as it is, its data changed
    in place and put back: so that a model's own parameters can be checked. It returns one number,
    as a Tensor, an array or a float.

    Raises TypeError for inputs that are not floating and ValueError for a result that is not scalar.

    >>> import numpy as np
    >>> numerical_gradient(lambda x, y: np.sum(x**2 * y), [1.0, 2.0], [3.0, 4.0])[0].round(6)
    array([ 6., 16.])
    """
    step = float(np.cbrt(np.finfo(np.float64).eps)) if step is None else step
    tensors = [x if isinstance(x, Tensor) else Tensor(_floating(x)) for x in inputs]
    arguments = [t if isinstance(x, Tensor) else t.data for x, t in zip(inputs, tensors)]
    results = []
    with no_grad():
        for tensor in tensors:
            slopes = np.empty(tensor.shape)
            for index, h in _nudges(tensor, step):
                value = tensor.data[index]
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
    with no_grad():
        shape = np.shape(_data(f(*tensors)))
    weights = np.random.default_rng(0).uniform(0.5, 1.5, shape) if shape else np.ones(())

    def scalar(*_: Any) -> Any:
        return np.sum(f(*tensors) * weights)

    output = scalar()
    if not isinstance(output, Tensor):
        raise TypeError(f"f returned {type(output).__name__} where a Tensor was expected; write it with np.* or operators on its inputs")
    analytic = gradients(output, tensors)
    numerical = numerical_gradient(scalar, *tensors, step=step)
    failures = [
        failure
        for name, a, n in zip(names, analytic, numerical)
        for failure in _disagreements(name, a.data, n, rtol, atol)
    ]
    if failures:
        _, text = max(failures)
        raise GradientError(text)
