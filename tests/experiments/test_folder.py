"""A study on disk: runs that ended are not run again, and another study is refused."""

import csv
import json
import math
import os
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.experiments.problems import DATA, OPTIMIZERS, WILD, bits, make_model, study
from tinygrad_np.experiments.outcomes import Outcome


@pytest.fixture
def counted(monkeypatch):
    """The list of runs that took place, which are noted as they are kept."""
    from tinygrad_np.experiments.variants import Variant

    ran, run = [], Variant.run
    monkeypatch.setattr(
        Variant, "run", lambda self, seed, *data: ran.append((str(self), seed)) or run(self, seed, *data)
    )
    return ran


def files(folder):
    return {path.name: path.read_bytes() for path in (folder / "runs").iterdir()}


def test_runs_that_ended_are_not_run_again_and_more_seeds_may_be_added(tmp_path, counted):
    first = study(directory=tmp_path / "new" / "study", seeds=2)
    before = files(tmp_path / "new" / "study")
    assert len(counted) == len(before) == 6
    again = study(directory=tmp_path / "new" / "study", seeds=2)
    assert len(counted) == 6
    assert again.outcomes == first.outcomes
    more = study(directory=tmp_path / "new" / "study", seeds=3)
    assert [seed for _, seed in counted[6:]] == [2, 2, 2]
    assert before.items() <= files(tmp_path / "new" / "study").items()
    assert bits(more) == bits(study(seeds=3))


CALLS = []  # of the loss below: a function is known by its code, not by what it finds outside


def counting_loss(output, target):
    CALLS.append(None)
    if len(CALLS) == 100:
        raise KeyboardInterrupt
    return tg.softmax_cross_entropy(output, target)


def test_an_interrupted_study_goes_on_with_the_same_bits(tmp_path, counted, monkeypatch):
    monkeypatch.setattr("tests.experiments.test_folder.CALLS", [])
    first = study(directory=tmp_path, loss=counting_loss)
    assert first.interrupted
    assert 0 < len(first.outcomes) == len(files(tmp_path)) < 9
    ended = len(counted)
    second = study(directory=tmp_path, loss=counting_loss)
    assert not second.interrupted
    assert len(counted) - ended == 9 - len(first.outcomes)
    assert second.outcomes[: len(first.outcomes)] == first.outcomes
    assert bits(second) == bits(study())


def test_a_run_that_fails_keeps_those_before_it_and_is_named(tmp_path):
    calls = []

    def loss(output, target):
        calls.append(None)
        if len(calls) > 60:
            raise RuntimeError("the loss is broken")
        return tg.softmax_cross_entropy(output, target)

    with pytest.raises(RuntimeError, match="broken") as caught:
        study({"sgd": "sgd"}, directory=tmp_path, loss=loss)
    assert caught.value.__notes__ == [f"with optimizer=sgd, seed {len(files(tmp_path))}"]
    assert files(tmp_path)


def test_load_gives_the_study_back(tmp_path):
    found = study({"sgd": "sgd", "wild": WILD}, choices={"width": [2, 4]}, seeds=[3, 1], directory=tmp_path, target=0.6)
    loaded = tg.experiments.load(tmp_path, target=0.6)
    assert sorted(loaded.outcomes, key=repr) == sorted(found.outcomes, key=repr)
    assert [o.seed for o in loaded.outcomes] == [1, 3] * 4
    assert loaded.columns == found.columns
    assert str(loaded.table()) == str(found.table())
    assert {row["status"] for row in loaded.rows} == {"finished", "diverged"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"epochs": 5}, ["epochs: 4", "now 5"]),
        ({"batch_size": 12}, ["batch_size: 10"]),
        (
            {"optimizers": {"sgd": partial(tg.optim.SGD, lr=0.5)}},
            ["optimizers: {'sgd': tinygrad_np.optim.descent.SGD(lr=0.1)}", "SGD(lr=0.5)"],
        ),
        (
            {"make_model": lambda rng: tg.Sequential(tg.nn.Linear(3, 2, rng=rng))},
            ["make_model: make_model #", "<lambda> #"],
        ),
        ({"choices": {"width": [4]}}, ["choices: {}", "{'width': {4: 4}}"]),
        ({"loss": lambda output, target: tg.softmax_cross_entropy(output, target)}, ["loss: 'softmax_cross_entropy'"]),
        ({"metrics": ["accuracy"]}, ["metrics: None", "('accuracy')"]),
        ({"validation": 0.5}, ["validation: None", "now 0.5"]),
        ({"validation": DATA}, ["data: (float64 (48, 3) #"]),
    ],
)
def test_the_folder_of_another_study_is_refused_and_what_differs_is_named(tmp_path, given, named):
    optimizers = {"sgd": partial(tg.optim.SGD, lr=0.1)}
    study(optimizers, directory=tmp_path, seeds=1)
    before = files(tmp_path)
    with pytest.raises(ValueError, match="is the folder of another study; give another directory") as caught:
        study(**({"optimizers": optimizers} | given), directory=tmp_path, seeds=2)
    assert [text for text in named if text not in str(caught.value)] == []
    assert files(tmp_path) == before


