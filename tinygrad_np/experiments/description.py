"""Settings as text: one line for anything, the same in every process, by which a study is known again.

An array is known by a digest of its bytes, and a function by a digest of its code, its defaults and what it closes
over. What a function calls elsewhere is known by name only, as are the functions of NumPy and of this library.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

LIBRARIES = ("builtins", "numpy", "tinygrad_np")
CHUNK = 1 << 24  # bytes of an array that are read at once, for memory maps


def digest(*parts: bytes | memoryview) -> str:
    """Twelve hexadecimal digits of the SHA-256 of all ``parts`` together.

    >>> digest(b"a", b"b") == digest(b"ab"), digest(b"ab")
    (True, 'fb8e20fc2e4c')
    """
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()[:12]


def described(value: Any, within: tuple[int, ...] = ()) -> str:
    """One line that says what ``value`` is; ``within`` holds the ids of what it is part of.

    >>> described({"lr": 0.1, "sizes": (64, 10)}), described(np.tanh), described(np.zeros((2, 3)))
    ("{'lr': 0.1, 'sizes': (64, 10)}", 'numpy.tanh', 'float64 (2, 3) #17b0761f87b0')
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return repr(value)
    if id(value) in within:
        return "..."
    within = (*within, id(value))
    if isinstance(value, np.ndarray):
        return _array(value, within)
    if isinstance(value, Mapping):
        items = sorted((repr(key), described(item, within)) for key, item in value.items())  # order does not matter
        return f"{{{', '.join(f'{key}: {text}' for key, text in items)}}}"
    if isinstance(value, (list, tuple)):
        return f"({', '.join(described(item, within) for item in value)})"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(described(item, within) for item in value))}}}"
    return _callable(value, within) or f"{type(value).__qualname__}({_state(value, within)})"


def _array(array: np.ndarray[Any, Any], within: tuple[int, ...]) -> str:
    """The type, shape and bytes of an array, some rows at a time."""
    if array.dtype.hasobject:
        return f"{array.dtype} {array.shape} {described(array.tolist(), within)}"
    if not array.ndim or not array.size:
        return f"{array.dtype} {array.shape} #{digest(array.tobytes())}"
    rows = max(1, CHUNK * len(array) // max(array.nbytes, 1))
    parts = (np.ascontiguousarray(array[i : i + rows]).tobytes() for i in range(0, len(array), rows))
    return f"{array.dtype} {array.shape} #{digest(*parts)}"


def _callable(value: Any, within: tuple[int, ...]) -> str | None:
    """A function, a class, a module or anything else that is known by its name; None for other objects."""
    if isinstance(value, partial):
        given = [described(item, within) for item in value.args]
        given += [f"{name}={described(item, within)}" for name, item in sorted(value.keywords.items())]
        return f"{described(value.func, within)}({', '.join(given)})"
    if isinstance(value, types.MethodType):
        return f"{described(value.__self__, within)}.{described(value.__func__, within)}"
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", getattr(value, "__name__", None))
    if not isinstance(name, str):
        return None
    library = str(module).partition(".")[0] in LIBRARIES or isinstance(value, np.ufunc)
    if isinstance(value, types.FunctionType) and not (library and "<locals>" not in name and "<lambda>" not in name):
        cells = [_content(cell) for cell in value.__closure__ or ()]
        rest = described([value.__defaults__, value.__kwdefaults__, cells], within)
        return f"{name} #{digest(_code(value.__code__, value.__doc__).encode(), rest.encode())}"
    return f"numpy.{name}" if isinstance(value, np.ufunc) else f"{module}.{name}" if library else name


def _code(code: types.CodeType, doc: str | None) -> str:
    """What a function does, without where it stands and what it says of itself."""
    constants = [_code(c, None) if isinstance(c, types.CodeType) else described(c) for c in code.co_consts if c != doc]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"


def _content(cell: types.CellType) -> Any:
    """What a function closes over; one that is not filled yet is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _state(value: Any, within: tuple[int, ...]) -> str:
    """What an object holds."""
    if isinstance(value, np.random.Generator):
        return described(value.bit_generator.state, within)
    try:
        state = value.__getstate__()
    except Exception:  # an object that refuses to be copied is known by its type
        return "..."
    return "" if state is None else described(state, within)
