"""The XOR example: at least nine of ten seeds learn it, and the table says so honestly."""

import re

import numpy as np

from examples import training

ROW = re.compile(r"^ +(\d+) +(\d+)% +(\d+|-) +(\d+\.\d{6})$", re.MULTILINE)


def test_nine_of_ten_seeds_learn_xor(run, tmp_path, check_picture):
    outcome = run("xor", "--epochs", 400, "--out", tmp_path)
    assert outcome.status == 0
    assert outcome.err == ""
    rows = ROW.findall(outcome.out)
    assert [int(seed) for seed, *_ in rows] == list(range(10))
    learned = [row for row in rows if row[1] == "100"]
    assert len(learned) >= 9
    assert all(1 < int(needed) <= 400 and float(loss) < 0.1 for _, _, needed, loss in learned)
    assert f"{len(learned)} of 10 seeds learn XOR" in outcome.out
    assert outcome.out.splitlines()[-1] == f"wrote {tmp_path / 'xor.png'}"
    check_picture(tmp_path / "xor.png")


def test_seeds_that_do_not_learn_are_counted_as_such(run, tmp_path, check_picture):
    outcome = run("xor", "--epochs", 3, "--seed", 20, "--out", tmp_path)
    assert outcome.status == 0
    rows = ROW.findall(outcome.out)
    assert [row[0] for row in rows] == [str(seed) for seed in range(20, 30)]
    assert {row[2] for row in rows} == {"-"}
    assert "0 of 10 seeds learn XOR" in outcome.out
    check_picture(tmp_path / "xor.png")


def test_epochs_needed_count_from_the_last_wrong_one():
    def needed(*accuracies):
        return training.History(np.zeros(len(accuracies)), np.array(accuracies)).epochs_needed

    assert needed(1, 1) == 1
    assert needed(0.5, 1, 0.75, 1, 1) == 4
    assert needed(0.5, 1, 0.75) is None
