"""Optimizers: swapping one for another changes one word.

>>> import tinygrad_np as tg
>>> model = tg.nn.Linear(2, 3, rng=0)
>>> tg.optim.MomentumSGD(model, lr=0.5, momentum=0.1)
MomentumSGD(2 parameters: lr=0.5, momentum=0.1)
>>> tg.optim.by_name("adam")(model, lr=tg.optim.schedules.cosine(0.1, steps=1000), weight_decay=0.01).lr
0.1
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_np.optim.adaptive import AdaDelta, AdaGrad, Adam, AdamW, AMSGrad, NAdam, RMSprop
from tinygrad_np.optim.choice import OPTIMIZERS, by_name
from tinygrad_np.optim.descent import SGD, CorrectedMomentumSGD, Lion, MomentumSGD, NesterovAG
from tinygrad_np.optim.optimizer import Optimizer

if TYPE_CHECKING:
    import tinygrad_np.optim.schedules as schedules
    from tinygrad_np.optim.averaging import MovingAverage
    from tinygrad_np.optim.hooks import Freezing, GradientNoise, clip_by_global_norm, clip_by_value, global_norm
    from tinygrad_np.optim.lbfgs import LBFGS

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
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

# What most runs do not need is imported when it is first asked for.
LATER = dict.fromkeys(("Freezing", "GradientNoise", "clip_by_global_norm", "clip_by_value", "global_norm"), "hooks")
LATER |= {"LBFGS": "lbfgs", "MovingAverage": "averaging"}


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    if name == "schedules":
        return import_module(f"{__name__}.schedules")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
