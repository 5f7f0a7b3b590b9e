"""The rules, by family. Importing this package fills the operation table."""

from tinygrad_np.rules import elementwise, linalg, network, reductions, shape

__all__ = ["elementwise", "linalg", "network", "reductions", "shape"]
