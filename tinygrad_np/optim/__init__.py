"""Optimizers: swapping one for another changes one word.

>>> import tinygrad_np as tg
>>> model = tg.nn.Linear(2, 3, rng=0)
>>> tg.optim.MomentumSGD(model, lr=0.5, momentum=0.1)
MomentumSGD(2 parameters: lr=0.5, momentum=0.1)
>>> tg.optim.by_name("adam")(model, lr=tg.optim.schedules.cosine(0.1, steps=1000), weight_decay=0.01).lr
0.1
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_np.optim.adaptive import AdaDelta, AdaGrad, Adam, AdamW, AMSGrad, NAdam, RMSprop
from tinygrad_np.optim.descent import SGD, CorrectedMomentumSGD, Lion, MomentumSGD, NesterovAG
from tinygrad_np.optim.hyperparameters import listing
from tinygrad_np.optim.optimizer import Optimizer

if TYPE_CHECKING:
    import tinygrad_np.optim.schedules as schedules
    from tinygrad_np.optim.averaging import MovingAverage
    from tinygrad_np.optim.hooks import Freezing, GradientNoise, clip_by_global_norm, clip_by_value, global_norm
    from tinygrad_np.optim.lbfgs import LBFGS

__all__ = [
    "LBFGS",
    "SGD",
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CorrectedMomentumSGD",
    "Freezing",
    "GradientNoise",
    "Lion",
    "MomentumSGD",
    "MovingAverage",
    "NAdam",
    "NesterovAG",
    "Optimizer",
    "RMSprop",
    "by_name",
    "clip_by_global_norm",
    "clip_by_value",
    "global_norm",
    "schedules",
]

# By which names by_name() knows them.
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

# What most runs do not need is imported when it is first asked for.
LATER = dict.fromkeys(("Freezing", "GradientNoise", "clip_by_global_norm", "clip_by_value", "global_norm"), "hooks")
LATER |= {"LBFGS": "lbfgs", "MovingAverage": "averaging"}


def by_name(name: str) -> Any:
    """The optimizer called ``name``, one of the keys of ``OPTIMIZERS``; ValueError names the nearest for another.

    >>> by_name("momentum").__name__
    'MomentumSGD'
    >>> by_name("rmspop")
    Traceback (most recent call last):
        ...
    ValueError: there is no optimizer 'rmspop'; there are sgd, momentum, ...; did you mean rmsprop?
    """
    if not isinstance(name, str):
        raise TypeError(f"an optimizer's name must be a text such as 'adam', got {name!r}")
    if name not in OPTIMIZERS:
        raise ValueError(f"there is no optimizer {name!r}; there are {listing(OPTIMIZERS, name.lower())}")
    return getattr(sys.modules[__name__], OPTIMIZERS[name])


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    if name == "schedules":
        return import_module(f"{__name__}.schedules")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "OPTIMIZERS"]
