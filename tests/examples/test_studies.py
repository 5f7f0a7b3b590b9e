"""Studies: what dropout_relu and optimizer_race print and write, and that no run is run twice."""

import csv
import re
import signal

import numpy as np
import pytest

import tinygrad_np as tg
from examples import dropout_relu, optimizer_race
from tinygrad_np.experiments.variants import Variant

QUICK = {
    "dropout_relu": ("--epochs", 2, "--seeds", 2, "--rows", 30),
    "optimizer_race": ("--epochs", 1, "--seeds", 2, "--optimizers", "adam,sgd"),
}
RUNS = {"dropout_relu": 6, "optimizer_race": 8}
EACH = pytest.mark.parametrize("name", QUICK)


@pytest.fixture
def counted(monkeypatch):
    """The seeds of the runs that are really run."""
    seeds = []

    def run(self, seed, *data, original=Variant.run):
        seeds.append(seed)
        return original(self, seed, *data)

    monkeypatch.setattr(Variant, "run", run)
    return seeds


@EACH
def test_finished_runs_are_not_run_again(run, tmp_path, counted, name):
    first = run(name, *QUICK[name], "--out", tmp_path)
    assert (first.status, first.err) == (0, "")
    assert len(counted) == RUNS[name]
    assert run(name, *QUICK[name], "--out", tmp_path) == first
    assert len(counted) == RUNS[name]
    more = run(name, *QUICK[name], "--seeds", 3, "--out", tmp_path)
    assert more.status == 0
    assert counted[RUNS[name] :] == [2] * (RUNS[name] // 2)


@EACH
def test_ctrl_c_keeps_the_runs_before(run, tmp_path, monkeypatch, counted, name):
    whole = run(name, *QUICK[name], "--out", tmp_path / "whole")

    def interrupting(self, seed, *data, original=Variant.run):
        if len(counted) == RUNS[name] + 2:
            signal.raise_signal(signal.SIGINT)
        return original(self, seed, *data)

    with monkeypatch.context() as patch:
        patch.setattr(Variant, "run", interrupting)
        stopped = run(name, *QUICK[name], "--out", tmp_path / "part")
    assert stopped.status == 130
    assert stopped.err.endswith("; run again, it goes on with those runs that have not finished\n")
    del counted[RUNS[name] :]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resumed = run(name, *QUICK[name], "--out", tmp_path / "part")
    assert len(counted) == 2 * RUNS[name] - 2
    assert resumed.out.replace("part", "whole") == whole.out


def test_dropout_relu_prints_its_rows_and_draws(run, tmp_path, check_picture):
    outcome = run("dropout_relu", "--epochs", 12, "--seeds", 3, "--rows", 100, "--out", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    assert "100 digits to train on, others for each seed, 1697 held out" in outcome.out
    rows = re.findall(r"^(\S.*?) +(\d+\.\d\d)% +(\S+ ± \S+)% +(\S+ ± \S+) +epoch (\d+)$", outcome.out, re.MULTILINE)
    assert [name for name, *_ in rows] == list(dropout_relu.NETWORKS)
    assert all(60 < float(accuracy.split()[0]) < 95 and 1 <= int(epoch) <= 12 for _, _, accuracy, _, epoch in rows)
    tanh, relu, dropped = (float(accuracy.split()[0]) for _, _, accuracy, _, _ in rows)
    change = float(re.search(r"accuracy  changes by (\S+) points", outcome.out)[1])
    assert change == pytest.approx(dropped - relu, abs=0.011)
    assert tanh != relu
    check_picture(tmp_path / "dropout_relu.png")


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ([1.0, 2.0, 1.5], "dropout helps here"),
        ([-1.0, -2.0, -1.5], "dropout does not help here, it harms"),
        ([-1.0, 2.0, 0.1], "no difference that these seeds can show"),
        ([1.0], "one seed says little"),
    ],
)
def test_the_verdict_is_honest(gains, said):
    assert dropout_relu._verdict(np.array(gains)) == said


def test_the_race_writes_tables_rows_and_figures(run, tmp_path, check_picture):
    outcome = run("optimizer_race", *QUICK["optimizer_race"], "--jobs", 2, "--out", tmp_path)
    assert (outcome.status, outcome.err) == (0, "")
    for name in ("article", "digits"):
        table = (tmp_path / f"{name}.txt").read_text()
        assert table in outcome.out
        assert re.search(r"final validation loss \(lower is better\)\noptimizer +mean .*\nadam .*\nsgd ", table)
        rows = list(csv.DictReader((tmp_path / f"{name}_rows.csv").read_text().splitlines()))
        assert [(row["optimizer"], row["seed"]) for row in rows] == [
            ("adam", "0"),
            ("adam", "1"),
            ("sgd", "0"),
            ("sgd", "1"),
        ]
        means = re.search(r"loss.*\n.*\nadam +(\S+)", table)
        assert float(means[1]) == pytest.approx(
            np.mean([float(r["final_validation_loss"]) for r in rows[:2]]), rel=1e-3
        )
        check_picture(tmp_path / f"{name}.png")


def test_every_optimizer_of_the_race_exists():
    for name in optimizer_race.RATES:
        assert issubclass(tg.optim.by_name(name), tg.optim.Optimizer)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("adam,momentun", "there is no optimizer 'momentun', did you mean 'momentum'?"),
        ("", "there is no optimizer ''"),
        ("adam,", "there is no optimizer ''"),
        ("sgd,adam,sgd", "must be different names, got 'sgd,adam,sgd'"),
    ],
)
def test_names_that_are_none(run, tmp_path, names, said):
    outcome = run("optimizer_race", f"--optimizers={names}", "--out", tmp_path)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"argument --optimizers: {said}" in outcome.err


@EACH
@pytest.mark.parametrize("option", ["--seeds=0", "--seeds=x", "--jobs=0", "--jobs=-1"])
def test_numbers_out_of_range(run, tmp_path, name, option):
    outcome = run(name, option, "--out", tmp_path)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"argument {option.split('=')[0]}: must be a whole number" in outcome.err


def test_the_folder_of_another_study_is_left_alone(run, tmp_path):
    options = (*QUICK["dropout_relu"], "--out", tmp_path)
    run("dropout_relu", *options)
    manifest = next(tmp_path.glob("*/study.json"))
    manifest.write_text(manifest.read_text().replace('"digest": "', '"digest": "other'))
    outcome = run("dropout_relu", *options)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.endswith("is the folder of another study; give another directory.\n")
