"""Compiled object code on disk: a file a program, in a directory of the user's own; what is damaged is not used."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from tinygrad_np.saving.atomic import replace

VARIABLE = "TINYGRAD_NP_CACHE"
DIGEST = hashlib.sha256().digest_size


def directory() -> Path | None:
    """Where compiled programs are kept: ``$TINYGRAD_NP_CACHE``, nowhere if that is empty, or the user's cache."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "tinygrad_np" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "tinygrad_np"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "tinygrad_np"


class Cache:
    """Object code by key. ``note`` says what became of the last look-up, for people to read."""

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self.note = "no cache directory" if place is None else ""

    def load(self, key: str) -> bytes | None:
        """The code stored for ``key``; None if there is none, or none that can be trusted."""
        if self.place is None:
            return None
        path = self.place / f"{key}.o"
        try:
            if not _private(self.place):
                self.note = f"{self.place} can be written by other users: not used"
                return None
            if _is_no_file(path):  # reading a pipe would not end
                self.note = f"compiled anew, not kept: {path} is no file"
                return None
            content = path.read_bytes()
        except FileNotFoundError:
            self.note = "compiled anew"
            return None
        except OSError as error:
            self.note = f"compiled anew: {path} cannot be read ({error.strerror})"
            return None
        digest, code = content[:DIGEST], content[DIGEST:]
        if _digest(key, code) != digest:
            self.note = f"compiled anew: {path} is damaged"
            return None
        self.note = f"from {path}"
        return code

    def store(self, key: str, code: bytes) -> None:
        """Keep ``code``; a directory that cannot be written is no error."""
        if self.place is None:
            return
        try:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.place / f"{key}.o"
            if _private(self.place) and not _is_no_file(path):
                replace(str(path), _digest(key, code) + code)
        except OSError as error:
            self.note = f"compiled anew, not kept: {self.place} cannot be written ({error.strerror or error})"


def _digest(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _is_no_file(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _private(place: Path) -> bool:
    """Whether no other user can put code there."""
    if os.name != "posix":
        return True
    try:
        status = place.stat()
    except FileNotFoundError:
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
