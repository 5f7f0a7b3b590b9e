"""Experiments: optimizers, and any other choice, compared over seeds that all of them share.

From the ground up: ``outcomes`` (what became of a run), ``description`` (settings as text, by which a study is known),
``variants`` (one way to train, run from a seed), ``statistics``, ``tables``, ``figures``, ``study``, ``folder`` (a
study on disk), ``arguments``, ``processes``, ``comparing``.
"""

from tinygrad_np.experiments.comparing import compare, load
from tinygrad_np.experiments.study import Study
from tinygrad_np.experiments.tables import Table

__all__ = ["Study", "Table", "compare", "load"]
