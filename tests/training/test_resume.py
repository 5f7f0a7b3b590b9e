"""A run that was saved goes on as if it had never been stopped, to the last bit; what does not fit it is refused."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, plain, trainer, whole

ROOT = Path(__file__).parents[2]
OPTIMIZERS = {
    "adam with a schedule, a hook and an average": lambda: trainer(),
    "momentum": lambda: trainer(optimizer="momentum", average=None),
    "plateau": lambda: trainer(optimizer=partial(tg.optim.SGD, lr=tg.optim.schedules.plateau(0.5, patience=1))),
    "lbfgs": lambda: trainer(plain(), optimizer="lbfgs", average=None),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_resumed_run_equals_the_uninterrupted_one(make, tmp_path):
    uninterrupted, first, second = make(), make(), make()
    uninterrupted.fit(X, Y, 6, batch_size=16, validation=0.2)
    first.fit(X, Y, 2, batch_size=16, validation=0.2)
    first.save(tmp_path / "run.safetensors")
    second.fit(X, Y, 1)  # whatever it was before
    second.load(tmp_path / "run.safetensors")
    assert bits(second) == bits(first)
    second.fit(X, Y, 4, batch_size=16, validation=0.2)
    assert bits(second) == bits(uninterrupted)
    assert second.predict(X).tobytes() == uninterrupted.predict(X).tobytes()


def test_a_checkpoint_in_the_middle_of_a_fit_is_one_between_epochs(tmp_path):
    uninterrupted, resumed = trainer(), trainer()

    def save_once(run, row):
        if row["epoch"] == 2:
            run.save(tmp_path / "run.safetensors")

    uninterrupted.fit(X, Y, 5, validation=0.2, callbacks=[save_once])
    resumed.load(tmp_path / "run.safetensors")
    resumed.fit(X, Y, 3, validation=0.2)
    assert bits(resumed) == bits(uninterrupted)


class Killed(BaseException):
    pass


def kill(at):
    def killing(run, row):
        if row["epoch"] == at:
            raise Killed

    return killing


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_goes_on_from_a_checkpoint_of_a_run_that_was_killed(restore, tmp_path):
    def callbacks(*others):  # the checkpoints come first in the list, and are called last
        return [tg.Checkpoints(tmp_path), tg.EarlyStopping(patience=3, restore=restore), *others]

    uninterrupted, first, second = trainer(), trainer(), trainer()
    uninterrupted.fit(X, Y, 40, validation=0.2, callbacks=callbacks())
    stopped = len(uninterrupted.history)
    assert 3 < stopped < 40
    with pytest.raises(Killed):
        first.fit(X, Y, 40, validation=0.2, callbacks=callbacks(kill(at=stopped - 1)))
    second.load(tmp_path / "last.safetensors")
    assert len(second.history) == stopped - 1
    second.fit(X, Y, 40, validation=0.2, callbacks=callbacks())
    assert bits(second) == bits(uninterrupted)


def test_states_of_callbacks_wait_for_the_fit_that_takes_them_up(tmp_path):
    first, second, third = trainer(), trainer(), trainer()
    first.fit(X, Y, 3, callbacks=[tg.EarlyStopping("loss")])
    first.save(tmp_path / "run.safetensors")
    second.load(tmp_path / "run.safetensors")
    assert bits(second) == bits(first)
    second.save(tmp_path / "again.safetensors")
    third.load(tmp_path / "again.safetensors")
    with pytest.raises(ValueError, match="saved with 1 callbacks that have a state, and is given 2"):
        third.fit(X, Y, 1, callbacks=[tg.EarlyStopping(), tg.EarlyStopping()])
    with pytest.raises(ValueError, match="no column to monitor"):
        third.fit(X, Y, 1, callbacks=[tg.EarlyStopping("lack")])
    stopping = tg.EarlyStopping("loss")
    third.fit(X, Y, 0, callbacks=[stopping])
    assert stopping.value == min(first.history["loss"])
    second.fit(X, Y, 1)
    assert second.state_dict()["callbacks"] == []


PROGRAM = """
import hashlib
from tests.training.runs import X, Y, bits, trainer
run = trainer()
run.fit(X, Y, 3, batch_size=16, validation=0.2)
print(hashlib.sha256(repr(bits(run)).encode()).hexdigest())
"""


def test_two_processes_with_other_hash_seeds_have_the_same_bits():
    digests = set()
    for seed in ("0", "4711"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def other_width():
    return tg.Sequential(
        tg.nn.Linear(3, 5, dtype=np.float32), np.tanh, tg.nn.Linear(5, 3, bias=False, dtype=np.float32)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: trainer(other_width()), r"2\.bias is unexpected; 0\.weight has shape \(3, 6\), expected \(3, 5\)"),
        (lambda: trainer(whole()), r"1\.weight is missing.*4\.weight is missing.*2\.weight is unexpected"),
        (
            lambda: trainer(plain(), optimizer="momentum"),
            "the state is of Adam, and the optimizer is MomentumSGD|hooks",
        ),
        (lambda: trainer(plain(), average=None), "average is unexpected"),
        (
            lambda: trainer(plain(), seed=np.random.Generator(np.random.MT19937(0))),
            "'PCG64' where the generator is MT19937",
        ),
    ],
    ids=["width", "layers", "optimizer", "average", "generator"],
)
def test_another_architecture_is_refused_with_what_differs_and_nothing_changes(make, message, tmp_path):
    saved, other = trainer(plain()), make()
    saved.fit(X, Y, 2, validation=0.2)
    saved.save(tmp_path / "run.safetensors")
    other.fit(X, Y, 1)
    before = bits(other)
    with pytest.raises(tg.CheckpointError, match=f"(?s)run.safetensors.*{message}.*nothing has changed"):
        other.load(tmp_path / "run.safetensors")
    assert bits(other) == before


HOSTILE = {
    "no dictionary": lambda state: [1],
    "no model": lambda state: {k: v for k, v in state.items() if k != "model"},
    "a history of text": lambda state: state | {"history": {"interrupted": False, "rows": [{"epoch": "x"}]}},
    "a history that is none": lambda state: state | {"history": 3},
    "rows that are none": lambda state: state | {"history": {"interrupted": False, "rows": 3}},
    "interrupted is a number": lambda state: state | {"history": {"interrupted": 3, "rows": []}},
    "a split of text": lambda state: state | {"split": "x"},
    "a negative split": lambda state: state | {"split": -1},
    "callbacks of text": lambda state: state | {"callbacks": "x"},
    "callbacks of numbers": lambda state: state | {"callbacks": [3]},
    "a generator of nothing": lambda state: state | {"rng": {"bit_generator": "PCG64"}},
    "a generator of arrays": lambda state: state | {"rng": state["rng"] | {"state": np.zeros(2)}},
    "a generator that is none": lambda state: state | {"rng": None},
    "an optimizer that is none": lambda state: state | {"optimizer": None},
    "an optimizer without groups": lambda state: state | {"optimizer": state["optimizer"] | {"groups": 3}},
    "a model that is none": lambda state: state | {"model": 3},
    "an average that is none": lambda state: state | {"average": {"updates": 1, "averages": 3}},
    "an average that counts back": lambda state: state | {"average": state["average"] | {"updates": -1}},
}


@pytest.mark.parametrize("spoilt", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_holds_no_run_is_refused_and_nothing_changes(spoilt, tmp_path):
    run = trainer()
    run.fit(X, Y, 1)
    tg.save(tmp_path / "run.safetensors", spoilt(run.state_dict()))
    run.fit(X, Y, 1)
    before = bits(run)
    with pytest.raises(tg.CheckpointError, match="nothing has changed"):
        run.load(tmp_path / "run.safetensors")
    assert bits(run) == before
    run.fit(X, Y, 1)


def test_a_missing_file_and_an_unwritable_place_are_refused(tmp_path):
    run = trainer()
    with pytest.raises(tg.CheckpointError, match="No such file"):
        run.load(tmp_path / "none.safetensors")
    (tmp_path / "file").write_text("")
    with pytest.raises(tg.CheckpointError, match="cannot save"):
        run.save(tmp_path / "file" / "run.safetensors")
