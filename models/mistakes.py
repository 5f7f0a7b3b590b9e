"""Four classic mistakes in a backpropagation: each the hand-derived network with one line of it wrong.

None of them raises in ``gradients``, and all but the transposed one train on without a word, if badly or
not at all. A gradient check tells them apart.
"""

import inspect

import numpy as np

from models.reference import Array, Network, softmax


class ForgottenDivision(Network):
    """The gradient of the sum of the rows' losses where the loss is their mean: n times as large."""

    def _output_delta(self, u: Array, t: Array) -> Array:
        delta: Array = softmax(u) - t
        return delta


class MissingSlope(Network):
    """A hidden layer's delta without the slope 1 − z² of tanh: all layers before the last get wrong gradients."""

    def _hidden_delta(self, next_delta: Array, w: Array, z: Array) -> Array:
        delta: Array = np.dot(next_delta, w.T)
        return delta


class TransposedWeightGradient(Network):
    """The weights' gradient with its factors swapped: (out, in), which goes unnoticed where a layer is square."""

    def _weight_gradient(self, z: Array, delta: Array) -> Array:
        w_grad: Array = np.dot(delta.T, z)
        return w_grad


class WrongSign(Network):
    """The difference of output and label taken the other way round, so that every step climbs."""

    def _output_delta(self, u: Array, t: Array) -> Array:
        delta: Array = (t - softmax(u)) / len(t)
        return delta


MISTAKES: dict[str, type[Network]] = {
    "division": ForgottenDivision,
    "slope": MissingSlope,
    "transpose": TransposedWeightGradient,
    "sign": WrongSign,
}


def lines(mistake: type[Network]) -> tuple[str, str]:
    """The line of code that is wrong, and the one of ``reference.Network`` in its place, without types.

    >>> lines(WrongSign)
    ('delta = (t - softmax(u)) / len(t)', 'delta = (softmax(u) - t) / len(t)')
    """
    (name,) = [name for name, value in vars(mistake).items() if inspect.isfunction(value)]
    wrong, right = (inspect.getsource(getattr(network, name)).splitlines()[-2] for network in (mistake, Network))
    return wrong.strip().replace(": Array", ""), right.strip().replace(": Array", "")