def test_a_changed_number_in_the_data_is_another_study(tmp_path):
    X, y = DATA
    run = partial(tg.experiments.compare, make_model, optimizers=["sgd"], epochs=1, seeds=1, progress=False)
    run(data=(X, y), directory=tmp_path)
    run(data=(X.copy(order="F"), y.tolist() and y.copy()), directory=tmp_path)
    with pytest.raises(ValueError, match="another study"):
        run(data=(np.nextafter(X, 9), y), directory=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"choices": {}}', '{"choices": 1, "seed": 0}', "wrong seed"])
def test_a_damaged_run_is_named_with_what_to_do(tmp_path, text):
    study(["sgd"], directory=tmp_path, seeds=2)
    first, second = sorted((tmp_path / "runs").iterdir())
    first.write_text(second.read_text() if text == "wrong seed" else text)
    with pytest.raises(tg.CheckpointError, match=r"seed-0.json.*delete it to have it run again"):
        study(["sgd"], directory=tmp_path, seeds=2)
    first.unlink()
    assert len(study(["sgd"], directory=tmp_path, seeds=2).outcomes) == 2


@pytest.mark.parametrize("text", [None, "", "[1]", '{"format": 99}', '{"format": 1}'])
def test_what_is_no_study_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(tg.CheckpointError, match="study"):
        tg.experiments.load(tmp_path)
    if text is not None:
        with pytest.raises(tg.CheckpointError, match="study"):
            study(["sgd"], directory=tmp_path, seeds=1)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, counted):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(tg.CheckpointError, match=r"cannot save a study into .*; choose another folder"):
            study(directory=path)
    assert not counted


def test_a_run_that_cannot_be_written_says_so_and_those_before_are_kept(tmp_path, monkeypatch):
    from tinygrad_np.experiments import folder

    replace = folder.replace

    def full(path, data):
        if "seed-1" in os.path.basename(path):
            raise OSError(28, "No space left on device")
        replace(path, data)

    monkeypatch.setattr(folder, "replace", full)
    with pytest.raises(tg.CheckpointError, match="No space left on device; those before it are kept"):
        study(["sgd"], directory=tmp_path)
    assert len(files(tmp_path)) == 1


def test_labels_that_differ_in_signs_that_no_file_name_has_are_told_apart(tmp_path):
    labels = {"a/b": "sgd", "a?b": "sgd", "../../up": "sgd", "ä" * 300: "sgd", 1: "sgd", "1": "adam"}
    found = study(labels, directory=tmp_path, seeds=1, epochs=1)
    assert len(files(tmp_path)) == len(labels)
    assert tg.experiments.load(tmp_path).outcomes == found.outcomes


def test_every_number_comes_back_and_the_file_is_strict_json():
    rows = [{"epoch": 1, "loss": math.inf, "accuracy": math.nan, "lr": 0.1 + 0.2, "seconds": 5e-324}]
    outcome = Outcome({"optimizer": "a", "width": 8, "p": 0.5, "x": None, "b": True}, 10**30, rows)
    text = outcome.to_json()
    json.loads(text, parse_constant=pytest.fail)
    again = Outcome.from_json(text)
    assert repr(again) == repr(outcome)


def test_rows_and_curves_go_into_csv_and_json_lines(tmp_path):
    labels = {'with "quotes", commas\nand lines': "sgd", "wild": WILD}
    found = study(
        labels, choices={"width": [2]}, seeds=2, target=0.01, metrics={"odd": lambda output, target: math.nan}
    )
    for what, rows in (("rows", found.rows), ("curves", found.curves)):
        found.to_csv(tmp_path / "table.csv", what)
        found.to_json_lines(tmp_path / "table.jsonl", what)
        with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        assert read == [{name: "" if v is None else str(v) for name, v in row.items()} for row in rows]
        lines = (tmp_path / "table.jsonl").read_text().splitlines()
        read = [json.loads(line, parse_constant=pytest.fail) for line in lines]
        assert read == [{name: "nan" if v != v else v for name, v in row.items()} for row in rows]
    with pytest.raises(ValueError, match="did you mean 'curves'"):
        found.to_csv(tmp_path / "table.csv", "curve")
    with pytest.raises(OSError, match="directory"):
        found.to_csv(tmp_path)


def test_the_order_of_optimizers_and_choices_does_not_make_another_study(tmp_path, counted):
    choices = {"width": [2, 4], "p": [0.0, 0.5]}
    first = study(OPTIMIZERS, directory=tmp_path, choices=choices, seeds=1)
    turned = {name: options[::-1] for name, options in reversed(choices.items())}
    again = study(dict(reversed(OPTIMIZERS.items())), directory=tmp_path, choices=turned, seeds=1)
    assert len(counted) == 12
    assert again.choices == ["optimizer", "p", "width"]
    assert again.rows[0] == first.rows[-1]
    assert {tuple(row)[:3] for row in again.rows} == {("optimizer", "p", "width")}
