"""The bytes of a checkpoint: a safetensors file, whose metadata hold the rest of the state, a version and a digest.

The format itself has no checksum: most flipped bits would load. So the metadata hold one text,
``{"sha256": "<64 digits>", "version": 1, "state": ...}``, and the digest is the SHA-256 of that text, with 64
zeros in place of the digits, followed by each array in the order of the names: the line
``["name", "dtype", [shape]]``, a newline and the data, little-endian, in C order.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.saving.errors import CheckpointError
from tinygrad_np.saving.structure import Taken, put_together

KEY = "tinygrad_np"  # of our text in the metadata
VERSION = 1
NO_DIGEST = "0" * 64
HEADER_LIMIT = 100_000_000  # bytes, by the format
STRUCTURE_LIMIT = 40_000_000  # characters, of which quotes take twice the room in the header

# What files of other kinds start with, for those who give the wrong one.
FOREIGN = {b"PK\x03\x04": "a zip archive, as np.savez and torch.save write", b"\x93NUMPY": "an array of np.save"}
FOREIGN |= {bytes([0x80, protocol]): "a pickle, which could run any program" for protocol in range(2, 6)}
FOREIGN |= {b"\x89HDF": "an HDF5 file"}

WHOLE = "copy the file again from where it was whole, or load an earlier checkpoint"
OURS = "tg.load reads what tg.save wrote; other safetensors files are read by safetensors.numpy.load_file"


def packed(state: Any) -> bytes:
    """The bytes that hold ``state``; TypeError or ValueError for what they cannot hold."""
    safetensors = _safetensors()
    taken = Taken(state)
    text = json.dumps({"sha256": NO_DIGEST, "version": VERSION, "state": taken.structure}, allow_nan=False)
    if len(text) > STRUCTURE_LIMIT:
        raise ValueError(
            f"the state without its arrays takes {len(text):,} characters, where a file has room for "
            f"{STRUCTURE_LIMIT:,}; make arrays of its long lists of numbers"
        )
    text = text.replace(NO_DIGEST, digest_of(text, taken.arrays), 1)
    data: bytes = safetensors.numpy.save(taken.arrays, metadata={KEY: text})
    return data


def unpacked(path: str) -> Any:
    """The state in the file at ``path``; CheckpointError, without its name, for anything that is not as it should be.

    The header is checked before anything is read that it speaks of. Then the file is mapped, once, so
    that text and arrays belong together even if another one takes its place meanwhile.
    """
    safetensors = _safetensors()
    _check_header(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
    except Exception as error:  # of many kinds: a dtype that NumPy lacks is an AttributeError
        raise CheckpointError(f"its arrays are not where its header says ({error}); {WHOLE}") from error
    return _verified(text, arrays)


def digest_of(text: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of a ``text`` whose digest is zeros, and of the names, dtypes, shapes and data of ``arrays``."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{json.dumps([name, array.dtype.name, array.shape])}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _verified(text: str | None, arrays: dict[str, NDArray[Any]]) -> Any:
    """The state that ``text`` and ``arrays`` hold, if their digest is the one that they came with."""
    if text is None:
        raise CheckpointError(f"its metadata have no {KEY!r}; {OURS}")
    try:
        content = _parsed(text)
        version, digest, structure = content["version"], content["sha256"], content["state"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"its metadata are not as tg.save writes them ({error!r}); {WHOLE}") from error
    if type(version) is int and version > VERSION:
        raise CheckpointError(
            f"it has format version {version}, and this tinygrad_np reads up to {VERSION}: "
            "pip install --upgrade tinygrad_np"
        )
    if type(version) is not int or version != VERSION or not isinstance(digest, str):
        raise CheckpointError(f"its format version is {version!r}, expected {VERSION}; {WHOLE}")
    found = digest_of(text.replace(digest, NO_DIGEST, 1), arrays)
    if found != digest:
        raise CheckpointError(f"it was changed since it was saved: its SHA-256 is {found}, expected {digest}; {WHOLE}")
    try:
        return put_together(structure, arrays)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"its content is no state: {error}; do not trust where it came from") from error


def _check_header(path: str) -> None:
    """Refuse a file whose header does not fit into it or is not JSON that says each thing once."""
    with open(path, "rb", opener=_without_waiting) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise CheckpointError("it is no ordinary file; give the path that tg.save was given")
        header = _header(file, found.st_size)
    try:
        content = _parsed(header.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise CheckpointError(f"its header is no proper JSON ({error}); {WHOLE}") from error
    metadata = content.get("__metadata__") if isinstance(content, dict) else None
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise CheckpointError(f"its metadata have no {KEY!r}; {OURS}")


def _header(file: IO[bytes], size: int) -> bytes:
    """The header of ``file``, which starts with its length in 8 bytes."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if size == 0:
        raise CheckpointError("it is empty; load an earlier checkpoint")
    if length <= min(size - 8, HEADER_LIMIT):
        return file.read(length)
    for magic, kind in FOREIGN.items():
        if start.startswith(magic):
            raise CheckpointError(f"it is {kind}; tg.load reads what tg.save wrote, and nothing that is pickled")
    raise CheckpointError(
        f"its header should take {length:,} bytes, but the file has {size:,} in all and a header {HEADER_LIMIT:,} at "
        f"most: it is truncated, changed, or no safetensors file; {WHOLE}"
    )


def _parsed(text: str) -> Any:
    """What JSON says; ValueError where it says something twice, or a number that is none."""
    return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r} is there twice")
    return content


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _without_waiting(path: str, flags: int) -> int:
    """Open even a pipe at once, only to find out that it is one."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _safetensors() -> Any:
    """The package, which is loaded when the first file is saved or loaded."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "checkpoints are safetensors files; install the package with: pip install safetensors"
        ) from error
    return safetensors
