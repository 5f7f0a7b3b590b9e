"""Data on its way to training: minibatches, parts, and arrays made ready.

Data is an array, or lists, tuples and dictionaries of arrays in any nesting, whose first axes are equally long:
what stands at the same place on them belongs together, and is called a row.
"""

from tinygrad_np.data.batches import minibatches
from tinygrad_np.data.finite import require_finite
from tinygrad_np.data.labels import one_hot
from tinygrad_np.data.splitting import split
from tinygrad_np.data.standardizing import Standardizer

__all__ = ["Standardizer", "minibatches", "one_hot", "require_finite", "split"]
