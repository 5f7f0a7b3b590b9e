"""Training steps of small networks, as a recorder would write them."""

import operator
from itertools import pairwise

import numpy as np

from tests.compiling.native.writing import Writer
from tinygrad_np.compiling.places import Place
from tinygrad_np.compiling.values import Scalar


class Network:
    """Weights, gradients and velocities of linear layers with tanh between, flat and in pieces."""

    def __init__(self, sizes, dtype, rng):
        shapes = [s for i, o in pairwise(sizes) for s in ((i, o), (o,))]
        total = sum(int(np.prod(s)) for s in shapes)
        self.p = (rng.standard_normal(total) / np.sqrt(sizes[0])).astype(dtype)
        self.g, self.v = np.zeros(total, dtype), np.zeros(total, dtype)
        self.pieces = [self._split(flat, shapes) for flat in (self.p, self.g)]
        self.lr, self.momentum, self.count = 0.1, 0.9, [0]

    @staticmethod
    def _split(flat, shapes):
        parts, at = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            parts.append(flat[at : at + size].reshape(shape))
            at += size
        return parts


def momentum_step(net, x, labels):
    """Forward, softmax cross-entropy, backward and the update, as a program whose output is the loss."""
    w = Writer(x, labels, live=[net.p, net.g, net.v])
    x, labels = w.arrays
    weights, slots = net.pieces
    n, layers = len(x), len(weights) // 2
    hidden, inputs = x, []
    for i in range(layers):
        inputs.append(hidden)
        hidden = w(np.add, w(np.dot, hidden, weights[2 * i]), weights[2 * i + 1])
        if i < layers - 1:
            hidden = w(np.tanh, hidden)
    logits = hidden
    log_p = w(np.subtract, logits, w(np.logaddexp.reduce, logits, axis=(1,), keepdims=True))
    index = w(np.ravel_multi_index, (np.arange(n), labels), logits.shape)
    one_hot = w(np.zeros_like, log_p)
    w(operator.setitem, one_hot.reshape(-1), index, 1)
    picked = w(operator.getitem, log_p.reshape(-1), index)
    loss = w(np.divide, w(np.subtract, 0, w(np.add.reduce, picked, axis=None, keepdims=False)), n)
    g = w(np.multiply, w(np.subtract, w(np.exp, log_p), one_hot), np.asarray(1 / n, logits.dtype))
    for i in reversed(range(layers)):
        grad = w(np.dot, inputs[i].T, g)
        w(operator.setitem, slots[2 * i], ..., grad)
        w(operator.setitem, slots[2 * i + 1], ..., w(np.add.reduce, g, axis=(0,), keepdims=False))
        if i:
            y = inputs[i]
            back = w(np.dot, g, weights[2 * i].T)
            g = w(np.multiply, back, w(np.subtract, 1, w(np.multiply, y, y)))
    lr, momentum = Scalar(lambda: net.lr), Scalar(lambda: net.momentum)
    w(np.multiply, net.v, momentum, out=net.v)
    w(np.multiply, net.g, lr, out=net.g)
    w(np.subtract, net.v, net.g, out=net.v)
    w(np.add, net.p, net.v, out=net.p)
    count = Place(net.count, 0, True)
    updates = [(count.setter(), Scalar(operator.add, (Scalar(count.reader()), 1)))]
    return w.program(loss, updates)


def momentum_by_hand(net, x, labels):
    """The same with NumPy."""
    weights, slots = net.pieces
    hidden, inputs, layers, n = x, [], len(weights) // 2, len(x)
    for i in range(layers):
        inputs.append(hidden)
        hidden = hidden.dot(weights[2 * i]) + weights[2 * i + 1]
        if i < layers - 1:
            hidden = np.tanh(hidden)
    log_p = hidden - np.logaddexp.reduce(hidden, axis=1, keepdims=True)
    rows = np.arange(n)
    loss = -log_p[rows, labels].sum() / n
    g = np.exp(log_p)
    g[rows, labels] -= 1
    g *= np.asarray(1 / n, g.dtype)
    for i in reversed(range(layers)):
        slots[2 * i][...] = inputs[i].T.dot(g)
        slots[2 * i + 1][...] = g.sum(0)
        if i:
            g = g.dot(weights[2 * i].T) * (1 - inputs[i] * inputs[i])
    net.v *= net.momentum
    net.v -= net.lr * net.g
    net.p += net.v
    net.count[0] += 1
    return loss
