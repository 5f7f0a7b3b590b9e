"""States: what a model, an optimizer or a generator needs to go on from where it was, as plain nested dictionaries.

A state has strings for keys and, at its leaves, arrays, numbers, strings, bools and None: what a file can hold
without a pickle. Whoever loads one checks it as a whole first, so that a wrong one changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_np.trees import mapped

GENERATOR = "bit_generator"  # the key by which a generator's state is known


def of_generator(rng: np.random.Generator) -> dict[str, Any]:
    """The state of ``rng``, from which :func:`restore_generator` lets another of its kind go on.

    >>> rng, other = np.random.default_rng(1), np.random.default_rng(2)
    >>> restore_generator(other, of_generator(rng))
    >>> rng.random() == other.random()
    True
    """
    state: dict[str, Any] = mapped(_copied, dict(rng.bit_generator.state))
    return state


def restore_generator(rng: np.random.Generator, state: Mapping[str, Any]) -> None:
    """Let ``rng`` go on from a ``state`` that :func:`of_generator` gave; ValueError for one of another kind."""
    kind = rng.bit_generator.state[GENERATOR]
    given = state.get(GENERATOR) if isinstance(state, Mapping) else None
    if given != kind:
        raise ValueError(f"the state is of {given!r} where the generator is {kind}; make the generator as it was saved")
    try:
        rng.bit_generator.state = dict(state)
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"this is no state of a {kind} generator: {error}") from error


def check(what: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a ``given`` state of ``what`` that has other names, or arrays of other shapes, than is ``expected``.

    Refused as well are numbers that would become infinite in the dtype of the array that they are for.

    >>> check("the model", {"weight": np.zeros(2), "bias": np.zeros(1)}, {"weight": np.zeros(3)})
    Traceback (most recent call last):
        ...
    ValueError: the state does not fit the model: bias is missing; weight has shape (3,), expected (2,)
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"the state of {what} must be a dictionary, got {type(given).__name__}; give state_dict()'s")
    faults = [f"{name} is missing" for name in expected if name not in given]
    faults += [f"{name} is unexpected" for name in given if name not in expected]
    for name, value in expected.items():
        if name in given and isinstance(value, np.ndarray):
            faults += _misshapen(name, value, given[name])
    if faults:
        raise ValueError(f"the state does not fit {what}: {'; '.join(map(str, faults))}")


def _misshapen(name: str, expected: np.ndarray[Any, Any], given: Any) -> list[str]:
    """What keeps ``given`` from taking the place of an array, if something does."""
    if not isinstance(given, np.ndarray):
        return [f"{name} is no array but {type(given).__name__}"]
    if given.shape != expected.shape:
        return [f"{name} has shape {given.shape}, expected {expected.shape}"]
    if given.dtype.kind != expected.dtype.kind:
        return [f"{name} is {given.dtype}, expected {expected.dtype}"]
    if expected.dtype.kind == "f" and given.dtype.itemsize > expected.dtype.itemsize:
        with np.errstate(over="ignore"):
            lost = np.isfinite(given) & ~np.isfinite(given.astype(expected.dtype))
        if lost.any():
            return [f"{name} has the number {given[lost][0]:g}, which is too large for {expected.dtype}"]
    return []


def _copied(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
