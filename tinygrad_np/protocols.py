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

from tinygrad_np.operations import Operation, table
from tinygrad_np.tape import Variable

# fmt: off
RUN_ON_DATA: frozenset[Any] = frozenset({
    # comparisons and tests
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.array_equal, np.allclose,
    np.isclose, np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.all, np.any, np.isnan, np.isinf,
    np.isfinite, np.signbit, np.iscomplexobj, np.isrealobj,
    # constant between their jumps
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.floor_divide,
    # positions and counts
    np.argmax, np.argmin, np.argsort, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted,
    # shapes, dtypes, new arrays in another's likeness, text
    np.shape, np.ndim, np.size, np.result_type, np.may_share_memory, np.shares_memory,
    np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.array_repr, np.array_str, np.array2string,
})
# fmt: on

# What stands for "not given" where a signature cannot be read, as those of ufuncs before NumPy 2.4.
DEFAULTS: dict[str, Any] = {
    "out": None,
    "dtype": None,
    "where": True,
    "initial": np._NoValue,
    "casting": "same_kind",
}


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What ``Tensor.__array_ufunc__`` does: NumPy's ``ufunc.method(*inputs, **keywords)``."""
    if method == "__call__":
        return apply_function(ufunc, inputs, keywords)
    if method == "reduce":
        keywords = {"axis": 0, **keywords}
    return apply_function(getattr(ufunc, method), inputs, keywords)


def apply_function(function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What ``Tensor.__array_function__`` does: NumPy's ``function(*arguments, **keywords)``."""
    operation = table.get(function)
    if operation is not None:
        if keywords or len(arguments) > operation.positional:
            arguments, keywords = _supported(function, operation, arguments, keywords)
        return operation(*arguments, **keywords)
    if function in RUN_ON_DATA and "out" not in keywords:
        return function(*plain(arguments), **plain(keywords))
    raise TypeError(_refusal(function))


def _supported(
    function: Callable[..., Any], operation: Operation, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call in the rule's own terms, without options that say nothing; a TypeError for one that it does not take."""
    defaults, parameters = _defaults(function), signature(operation.rule).parameters
    if not arguments:  # np.sum(a=t): the array came under NumPy's name for it
        arguments = (keywords.pop(next(iter(defaults))),)
    allowed = int(min(len(arguments), operation.positional))
    by_name = dict(zip(list(defaults)[allowed:], arguments[allowed:]))
    keywords = {name: value for name, value in {**by_name, **keywords}.items() if value is not np._NoValue}
    silent = [name for name in keywords if name not in parameters and _equal(keywords[name], defaults.get(name))]
    refused = [f"{name}=" for name in keywords if name not in parameters and name not in silent]
    if refused:
        raise TypeError(
            f"{_name(function)} on a Tensor does not take {', '.join(refused)}: no gradient could follow. "
            f"It takes {', '.join(parameters)}; for anything else call it on t.data"
        )
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
    if isinstance(value, Variable):
        return value._data
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def _refusal(function: Callable[..., Any]) -> str:
    """Why ``function`` does not run on a Tensor, and what does."""
    name = _name(function)
    nearest = get_close_matches(name, map(_name, [*table, *RUN_ON_DATA]), n=1, cutoff=0.75)
    instead = f"the nearest that is supported is {nearest[0]}; " if nearest else ""
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
