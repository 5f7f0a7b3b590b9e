"""The one exception of all that can be wrong with a checkpoint."""

from __future__ import annotations


class CheckpointError(Exception):
    """A file that cannot be written, or cannot be trusted: missing, truncated, changed, foreign or hostile.

    The message names the file, says what was found where what was expected, and what to do. Where the
    operating system refused, its OSError (such as FileNotFoundError) is the ``__cause__``.
    """
