"""Packages that only some of this needs."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def imported(module: str, purpose: str) -> Any:
    """The ``module``; ImportError that says which package to install for which ``purpose`` if it is not there.

    >>> imported("no_such_package.part", "flying")
    Traceback (most recent call last):
        ...
    ImportError: flying needs no_such_package: pip install no_such_package
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name not in (module, package):  # it is there, and something in it is not
            raise
        raise ImportError(f"{purpose} needs {package}: pip install {package}") from error
