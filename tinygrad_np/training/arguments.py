"""What a Trainer and its methods are given, checked before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from inspect import ismethod
from typing import Any

import numpy as np

from tinygrad_np import losses, metrics, optim
from tinygrad_np.initializers import as_generator
from tinygrad_np.nn import Module
from tinygrad_np.optim import MovingAverage, Optimizer
from tinygrad_np.training.steps import Loss

Function = Callable[..., Any]
TAKEN = ("epoch", "loss", "lr", "gradient_norm", "seconds")  # columns of a history that are no metrics


def model_of(model: Any) -> Module:
    """``model``, if it is a Module with parameters."""
    if not isinstance(model, Module):
        raise TypeError(f"the model must be a tg.nn.Module, got {model!r}; wrap functions as in tg.Sequential(np.tanh)")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f"the model has no parameters to train: {model!r}; give it layers such as tg.nn.Linear")
    return model


def loss_of(loss: Loss | str) -> Loss:
    """A loss, by itself or by its name."""
    if isinstance(loss, str):
        named: Loss = losses.by_name(loss)
        return named
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f'the loss must be a function of outputs and targets, or a name such as "huber", got {loss!r}')
    return loss


def metrics_of(given: Any) -> dict[str, Function]:
    """Metrics by name, of a dictionary, or of a list of functions and names."""
    if given is None:
        return {}
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(
            f'metrics must be a list of functions or names, or a dictionary, got {given!r}; write ["accuracy"]'
        )
    pairs = given.items() if isinstance(given, Mapping) else [(None, metric) for metric in given]
    found: dict[str, Function] = {}
    for name, metric in pairs:
        function = metrics.by_name(metric) if isinstance(metric, str) else metric
        name = getattr(function, "__name__", None) if name is None else name
        if not callable(function) or not isinstance(name, str):
            raise TypeError(f'a metric must be a function with a name, got {metric!r}; write {{"name": function}}')
        if name in found or name in TAKEN or name.startswith("validation_"):
            raise ValueError(f"the history has a column {name!r} already; give the metric another name")
        found[name] = function
    return found


def optimizer_of(optimizer: Any, model: Module) -> Optimizer:
    """An optimizer of the model's parameters: by itself, by its name, or made of the model by a function."""
    if isinstance(optimizer, str):
        optimizer = optim.by_name(optimizer)
    made = optimizer
    if callable(optimizer) and not isinstance(optimizer, Optimizer):
        # schedules and hooks with a state begin anew in each run; a method would be copied with the model that it knows
        made = (optimizer if ismethod(optimizer) else deepcopy(optimizer))(model)
    if not isinstance(made, Optimizer):
        raise TypeError(
            f'the optimizer must be a tg.optim.Optimizer, a name such as "adam", or a function of the model that makes '
            f"one, got {made!r}"
        )
    own = set(model.parameters())
    strangers = [name for name, parameter in made.named_parameters() if parameter not in own]
    if strangers:
        raise ValueError(
            f"the optimizer has parameters that are not the model's: {', '.join(strangers)}; make it of the same "
            "model, as in tg.optim.Adam(model), or give a function of the model, such as tg.optim.Adam"
        )
    return made


def average_of(average: Any, model: Module) -> MovingAverage | None:
    """An average of the model's parameters, if there is one."""
    if average is None:
        return None
    if not isinstance(average, MovingAverage):
        raise TypeError(f"average must be a tg.optim.MovingAverage of the model, got {average!r}")
    own = set(model.parameters())
    if any(parameter not in own for parameter in average.params.values()):
        raise ValueError(
            "the average is of other parameters than the model's; make it by tg.optim.MovingAverage(model)"
        )
    return average


def generator_of(seed: Any) -> np.random.Generator:
    """A Generator from a seed."""
    try:
        return as_generator(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed: {error}") from None


def epochs_of(epochs: Any) -> int:
    """A number of epochs."""
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)):
        raise TypeError(f"epochs must be an integer, how many more to train, got {epochs!r}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, how many more to train, got {epochs}")
    return int(epochs)


def flag_of(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def callbacks_of(callbacks: Any) -> list[Function]:
    """Callbacks, as a list."""
    if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}; write callbacks=[function]")
    listed = list(callbacks)
    for callback in listed:
        if not callable(callback) or isinstance(callback, type):
            raise TypeError(f"a callback must be a function of the trainer and a row of the history, got {callback!r}")
    return listed
