"""Runs by the Trainer: digits and regression print what they found, and resumed equal uninterrupted."""

import re
import shutil
import signal

import numpy as np
import pytest

import tinygrad_np as tg
from examples import datasets, digits, program, regression

EACH = pytest.mark.parametrize("name", ["digits", "regression"])
PICTURES = {"digits": ["confusion.png", "curves.png", "wrong.png"], "regression": ["regression.png"]}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """``begun(name, directory)``: put the file of a run of two epochs there."""
    folder = tmp_path_factory.mktemp("begun")

    def copy(name, directory):
        if not (folder / name).exists():
            assert program.run(name, ["--epochs", "2", "--out", str(folder / name)]) == 0
        shutil.copy(folder / name / "last.safetensors", directory)

    return copy


def state(path):
    saved = tg.load(path)
    for row in saved["trainer"]["history"]["rows"]:
        del row["seconds"]
    return saved


# -- digits ------------------------------------------------------------------------------------------


def test_digits_are_read_as_well_as_they_should_be(run, tmp_path, check_picture):
    outcome = run("digits", "--epochs", 15, "--out", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert "data      1258 digits to train on, 180 to validate with, 359 held out\nnetwork   64-256-10" in outcome.out
    accuracies = re.search(r"^accuracy +(\S+)% +(\S+)% +(\S+)%$", outcome.out, re.MULTILINE)
    assert min(map(float, accuracies.groups())) > 96
    wrong = int(re.search(r"^(\d+) of 359 held-out digits", outcome.out, re.MULTILINE)[1])
    assert float(accuracies[3]) == pytest.approx(100 * (1 - wrong / 359), abs=0.006)
    assert outcome.out.splitlines()[-3:] == [
        f"wrote {tmp_path / name}.png" for name in ("curves", "confusion", "wrong")
    ]
    check_picture(tmp_path / "curves.png")
    check_picture(tmp_path / "confusion.png")
    assert (tmp_path / "wrong.png").exists()


def test_the_three_parts_share_no_digit_and_have_their_share_of_each():
    parts = datasets.split_digits(3)
    rows = [set(map(bytes, part.x)) for part in (parts.training, parts.validation, parts.held_out)]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]
    assert sum(map(len, rows)) == 1797
    assert parts.training.x.max() == 1
    for part, share in ((parts.training, 0.7), (parts.validation, 0.1), (parts.held_out, 0.2)):
        assert np.abs(np.bincount(part.y) / (share * np.bincount(datasets.digits().y)) - 1).max() < 0.1


def test_no_digit_or_many_are_wrong(tmp_path, check_picture):
    held_out = datasets.split_digits(0).held_out
    history = tg.History()
    for epoch in (1, 2):
        losses = {"loss": 1.0, "validation_loss": 0.5, "accuracy": 0.5, "validation_accuracy": 0.75}
        history.append({"epoch": epoch, **losses})
    digits._draw(tmp_path, history, held_out, held_out.y)
    assert (tmp_path / "wrong.png").exists()
    digits._draw(tmp_path, history, held_out, (held_out.y + 1) % 10)
    check_picture(tmp_path / "wrong.png")


# -- regression --------------------------------------------------------------------------------------

ROW = re.compile(r"^(linear regression|ridge, penalty \S+|network, \w+ \w+) +(-?\d\.\d{3}) +(\d+\.\d)$", re.MULTILINE)


