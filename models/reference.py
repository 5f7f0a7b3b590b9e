"""The article's neural network with its hand-derived backpropagation: NumPy alone, no autodiff.

It can be read beside the article, method by method, and what autodiff computes is checked against
it. Letters are the article's: x inputs (n, features), t one-hot labels (n, classes), W weights
(in, out), b biases (out,), u = z W + b, z the layers' outputs, y the softmax of the last u, δ the
gradient of an u, η the learning rate, M the momentum.

Where the printed code slips, this does the right thing:

* A bias's gradient has the bias's shape (out,); printed, it is allocated with the weights' (in, out).
* Softmax subtracts each row's own maximum; printed, the whole batch's, so that a row far below it becomes 0/0.
* The loss takes the logarithm before the exponential can underflow; printed, log(0) makes it infinite.
* Velocities start at 0 unless given; printed, they are random, and so is the first step.
* An epoch's error weights a smaller last minibatch by its rows; printed, it counts like a whole one.
* Loss and accuracy are of any rows, so also of held-out ones; printed, only of the minibatch trained on last.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.intp]


def dtanh(z: Array) -> Array:
    """Slope of tanh from its value z = tanh u: dz/du = 1 − z²."""
    return 1.0 - z * z


def softmax(u: Array) -> Array:
    """yᵢ = e^(uᵢ) / Σⱼ e^(uⱼ) in each row of u (n, classes); the row's maximum is subtracted, which cancels out."""
    e = np.exp(u - np.max(u, axis=1, keepdims=True))
    y: Array = e / np.sum(e, axis=1, keepdims=True)
    return y


def log_softmax(u: Array) -> Array:
    """ln yᵢ = uᵢ − m − ln Σⱼ e^(uⱼ − m) in each row of u (n, classes), m its maximum: finite even where y is 0."""
    shifted = u - np.max(u, axis=1, keepdims=True)
    log_y: Array = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return log_y


def cross_entropy(u: Array, t: Array) -> float:
    """L = −(1/n) Σᵣ Σᵢ tᵣᵢ ln yᵣᵢ with y = softmax(u), for u and t (n, classes)."""
    return float(-np.mean(np.sum(t * log_softmax(u), axis=1)))


