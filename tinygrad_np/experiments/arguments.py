"""What compare is given, checked before anything runs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from tinygrad_np import optim
from tinygrad_np.experiments.outcomes import Label
from tinygrad_np.experiments.variants import Variant
from tinygrad_np.names import nearest
from tinygrad_np.nn import Module
from tinygrad_np.training import Trainer

# Choices that are not make_model's, and the names of their columns: a history has a column loss already.
TRAINING = {"loss": "loss_function", "batch_size": "batch_size", "schedule": "schedule"}
TAKEN = {"optimizer", "seed", "status", "reason", "diverged", "epochs", "seconds", "epoch", "lr", "gradient_norm"}
TAKEN |= {
    "loss_function",
    "mean",
    "sd",
    "finished",
    "best",
    "difference",
    "pairs",
    "low",
    "high",
    "p_value",
}  # columns of tables


def seeds_of(seeds: Any) -> list[int]:
    """``range(seeds)`` for a count, or the seeds themselves."""
    usage = "seeds must be how many there are, such as 10, or a list of them"
    if not isinstance(seeds, (list, tuple, range, np.ndarray)):
        if isinstance(seeds, bool) or not isinstance(seeds, (int, np.integer)):
            raise TypeError(f"{usage}, got {seeds!r}")
        if seeds < 1:
            raise ValueError(f"{usage}, and there must be at least 1, got {seeds}")
        return list(range(seeds))
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"{usage}; a seed must be an integer, got {seed!r}")
        if seed < 0:
            raise ValueError(f"a seed must be at least 0, got {seed}")
    listed = [int(seed) for seed in seeds]
    if not listed or len(set(listed)) < len(listed):
        raise ValueError(f"{usage}, each once, got {listed}")
    return listed


def count_of(name: str, count: Any) -> int:
    """A number of at least 1."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {count!r}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return int(count)


def jobs_of(jobs: Any) -> int | None:
    """A number of processes."""
    usage = "jobs must be a number of processes, -1 for one a core, or None for what joblib.parallel_config says"
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, (int, np.integer))):
        raise TypeError(f"{usage}, got {jobs!r}")
    if jobs is not None and jobs < 1 and jobs != -1:
        raise ValueError(f"{usage}, got {jobs}")
    return None if jobs is None else int(jobs)


