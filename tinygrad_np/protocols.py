"""NumPy's functions called on a Tensor: looked up in the operation table, or run on the data, or refused.

NumPy hands such calls over by ``__array_ufunc__`` (NEP 13) and ``__array_function__`` (NEP 18).
Three things can happen, and never a fourth: the function is differentiable and recorded; or its
result carries no gradient (a comparison, a shape, an index) and it runs on the plain arrays; or it
is refused by name, with the nearest one that is supported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from inspect import signature
from typing import Any

import numpy as np

from tinygrad_np.coverage import REFUSED, RUN_ON_DATA
from tinygrad_np.operations import Operation, table
from tinygrad_np.tape import Variable
from tinygrad_np.trees import mapped

# What stands for "not given" where a signature cannot be read, as those of ufuncs before NumPy 2.4.
DEFAULTS: dict[str, Any] = {
    "out": None,
    "dtype": None,
    "where": True,
    "initial": np._NoValue,
    "casting": "same_kind",
}


def array_ufunc(tensor: Variable, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
    """``Tensor.__array_ufunc__``: the call of a ufunc, or of a method of one such as ``np.add.reduce``."""
    if method == "__call__":
        if not keywords and (operation := table.get(ufunc)) is not None:
            return operation(*inputs)  # nearly always; of these NumPy has given as many as the ufunc takes
        return array_function(tensor, ufunc, (), inputs, keywords)
    if method == "outer":
        x1, x2 = inputs
        return array_ufunc(tensor, ufunc, "__call__", np.reshape(x1, np.shape(x1) + (1,) * np.ndim(x2)), x2, **keywords)
    if method in ("reduce", "accumulate"):
        keywords = {"axis": 0, **keywords}
    return array_function(tensor, getattr(ufunc, method), (), inputs, keywords)


def array_function(
    tensor: Variable, function: Callable[..., Any], types: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """``Tensor.__array_function__``: NumPy's ``function(*arguments, **keywords)``."""
    operation = table.get(function)
    if operation is not None:
        fits = operation.required <= len(arguments) <= operation.positional
        for name, value in keywords.items():
            fits = fits and name in operation.parameters and value is not np._NoValue
        if not fits:
            if function is np.where and len(arguments) == 1:
                return np.nonzero(*plain(arguments))  # for which it is another name
            arguments, keywords = _supported(function, operation, arguments, keywords)
        return operation(*arguments, **keywords)
    if function in RUN_ON_DATA and "out" not in keywords:
        return function(*plain(arguments), **plain(keywords))
    raise TypeError(_refusal(function))


def _supported(
    function: Callable[..., Any], operation: Operation, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call in the rule's own terms, without options that say nothing; a TypeError for one that it does not take."""
    parameters, defaults = operation.parameters, _defaults(function)
    if not arguments:  # np.sum(a=t): the array came under NumPy's name for it
        arguments = (keywords.pop(next(iter(defaults))),)
    allowed = int(min(len(arguments), operation.positional))
    by_name = dict(zip(list(defaults)[allowed:], arguments[allowed:]))
    keywords = {name: value for name, value in {**by_name, **keywords}.items() if value is not np._NoValue}
    silent = [name for name in keywords if name not in parameters and _equal(keywords[name], defaults.get(name))]
    refused = [f"{name}=" for name in keywords if name not in parameters and name not in silent]
    if refused:
        name = _name(function)
        instead = (
            f"an array cannot hold a gradient; write y = {name}(...), and x = x + y for x += y"
            if "out=" in refused
            else f"it takes {', '.join(parameters)}; for anything else call it on t.data"
        )
        raise TypeError(f"{name} on a Tensor does not take {', '.join(refused)}: {instead}")
    return arguments[:allowed], {name: value for name, value in keywords.items() if name not in silent}


@lru_cache(maxsize=256)
def _defaults(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The parameters of a NumPy function, in order, and what stands for "not given"."""
    try:
        parameters = signature(function).parameters
    except ValueError:
        return DEFAULTS
    return {name: parameter.default for name, parameter in parameters.items()} | DEFAULTS


def _equal(value: Any, default: Any) -> bool:
    """Whether an option says no more than leaving it out."""
    return value is default or (isinstance(value, (str, int)) and bool(value == default))


def plain(value: Any) -> Any:
    """``value`` with every Tensor in it, at any depth of lists, tuples and dicts, replaced by its array."""
    return mapped(lambda leaf: leaf._array if isinstance(leaf, Variable) else leaf, value)


def _refusal(function: Callable[..., Any]) -> str:
    """Why ``function`` does not run on a Tensor, and what does."""
    name, owner = _name(function), getattr(function, "__self__", None)
    if function in REFUSED:
        return f"{name} on a Tensor is not supported: {REFUSED[function]}"
    if isinstance(owner, np.ufunc) and function.__name__ == "at":
        return f"{name} on a Tensor is not supported: it writes into its array; use tg.index_update(x, index, value)"
    nearest = get_close_matches(name, map(_name, [*table, *RUN_ON_DATA]), n=1, cutoff=0.75)
    instead = f"the nearest name that is supported is {nearest[0]}; " if nearest else ""
    return (
        f"{name} on a Tensor is not supported: {instead}for a result without a gradient call it on t.data; to teach "
        "it, declare its rule with @tg.operation"
    )


def _name(function: Any) -> str:
    """``np.add.reduce`` for the bound method, ``np.linalg.inv`` for a function of a submodule."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{getattr(function, '__name__', function)}"
