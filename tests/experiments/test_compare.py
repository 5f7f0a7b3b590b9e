"""Every variant starts from the same weights and sees the same minibatches, and what becomes of it is kept."""

import math
import signal
import subprocess
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import tinygrad_np as tg
from tests.experiments.problems import DATA, OPTIMIZERS, WILD, X, bits, make_model, study, y


class Watched(tg.optim.SGD):
    """Notes the weights that it starts from; moves nothing."""

    starts: list

    def __init__(self, model, lr):
        self.starts.append([p.data.copy() for p in model.parameters()])
        super().__init__(model, lr=0.0)


def test_all_variants_of_a_seed_start_from_the_same_weights_and_other_seeds_from_others(monkeypatch):
    monkeypatch.setattr(Watched, "starts", [], raising=False)
    study({"a": partial(Watched, lr=0.1), "b": partial(Watched, lr=0.2)}, seeds=2, epochs=1)
    a0, a1, b0, b1 = Watched.starts[-4:]
    assert all(np.array_equal(one, other) for one, other in zip(a0 + a1, b0 + b1, strict=True))
    assert not np.array_equal(a0[0], a1[0])
    (weights, *_) = np.random.SeedSequence(0).spawn(3)
    expected = make_model(np.random.default_rng(weights)).parameters()
    assert all(np.array_equal(one, other.data) for one, other in zip(a0, expected, strict=True))


@pytest.mark.parametrize("choices", [{"p": [0.0, 0.5]}, {"width": [4, 8]}, {"activation": [np.tanh, tg.relu]}])
def test_all_variants_of_a_seed_see_the_same_minibatches_whatever_the_model_draws(choices):
    seen = []

    def loss(output, target):
        seen.append(target.copy())
        return tg.softmax_cross_entropy(output, target)

    study({"sgd": "sgd"}, choices=choices, seeds=2, epochs=1, loss=loss)
    # of 2 variants with 2 seeds: three looks at the first row and one at all targets, then the minibatches of the epoch
    runs = [seen[i : i + 9][4:] for i in range(len(seen) - 36, len(seen), 9)]
    (one, other), (again, other_again) = ([b"".join(map(bytes, run)) for run in pair] for pair in (runs[:2], runs[2:]))
    assert (one, other) == (again, other_again)
    assert one != other
    assert sorted(np.concatenate(runs[0])) == sorted(y)


def test_the_same_variant_has_the_same_bits_by_another_name_and_in_another_order():
    forwards = study({"a": "adam", "b": "adam", "c": "sgd"}, choices={"p": [0.5]})
    backwards = study({"c": "sgd", "b": "adam"}, choices={"p": [0.5]}, seeds=[2, 0])
    rows = {(run.choices["optimizer"], run.seed): rows for run, (*_, rows) in zip(forwards.outcomes, bits(forwards))}
    assert rows["a", 1] == rows["b", 1] != rows["c", 1]
    for run, (*_, found) in zip(backwards.outcomes, bits(backwards)):
        assert found == rows[run.choices["optimizer"], run.seed]


def test_a_plateau_begins_anew_in_every_run():
    plateau = tg.optim.schedules.plateau(0.1, patience=0, factor=0.1, threshold=0.5)
    given = deepcopy(plateau)
    for options in (
        {"optimizers": {"sgd": partial(tg.optim.SGD, lr=plateau)}},
        {"choices": {"schedule": {"p": plateau}}},
    ):
        found = study(**({"optimizers": ["sgd"], "seeds": [3, 1], "epochs": 8} | options))
        alone = study(**({"optimizers": ["sgd"], "seeds": [1], "epochs": 8} | options))
        assert bits(found)[1:] == bits(alone)
        assert found.curves[-1]["lr"] < 0.1
    assert plateau == given


def test_every_combination_runs_and_each_choice_goes_where_it_belongs():
    schedules = {"constant": 0.1, "cosine": tg.optim.schedules.cosine(0.1, steps=20)}
    choices = {"width": [2, 4], "activation": {"tanh": np.tanh, "relu": tg.relu}, "schedule": schedules}
    found = study(["sgd", "adam"], choices=choices, seeds=1, epochs=2)
    assert found.choices == ["optimizer", "width", "activation", "schedule"]
    keys = [tuple(row[name] for name in found.choices) for row in found.rows]
    assert len(set(keys)) == len(keys) == 16
    assert keys[:3] == [("sgd", 2, "tanh", "constant"), ("sgd", 2, "tanh", "cosine"), ("sgd", 2, "relu", "constant")]
    assert {row["schedule"]: row["lr"] < 0.1 for row in found.curves} == {"constant": False, "cosine": True}
    assert len({row["final_loss"] for row in found.rows}) == 16


def test_losses_and_batch_sizes_are_choices_too():
    smooth = partial(tg.losses.softmax_cross_entropy, label_smoothing=0.1)
    losses = {"plain": "softmax_cross_entropy", "smooth": smooth}
    choices = {"loss": losses, "batch_size": [4, 48]}
    found = study({"sgd": partial(tg.optim.SGD, lr=0.01)}, choices=choices, seeds=1, metrics=["accuracy"])
    assert found.choices == ["optimizer", "loss_function", "batch_size"]
    assert len({row["final_loss"] for row in found.rows}) == 4
    assert "accuracy" in found.table().title
    with pytest.raises(
        ValueError, match=r"loss is that of another loss function in each variant.* choose from: accuracy"
    ):
        found.table("loss")
    without = study(["sgd"], choices={"loss": losses}, seeds=1)
    with pytest.raises(ValueError, match=r'give metrics=\["..."\]'):
        without.plot()


