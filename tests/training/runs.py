"""A small run with all that has a state, for the tests of this folder."""

from functools import partial

import numpy as np

import tinygrad_np as tg

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)


def plain(seed=0):
    """Two layers, without anything that draws or counts."""
    rng = np.random.default_rng(seed)
    return tg.Sequential(
        tg.nn.Linear(3, 6, dtype=np.float32, rng=rng), np.tanh, tg.nn.Linear(6, 3, dtype=np.float32, rng=rng)
    )


def whole(seed=0):
    """Layers that draw (Dropout) and count (BatchNorm)."""
    rng = np.random.default_rng(seed)
    return tg.Sequential(
        tg.nn.Linear(3, 8, dtype=np.float32, rng=rng),
        tg.nn.BatchNorm(8, dtype=np.float32),
        tg.relu,
        tg.nn.Dropout(0.3),
        tg.nn.Linear(8, 3, dtype=np.float32, rng=rng),
    )


def trainer(model=None, **options):
    """A Trainer of ``whole``, by Adam with a schedule and a hook that draws, and with an average."""
    model = whole() if model is None else model
    settings = {
        "optimizer": partial(
            tg.optim.Adam,
            lr=tg.optim.schedules.cosine(0.05, steps=60),
            hooks=[tg.optim.GradientNoise(1e-4, rng=1)],
        ),
        "seed": 5,
        "metrics": ["accuracy"],
        "average": tg.optim.MovingAverage(model, decay=0.9),
    }
    return tg.Trainer(model, "softmax_cross_entropy", **settings | options)


def bits(value):
    """What is the same only where every bit is: the state of a Trainer without the times, as text."""
    if hasattr(value, "state_dict"):
        value = value.state_dict()
    if isinstance(value, dict):
        return {name: bits(item) for name, item in value.items() if name != "seconds"}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(value)
