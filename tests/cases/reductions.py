"""Cases of the reductions."""

import numpy as np

from tests.cases.rows import Row, apart, reduced, uniform
from tinygrad_np.rules import reductions

ROWS = [
    Row(reductions.sum, reduced(uniform)),
    Row(reductions.mean, reduced(uniform)),
    Row(reductions.max, reduced(apart)),
    Row(reductions.min, reduced(apart)),
    Row(
        reductions.logsumexp,
        reduced(uniform),
        formula=lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis, keepdims=keepdims)),
    ),
]