def test_a_row_says_what_became_of_a_run():
    found = study(seeds=1, metrics={"accuracy": "accuracy", "odd": lambda output, target: math.nan}, validation=0.25)
    found.target = {"validation_accuracy": 0.5}
    row, curve = found.rows[0], [row for row in found.curves if row["optimizer"] == "sgd"]
    assert {
        "optimizer": "sgd",
        "seed": 0,
        "status": "finished",
        "reason": None,
        "diverged": None,
        "epochs": 4,
    }.items() <= row.items()
    assert row["final_validation_loss"] == curve[-1]["validation_loss"]
    assert row["best_loss"] == min(line["loss"] for line in curve)
    assert row["best_accuracy"] == max(line["accuracy"] for line in curve)
    assert math.isnan(row["final_odd"])
    assert "best_odd" not in row  # whether a high one is better is not known
    reached = next((line["epoch"] for line in curve if line["validation_accuracy"] >= 0.5), None)
    assert row["epochs_to_target"] == reached
    assert row["seconds"] == pytest.approx(sum(line["seconds"] for line in curve))


def test_a_target_that_is_never_reached_leaves_its_cells_empty():
    found = study(seeds=1, target=-1.0)
    assert {row["epochs_to_target"] for row in found.rows} == {row["seconds_to_target"] for row in found.rows} == {None}
    assert "epochs_to_target" not in study(seeds=1).rows[0]


def test_a_run_that_diverges_is_kept_and_marked():
    found = study({"sgd": "sgd", "wild": WILD}, target=0.1)
    assert repr(found) == "Study(2 variants, 3 seeds: 6 runs, 3 diverged)"
    wild = found.rows[3:]
    assert [(row["status"], row["diverged"]) for row in wild] == [("diverged", 1)] * 3
    assert wild[0]["reason"].startswith("step 2: ")
    assert "called at" not in wild[0]["reason"]
    assert [wild[0][name] for name in ("final_loss", "best_loss", "epochs_to_target")] == [None] * 3


def test_a_run_that_diverges_late_keeps_the_epochs_before():
    schedule = tg.optim.schedules.piecewise({0: 0.1, 12: 1.7e308})
    found = study({"late": partial(tg.optim.SGD, lr=schedule)}, seeds=1)
    (row,) = found.rows
    assert (row["diverged"], row["epochs"], row["final_loss"]) == (3, 2, None)
    assert row["best_loss"] == min(line["loss"] for line in found.curves)


def test_runs_use_one_blas_thread():
    def threads(output, target):
        return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")

    with threadpool_limits(2):
        found = study(["sgd"], seeds=1, epochs=1, metrics={"threads": threads})
        assert found.rows[0]["final_threads"] == 1


@pytest.mark.parametrize("where", ["in a step", "between runs"])
def test_ctrl_c_keeps_the_runs_that_ended(where):
    calls = []

    def interrupting(optimizer):
        def made_by(model):
            calls.append(model)
            if where == "between runs" and len(calls) == 8:  # 2 of the check before, then the sixth run
                signal.raise_signal(signal.SIGINT)
            return optimizer(model)

        return made_by

    def loss(output, target):
        if where == "in a step" and len(calls) == 8:
            calls.append(None)
            signal.raise_signal(signal.SIGINT)
        return tg.softmax_cross_entropy(output, target)

    found = study({"sgd": interrupting(tg.optim.SGD)}, seeds=10, loss=loss)
    assert found.interrupted
    assert [run.seed for run in found.outcomes] == [0, 1, 2, 3, 4]
    assert repr(found) == "Study(1 variant, 5 seeds: 5 runs, 0 diverged, interrupted)"


def test_validation_is_a_pair_or_a_fraction_that_is_the_same_for_all_variants_of_a_seed():
    pair = study(validation=DATA, metrics=["accuracy"])
    assert pair.columns == ["loss", "accuracy", "validation_loss", "validation_accuracy"]
    still = study(
        {name: partial(optimizer, lr=1e-9) for name, optimizer in (("a", tg.optim.SGD), ("b", tg.optim.SGD))},
        validation=0.25,
        epochs=1,
    )
    by_seed = [row["final_validation_loss"] for row in still.rows]
    assert by_seed[:3] == by_seed[3:]
    assert len(set(by_seed)) == 3


def test_one_bar_counts_all_runs(capsys):
    study(seeds=2, progress=True)
    err = capsys.readouterr().err
    assert "6/6" in err
    assert "run" in err
    study(seeds=2)
    assert capsys.readouterr().err == ""


def test_importing_it_loads_no_package_that_only_some_of_it_needs():
    heavy = ["joblib", "scipy", "matplotlib", "tqdm", "distributed", "threadpoolctl", "safetensors", "csv"]
    program = f"import sys, tinygrad_np.experiments; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(tg.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_data_may_be_nested_containers_of_arrays():
    def make_model(rng):
        class Pair(tg.nn.Module):
            def __init__(self):
                self.inner = tg.nn.Linear(3, 2, rng=rng)

            def __call__(self, x):
                return self.inner(x["a"] + x["b"])

        return Pair()

    found = tg.experiments.compare(make_model, ({"a": X, "b": X}, y), OPTIMIZERS, epochs=1, seeds=1, progress=False)
    assert len(found.rows) == 3
