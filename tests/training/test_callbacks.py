"""Callbacks: functions, EarlyStopping, Checkpoints."""

import math
import os

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, plain, trainer, whole


def play(callback, values, column="validation_loss", run=None):
    """Have a callback see ``values`` of a column; the epochs in which it asks to stop."""
    run = run or trainer()
    callback.start(run, ["epoch", "loss", column])
    stopped = []
    for epoch, value in enumerate(values, 1):
        row = {"epoch": epoch, "loss": 0.0, column: value}
        run.model.parameters()[0].data = np.full_like(run.model.parameters()[0].data, epoch)
        if callback(run, row):
            stopped.append(epoch)
    callback.finish(run)
    return stopped, float(run.model.parameters()[0].data.ravel()[0])


@pytest.mark.parametrize(
    ("options", "values", "stopped", "best"),
    [
        ({"patience": 2}, [5, 4, 3, 3, 3, 3], [5, 6], 3),
        ({"patience": 1}, [1, 2, 0], [2], 3),
        ({"patience": 3}, [5, 6, 4, 7, 5, 3.5], [], 6),
        ({"patience": 1, "min_delta": 0.5}, [2.0, 1.75, 1.25], [2], 3),
        ({"patience": 2, "mode": "max"}, [1, 2, 1, 1, 3], [4], 5),
        ({"patience": 2}, [math.nan, 3, math.nan, math.nan], [4], 2),
        ({"patience": 2}, [math.nan, math.nan], [2], 2),  # nothing to restore
        ({"patience": 1, "restore": False}, [1, 2], [2], 2),
        ({"patience": 1}, [-1, -2, -2], [3], 2),
    ],
)
def test_early_stopping_counts_and_restores(options, values, stopped, best):
    assert play(tg.EarlyStopping(**options), values) == (stopped, best)


def test_early_stopping_knows_which_way_is_better():
    assert play(tg.EarlyStopping("validation_accuracy", 1), [0.5, 0.75, 0.5], "validation_accuracy") == ([3], 2)
    stopping = tg.EarlyStopping("validation_mean_squared_error", 1)
    assert play(stopping, [0.5, 0.75], "validation_mean_squared_error") == ([2], 1)
    assert (stopping.value, stopping.epoch) == (0.5, 1)
    with pytest.raises(ValueError, match='give mode="max" or mode="min"'):
        tg.EarlyStopping("zeal").start(trainer(), ["loss", "zeal"])
    with pytest.raises(ValueError, match="did you mean 'validation_loss'"):
        tg.EarlyStopping("valid_loss").start(trainer(), ["loss", "validation_loss"])


def test_early_stopping_ends_a_fit_with_the_best_of_its_weights_and_of_the_average():
    run, seen = trainer(), {}

    def note(run, row):
        seen[row["validation_loss"]] = run.model.state_dict(), run.average.state_dict()

    stopping = tg.EarlyStopping(patience=2)
    history = run.fit(X, Y, 100, validation=0.2, callbacks=[note, stopping])
    assert len(history) < 100
    best = min(history["validation_loss"])
    assert (stopping.value, stopping.epoch) == (best, 1 + history["validation_loss"].argmin())
    model, average = seen[best]
    assert bits(run.average) == bits(average)
    arrays = {name: value for name, value in model.items() if isinstance(value, np.ndarray)}
    assert bits({name: run.model.state_dict()[name] for name in arrays}) == bits(arrays)
    assert "1.running_mean" in arrays


def test_early_stopping_begins_anew_with_a_fresh_trainer_and_goes_on_with_the_same():
    stopping = tg.EarlyStopping("loss", patience=2)
    play(stopping, [0.0, 1.0], "loss")
    assert stopping.value == 0.0
    run = trainer()
    run.fit(X, Y, 1, callbacks=[stopping])
    assert stopping.value == run.history["loss"][0]
    run.fit(X, Y, 1, callbacks=[stopping])
    assert stopping.value == min(run.history["loss"])


def test_checkpoints_keep_the_last_and_the_best(tmp_path):
    run, states = trainer(), {}

    def note(run, row):
        states[row["epoch"]] = bits(run)

    folder = tmp_path / "runs" / "first"
    history = run.fit(X, Y, 8, validation=0.2, callbacks=[note, tg.Checkpoints(folder)])
    assert sorted(os.listdir(folder)) == ["best.safetensors", "last.safetensors"]
    for name, epoch in (("last", 8), ("best", 1 + history["validation_loss"].argmin())):
        other = trainer()
        other.load(folder / f"{name}.safetensors")
        assert bits(other) == states[epoch]


def test_checkpoints_of_a_resumed_run_keep_the_best_of_before(tmp_path):
    def saving():
        return tg.Checkpoints(tmp_path, monitor="loss", mode="max")  # so that the first epoch is the best

    first, second = trainer(), trainer()
    first.fit(X, Y, 2, callbacks=[saving()])
    best = (tmp_path / "best.safetensors").read_bytes()
    second.load(tmp_path / "last.safetensors")
    second.fit(X, Y, 6, callbacks=[saving()])
    assert second.history["loss"].argmax() == 0
    assert (tmp_path / "best.safetensors").read_bytes() == best
    trainer().fit(X, Y, 1, callbacks=[saving()])  # another run begins anew
    assert (tmp_path / "best.safetensors").read_bytes() != best


