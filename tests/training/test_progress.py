"""The bar: one for the whole fit, silent where nobody watches, optional."""

import io
import sys

import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, trainer
from tinygrad_np.training import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_the_bar_is_shown_in_a_terminal(stream, shown, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", stream())
    trainer().fit(X, Y, 3, validation=0.2)
    assert bool(sys.stderr.getvalue()) is shown


def test_one_bar_counts_all_steps_and_tells_the_losses(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    plain, watched = trainer(), trainer()
    plain.fit(X, Y, 3, batch_size=10, validation=0.2, progress=False)
    assert sys.stderr.getvalue() == ""
    watched.fit(X, Y, 3, batch_size=10, validation=0.2, progress=True)
    text = sys.stderr.getvalue()
    assert "12/12" in text
    assert text.count("\n") == 1
    assert f"validation_loss={watched.history['validation_loss'][-1]:.3g}" in text
    assert bits(plain) == bits(watched)


def test_both_losses_fit_into_eighty_columns(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown = progress.bar(True, 9000)
    shown.tell({"epoch": 99, "loss": 0.012345, "validation_loss": 0.012345, "seconds": 1.0})
    text = str(shown.bar)  # with a bar of ten characters, which has room to shrink
    shown.close()
    assert text.endswith("loss=0.0123, validation_loss=0.0123]")
    assert len(text) - 9 <= 80


def test_without_tqdm_there_is_no_bar_or_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    run = trainer()
    run.fit(X, Y, 1)
    assert sys.stderr.getvalue() == ""
    with pytest.raises(ImportError, match="pip install tqdm"):
        run.fit(X, Y, 1, progress=True)
    assert len(run.history) == 1


def test_the_bar_is_closed_when_something_goes_wrong(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    def fail(run, row):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        trainer().fit(X, Y, 3, callbacks=[fail], progress=True)
    assert sys.stderr.getvalue().endswith("\n")


def test_progress_is_true_false_or_none():
    with pytest.raises(TypeError, match="progress must be True, False or None"):
        trainer().fit(X, Y, 1, progress="yes")
    assert tg.Trainer  # imported without tqdm
