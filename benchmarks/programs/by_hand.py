"""In NumPy, with backpropagation derived by hand."""

import numpy as np

from benchmarks.programs.clusters import BATCH_SIZE, EPOCHS, LEARNING_RATE, MOMENTUM, ROWS, labels, weights, x

t = np.eye(3)[labels]
w1, b1, w2, b2 = weights
velocities = [np.zeros_like(w) for w in weights]


def train(x, t):
    """A step on a minibatch; gives the loss."""
    z = np.tanh(x @ w1 + b1)
    logits = z @ w2 + b2
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.mean(np.sum(t * np.log(p), axis=1))
    delta2 = (p - t) / len(x)
    delta1 = delta2 @ w2.T * (1 - z * z)
    gradients = x.T @ delta1, np.sum(delta1, axis=0), z.T @ delta2, np.sum(delta2, axis=0)
    for w, v, g in zip(weights, velocities, gradients):
        v *= MOMENTUM
        v -= LEARNING_RATE * g
        w += v
    return loss


for _ in range(EPOCHS):
    losses = [train(x[i : i + BATCH_SIZE], t[i : i + BATCH_SIZE]) for i in range(0, ROWS, BATCH_SIZE)]
print(np.mean(losses))
