"""The three-class example: its printed numbers, its pictures, its options."""

import re

import numpy as np
import pytest

from examples import datasets, figures

REPORT = re.compile(
    r"data      300 rows to train on, 1000 held out, 3 classes\n"
    r"network   2-3-3 units, tanh and softmax\n"
    r"training  momentum, lr 0\.5, momentum 0\.1, \d+ epochs, seed \d+\n"
    r"\n"
    r" +autodiff +hand-derived\n"
    r"final loss +(?P<loss>\d\.\d{6}) +(?P=loss)\n"
    r"training accuracy +(?P<training>\d+\.\d\d)% +(?P=training)%\n"
    r"held-out accuracy +(?P<held_out>\d+\.\d\d)% +(?P=held_out)%\n"
    r"\n"
    r"largest gradient difference +(?P<gradients>\d\.\de-\d\d)  \(gradients are up to \d\.\d+\)\n"
    r"largest loss-curve difference +(?P<curves>\d\.\de[-+]\d\d)\n"
    r"\n"
    r"(wrote .+\n){3}"
)


def test_the_report_and_the_pictures(run, tmp_path, check_picture):
    outcome = run("three_class", "--epochs", 20, "--out", tmp_path)
    assert outcome.status == 0
    assert outcome.err == "", "the progress bar is for terminals"
    report = REPORT.fullmatch(outcome.out)
    assert report, outcome.out
    assert 0 < float(report["loss"]) < 0.3
    assert 85 < float(report["training"]) <= 100
    assert 85 < float(report["held_out"]) <= 100
    assert float(report["gradients"]) < 1e-13
    assert float(report["curves"]) < 1e-12
    paths = [tmp_path / f"{name}.png" for name in ("data", "loss", "regions")]
    assert outcome.out.splitlines()[-3:] == [f"wrote {path}" for path in paths]
    for path in paths:
        check_picture(path)


def test_one_seed_prints_the_same_and_draws_the_same(run, tmp_path):
    first = run("three_class", "--epochs", 3, "--seed", 5, "--out", tmp_path)
    pictures = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    again = run("three_class", "--epochs", 3, "--seed", 5, "--out", tmp_path)
    other = run("three_class", "--epochs", 3, "--seed", 6, "--out", tmp_path / "other")
    assert first == again
    assert pictures == [path.read_bytes() for path in sorted(tmp_path.glob("*.png"))]
    assert first.out.splitlines()[5:8] != other.out.splitlines()[5:8]


def test_numpys_global_random_state_is_left_alone(run, tmp_path):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - the global state, which must not matter
    run("three_class", "--epochs", 1, "--out", tmp_path)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - the global state, which must not matter


@pytest.mark.parametrize(("optimizer", "lr", "curves"), [("sgd", "0.5", True), ("adam", "0.01", False)])
def test_other_optimizers(run, tmp_path, optimizer, lr, curves):
    """Plain SGD is the article's rule without momentum, so the curves compare; for Adam the gradients still do."""
    outcome = run("three_class", "--optimizer", optimizer, "--epochs", 5, "--out", tmp_path)
    assert outcome.status == 0
    assert f"training  {optimizer}, lr {lr}, 5 epochs" in outcome.out
    gradients = re.search(r"largest gradient difference +(\S+)", outcome.out)
    assert float(gradients[1]) < 1e-13
    difference = re.search(r"largest loss-curve difference +(\S+)", outcome.out)
    assert bool(difference) == ("hand-derived" in outcome.out) == curves
    assert not curves or float(difference[1]) < 1e-12


def test_options_reach_the_training(run, tmp_path):
    options = ("--epochs", 4, "--lr", 0.1, "--momentum", 0.8, "--hidden", 5, 4, "--out", tmp_path / "new" / "place")
    outcome = run("three_class", *options)
    assert outcome.status == 0
    assert "network   2-5-4-3 units" in outcome.out
    assert "momentum, lr 0.1, momentum 0.8, 4 epochs" in outcome.out
    assert (tmp_path / "new" / "place" / "regions.png").exists()
    losses = {out: re.search(r"final loss +(\S+)", out)[1] for out in (outcome.out,)}
    slower = run("three_class", *options, "--lr", 0.001)
    assert re.search(r"final loss +(\S+)", slower.out)[1] > losses[outcome.out]


def test_curves_that_rounding_drives_apart_are_explained(run, tmp_path):
    """With this seed and so large a step, training is chaotic: the report says so and from which epoch on."""
    outcome = run("three_class", "--seed", 3, "--lr", 2, "--epochs", 150, "--out", tmp_path)
    assert outcome.status == 0
    assert float(re.search(r"largest loss-curve difference +(\S+)", outcome.out)[1]) > 1e-8
    assert re.search(r"above 1e-08 only from epoch \d+ on: .* chaotic", outcome.out)


def test_held_out_rows_come_from_the_same_clusters_and_are_others():
    split = datasets.three_classes(14)
    for label in range(3):
        seen = split.training.x[split.training.labels == label]
        unseen = split.held_out.x[split.held_out.labels == label]
        assert (np.abs(seen.mean(axis=0) - unseen.mean(axis=0)) < 0.3).all()
    assert not set(map(tuple, split.training.x)) & set(map(tuple, split.held_out.x))


def test_a_region_that_is_predicted_nowhere_is_not_drawn(tmp_path):
    samples = datasets.three_classes(0).training
    path = tmp_path / "regions.png"
    with figures.picture(path) as axes:
        figures.draw_regions(axes, samples, lambda x: np.tile([0.0, 1.0, 0.5], (len(x), 1)), 0.5, "one class")
    assert path.exists()
