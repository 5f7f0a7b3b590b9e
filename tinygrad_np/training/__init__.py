"""Training: the loop around a model, a loss and an optimizer, with what a long run needs.

From the ground up: ``rows`` (the data of a run), ``steps`` (taken, taken back and taken again), ``divergence`` (which
operation went wrong), ``evaluation``, ``trials`` (of the data, beforehand), ``history``, ``callbacks``, ``progress``,
``interruption``, ``trainer``.
"""

from tinygrad_np.training.callbacks import Checkpoints, EarlyStopping
from tinygrad_np.training.divergence import DivergenceError
from tinygrad_np.training.history import History
from tinygrad_np.training.trainer import Trainer

__all__ = ["Checkpoints", "DivergenceError", "EarlyStopping", "History", "Trainer"]
