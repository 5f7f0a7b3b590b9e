"""Studies of many runs, kept in the example's directory so that none that has finished is run again."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tinygrad_np as tg
from examples.program import ExampleError
from examples.runs import one_line_errors


def compare(
    options: argparse.Namespace,
    directory: Path,
    make_model: Callable[..., Any],
    data: tuple[Any, Any],
    optimizers: Mapping[str, Any],
    **how: Any,
) -> tg.experiments.Study:
    """``tg.experiments.compare`` with the ``options`` of a study, in a ``directory`` of its own.

    Raises KeyboardInterrupt, with how to go on, after Ctrl-C; ExampleError where the directory cannot be used.
    """
    seeds = range(options.seed, options.seed + options.seeds)
    try:
        with one_line_errors():
            study = tg.experiments.compare(
                make_model,
                data,
                optimizers,
                epochs=options.epochs,
                seeds=seeds,
                jobs=options.jobs,
                directory=directory,
                **how,
            )
    except ValueError as error:
        first = str(error).partition(" Differing:")[0]  # which settings those are takes many lines
        raise ExampleError(f"argument --out: {first}") from None
    if study.interrupted:
        raise KeyboardInterrupt("run again, it goes on with those runs that have not finished")
    return study
