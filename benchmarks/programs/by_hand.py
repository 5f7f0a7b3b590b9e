"""In NumPy, with backpropagation derived by hand."""

import numpy as np

from benchmarks.backpropagation import momentum_step
from benchmarks.programs.clusters import BATCH_SIZE, EPOCHS, ROWS, labels, weights, x

t = np.eye(3)[labels]
train = momentum_step(weights)
for _ in range(EPOCHS):
    losses = [train(x[i : i + BATCH_SIZE], t[i : i + BATCH_SIZE]) for i in range(0, ROWS, BATCH_SIZE)]
print(np.mean(losses))
