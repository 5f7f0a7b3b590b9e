"""What a gradient function of the user's returned, as one array for each input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_np.checks.inputs import holds_arrays
from tinygrad_np.checks.slopes import Array
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import leaves_of


def arrays_of(result: Any, names: Sequence[str], roots: Sequence[str]) -> list[Array]:
    """The arrays of ``result`` for the inputs ``names``, which were taken apart from the arguments ``roots``.

    A dict goes by its keys; all else is one array for each in their order, in whatever containers. Whole numbers
    become floating ones, and no other dtype is touched.

    >>> arrays_of({"b": 1, "a": [2.0]}, ["a", "b"], ["a", "b"])
    [array([2.]), array(1.)]
    """
    if result is None:
        raise TypeError("gradient returned None; is a return missing? It gives an array for each input")
    if isinstance(result, Mapping) and set(result) == set(names):
        given = [result[name] for name in names]
    elif len(names) == 1 and not (isinstance(result, (list, tuple, dict)) and holds_arrays(result)):
        given = [result]  # a list of numbers is an array
    elif _has_keys(result):
        given = _by_name(result, names, roots)
    elif isinstance(result, (list, tuple)) and len(result) == len(names):
        given = list(result)
    else:
        given = [leaf for _, leaf in leaves_of(result)]
    if len(given) != len(names):
        raise ValueError(
            f"gradient gave {len(given)} arrays for the {len(names)} inputs {', '.join(names)}; return one for each, "
            "in that order, or a dict by these names"
        )
    return [_array(g, name) for g, name in zip(given, names)]


def _by_name(result: Any, names: Sequence[str], roots: Sequence[str]) -> list[Any]:
    """The arrays of nested dictionaries, by the names of the inputs that they are the gradients of."""
    parts = [result] if len(roots) == 1 else result
    if isinstance(parts, Mapping):
        parts = [parts.get(root, {}) for root in roots] if set(parts) == set(roots) else [parts]
    places = [*roots, *[f"part {i}" for i in range(len(roots), len(parts))]]
    found = {path: g for place, part in zip(places, parts) for path, g in leaves_of(part, place)}
    if set(found) != set(names):
        raise ValueError(
            f"gradient gave {len(found)} arrays for the {len(names)} inputs {', '.join(names)}; return one for each, "
            f"by these names, not {', '.join(found)}"
        )
    return [found[name] for name in names]


def _has_keys(tree: Any) -> bool:
    """Whether there is a dictionary anywhere in a container."""
    return isinstance(tree, Mapping) or (isinstance(tree, (list, tuple)) and any(map(_has_keys, tree)))


def _array(g: Any, name: str) -> Array:
    """The gradient of one input as an array of its own."""
    if g is None:
        raise TypeError(
            f"gradient returned None for {name}; where f does not depend on it, return np.zeros_like({name})"
        )
    array = numbers_of(g)
    if array is None:
        raise TypeError(f"gradient returned {repr(g)[:60]} for {name}; return an array of numbers of its shape")
    return array.astype(np.float64) if array.dtype.kind in "iub" else array


def numbers_of(given: Any) -> Array | None:
    """A copy of the array that was given, as such, as a Tensor or in lists; None if it is no array of numbers."""
    try:
        array = np.array(given.data if isinstance(given, Tensor) else given)
    except ValueError:  # rows of different lengths
        return None
    return array if array.dtype.kind in "fiubc" else None
