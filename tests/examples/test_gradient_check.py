"""The gradient check of the article's network: its table, what it says of four mistakes, its pictures, its options."""

import re

import numpy as np
import pytest

from models import checking, mistakes, reference
from tests.examples.test_command_line import assert_refused
from tests.examples.test_program import needs_dev_full, run_as_module
from tests.models.test_checking import ROW

DIAGNOSES = {
    "division": "is the division by the batch (of 4 rows) missing?",
    "slope": "the gradients of 2.weight and 2.bias are right, those of 0.weight and 0.bias, before them, wrong",
    "transpose": "the claimed gradient is the transpose of the numerical one: is a .T missing",
    "sign": "its sign is opposite",
}


def test_the_table_and_the_four_diagnoses(run, tmp_path, check_picture):
    outcome = run("gradient_check", "--out", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    table, *reports = re.split(r"\n\n\nmistake   ", outcome.out)
    assert table.startswith(
        "data      4 rows, 3 classes, seed 14\nnetwork   2-3-3 units, tanh and softmax\n\nparameter"
    )
    columns = np.array([row[3:] for row in ROW.findall(table)], float)
    assert columns.shape == (21, 3)
    assert np.ptp(columns, axis=1).max() < 1e-8
    assert [report.partition(":")[0] for report in reports] == list(DIAGNOSES)
    for report, (name, diagnosis) in zip(reports, DIAGNOSES.items()):
        wrong, right = mistakes.lines(mistakes.MISTAKES[name])
        assert f"\nwrong     {wrong}\nright     {right}\n\n" in report
        for other in DIAGNOSES.values():
            assert (other in report) == (other == diagnosis)
        assert report.rstrip("\n").endswith(f"wrote {tmp_path / f'{name}.png'}")
        check_picture(tmp_path / f"{name}.png")


def test_options_reach_the_check(run, tmp_path):
    options = ("--mistake", "division", "--rows", 7, "--seed", 3, "--out", tmp_path / "new" / "place")
    outcome = run("gradient_check", *options)
    assert outcome.status == 0
    assert "data      7 rows, 3 classes, seed 3\n" in outcome.out
    assert "is the division by the batch (of 7 rows) missing?" in outcome.out
    assert [path.name for path in (tmp_path / "new" / "place").iterdir()] == ["division.png"]
    assert run("gradient_check", *options) == outcome
    other = run("gradient_check", *options, "--seed", 4)
    assert ROW.findall(other.out) != ROW.findall(outcome.out)


def test_a_mistake_that_is_none_is_told_by_the_exit_status(run, tmp_path, monkeypatch):
    class NoMistake(reference.Network):
        """Nothing is wrong."""

        def _output_delta(self, u, t):
            delta = super()._output_delta(u, t)
            return delta  # noqa: RET504 - the line before the return is what is shown

    monkeypatch.setitem(mistakes.MISTAKES, "none", NoMistake)
    outcome = run("gradient_check", "--out", tmp_path, "--mistake", "none")
    assert outcome.status == 1
    assert "right: the gradient of 0.weight, 0.bias, 2.weight, 2.bias agrees in every element" in outcome.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rows", v) for v in ("0", "1", "-4", "301", "2.5", "many", "")]
    + [("--seed", v) for v in ("-1", "x", "4294967296")]
    + [("--mistake", v) for v in ("", "spelling")],
)
def test_values_out_of_range(run, tmp_path, option, value):
    got = repr(value) if option == "--mistake" else f"got {value!r}"
    assert_refused(run("gradient_check", f"{option}={value}", "--out", tmp_path), option, got)


def test_there_are_no_epochs(run, tmp_path):
    outcome = run("gradient_check", "--epochs", 3, "--out", tmp_path)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "--epochs" in outcome.err
    help_text = run("gradient_check", "--help").out
    assert "--epochs" not in help_text
    assert "--mistake {division,slope,transpose,sign}" in help_text


def test_a_place_that_cannot_be_written_to(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert_refused(run("gradient_check", "--out", file), "--out", str(file))


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=needs_dev_full)])
def test_a_picture_that_cannot_be_written(run, tmp_path, full):
    picture = tmp_path / "division.png"
    if full:
        picture.symlink_to("/dev/full")
    else:
        picture.mkdir()
    outcome = run("gradient_check", "--out", tmp_path)
    reason = "No space left on device" if full else "Is a directory"
    assert outcome.status == 2
    assert outcome.err == f"python -m examples.gradient_check: error: cannot write {picture}: {reason}\n"
    assert DIAGNOSES["division"] in outcome.out, "the report comes first"
    assert "wrote" not in outcome.out


def test_ctrl_c_between_two_mistakes(run, tmp_path, monkeypatch):
    check = checking.check

    def interrupted(model, x, labels, network=reference.Network):
        if network is mistakes.MissingSlope:
            raise KeyboardInterrupt
        return check(model, x, labels, network)

    monkeypatch.setattr(checking, "check", interrupted)
    outcome = run("gradient_check", "--out", tmp_path)
    assert outcome.status == 130
    assert outcome.err == "\nstopped by Ctrl-C before the end; only the pictures reported above were written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["division.png"]


def test_it_runs_as_a_module(tmp_path):
    done = run_as_module("gradient_check", "--mistake", "sign", "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"wrote {tmp_path / 'sign.png'}"