def one_hot(labels: ArrayLike, classes: int) -> Array:
    """Labels 0 … classes − 1, shape (n,), as rows (n, classes) with a 1 at the label and 0 elsewhere.

    Raises ValueError for a label that is not a whole number of that range.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels = np.asarray(labels)
    columns = np.arange(classes)
    wrong = ~np.isin(labels, columns)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"label {labels[row]} in row {row} is none of the classes 0 to {classes - 1}")
    return np.asarray(labels[:, None] == columns, np.float64)


class Network:
    """Layers of tanh units under a softmax, with the article's gradients and update rule.

    ``weights`` and ``biases`` hold one array a layer, (in, out) and (out,): any number of layers of
    any size. They and ``velocities`` (shaped like the weights; 0 if left out) are copied, so that
    another network can start from the same arrays. Raises ValueError where the shapes do not fit.

    >>> network = Network([np.eye(2)], [np.zeros(2)])
    >>> network.predict(np.array([[1.0, 3.0]]))
    array([1])
    """

    def __init__(
        self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], velocities: Sequence[ArrayLike] | None = None
    ) -> None:
        self.W = [np.array(w, np.float64) for w in weights]
        self.b = [np.array(b, np.float64) for b in biases]
        self.dW = [np.array(v, np.float64) for v in velocities] if velocities else [np.zeros_like(w) for w in self.W]
        self._check_shapes()

    def forward(self, x: Array) -> tuple[list[Array], Array]:
        """The input of every layer, and the softmax's argument u (n, classes).

        z₀ = x,  zᵢ₊₁ = tanh(zᵢ Wᵢ + bᵢ),  and of the last layer u = z W + b.
        """
        z = [x]
        for w, b in zip(self.W[:-1], self.b[:-1]):
            z.append(np.tanh(np.dot(z[-1], w) + b))
        return z, np.dot(z[-1], self.W[-1]) + self.b[-1]

    def predict(self, x: Array) -> Labels:
        """The class of each row of x: the index of its largest output (softmax keeps the order of the u)."""
        classes: Labels = np.argmax(self.forward(x)[1], axis=1)
        return classes

    def loss(self, x: Array, t: Array) -> float:
        """Mean cross-entropy of the rows x (n, features) with one-hot labels t (n, classes)."""
        return cross_entropy(self.forward(x)[1], t)

    def accuracy(self, x: Array, t: Array) -> float:
        """Share of the rows x whose predicted class is the one that t (n, classes) names."""
        return float(np.mean(self.predict(x) == np.argmax(t, axis=1)))

    def gradients(self, x: Array, t: Array) -> tuple[list[Array], list[Array]]:
        """∂L/∂W and ∂L/∂b of every layer, of the weights' and of the biases' shapes."""
        return self._backpropagate(*self.forward(x), t)

    def _backpropagate(self, z: Sequence[Array], u: Array, t: Array) -> tuple[list[Array], list[Array]]:
        """The deltas from the last layer back to the first, and from each its layer's gradients."""
        delta = self._output_delta(u, t)
        w_grads = [self._weight_gradient(z[-1], delta)]
        b_grads = [np.sum(delta, axis=0)]
        for i in range(len(self.W) - 1, 0, -1):
            delta = self._hidden_delta(delta, self.W[i], z[i])
            w_grads.insert(0, self._weight_gradient(z[i - 1], delta))
            b_grads.insert(0, np.sum(delta, axis=0))
        return w_grads, b_grads

    def _output_delta(self, u: Array, t: Array) -> Array:
        """∂L/∂u = δ = (y − t) / n. The article divides by the n rows in its gradients, which is the same."""
        delta: Array = (softmax(u) - t) / len(t)
        return delta

    def _hidden_delta(self, next_delta: Array, w: Array, z: Array) -> Array:
        """δ = (δ Wᵀ) ⊙ (1 − z²) of a hidden layer whose output is z, from δ and W of the layer after it."""
        delta: Array = np.dot(next_delta, w.T) * dtanh(z)
        return delta

    def _weight_gradient(self, z: Array, delta: Array) -> Array:
        """∂L/∂W = zᵀ δ of a layer whose input is z; its ∂L/∂b is the sum of δ over the rows."""
        w_grad: Array = np.dot(z.T, delta)
        return w_grad

    def update(self, w_grads: Sequence[Array], b_grads: Sequence[Array], lr: float, momentum: float) -> None:
        """One step: W ← W − η·∂L/∂W + M·dW, then dW ← −η·∂L/∂W + M·dW; without momentum b ← b − η·∂L/∂b."""
        for i in range(len(self.W)):
            self.W[i] = self.W[i] - lr * w_grads[i] + momentum * self.dW[i]
            self.b[i] = self.b[i] - lr * b_grads[i]
            self.dW[i] = -lr * w_grads[i] + momentum * self.dW[i]

    def train_epoch(self, x: Array, t: Array, batch_size: int = 4, lr: float = 0.5, momentum: float = 0.1) -> float:
        """A step on each minibatch, in stored order. Returns the epoch's error.

        That is Σ nₖ Lₖ / Σ nₖ over the minibatches, Lₖ the loss of the nₖ rows before the step on them.
        Raises ValueError for x and t of different lengths, or of none.
        """
        if len(x) != len(t) or not len(x):
            raise ValueError(
                f"{len(x)} rows and {len(t)} labels to train on; give one label a row, and at least one row"
            )
        total = 0.0
        for index in range(0, len(x), batch_size):
            inputs, labels = x[index : index + batch_size], t[index : index + batch_size]
            z, u = self.forward(inputs)
            total += len(inputs) * cross_entropy(u, labels)
            self.update(*self._backpropagate(z, u, labels), lr, momentum)
        return total / len(x)

    def train(
        self, x: Array, t: Array, epochs: int = 1000, batch_size: int = 4, lr: float = 0.5, momentum: float = 0.1
    ) -> Array:
        """The article's training loop: the error of each of ``epochs`` epochs, shape (epochs,)."""
        return np.array([self.train_epoch(x, t, batch_size, lr, momentum) for _ in range(epochs)])

    def _check_shapes(self) -> None:
        """Refuse arrays that do not make a chain of layers."""
        weights, biases = [w.shape for w in self.W], [b.shape for b in self.b]
        chained = all(len(w) == 2 for w in weights) and all(w[1] == v[0] for w, v in pairwise(weights))
        if not weights or not chained or biases != [w[1:] for w in weights]:
            raise ValueError(
                f"weights of shapes {weights} with biases of shapes {biases}; a layer has a weight (in, out) and a "
                "bias (out,), and its out is the next one's in"
            )
        if [v.shape for v in self.dW] != weights:
            raise ValueError(f"velocities of shapes {[v.shape for v in self.dW]} for weights of shapes {weights}")
