"""One check and how it ends, as the name of an outcome."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import tinygrad_np as tg
from tests.cases import Row, Variant
from tests.differences import leaves, numbers_like
from tinygrad_np.tape import GraphError

RIGHT, WRONG, KINK = "RIGHT", "WRONG", "KINK"
MODES = ("fast", "full")

Function = Callable[..., Any]


def function(row: Row, variant: Variant, operation: Any = None) -> Function:
    """The call of a row as a function of its arrays; with another ``operation`` in the place of its own."""
    return partial(_called, row, variant, row.operation if operation is None else operation)


def _called(row: Row, variant: Variant, operation: Any, *arrays: Any) -> Any:
    return row.call(operation, *arrays, **variant.options)


def gradients(f: Function, arrays: Sequence[Any]) -> list[Any] | None:
    """The gradient of Σ f·w by each array, with ``check``'s numbers w; None where the walk refuses its shape."""
    tensors = leaves(arrays)
    y = f(*tensors)
    try:
        y.backward(numbers_like(y, seed=0))
    except GraphError:
        return None
    return [t.grad for t in tensors]


def check(f: Function, arrays: Sequence[Any], mode: str) -> tuple[str, tg.checks.GradientReport | None]:
    """The outcome and the report; an exception that is no GradientError is an outcome too, and never one to come."""
    weights = numbers_like(f(*leaves(arrays)), seed=0)
    try:
        report = tg.check_gradients(f, *arrays, output_gradient=weights, mode=mode, allow_unused=True)
    except tg.GradientError as error:
        return error.report.outcome.name, error.report
    except Exception as error:
        return repr(error), None
    return report.outcome.name, report


def wrong_elements(report: tg.checks.GradientReport | None) -> list[int]:
    """The flat indices of the elements of the first input that are called wrong."""
    if report is None or not report.elements:
        return []
    masks = report.elements[0].wrongs.values()
    return [int(i) for i in np.flatnonzero(np.logical_or.reduce(list(masks)))] if masks else []
