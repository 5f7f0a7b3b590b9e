"""Running an example: whatever ends it early is one line on stderr and an exit status, never a traceback.

This module imports nothing that takes time, for it is what makes Ctrl-C work while the examples' imports load.
"""

import importlib.util
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence

PACKAGES = (
    "numpy",
    "matplotlib",
    "sklearn",
    "tqdm",
    "safetensors",
    "joblib",
    "cloudpickle",
)  # what pip installs for the examples

# What shells report for a program that a signal ended.
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + 13  # SIGPIPE, which Windows does not name
STOPPED = "\nstopped by Ctrl-C before the end; only the pictures reported above were written"


class ExampleError(Exception):
    """What the person who runs an example has to know and can mend; the message is all that is shown."""

    status = 2  # of the program's exit


def run(name: str, argv: Sequence[str] | None = None) -> int:
    """Import the example ``name`` and run it with the command-line arguments ``argv``; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # and not closed; a directory's name may be in no encoding but its own
        sys.stdout.reconfigure(errors="backslashreplace")
    status = 0
    try:
        status = _outcome(name, argv)
        print(end="", flush=True)  # now, for at exit Python itself would print that it cannot
    except OSError as error:  # of standard output, for those of files say which file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what Python still flushes at exit
        if isinstance(error, BrokenPipeError):  # whoever reads it, such as head, has seen enough
            return status or PIPE_CLOSED
        return _report(name, ExampleError(f"standard output: {error.strerror}"))
    return status


def one_line(text: str) -> str:
    """``text`` with the characters that cannot be shown, such as a line break in a file name, as their escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _outcome(name: str, argv: Sequence[str] | None) -> int:
    """The exit status of the example, after a line on stderr if something ended it early."""
    try:
        _check_packages()
        return _load(name)(argv)
    except SystemExit as exit_:  # --help
        return int(exit_.code or 0)
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
        print("; ".join([STOPPED, *map(str, interrupt.args)]), file=sys.stderr)  # with how to go on, if it can
        return INTERRUPTED
    except ExampleError as error:
        return _report(name, error)
    except OSError as error:
        if error.filename is None:
            raise
        return _report(name, ExampleError(f"{error.filename}: {error.strerror}"))


def _load(name: str) -> Callable[[Sequence[str] | None], int]:
    """The example's ``main``; meanwhile Ctrl-C ends the process at once.

    As an exception it could come up anywhere in NumPy's, SciPy's or Matplotlib's imports, where some lose
    it, some say ImportError instead, and some C extensions are left in a state that crashes at exit.
    """
    before = signal.signal(signal.SIGINT, _leave)
    try:
        main: Callable[[Sequence[str] | None], int] = importlib.import_module(f"examples.{name}").main
    finally:
        signal.signal(signal.SIGINT, before)
    return main


def _leave(*_: object) -> None:
    """End the process; there is nothing to clean up yet."""
    print(STOPPED, file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


def _check_packages() -> None:
    """Refuse to go on without a package that the examples import."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ExampleError(f"the examples need {', '.join(missing)}; install with: pip install -e '.[examples]'")


def _report(name: str, failure: ExampleError) -> int:
    """Print what failed; returns the exit status."""
    print(one_line(f"python -m examples.{name}: error: {failure}"), file=sys.stderr)
    return failure.status
