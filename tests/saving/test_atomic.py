"""A save takes place as a whole or not at all, whatever interrupts it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg

OLD, NEW = {"step": 1}, {"step": 2, "weight": np.ones(3)}


@pytest.fixture
def path(tmp_path):
    tg.save(tmp_path / "state.safetensors", OLD)
    return tmp_path / "state.safetensors"


def interrupted(error):
    def call(*arguments, **keywords):
        raise error

    return call


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full disk", "Ctrl-C"])
def test_a_failure_leaves_the_old_file_and_nothing_else(path, monkeypatch, function, error):
    with monkeypatch.context() as patch:
        patch.setattr(os, function, interrupted(error))
        with pytest.raises((tg.CheckpointError, KeyboardInterrupt)) as caught:
            tg.save(path, NEW)
    if error is FULL:
        assert "No space left" in str(caught.value)
        assert caught.value.__cause__ is FULL
    assert tg.load(path) == OLD
    assert os.listdir(path.parent) == [path.name]


def test_a_disk_that_is_full_while_it_is_written_leaves_the_old_file(path):
    """The system itself refuses to write on, for it is told that no file may have more than 1000 bytes."""
    program = (
        "import resource, signal, sys, numpy as np, tinygrad_np as tg\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: tg.save(sys.argv[1], {'a': np.zeros(1000)})\n"
        "except tg.CheckpointError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        cwd=Path(tg.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large; what was there before is as it was" in done.stdout
    assert tg.load(path) == OLD
    assert os.listdir(path.parent) == [path.name]


def test_the_bytes_and_then_the_name_are_synced(path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a)))
    tg.save(path, NEW)
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_permissions_of_an_old_file_are_kept(path, mode):
    path.chmod(mode)
    tg.save(path, NEW)
    assert path.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_permissions_of_any_new_file(path):
    (path.parent / "other").touch()
    tg.save(path.parent / "new", NEW)
    assert (path.parent / "new").stat().st_mode == (path.parent / "other").stat().st_mode


def test_a_link_stays_and_what_it_leads_to_is_replaced(path):
    link = path.parent / "last"
    link.symlink_to(path.name)
    tg.save(link, NEW)
    assert link.is_symlink()
    assert tg.load(path)["step"] == tg.load(link)["step"] == 2


def test_a_link_to_nothing_makes_what_it_leads_to(path):
    link = path.parent / "last"
    link.symlink_to("first")
    tg.save(link, NEW)
    assert tg.load(path.parent / "first")["step"] == 2


def test_a_name_as_long_as_a_name_can_be(path):
    tg.save(path.parent / ("é" * 127), NEW)
    assert tg.load(path.parent / ("é" * 127))["step"] == 2


def test_a_name_without_a_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tg.save("state", NEW)
    assert tg.load(tmp_path / "state")["step"] == 2


def test_a_folder_and_what_is_no_ordinary_file_are_not_replaced(tmp_path):
    with pytest.raises(tg.CheckpointError, match="it is a directory; add the name of a file"):
        tg.save(tmp_path, NEW)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(tg.CheckpointError, match="no ordinary file"):
        tg.save(tmp_path / "pipe", NEW)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_write_protected_file_is_not_replaced(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be allowed everything
    with pytest.raises(tg.CheckpointError, match="write-protected"):
        tg.save(path, NEW)
    assert tg.load(path) == OLD


def test_a_folder_that_does_not_exist_and_links_in_a_circle_are_named(tmp_path):
    with pytest.raises(tg.CheckpointError, match=r"cannot save '.*no/state'.* No such file or directory: '[^']*no';"):
        tg.save(tmp_path / "no" / "state", NEW)
    (tmp_path / "file").touch()
    with pytest.raises(tg.CheckpointError, match=r"Not a directory: '[^']*file/state'"):
        tg.save(tmp_path / "file" / "state", NEW)
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(tg.CheckpointError, match="symbolic links"):
        tg.save(tmp_path / "circle", NEW)
    with pytest.raises(tg.CheckpointError, match="symbolic links"):
        tg.load(tmp_path / "circle")


def test_killed_at_any_moment_a_loadable_file_is_left():
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", "--times", "20"],
        cwd=Path(tg.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "20 of 20" in done.stdout.splitlines()[-1]


def test_without_safetensors_the_error_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        tg.save(path, NEW)
    with pytest.raises(ImportError, match="pip install safetensors"):
        tg.load(path)
