"""Optimizers chosen by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tinygrad_np.names import nearest

OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "MomentumSGD",
    "corrected_momentum": "CorrectedMomentumSGD",
    "nesterov": "NesterovAG",
    "adagrad": "AdaGrad",
    "adadelta": "AdaDelta",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "amsgrad": "AMSGrad",
    "nadam": "NAdam",
    "lion": "Lion",
    "lbfgs": "LBFGS",
}


def by_name(name: str) -> Any:
    """The optimizer called ``name``, one of the keys of ``OPTIMIZERS``; ValueError names the nearest for another.

    >>> by_name("momentum").__name__
    'MomentumSGD'
    >>> by_name("rmspop")
    Traceback (most recent call last):
        ...
    ValueError: there is no optimizer 'rmspop', did you mean 'rmsprop'? Choose from: sgd, momentum, ...
    """
    return getattr(import_module("tinygrad_np.optim"), nearest("optimizer", name, OPTIMIZERS))
