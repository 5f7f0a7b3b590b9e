"""Files replaced as a whole: at every moment the path holds all of the old bytes or all of the new ones."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def replace(path: str, data: bytes) -> None:
    """Put ``data`` in the place of the file at ``path``, or make it.

    The bytes go to a temporary file beside it, ``.name.<random>.tmp``, which takes its place once the
    disk has them: whoever is killed leaves the old file whole, and maybe a temporary one, which may be
    deleted. Any other failure deletes that as well. The permissions of an old file are kept, and where
    the path is a symbolic link, the file it leads to is replaced. Raises OSError.
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    mode = _replaceable(target)
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.tmp")  # a name may have 255 bytes
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, mode)  # before there is anything to read
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync(folder)
    except BaseException as error:  # Ctrl-C as well
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:
            error.filename = folder  # which is what refused a file that nobody asked for
        raise


def _replaceable(target: str) -> int | None:
    """The permissions of the file that is to be replaced, if there is one; OSError where it must stay."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError("it is a directory; add the name of a file")
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is no ordinary file, and would be lost")
    if not os.access(target, os.W_OK):  # a rename would not ask
        raise PermissionError("it is write-protected; choose another name, or make it writable")
    return stat.S_IMODE(found.st_mode)


def _sync(folder: str) -> None:
    """Have the disk remember the new name; systems whose folders cannot be opened do that themselves."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