@pytest.mark.parametrize(
    ("options", "files"),
    [({"best": False}, {"last"}), ({"last": False}, {"best"}), ({"best": False, "every": 2}, {"last"})],
)
def test_checkpoints_save_what_they_are_asked_for(options, files, tmp_path):
    run = trainer()
    run.fit(X, Y, 3, callbacks=[tg.Checkpoints(tmp_path, **options)])
    assert {path.stem for path in tmp_path.iterdir()} == files
    other = trainer()
    other.load(tmp_path / f"{files.pop()}.safetensors")
    assert len(other.history) == (2 if "every" in options else 3)


def test_a_full_disk_stops_the_fit_and_leaves_the_earlier_checkpoint_and_the_run(tmp_path, monkeypatch):
    run = trainer()
    run.fit(X, Y, 1, callbacks=[tg.Checkpoints(tmp_path)])
    before = (tmp_path / "last.safetensors").read_bytes()

    def fill(run, row):
        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)

    with pytest.raises(tg.CheckpointError, match="No space left"):
        run.fit(X, Y, 3, callbacks=[fill, tg.Checkpoints(tmp_path)])
    monkeypatch.undo()
    assert (tmp_path / "last.safetensors").read_bytes() == before
    assert len(run.history) == 2
    run.fit(X, Y, 1, callbacks=[tg.Checkpoints(tmp_path)])


@pytest.mark.parametrize(
    ("answer", "epochs"), [(True, 1), (np.True_, 1), (False, 3), (None, 3), (1, 3), ("stop", 3), (np.array([1.0]), 3)]
)
def test_a_callback_that_returns_true_stops_after_all_were_called(answer, epochs):
    calls = []
    history = trainer().fit(X, Y, 3, callbacks=[lambda *_: answer, lambda run, row: calls.append((run, row))])
    assert (len(history), len(calls)) == (epochs, epochs)
    assert calls[-1][1] == history.rows[-1]


def test_objects_are_told_of_the_start_and_the_end():
    told = []

    class Told:
        def start(self, run, columns):
            told.append(columns)

        def __call__(self, run, row):
            told.append(list(row))

        def finish(self, run):
            told.append("finish")

    tg.Trainer(plain(), "softmax_cross_entropy", metrics=["accuracy"], seed=0).fit(
        X, Y, 2, validation=0.5, callbacks=[Told()]
    )
    assert told[0] == told[1] == told[2]
    assert told[3:] == ["finish"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: tg.EarlyStopping(patience=0), "patience must be a positive integer"),
        (lambda path: tg.EarlyStopping(patience=1.5), "patience must be a positive integer"),
        (lambda path: tg.EarlyStopping(patience=True), "patience must be a positive integer"),
        (lambda path: tg.EarlyStopping(min_delta=-1), "min_delta must be a finite number, at least 0"),
        (lambda path: tg.EarlyStopping(min_delta="a"), "min_delta must be a finite number"),
        (lambda path: tg.EarlyStopping(mode="minimum"), "did you mean 'min'"),
        (lambda path: tg.EarlyStopping(5), "monitor must be the name of a column"),
        (lambda path: tg.Checkpoints(path, best=False, last=False), "nothing to save"),
        (lambda path: tg.Checkpoints(path, every=0), "every must be"),
        (lambda path: tg.Checkpoints(5), "folder"),
    ],
)
def test_what_makes_no_callback_is_refused(make, message, tmp_path):
    with pytest.raises((ValueError, TypeError), match=message):
        make(tmp_path)


def test_numbers_may_be_numpys(tmp_path):
    stopping = tg.EarlyStopping(patience=np.int64(3), min_delta=np.float32(0.5))
    assert (stopping.patience, stopping.min_delta) == (3, 0.5)
    assert tg.Checkpoints(tmp_path, every=np.int64(2)).every == 2


def test_a_folder_that_cannot_be_is_refused_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("")
    run = trainer(whole())
    before = bits(run)
    with pytest.raises(tg.CheckpointError, match="cannot save into"):
        run.fit(X, Y, 1, callbacks=[tg.Checkpoints(tmp_path / "file" / "folder")])
    assert bits(run) == before


def test_a_best_that_cannot_be_saved_is_not_taken_for_saved_by_a_run_that_goes_on(tmp_path, monkeypatch):
    checkpoints = tg.Checkpoints(tmp_path)
    run = trainer()
    run.fit(X, Y, 1, validation=(X, Y), callbacks=[checkpoints])

    def full(path, state):
        if "best" in str(path):
            raise OSError("full")
        tg.save(path, state)

    monkeypatch.setattr("tinygrad_np.training.callbacks.save", full)
    with pytest.raises(OSError, match="full"):
        run.fit(X, Y, 20, validation=(X, Y), callbacks=[checkpoints])
    least = []
    for name in ("last", "best"):
        run.load(tmp_path / f"{name}.safetensors")
        least.append(min(run.history["validation_loss"]))
    assert least[0] == least[1]
