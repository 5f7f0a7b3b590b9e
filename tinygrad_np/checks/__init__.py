"""Gradients held against numbers: ``check_gradients`` and what it is made of.

From the numbers up: ``slopes`` (differences along a line), ``noise`` (what f rounds), ``ladder`` (many steps),
``closer`` (which of them suits, kinks), ``taylor``, ``options``, ``inputs``, ``returned`` and ``subject`` (what is
checked), ``stacks`` (many points in one call), ``measuring`` (how close is close), ``directions`` and ``elements`` (the
two modes), ``diagnosis`` and ``report`` (what is said), ``dodging`` (of kinks), ``checker`` (all together), ``graph``
(every node).
"""

from tinygrad_np.checks.checker import check_gradients, numerical_gradient
from tinygrad_np.checks.graph import GraphReport, check_graph
from tinygrad_np.checks.report import GradientError, GradientReport, Outcome

__all__ = [
    "GradientError",
    "GradientReport",
    "GraphReport",
    "Outcome",
    "check_gradients",
    "check_graph",
    "numerical_gradient",
]
