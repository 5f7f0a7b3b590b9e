"""How an example ends when something stops it: Ctrl-C, a closed pipe, a full disk, a picture that cannot be written."""

import errno
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examples import figures, program
from models import article

ROOT = Path(program.__file__).parent.parent
STOPPED = "\nstopped by Ctrl-C before the end; only the pictures reported above were written\n"
FIRST_PICTURES = {"three_class": "data.png", "two_moons": "regions.png", "xor": "xor.png"}

each_example = pytest.mark.parametrize("name", FIRST_PICTURES)


def run_as_module(name, *arguments, stdout=subprocess.PIPE, **variables):
    command = [sys.executable, "-W", "error", "-m", f"examples.{name}", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", [*FIRST_PICTURES, "digits"])
def test_each_runs_as_a_module(name, tmp_path):
    done = run_as_module(name, "--epochs", 1, "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(f"wrote {tmp_path}")


# -- Ctrl-C ------------------------------------------------------------------------------------------


@each_example
@pytest.mark.parametrize("module", ["argparse", "matplotlib"])
def test_ctrl_c_while_the_imports_load(name, module, tmp_path):
    """From the first import to the last, and even amid one that would lose an exception."""
    (tmp_path / f"{module}.py").write_text(
        "import signal\ntry:\n    signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt:\n    pass\n"
    )
    done = run_as_module(name, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", STOPPED)


@each_example
def test_ctrl_c_in_training(run, tmp_path, monkeypatch, name):
    monkeypatch.setattr(article, "train_epoch", lambda *_: signal.raise_signal(signal.SIGINT))
    outcome = run(name, "--out", tmp_path)
    assert (outcome.status, outcome.err) == (130, STOPPED)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "a second Ctrl-C would be a traceback"


def test_ctrl_c_between_two_pictures(run, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw_losses", lambda *_: signal.raise_signal(signal.SIGINT))
    outcome = run("three_class", "--epochs", 1, "--out", tmp_path)
    assert (outcome.status, outcome.err) == (130, STOPPED)
    assert outcome.out.splitlines()[-1] == f"wrote {tmp_path / 'data.png'}"
    assert [path.name for path in tmp_path.iterdir()] == ["data.png"]


# -- files and pipes ---------------------------------------------------------------------------------

needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


def in_the_way(picture, monkeypatch):
    picture.mkdir()


def on_a_full_disk(picture, monkeypatch):
    picture.symlink_to("/dev/full")


def in_a_directory_that_goes_away(picture, monkeypatch):
    train_epoch = article.train_epoch

    def train_and_remove(*arguments):
        if picture.parent.exists():
            picture.parent.rmdir()
        return train_epoch(*arguments)

    monkeypatch.setattr(article, "train_epoch", train_and_remove)


@each_example
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (in_the_way, "Is a directory"),
        pytest.param(on_a_full_disk, "No space left on device", marks=needs_dev_full),
        (in_a_directory_that_goes_away, "No such file or directory"),
    ],
)
def test_a_picture_that_cannot_be_written(run, tmp_path, monkeypatch, name, spoil, reason):
    out = tmp_path / "out"
    out.mkdir()
    picture = out / FIRST_PICTURES[name]
    spoil(picture, monkeypatch)
    outcome = run(name, "--epochs", 1, "--out", out)
    assert outcome.status == 2
    assert outcome.err == f"python -m examples.{name}: error: cannot write {picture}: {reason}\n"
    assert "accuracy" in outcome.out, "the report comes first"
    assert "wrote" not in outcome.out


@pytest.mark.parametrize(
    ("name", "options", "unbuffered"),
    [("three_class", ["--epochs", 1], ""), ("xor", ["--epochs", 1], "1"), ("two_moons", ["--help"], "")],
    ids=["at the end", "at once", "help"],
)
def test_a_pipe_that_nobody_reads_any_more_is_no_error(name, options, unbuffered, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_as_module(name, *options, "--out", tmp_path, stdout=writer, PYTHONUNBUFFERED=unbuffered)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@needs_dev_full
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written(unbuffered, tmp_path):
    with open("/dev/full", "w") as full:
        done = run_as_module("xor", "--epochs", 1, "--out", tmp_path, stdout=full, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 2
    assert done.stderr == "python -m examples.xor: error: standard output: No space left on device\n"


def test_any_other_file_that_fails_is_named(run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error", "some.file")

    monkeypatch.setattr(article, "train_epoch", fail)
    outcome = run("xor", "--out", tmp_path)
    assert (outcome.status, outcome.err) == (2, "python -m examples.xor: error: some.file: Input/output error\n")


# -- what is shown -----------------------------------------------------------------------------------


def test_one_line_escapes_only_what_cannot_be_shown():
    assert program.one_line("own data/größe 猫's.csv") == "own data/größe 猫's.csv"
    assert program.one_line("a\nb\r\t\x00\x1b[31m\u2028\udcff") == r"a\nb\r\t\x00\x1b[31m\u2028\udcff"


def test_names_with_a_line_break_stay_on_one_line(run, tmp_path):
    out = tmp_path / "a\nb"
    shown = str(tmp_path / r"a\nb")
    outcome = run("xor", "--epochs", 1, "--out", out)
    assert outcome.out.splitlines()[-1] == f"wrote {shown}/xor.png"
    assert (out / "xor.png").exists()
    (out / "file").touch()
    for arguments in (["--out", out / "file"], ["--out", out, "c\nd"]):
        outcome = run("xor", *arguments)
        assert (outcome.status, outcome.err.count("\n")) == (2, 1)
        assert (rf"{shown}/file: File exists" in outcome.err) or (r"unrecognized arguments: c\nd" in outcome.err)


def test_a_name_that_the_output_cannot_encode_is_escaped(tmp_path):
    done = run_as_module("xor", "--epochs", 1, "--out", tmp_path / "größe", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"wrote {tmp_path}" + r"/gr\xf6\xdfe/xor.png"


def test_closed_output_is_no_error(tmp_path, monkeypatch):
    """What Python makes of ``>&- 2>&-``."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert program.run("xor", ["--epochs", "1", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "xor.png").exists()


def test_missing_packages_are_named_with_what_to_install(run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tqdm" else object())
    outcome = run("xor")
    assert outcome.status == 2
    assert outcome.err.endswith("error: the examples need tqdm; install with: pip install -e '.[examples]'\n")
