"""The history: columns, files, a picture."""

import csv
import json
import math

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, trainer


def a_history():
    history = tg.History()
    history.append({"epoch": 1, "loss": 0.1 + 0.2, "lr": 1e-300})
    history.append({"epoch": 2, "loss": math.nan, "validation_loss": math.inf, "lr": 0.1})
    history.append({"epoch": 3, "loss": 0.25, "validation_loss": -math.inf, "lr": 5e-324})
    return history


def test_columns_are_arrays_with_nan_where_there_is_no_value():
    history = a_history()
    np.testing.assert_array_equal(history["loss"], [0.1 + 0.2, math.nan, 0.25])
    np.testing.assert_array_equal(history["validation_loss"], [math.nan, math.inf, -math.inf])
    assert history["epoch"].dtype.kind == "i"
    assert history.columns == ["epoch", "loss", "lr", "validation_loss"]
    assert "lr" in history
    assert "accuracy" not in history
    assert (len(history), len(tg.History())) == (3, 0)


def test_a_column_that_is_not_there_is_a_key_error_with_the_nearest():
    with pytest.raises(KeyError, match="did you mean 'validation_loss'"):
        a_history()["validation_los"]
    with pytest.raises(KeyError, match="no rows yet; call fit first"):
        tg.History()["loss"]


def test_csv_has_every_digit_and_nothing_where_there_is_no_value(tmp_path):
    history = a_history()
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["validation_loss"] == ""
    for row, expected in zip(rows, history.rows, strict=True):
        assert repr({k: float(v) for k, v in row.items() if v}) == repr(
            {k: float(expected[k]) for k in row if k in expected}
        )


def test_json_is_json_and_reads_back_the_same(tmp_path):
    history = a_history()
    history.interrupted = True
    history.to_json(tmp_path / "history.json")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    json.loads((tmp_path / "history.json").read_text(), parse_constant=refuse)
    assert repr(tg.History.from_json(tmp_path / "history.json").state_dict()) == repr(history.state_dict())


@pytest.mark.parametrize("text", ["[]", "3", '{"rows": []}', '{"rows": 3, "interrupted": false}', "{", '{"rows": [3]}'])
def test_json_that_holds_no_history_is_refused(text, tmp_path):
    (tmp_path / "history.json").write_text(text)
    with pytest.raises((ValueError, TypeError)):
        tg.History.from_json(tmp_path / "history.json")


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    history = a_history()
    history.to_csv(tmp_path / "history.csv")
    before = (tmp_path / "history.csv").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    history.append({"epoch": 4, "loss": 0.0})
    with pytest.raises(OSError, match="No space left"):
        history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_the_plot_has_a_line_for_each_loss_and_metric():
    pytest.importorskip("matplotlib")
    run = trainer()
    run.fit(X, Y, 3, validation=0.2)
    left, right = run.history.plot().axes
    assert [line.get_label() for line in left.lines] == ["loss", "validation loss"]
    assert [line.get_label() for line in right.lines] == ["accuracy", "validation accuracy"]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), run.history["loss"])
    assert len(a_history().plot().axes) == 1
    with pytest.raises(ValueError, match="no rows to plot"):
        tg.History().plot()


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        a_history().plot()


def test_text_tells_the_latest_epoch():
    history = a_history()
    assert repr(history) == "History(3 epochs; latest: epoch=3, loss=0.25, validation_loss=-inf, lr=4.941e-324)"
    history.interrupted = True
    assert "3 epochs, interrupted" in repr(history)
    assert repr(tg.History()) == "History(no epochs)"