def data_of(data: Any, validation: Any) -> tuple[tuple[Any, ...], float | None]:
    """(X, y), or (X, y, X_valid, y_valid) where there is data to validate with; and the fraction of rows that do."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"data must be a pair (X, y), got {_kind(data)}; what validates goes by validation=(X, y)")
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        return (*data, *validation), None
    number = isinstance(validation, (int, float, np.number)) and not isinstance(validation, bool)
    if validation is not None and not number:
        raise TypeError(f"validation must be a pair (X, y), a fraction of the rows or None, got {_kind(validation)}")
    if number and not 0 < validation < 1:
        raise ValueError(f"validation must be a fraction of the rows, between 0 and 1, got {validation}")
    return tuple(data), None if validation is None else float(validation)


def optimizers_of(optimizers: Any) -> dict[Label, Any]:
    """Optimizers by label, each a name or a function of the model."""
    found = labelled("optimizers", optimizers)
    for label, optimizer in found.items():
        if isinstance(optimizer, str):
            optim.by_name(optimizer)
        elif isinstance(optimizer, optim.Optimizer) or not callable(optimizer):
            raise TypeError(
                f"the optimizer {label!r} must be a name, a class or a function that makes one of a run's model, such "
                f"as functools.partial(tg.optim.Adam, lr=0.01), got {optimizer!r}"
            )
    return found


def choices_of(choices: Any, make_model: Callable[..., Any]) -> dict[str, dict[Label, Any]]:
    """Options by label of each choice, which make_model or the training must know."""
    if isinstance(make_model, Module) or not callable(make_model):
        raise TypeError(f"make_model must be a function of a Generator that makes a model, got {make_model!r}")
    if choices is None:
        return {}
    if not isinstance(choices, Mapping):
        raise TypeError(f'choices must be a dictionary such as {{"width": [8, 16]}}, got {_kind(choices)}')
    found = {}
    for name, options in choices.items():
        if not isinstance(name, str) or name in TAKEN:
            raise ValueError(f"a choice cannot be called {name!r}, the name of another column; give it another name")
        if name not in TRAINING:
            _require_taken(name, make_model)
        found[name] = labelled(f"choices[{name!r}]", options)
    return found


def labelled(what: str, options: Any) -> dict[Label, Any]:
    """Options by label: of a dictionary, or of a list of things that have a name or can be printed."""
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise TypeError(f"{what} must be a list, or a dictionary of labels and values, got {_kind(options)}")
    pairs = options.items() if isinstance(options, Mapping) else [(_label(what, value), value) for value in options]
    found: dict[Label, Any] = {}
    for given, value in pairs:
        label = given.item() if isinstance(given, np.generic) else given
        if not isinstance(label, (str, int, float, type(None))):
            raise TypeError(f"a label in {what} must be a text or a number, got {label!r}")
        if isinstance(label, float) and not math.isfinite(label):
            raise ValueError(f"a label in {what} must be a text or a finite number, got {label!r}")
        if label in found:
            raise ValueError(f"{what} has {label!r} twice; give a dictionary with a label for each")
        found[label] = value
    if not found:
        raise ValueError(f"{what} is empty; give at least one")
    return found


def _label(what: str, value: Any) -> Any:
    """What stands for a value that came without a label."""
    if value is None or isinstance(value, (str, int, float, np.generic)):
        return value
    if isinstance(value, (list, tuple)):
        return repr(value)
    name = getattr(value, "__name__", "<lambda>")
    if name == "<lambda>":
        raise TypeError(f'{what} holds {value!r}, which has no name; give a dictionary such as {{"a label": value}}')
    return str(name)


def _require_taken(name: str, make_model: Callable[..., Any]) -> None:
    """Refuse a choice that make_model does not take."""
    try:
        signature = inspect.signature(make_model)
    except ValueError:  # some that are written in C do not tell
        return
    kinds = {parameter.name: parameter.kind for parameter in list(signature.parameters.values())[1:]}
    named = [
        n
        for n, kind in kinds.items()
        if kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    ]
    if name in named or inspect.Parameter.VAR_KEYWORD in kinds.values():
        return
    called = f"{getattr(make_model, '__name__', 'make_model')}{signature}"
    try:
        nearest("choice", name, dict.fromkeys([*named, *TRAINING]))
    except ValueError as error:
        raise ValueError(f"make_model takes no {name!r}, it is {called}; {error}") from None


def variants_of(
    make_model: Callable[..., Any],
    optimizers: Mapping[Label, Any],
    choices: Mapping[str, Mapping[Label, Any]],
    settings: Mapping[str, Any],
) -> list[Variant]:
    """Every optimizer with every combination of choices, in the order in which they are given."""
    variants = []
    for (label, optimizer), *chosen in product(optimizers.items(), *[options.items() for options in choices.values()]):
        labels = {"optimizer": label} | {TRAINING.get(name, name): key for name, (key, _) in zip(choices, chosen)}
        values = {name: value for name, (_, value) in zip(choices, chosen)}
        training = {name: value for name, value in values.items() if name in TRAINING}
        arguments: dict[str, Any] = {**settings, **training}
        model = {name: value for name, value in values.items() if name not in TRAINING}
        variants.append(Variant(labels, make_model, optimizer, model_choices=model, **arguments))
    return variants


def check(variants: Iterable[Variant], seed: int, data: tuple[Any, ...]) -> tuple[list[Variant], list[str]]:
    """Make every variant's model, twice, and have its Trainer look at the data; the columns that histories will have.

    What does not fit raises here, before anything runs, with a note that says of which variant. The variants are given
    back, those that cannot be compiled as ones that are not.
    """
    checked: list[Variant] = []
    columns: list[str] = []
    for variant in variants:
        try:
            trainer = variant.trainer(seed)
            _require_equal(trainer, variant.trainer(seed))
            variant.fit(trainer, data, 0)
        except Exception as error:
            error.add_note(f"with {variant}")
            raise
        checked.append(replace(variant, compiled=variant.compiled if trainer.history.compiled else False))
        found = ["loss", *trainer.metrics]
        columns = found + [f"validation_{name}" for name in found if len(data) > 2 or variant.fraction is not None]
        if taken := [name for name in columns if name in variant.labels]:
            raise ValueError(f"{taken[0]!r} is a choice and a metric; give one of them another name")
    return checked, columns


def _require_equal(trainer: Trainer, twin: Trainer) -> None:
    """Refuse a make_model whose models differ, for then nothing could be compared, or share what they learn."""
    others = dict(twin.model.named_parameters())
    for name, parameter in trainer.model.named_parameters():
        if parameter is others.get(name):
            raise ValueError(
                f"make_model gave the same {name} twice, and runs would go on from each other; make the layers in it"
            )
        if name not in others or not np.array_equal(parameter.data, others[name].data, equal_nan=True):
            raise ValueError(
                f"make_model gave two different models from equal generators: {name} differs; draw all that is random "
                "from its rng, as in tg.nn.Linear(2, 8, rng=rng)"
            )


def _kind(value: Any) -> str:
    """A value in a message: briefly."""
    text = repr(value)
    return text if len(text) < 60 and "\n" not in text else type(value).__name__
