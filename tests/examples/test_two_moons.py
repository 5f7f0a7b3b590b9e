"""The two-moons example: both networks judged on both parts of the data, and one picture."""

import re

import pytest


def test_the_report_and_the_picture(run, tmp_path, check_picture):
    outcome = run("two_moons", "--epochs", 20, "--out", tmp_path)
    assert outcome.status == 0
    assert outcome.err == ""
    assert "300 points to train on, 1000 held out, noise 0.2" in outcome.out
    rows = re.findall(r"^(2-\d+-2)" + r" +(\d+\.\d\d)% +(\d\.\d{4})" * 2 + "$", outcome.out, re.MULTILINE)
    assert [row[0] for row in rows] == ["2-3-2", "2-20-2"]
    (_, small, _, small_unseen, _), (_, large, _, large_unseen, _) = rows
    assert min(map(float, (small, large, small_unseen, large_unseen))) > 80
    gains = re.search(r"([-+]\d+\.\d\d) points in training and ([-+]\d+\.\d\d) points held out", outcome.out)
    assert float(gains[1]) == pytest.approx(float(large) - float(small), abs=0.011)
    assert float(gains[2]) == pytest.approx(float(large_unseen) - float(small_unseen), abs=0.011)
    assert outcome.out.splitlines()[-1] == f"wrote {tmp_path / 'regions.png'}"
    check_picture(tmp_path / "regions.png")


def test_one_seed_prints_the_same(run, tmp_path):
    options = ("--epochs", 2, "--noise", 0.3, "--out", tmp_path)
    first, again = run("two_moons", *options), run("two_moons", *options)
    assert first == again
    assert first.out.splitlines()[5:] != run("two_moons", *options, "--seed", 9).out.splitlines()[5:]


@pytest.mark.parametrize("noise", ["-0.1", "nan", "inf", "much"])
def test_noise_that_is_none(run, tmp_path, noise):
    outcome = run("two_moons", f"--noise={noise}", "--out", tmp_path)
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert f"argument --noise: must be a number from 0 to 10, got '{noise}'" in outcome.err
