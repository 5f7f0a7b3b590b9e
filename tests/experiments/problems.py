"""A problem that is learned in milliseconds, and how to compare studies of it."""

from functools import partial

import numpy as np

import tinygrad_np as tg

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 3))
y = (X.sum(1) > 0).astype(int)
DATA = (X, y)
OPTIMIZERS = {"sgd": "sgd", "momentum": partial(tg.MomentumSGD, lr=0.1, momentum=0.9), "adam": tg.optim.Adam}
WILD = partial(tg.optim.SGD, lr=1.7e308)


def make_model(rng, width=4, activation=np.tanh, p=0.0):
    layers = [tg.nn.Linear(3, width, rng=rng), activation, tg.nn.Dropout(p, rng=rng), tg.nn.Linear(width, 2, rng=rng)]
    return tg.Sequential(*layers)


def study(optimizers=OPTIMIZERS, make_model=make_model, **given):
    given = {"seeds": 3, "epochs": 4, "batch_size": 10, "progress": False} | given
    return tg.experiments.compare(make_model, DATA, optimizers, **given)


def bits(study):
    """All that a study holds but the times, which are never the same."""
    return [
        (run.choices, run.seed, run.status, run.reason, run.diverged, [row | {"seconds": 0.0} for row in run.rows])
        for run in study.outcomes
    ]
