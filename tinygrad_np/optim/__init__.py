"""Optimizers: swapping one for another changes one word.

>>> import tinygrad_np as tg
>>> model = tg.nn.Linear(2, 3, rng=0)
>>> tg.optim.MomentumSGD(model.parameters(), lr=0.5, momentum=0.1)
MomentumSGD(2 parameters: lr=0.5, momentum=0.1)
"""

from tinygrad_np.optim.methods import SGD, Adam, MomentumSGD
from tinygrad_np.optim.optimizer import Optimizer

__all__ = ["SGD", "Adam", "MomentumSGD", "Optimizer"]
