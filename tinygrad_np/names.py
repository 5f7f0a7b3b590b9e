"""A thing chosen by its name, and help for whoever misspelt it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

Choice = TypeVar("Choice")


def nearest(kind: str, name: Any, choices: Mapping[str, Choice]) -> Choice:
    """The one of ``choices`` called ``name``; ``kind`` says in an error what was to be chosen.

    Raises TypeError for a name that is no string, ValueError for one that is not there; the message
    lists the choices and suggests the one spelt most like it, or those that are all but as like.

    >>> nearest("letter", "alpha", {"alpha": "α", "beta": "β"})
    'α'
    >>> nearest("letter", "Betta", {"alpha": "α", "beta": "β"})
    Traceback (most recent call last):
        ...
    ValueError: there is no letter 'Betta', did you mean 'beta'? Choose from: alpha, beta
    """
    if isinstance(name, str) and name in choices:
        return choices[name]
    listed = f"Choose from: {', '.join(choices)}"
    if not isinstance(name, str):
        raise TypeError(f"the name of the {kind} must be a string, got {name!r}. {listed}")
    from difflib import SequenceMatcher  # here, because only who errs needs it

    likeness = {choice: SequenceMatcher(None, choice.lower(), name.lower()).ratio() for choice in choices}
    least = max([0.5, *[ratio - 0.05 for ratio in likeness.values()]])
    near = [repr(choice) for choice, ratio in likeness.items() if ratio >= least]
    suggestion = f", did you mean {' or '.join(near)}?" if near else "."
    raise ValueError(f"there is no {kind} {name!r}{suggestion} {listed}")
