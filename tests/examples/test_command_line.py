"""What all examples share: options with limits, one-line errors, Ctrl-C, divergence, the progress bar."""

import importlib
import importlib.util
import io
import subprocess
import sys
from pathlib import Path

import pytest

import examples
from examples import three_class, training, two_moons, xor
from models import article

ROOT = Path(examples.__file__).parent.parent
MAINS = pytest.mark.parametrize("main", [three_class.main, two_moons.main, xor.main], ids=["three", "moons", "xor"])


@pytest.mark.parametrize("name", ["three_class", "two_moons", "xor"])
def test_each_runs_as_a_module(name, tmp_path):
    command = [sys.executable, "-W", "error", "-m", f"examples.{name}", "--epochs", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(f"wrote {tmp_path}")


def assert_refused(outcome, option, got):
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert f"error: argument {option}: " in outcome.err
    assert got in outcome.err


@MAINS
@pytest.mark.parametrize(
    ("option", "value"),
    [("--epochs", v) for v in ("0", "-5", "2.5", "many", "", "1e3", "99999999999")]
    + [("--seed", v) for v in ("-1", "x", "1.5", "4294967296")],
)
def test_whole_numbers_out_of_range(run, tmp_path, main, option, value):
    assert_refused(run(main, f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--lr", v) for v in ("nan", "inf", "-1", "0", "fast", "")]
    + [("--momentum", v) for v in ("1.5", "1", "-0.1", "nan", "some")]
    + [("--hidden", v) for v in ("0", "-3", "2.5", "1001", "x")],
)
def test_numbers_out_of_range(run, tmp_path, option, value):
    assert_refused(run(three_class.main, f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")


def test_the_ends_of_the_ranges_are_allowed(run, tmp_path):
    options = ("--epochs", 1, "--seed", 2**32 - 1, "--momentum", 0, "--hidden", 1, "--out", tmp_path)
    assert run(three_class.main, *options).status == 0


def test_options_that_do_not_exist_or_do_not_fit(run, tmp_path):
    assert_refused(run(three_class.main, "--optimizer", "lbfgs", "--out", tmp_path), "--optimizer", "'lbfgs'")
    options = ("--optimizer", "adam", "--momentum", 0.5, "--out", tmp_path)
    assert_refused(run(three_class.main, *options), "--momentum", "adam has none")
    outcome = run(three_class.main, "--colour", "red")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "--colour" in outcome.err


@MAINS
def test_a_place_that_cannot_be_written_to(run, tmp_path, main):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert_refused(run(main, "--out", file), "--out", str(file))
    assert_refused(run(main, "--out", file / "below"), "--out", str(file / "below"))


@MAINS
def test_help_shows_options_and_defaults(run, main):
    outcome = run(main, "--help")
    assert outcome.status == 0
    assert "--epochs" in outcome.out
    assert "(default: " in outcome.out


def test_help_documents_the_file_format(run):
    help_text = run(three_class.main, "--help").out
    assert "height,width,species" in help_text
    assert "header line that names three columns" in help_text


@MAINS
def test_ctrl_c_ends_with_a_short_message(run, tmp_path, monkeypatch, main):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(article, "train_epoch", interrupted)
    outcome = run(main, "--out", tmp_path)
    assert outcome.status == 130
    assert outcome.err == "\nstopped before the end; no picture was written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("optimizer", three_class.RATES)
def test_a_training_that_diverges_ends_with_its_epoch(run, tmp_path, optimizer):
    outcome = run(three_class.main, "--lr", 1e308, "--optimizer", optimizer, "--epochs", 3, "--out", tmp_path)
    assert outcome.status == 1
    assert outcome.err == "error: the loss of autodiff is no number any more in epoch 1; try a smaller --lr\n"
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_stops_the_training():
    losses = iter([0.5, 0.4, float("nan"), 0.3])
    with pytest.raises(training.DivergenceError, match="epoch 3"):
        training.fit("net", 4, lambda: next(losses), lambda: 1.0)
    assert next(losses) == 0.3


def test_the_progress_bar_shows_loss_and_accuracy_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    history = training.fit("net", 3, lambda: 0.25, lambda: 0.5)
    shown = terminal.getvalue()
    assert "net: 100%" in shown
    assert "3/3" in shown
    assert "accuracy=50.0%" in shown
    assert "loss=0.2500" in shown
    assert history.losses.tolist() == [0.25] * 3
    assert history.accuracies.tolist() == [0.5] * 3


def test_missing_packages_are_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tqdm" else object())
    with pytest.raises(SystemExit, match=r"need tqdm; install with: pip install -e '\.\[examples\]'"):
        importlib.reload(examples)