def test_regression_stops_early_and_stands_beside_linear_models(run, tmp_path, check_picture):
    outcome = run("regression", "--loss", "huber", "--out", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert "data      266 patients to train on, 88 to validate with, 88 held out" in outcome.out
    done, best = map(int, re.search(r"after (\d+) epochs, with the weights of epoch (\d+)", outcome.out).groups())
    assert done == best + regression.PATIENCE < 500
    rows = ROW.findall(outcome.out)
    assert [name.split(",")[0] for name, *_ in rows] == ["linear regression", "ridge", "network"]
    assert rows[-1][0] == "network, Huber loss"
    assert all(0.45 < float(r2) < 0.6 and 40 < float(error) < 50 for _, r2, error in rows)
    assert "r² changes by" in outcome.out
    check_picture(tmp_path / "regression.png")
    saved = (tmp_path / "last.safetensors").read_bytes()
    assert run("regression", "--loss", "huber", "--resume", "--out", tmp_path) == outcome, (
        "it has stopped: no more epochs"
    )
    assert (tmp_path / "last.safetensors").read_bytes() == saved


def test_a_network_that_is_off_by_powers_of_ten_keeps_its_columns(run, tmp_path):
    outcome = run("regression", "--lr", 1e10, "--epochs", 2, "--out", tmp_path)
    assert re.search(r"^network, squared error +-\d\.\d\de\+\d+ +\d\.\d\de\+\d+$", outcome.out, re.MULTILINE)
    assert max(map(len, outcome.out.splitlines())) < 120


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.1, 0.2, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "no difference")]
)
def test_the_verdict_is_that_of_the_interval(low, high, said):
    assert said in regression._verdict(low, high)


# -- both --------------------------------------------------------------------------------------------


@EACH
def test_stopped_by_ctrl_c_and_resumed_equals_uninterrupted(run, tmp_path, monkeypatch, name):
    whole = run(name, "--epochs", 4, "--hidden", 12, 8, "--out", tmp_path / "whole")
    calls = []

    def interrupting_save(path, saved, save=tg.save):
        save(path, saved)
        calls.append(path)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(tg, "save", interrupting_save)
    stopped = run(name, "--epochs", 4, "--hidden", 12, 8, "--out", tmp_path / "part")
    assert stopped.status == 130
    assert stopped.err.endswith("were written; with --resume it goes on after epoch 2\n")
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["last.safetensors"]
    resumed = run(name, "--epochs", 4, "--hidden", 12, 8, "--resume", "--out", tmp_path / "part")
    assert resumed.out.replace("part", "whole") == whole.out
    np.testing.assert_equal(state(tmp_path / "part/last.safetensors"), state(tmp_path / "whole/last.safetensors"))
    for picture in PICTURES[name]:
        assert (tmp_path / "whole" / picture).read_bytes() == (tmp_path / "part" / picture).read_bytes()


@EACH
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seed", 1], "is a run with --seed 0, not --seed 1; give the same options, or leave out --resume"),
        (["--hidden", 8, 9], "not --hidden 8 9; give the same"),
        (["--optimizer", "sgd"], "is a run with --optimizer adam, not --optimizer sgd"),
        (["--epochs", 1], "has had 2 epochs already"),
    ],
)
def test_a_run_that_is_another_is_not_gone_on_with(run, tmp_path, name, begun, options, said):
    begun(name, tmp_path)
    saved = (tmp_path / "last.safetensors").read_bytes()
    outcome = run(name, "--epochs", 2, *options, "--resume", "--out", tmp_path)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert said in outcome.err
    assert (tmp_path / "last.safetensors").read_bytes() == saved


def other_file(path):
    tg.save(path, {"weights": np.zeros(3)})


@EACH
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "argument --resume: there is no "),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "cannot load "),
        (lambda path: path.write_text("not a checkpoint"), "cannot load "),
        (other_file, "argument --resume: cannot go on from "),
    ],
)
def test_a_file_that_is_none(run, tmp_path, name, begun, spoil, said):
    begun(name, tmp_path)
    spoil(tmp_path / "last.safetensors")
    outcome = run(name, "--epochs", 3, "--resume", "--out", tmp_path)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert said in outcome.err


@EACH
def test_a_training_that_diverges(run, tmp_path, name):
    outcome = run(name, "--lr", 1e308, "--optimizer", "sgd", "--epochs", 3, "--out", tmp_path)
    assert outcome.status == 1
    assert outcome.err.endswith(": error: the loss is no number any more in epoch 1; try a smaller --lr\n")


@EACH
def test_a_disk_that_is_full(run, tmp_path, monkeypatch, name):
    def fail(path, _):
        raise tg.CheckpointError(f"cannot save {path}: No space left on device")

    monkeypatch.setattr(tg, "save", fail)
    outcome = run(name, "--epochs", 1, "--out", tmp_path)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "No space left on device" in outcome.err
