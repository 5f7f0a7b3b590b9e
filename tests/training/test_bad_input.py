"""What a Trainer and its methods refuse: in words that say what came and what to give, before anything has changed."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import X, Y, bits, plain, trainer, whole

OTHER = plain()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": np.tanh}, TypeError, r"must be a tg.nn.Module.*wrap functions as in tg.Sequential"),
        ({"model": tg.Sequential}, TypeError, "must be a tg.nn.Module"),
        ({"model": tg.Sequential(np.tanh)}, ValueError, "has no parameters to train.*tg.nn.Linear"),
        ({"loss": "squared_eror"}, ValueError, "did you mean 'squared_error'"),
        ({"loss": 3}, TypeError, 'a function of outputs and targets, or a name such as "huber", got 3'),
        ({"optimizer": "adm"}, ValueError, "did you mean 'adam'"),
        ({"optimizer": None}, TypeError, 'a name such as "adam", or a function of the model'),
        ({"optimizer": lambda model: 3}, TypeError, "got 3"),
        (
            {"optimizer": tg.optim.SGD(OTHER)},
            ValueError,
            r"not the model's: 0\.weight, 0\.bias.*make it of the same model",
        ),
        ({"seed": -1}, ValueError, "seed: .*at least 0"),
        ({"seed": "x"}, TypeError, "seed: .*integer seed"),
        ({"seed": True}, TypeError, "seed: "),
        ({"metrics": "accuracy"}, TypeError, r'write \["accuracy"\]'),
        ({"metrics": ["acuracy"]}, ValueError, "did you mean 'accuracy'"),
        ({"metrics": [3]}, TypeError, 'write {"name": function}'),
        ({"metrics": [partial(tg.metrics.accuracy)]}, TypeError, 'write {"name": function}'),
        ({"metrics": {3: "accuracy"}}, TypeError, 'write {"name": function}'),
        ({"metrics": ["accuracy", "accuracy"]}, ValueError, "'accuracy' already; give the metric another name"),
        ({"metrics": {"loss": "accuracy"}}, ValueError, "'loss' already"),
        ({"metrics": {"validation_loss": "accuracy"}}, ValueError, "'validation_loss' already"),
        ({"average": 0.9}, TypeError, "average must be a tg.optim.MovingAverage"),
        ({"average": tg.optim.MovingAverage(OTHER)}, ValueError, "of other parameters than the model's"),
    ],
)
def test_what_makes_no_trainer_is_refused(options, error, message):
    model = whole()
    before = bits(model)
    with pytest.raises(error, match=f"(?s){message}"):
        tg.Trainer(**{"model": model, "loss": "softmax_cross_entropy", "seed": 0} | options)
    assert bits(model) == before


def with_value(array, value, row=7):
    spoilt = np.array(array, float)
    spoilt[row] = value
    return spoilt


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": -1}, ValueError, "epochs must be at least 0, how many more to train, got -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, how many more to train, got 1.5"),
        ({"epochs": True}, TypeError, "epochs must be an integer"),
        ({"epochs": "2"}, TypeError, "epochs must be an integer"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer, got 0"),
        ({"batch_size": -5}, ValueError, "batch_size must be a positive integer, got -5"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be a positive integer, got 2.5"),
        ({"batch_size": "32"}, TypeError, "batch_size must be a positive integer, got '32'$"),
        ({"y": Y[:-1]}, ValueError, "X has 50 rows and y has 49 rows; give one row of y for each row of X"),
        ({"X": X[:0], "y": Y[:0]}, ValueError, "X has no rows"),
        ({"X": with_value(X, np.nan)}, ValueError, r"X\[7, 0\] is nan, in row 7"),
        ({"X": with_value(X, -np.inf)}, ValueError, r"X\[7, 0\] is -inf, in row 7"),
        ({"y": with_value(Y, np.nan)}, ValueError, r"y\[7\] is nan, in row 7"),
        ({"X": X.tolist()}, TypeError, r"X\[0\]\[0\] is float, no array; write np.asarray\(X\)"),
        ({"X": None}, TypeError, "X is NoneType, no array"),
        ({"X": tg.Tensor(X)}, TypeError, "X is Tensor, no array; give its .data"),
        ({"X": X[:, :2]}, ValueError, r"linear\(float32 \(1, 2\), .*"),
        ({"y": Y.astype(float)}, TypeError, r"labels must be integers"),
        ({"y": Y.astype(str)}, TypeError, r"labels must be integers"),
        ({"y": with_value(Y, 3).astype(int)}, ValueError, r"label 3 in row 7 is outside \[0, 3\)"),
        ({"y": with_value(Y, -1).astype(int)}, ValueError, r"label -1 in row 7"),
        ({"sample_weight": np.ones(49)}, ValueError, r"sample_weight has shape \(49,\) for 50 rows"),
        ({"sample_weight": with_value(np.ones(50), -1)}, ValueError, r"sample_weight of row 7 is -1"),
        ({"sample_weight": with_value(np.ones(50), np.nan)}, ValueError, r"sample_weight of row 7 is nan"),
        ({"sample_weight": np.zeros(50)}, ValueError, "0 for every row"),
        ({"sample_weight": ["a"] * 50}, TypeError, "sample_weight must hold real numbers"),
        ({"validation": 0.0}, ValueError, "validation: "),
        ({"validation": 1.5}, ValueError, "validation: "),
        ({"validation": True}, TypeError, "a pair"),
        ({"validation": "x"}, TypeError, r"a pair \(X, y\), or a fraction of the rows"),
        ({"validation": (X, Y[:-1])}, ValueError, "validation X has 50 rows and validation y has 49 rows"),
        ({"validation": (X, Y + 3)}, ValueError, r"outside \[0, 3\)"),
        ({"validation": (with_value(X, np.nan), Y)}, ValueError, r"validation X\[7, 0\] is nan"),
        ({"drop_last": 1}, TypeError, "drop_last must be True or False"),
        ({"drop_last": True, "batch_size": 51}, ValueError, "drop_last leaves no batch of 51 out of 50 rows"),
        ({"batch_size": 49}, ValueError, r"BatchNorm in training needs more than one row"),
        ({"shuffle": "no"}, TypeError, "shuffle must be True or False"),
        ({"callbacks": print}, TypeError, r"write callbacks=\[function\]"),
        ({"callbacks": [tg.EarlyStopping]}, TypeError, "a callback must be a function of the trainer and a row"),
        ({"callbacks": [3]}, TypeError, "a callback must be a function"),
        ({"callbacks": [tg.EarlyStopping("accurracy")]}, ValueError, "did you mean 'accuracy'"),
        (
            {"callbacks": [tg.EarlyStopping("validation_loss")]},
            ValueError,
            "no column to monitor 'validation_loss'.*give validation=",
        ),
        ({"progress": 1}, TypeError, "progress must be"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_anything_has_changed(arguments, error, message):
    run = trainer()
    run.fit(X, Y, 1)
    run.model.eval()
    before = bits(run.model), bits(run.optimizer), bits(run.average), bits(run.history)
    with pytest.raises(error, match=f"(?s){message}"):
        run.fit(**{"X": X, "y": Y, "epochs": 2} | arguments)
    assert (bits(run.model), bits(run.optimizer), bits(run.average), bits(run.history)) == before
    assert not run.model[3].training


def test_a_fit_after_one_that_was_refused_is_as_if_it_had_not_been():
    runs = trainer(), trainer()
    with pytest.raises(TypeError):
        runs[1].fit(X, Y, 2, batch_size=2.5, validation=0.2)
    for run in runs:
        run.fit(X, Y, 2, validation=0.2)
    assert bits(runs[0]) == bits(runs[1])


def test_a_label_far_down_is_named_with_its_place():
    y = np.zeros(5000, int)
    y[4999] = 3
    with pytest.raises(ValueError, match=r"label 3 in row 903") as caught:
        trainer().fit(np.zeros((5000, 3), np.float32), y, 1)
    assert caught.value.__notes__ == ["rows are counted from row 4096 of y on"]


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda output, y: 3.0, TypeError, "a Tensor that depends on the model's parameters, got 3.0"),
        (lambda output, y: tg.Tensor(1.0), TypeError, "depends on the model's parameters"),
        (lambda output, y: output, ValueError, r"one number for a minibatch, got one of shape \(1, 3\); take its mean"),
        (lambda output: output, TypeError, "positional argument"),
    ],
)
def test_what_is_no_loss_is_refused(loss, error, message):
    with pytest.raises(error, match=message):
        tg.Trainer(plain(), loss).fit(X, Y, 1)


def test_a_loss_without_sample_weights_says_so():
    run = tg.Trainer(plain(), lambda output, y: tg.softmax_cross_entropy(output, y))
    with pytest.raises(TypeError, match="the loss takes no sample_weight"):
        run.fit(X, Y, 1, sample_weight=np.ones(50))


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ({"wrong": lambda output, y: output}, TypeError, "the metric wrong must give one number"),
        (["r2"], ValueError, "r2"),
    ],
)
def test_metrics_are_tried_before_anything_has_changed(metrics, error, message):
    run = tg.Trainer(plain(), "softmax_cross_entropy", metrics=metrics, seed=0)
    before = bits(run)
    with pytest.raises(error, match=message):
        run.fit(X, Y, 1)
    assert bits(run) == before


def test_a_metric_of_one_row_may_divide_by_zero_in_the_trial():
    def rate(output, y):
        return 1 / len(np.unique(output.argmax(1)) == 1) if len(np.unique(output)) > 3 else 1 / 0

    history = tg.Trainer(plain(), "softmax_cross_entropy", metrics=[rate], seed=0).fit(X, Y, 1)
    assert history["rate"] > 0


@pytest.mark.parametrize(
    "loss",
    [
        partial(tg.losses.softmax_cross_entropy, reduction="sum"),
        lambda output, y: tg.losses.softmax_cross_entropy(output, y, reduction="none").sum(),
    ],
)
def test_a_loss_that_is_a_sum_over_rows_is_refused(loss):
    with pytest.raises(ValueError, match=r'a mean over the rows of a minibatch.*reduction="mean"'):
        tg.Trainer(plain(), loss).fit(X, Y, 1)


@pytest.mark.parametrize("loss", [tg.losses.softmax_cross_entropy, tg.losses.squared_error])
def test_losses_by_row_are_refused(loss):
    target = Y if loss is tg.losses.softmax_cross_entropy else np.eye(3, dtype=np.float32)[Y]
    with pytest.raises(ValueError, match=r"the loss must be one number for a minibatch.*take its mean"):
        tg.Trainer(plain(), partial(loss, reduction="none")).fit(X, target, 1)


def notes_of(*data, **options):
    run = tg.Trainer(plain(), "softmax_cross_entropy")
    with pytest.raises((TypeError, ValueError)) as caught:
        run.fit(*data, 1, **options)
    return " ".join(caught.value.__notes__)


def test_errors_say_what_data_they_are_about():
    assert "this is about the validation data" in notes_of(X, Y, validation=(X, Y + 3))
    assert "X is <U" in notes_of(X.astype(str), Y)
    assert "validation X is <U" in notes_of(X, Y, validation=(X.astype(str), Y))


def test_a_last_minibatch_that_is_too_small_is_found_first_and_can_be_left_out():
    run = tg.Trainer(whole(), "softmax_cross_entropy", "sgd", seed=0)
    before = bits(run)
    with pytest.raises(ValueError, match="more than one row") as caught:
        run.fit(X, Y, 1, batch_size=7)
    assert caught.value.__notes__ == ["the last minibatch of an epoch has 1 of 50 rows; drop_last=True leaves it out"]
    assert bits(run) == before
    assert len(run.fit(X, Y, 2, batch_size=7, drop_last=True)) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_evaluation_and_prediction_look_at_their_data_too(value):
    run = trainer()
    with pytest.raises(ValueError, match=r"X\[7, 0\] is .* in row 7"):
        run.predict(with_value(X, value))
    with pytest.raises(ValueError, match=r"X\[7, 0\] is .* in row 7"):
        run.evaluate(with_value(X, value), Y)
    with pytest.raises(ValueError, match="X has 50 rows and y has 9 rows"):
        run.evaluate(X, Y[:9])
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        run.predict(X, batch_size=0)
