"""What all examples share: options with limits, one-line errors, divergence, the progress bar."""

import io
import sys

import pytest

from examples import three_class, training

ALL = ["three_class", "two_moons", "xor", "digits", "regression", "dropout_relu", "optimizer_race"]
EXAMPLES = pytest.mark.parametrize("name", ALL)


def assert_refused(outcome, option, got):
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert f"error: argument {option}: " in outcome.err
    assert got in outcome.err


@EXAMPLES
@pytest.mark.parametrize(
    ("option", "value"),
    [("--epochs", v) for v in ("0", "-5", "2.5", "many", "", "1e3", "99999999999")]
    + [("--seed", v) for v in ("-1", "x", "1.5", "4294967296")],
)
def test_whole_numbers_out_of_range(run, tmp_path, name, option, value):
    assert_refused(run(name, f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--lr", v) for v in ("nan", "inf", "-1", "0", "fast", "")]
    + [("--momentum", v) for v in ("1.5", "1", "-0.1", "nan", "some")]
    + [("--hidden", v) for v in ("0", "-3", "2.5", "1001", "x")],
)
def test_numbers_out_of_range(run, tmp_path, option, value):
    assert_refused(run("three_class", f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")
    if option != "--momentum":
        assert_refused(run("digits", f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")
        assert_refused(run("regression", f"{option}={value}", "--out", tmp_path), option, f"got {value!r}")


def test_the_ends_of_the_ranges_are_allowed(run, tmp_path):
    options = ("--epochs", 1, "--seed", 2**32 - 1, "--momentum", 0, "--hidden", 1, "--out", tmp_path)
    assert run("three_class", *options).status == 0


def test_options_that_do_not_exist_or_do_not_fit(run, tmp_path):
    assert_refused(run("three_class", "--optimizer", "lbfgs", "--out", tmp_path), "--optimizer", "'lbfgs'")
    options = ("--optimizer", "adam", "--momentum", 0.5, "--out", tmp_path)
    assert_refused(run("three_class", *options), "--momentum", "adam has none")
    outcome = run("three_class", "--colour", "red")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "--colour" in outcome.err


@EXAMPLES
def test_a_place_that_cannot_be_written_to(run, tmp_path, name):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert_refused(run(name, "--out", file), "--out", str(file))
    assert_refused(run(name, "--out", file / "below"), "--out", str(file / "below"))


@EXAMPLES
def test_help_shows_options_and_defaults(run, name):
    outcome = run(name, "--help")
    assert outcome.status == 0
    assert "--epochs" in outcome.out
    assert "(default: " in outcome.out


def test_help_documents_the_file_format(run):
    help_text = run("three_class", "--help").out
    assert "height,width,species" in help_text
    assert "header line that names three columns" in help_text


@pytest.mark.parametrize("optimizer", three_class.RATES)
def test_a_training_that_diverges_ends_with_its_epoch(run, tmp_path, optimizer):
    outcome = run("three_class", "--lr", 1e308, "--optimizer", optimizer, "--epochs", 3, "--out", tmp_path)
    assert outcome.status == 1
    assert outcome.err.endswith(": error: the loss of autodiff is no number any more in epoch 1; try a smaller --lr\n")
    assert outcome.err.count("\n") == 1
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
