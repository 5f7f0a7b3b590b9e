"""What all programs start from: three clusters of 300 points in the plane, and weights as the article draws them."""

import sys

import numpy as np

ROWS, BATCH_SIZE = 300, 4
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 3000

rng = np.random.default_rng(0)
labels = rng.integers(3, size=ROWS)
x = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])[labels] + rng.normal(size=(ROWS, 2))
weights = [rng.random((2, 3)), rng.random(3), rng.random((3, 3)), rng.random(3)]
