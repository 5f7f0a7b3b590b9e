"""Where runs take place: here one after another, in other processes or on a cluster by joblib."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from tinygrad_np.experiments.outcomes import Outcome
from tinygrad_np.experiments.packages import imported
from tinygrad_np.experiments.variants import Variant

Call = tuple[Variant, int]  # a variant, and the seed to run it from


def ran(calls: Sequence[Call], data: tuple[Any, ...], jobs: int | None) -> Iterator[Outcome]:
    """The outcome of each call, as they come in; what a run raises is raised here, when those under way have ended."""
    failures: list[BaseException] = []

    def wanted() -> Iterator[Call]:
        for call in calls:
            if failures:
                return
            yield call

    serial = jobs == 1 or (jobs is None and find_spec("joblib") is None)
    answers = (attempted(*call, data) for call in wanted()) if serial else _by_joblib(calls, wanted(), data, jobs)
    try:
        for answer in answers:
            if isinstance(answer, Outcome):
                yield answer
            else:
                failures.append(answer)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that runs have been cancelled, which is what was meant
            answers.close()
    if failures:
        raise failures[0]


def _by_joblib(calls: Sequence[Call], wanted: Iterator[Call], data: tuple[Any, ...], jobs: int | None) -> Any:
    """A generator of what becomes of those of ``calls`` that are ``wanted``, as they come in."""
    joblib = imported("joblib", "running in more than one process")
    if joblib.effective_n_jobs(jobs) > 1:
        for variant in {id(variant): variant for variant, _ in calls}.values():
            require_sendable(variant)
    # As a tuple, the data goes along with each run. Arrays of their own would be laid down in one worker of a Dask
    # cluster, for the others to fetch, and be lost with it.
    work = (joblib.delayed(attempted)(variant, seed, data) for variant, seed in wanted)
    return joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)


def attempted(variant: Variant, seed: int, data: tuple[Any, ...]) -> Outcome | BaseException:
    """The outcome of a run, or what it raised: as a value it comes back from wherever the run was."""
    try:
        return variant.run(seed, *data)
    except BaseException as error:  # Ctrl-C as well
        error.add_note(f"with {variant}, seed {seed}")
        return error


def require_sendable(variant: Variant) -> None:
    """TypeError that names what of a variant cannot be sent to another process, and what in it is to blame."""
    dumps = imported("cloudpickle", "running in more than one process").dumps
    parts = {"make_model": variant.make_model, "the optimizer": variant.optimizer, "the loss": variant.loss}
    parts |= {"metrics": variant.metrics, "the schedule": variant.schedule}
    parts |= {f"the choice {name}": value for name, value in variant.model_choices.items()}
    for name, part in parts.items():
        try:
            dumps(part)
        except Exception as error:
            raise TypeError(
                f"{name} cannot be sent to another process, with {variant}: {error}{_culprit(part, dumps)}; make what "
                "it needs within it, or give jobs=1"
            ) from error


def _culprit(part: Any, dumps: Any) -> str:
    """What a function or an object holds that cannot be pickled."""
    held = dict(getattr(part, "__dict__", {}))
    if inspect.isfunction(part):
        around = inspect.getclosurevars(part)
        held |= {**around.globals, **around.nonlocals}
    for name, value in held.items():
        try:
            dumps(value)
        except Exception:
            return f" (it holds {name!r}, {type(value).__name__})"
    return ""
