"""compare: every optimizer, and any other choice, from the same seeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_np.experiments.arguments import (
    check,
    choices_of,
    count_of,
    data_of,
    jobs_of,
    optimizers_of,
    seeds_of,
    variants_of,
)
from tinygrad_np.experiments.columns import aimed
from tinygrad_np.experiments.description import described
from tinygrad_np.experiments.folder import Folder
from tinygrad_np.experiments.outcomes import Label, Outcome
from tinygrad_np.experiments.processes import Call, ran
from tinygrad_np.experiments.study import Study
from tinygrad_np.training.compilation import is_wanted
from tinygrad_np.training.progress import bar


def compare(
    make_model: Callable[..., Any],
    data: tuple[Any, Any],
    optimizers: Mapping[str, Any] | Iterable[Any],
    *,
    epochs: int,
    seeds: int | Iterable[int] = 10,
    batch_size: int = 32,
    loss: Callable[..., Any] | str = "softmax_cross_entropy",
    metrics: Mapping[str, Any] | Iterable[Any] | None = None,
    validation: tuple[Any, Any] | float | None = None,
    choices: Mapping[str, Any] | None = None,
    target: float | Mapping[str, float] | None = None,
    jobs: int | None = None,
    directory: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    compiled: bool | str = False,
) -> Study:
    """Train with every one of ``optimizers``, and every combination of ``choices``, from each seed; a Study.

    ``make_model``  a function of a np.random.Generator, and of the choices that are its arguments, that makes a model;
                    all that is random in it must come from that Generator
    ``data``        a pair (X, y)
    ``optimizers``  by label: a name in tg.optim, a class, functools.partial(tg.optim.Adam, lr=0.01), or any function
                    of the model; or a list of names
    ``seeds``       how many, 0, 1, ..., or a list of them
    ``validation``  a pair (X, y), or the fraction of rows that are kept for it, others for each seed
    ``choices``     options by the name of each choice: a list, or a dictionary of labels and values. ``loss`` (its
                    column is loss_function), ``batch_size`` and ``schedule`` (the optimizer's lr) take the place of
                    the arguments; all others are arguments of make_model
    ``target``      a loss to be reached, for the time that takes; see :class:`Study`
    ``jobs``        how many processes, by joblib, -1 for one a core; None for what joblib.parallel_config says, which
                    may be a cluster
    ``directory``   where each run is written when it has ended. The same call goes on there, with more seeds too, and
                    runs that ended are not run again; the folder of another study is refused
    ``progress``    one bar for all runs, as in Trainer.fit
    ``compiled``    True, False or "auto", as in Trainer.fit; a variant that cannot be compiled is eager in all runs

    Comparisons are paired: of each seed, np.random.SeedSequence(seed).spawn(3) gives a Generator for the weights, one
    for the order of minibatches and one for Dropout, so that all variants of a seed start from the same weights (where
    they have the same layers) and see the same minibatches. Results do not depend on jobs, to the last bit. A run that
    diverges is kept and marked. Ctrl-C ends the study, and those runs that ended are returned. What a run raises is
    raised here, with a note that says in which, when those under way have ended.

    Everything is checked before the first run: TypeError or ValueError. CheckpointError where the directory cannot be
    written, ImportError for what is not installed.

    >>> import numpy as np, tinygrad_np as tg
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> def make_model(rng, width=8):
    ...     return tg.Sequential(tg.nn.Linear(2, width, rng=rng), np.tanh, tg.nn.Linear(width, 2, rng=rng))
    >>> study = compare(make_model, (X, y), ["sgd", "adam"], choices={"width": [4, 8]}, seeds=3, epochs=5, batch_size=2)
    >>> study
    Study(4 variants, 3 seeds: 12 runs, 0 diverged)
    >>> {name: study.rows[0][name] for name in ("optimizer", "width", "seed", "status", "epochs")}
    {'optimizer': 'sgd', 'width': 4, 'seed': 0, 'status': 'finished', 'epochs': 5}
    """
    drawn, workers = seeds_of(seeds), jobs_of(jobs)
    arrays, fraction = data_of(data, validation)
    named, swept = optimizers_of(optimizers), choices_of(choices, make_model)
    shared = {"loss": loss, "metrics": metrics, "epochs": count_of("epochs", epochs), "batch_size": batch_size}
    wanted = is_wanted(compiled)
    training = shared | {"fraction": fraction, "compiled": compiled if wanted else False}
    variants, columns = check(variants_of(make_model, named, swept, training), drawn[0], arrays)
    aimed(target, columns, "loss" in swept)
    folder = None if directory is None else Folder(directory)
    if folder is not None:
        parts = {"make_model": make_model, "data": arrays, "validation": fraction, "optimizers": named}
        parts |= {"choices": swept, **shared} | ({"compiled": True} if wanted else {})  # which rounds in another way
        settings = {name: described(part) for name, part in parts.items()}
        folder.begin(settings, columns, [variant.labels for variant in variants])
    outcomes, interrupted = _ended(
        [(variant, seed) for variant in variants for seed in drawn], arrays, workers, folder, progress
    )
    return Study(outcomes, columns, target, interrupted)


def _ended(
    calls: Sequence[Call], data: tuple[Any, ...], jobs: int | None, folder: Folder | None, progress: bool | None
) -> tuple[list[Outcome], bool]:
    """The outcomes of ``calls`` in their order, as many as there were before Ctrl-C, and whether that came."""
    known = [None if folder is None else folder.find(variant.labels, seed) for variant, seed in calls]
    ended = {_key(outcome.choices, outcome.seed): outcome for outcome in known if outcome is not None}
    rest = [call for call, outcome in zip(calls, known) if outcome is None]
    interrupted = False
    shown = bar(progress, len(rest), unit="run")
    try:
        for outcome in shown.watch(ran(rest, data, jobs)):
            if folder is not None:
                folder.keep(outcome)
            ended[_key(outcome.choices, outcome.seed)] = outcome
    except KeyboardInterrupt:
        interrupted = True
    finally:
        shown.close()
    keys = [_key(variant.labels, seed) for variant, seed in calls]
    return [ended[key] for key in keys if key in ended], interrupted


def _key(choices: Mapping[str, Label], seed: int) -> tuple[Any, ...]:
    """By what a run is known."""
    return (*choices.items(), seed)


def load(directory: str | os.PathLike[str], target: Any = None) -> Study:
    """The study in a ``directory`` that compare wrote, as far as it has got; CheckpointError where there is none."""
    folder = Folder(directory)
    return Study(folder.outcomes(), folder.read()["columns"], target)
