"""What LLVM is given to compile."""

import numpy as np

from tests.compiling.native.steps import Network, momentum_step
from tinygrad_np.compiling.native import Native


def kernels_of(depth):
    """How many kernels a step of a network with ``depth`` like layers has, and how many functions they are."""
    rng = np.random.default_rng(0)
    net = Network([4] * (depth + 1), np.float64, rng)
    bound = Native(momentum_step(net, rng.standard_normal((8, 4)), rng.integers(0, 4, 8))).bound
    return len(bound.kernels), bound.text.count("define internal")


def test_like_layers_are_compiled_once():
    shallow, deep = kernels_of(4), kernels_of(12)
    assert deep[0] > 2 * shallow[0]
    assert deep[1] == shallow[1] < shallow[0]
