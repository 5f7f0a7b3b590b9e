"""What cannot be compared is refused before anything runs, by name and with what to write instead."""

import re
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.experiments.problems import DATA, X, make_model, study, y


def unseeded(rng):
    return tg.Sequential(tg.nn.Linear(3, 2))


def one_argument(rng):
    return make_model(rng)


MODEL = make_model(np.random.default_rng(0))
LAMBDA = lambda x: x
NUMBER = lambda output, target: 0.0


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"optimizers": {}}, ValueError, "optimizers is empty; give at least one"),
        ({"optimizers": []}, ValueError, "optimizers is empty"),
        (
            {"optimizers": "adam"},
            TypeError,
            "optimizers must be a list, or a dictionary of labels and values, got 'adam'",
        ),
        ({"optimizers": None}, TypeError, "optimizers must be a list"),
        ({"optimizers": ["rmspop"]}, ValueError, "did you mean 'rmsprop'"),
        ({"optimizers": {"a": "sdg"}}, ValueError, "did you mean 'sgd'"),
        ({"optimizers": {"a": 0.1}}, TypeError, "the optimizer 'a' must be a name, a class or a function"),
        (
            {"optimizers": {"a": tg.optim.SGD(MODEL)}},
            TypeError,
            "makes one of a run's model, such as functools.partial",
        ),
        ({"optimizers": {"a": lambda model: 3}}, TypeError, "with optimizer=a"),
        ({"optimizers": ["sgd", "sgd"]}, ValueError, "optimizers has 'sgd' twice; give a dictionary"),
        ({"optimizers": [partial(tg.optim.SGD, lr=0.1)]}, TypeError, "has no name; give a dictionary"),
        ({"optimizers": {(1, 2): "sgd"}}, TypeError, r"a label in optimizers must be a text or a number, got \(1, 2\)"),
        ({"optimizers": {float("inf"): "sgd"}}, ValueError, "finite number, got inf"),
        ({"seeds": 0}, ValueError, "there must be at least 1, got 0"),
        ({"seeds": -1}, ValueError, "there must be at least 1, got -1"),
        ({"seeds": 1.5}, TypeError, "seeds must be how many there are, such as 10, or a list of them, got 1.5"),
        ({"seeds": "x"}, TypeError, "got 'x'"),
        ({"seeds": True}, TypeError, "got True"),
        ({"seeds": None}, TypeError, "got None"),
        ({"seeds": []}, ValueError, r"each once, got \[\]"),
        ({"seeds": [1, 1]}, ValueError, r"each once, got \[1, 1\]"),
        ({"seeds": [1, -2]}, ValueError, "a seed must be at least 0, got -2"),
        ({"seeds": [0, 1.0]}, TypeError, "a seed must be an integer, got 1.0"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"epochs": True}, TypeError, "epochs must be an integer, got True"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"choices": {"batch_size": [4, 2.5]}}, TypeError, "with optimizer=sgd, batch_size=2.5"),
        ({"loss": "hubber"}, ValueError, "did you mean 'huber'"),
        ({"loss": "squared_error"}, ValueError, "with optimizer=sgd"),
        ({"metrics": ["accurracy"]}, ValueError, "did you mean 'accuracy'"),
        ({"validation": 1.5}, ValueError, "validation must be a fraction of the rows, between 0 and 1, got 1.5"),
        ({"validation": 0}, ValueError, "between 0 and 1, got 0"),
        ({"validation": "x"}, TypeError, "validation must be a pair"),
        ({"validation": X}, TypeError, "validation must be a pair .* got ndarray"),
        ({"validation": (X, y[:3])}, ValueError, "validation y has 3 rows"),
        (
            {"choices": ["width"]},
            TypeError,
            r"choices must be a dictionary such as \{\"width\": \[8, 16\]\}, got \['width'\]",
        ),
        ({"choices": {"width": []}}, ValueError, r"choices\['width'\] is empty"),
        ({"choices": {"width": 8}}, TypeError, r"choices\['width'\] must be a list"),
        ({"choices": {"width": [4, -1]}}, ValueError, "with optimizer=sgd, width=-1"),
        ({"choices": {"activation": [LAMBDA]}}, TypeError, r"give a dictionary such as \{\"a label\": value\}"),
        (
            {"choices": {"widht": [8]}},
            ValueError,
            r"make_model takes no 'widht', it is make_model\(rng, width=4, .*did you mean 'width'",
        ),
        (
            {"choices": {"widht": [8]}, "make_model": one_argument},
            ValueError,
            "Choose from: loss, batch_size, schedule",
        ),
        ({"choices": {"rng": [8]}}, ValueError, "make_model takes no 'rng'"),
        ({"choices": {"seed": [8]}}, ValueError, "a choice cannot be called 'seed', the name of another column"),
        ({"choices": {3: [8]}}, ValueError, "a choice cannot be called 3"),
        ({"choices": {"width": [4]}, "metrics": {"width": NUMBER}}, ValueError, "'width' is a choice and a metric"),
        ({"make_model": MODEL}, TypeError, "make_model must be a function .* got Sequential"),
        ({"make_model": None}, TypeError, "make_model must be a function of a Generator that makes a model, got None"),
        ({"make_model": lambda: MODEL}, TypeError, "takes 0 positional arguments"),
        ({"make_model": lambda rng: 3}, TypeError, "the model must be a tg.nn.Module, got 3"),
        (
            {"make_model": lambda rng: MODEL},
            ValueError,
            "make_model gave the same 0.weight twice, .* make the layers in it",
        ),
        ({"make_model": unseeded}, ValueError, "0.weight differs; draw all that is random from its rng"),
        ({"jobs": 0}, ValueError, "jobs must be a number of processes, -1 for one a core, .* got 0"),
        ({"jobs": -2}, ValueError, "got -2"),
        ({"jobs": 1.5}, TypeError, "got 1.5"),
        ({"jobs": "2"}, TypeError, "got '2'"),
        ({"jobs": True}, TypeError, "got True"),
        ({"target": "x"}, TypeError, "target must be a number"),
        ({"target": True}, TypeError, "got True"),
        ({"target": float("nan")}, ValueError, "got nan"),
        ({"target": {}}, ValueError, "got {}"),
        ({"target": {"los": 0.1}}, ValueError, "there is no column 'los', did you mean 'loss'"),
        ({"target": {"odd": 0.1}, "metrics": {"odd": NUMBER}}, ValueError, "whether a high odd is better is not known"),
        ({"progress": 1}, TypeError, "progress must be True, False or None"),
        ({"directory": 3}, TypeError, "not int"),
    ],
)
def test_refused(tmp_path, monkeypatch, given, error, message):
    def never(*_):
        raise AssertionError("a run began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tinygrad_np.experiments.variants.Variant.run", never)
    with pytest.raises(error) as caught:
        study(**{"optimizers": ["sgd"], "seeds": 2} | given)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert re.search(message, text), text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (X, TypeError, r"data must be a pair \(X, y\), got ndarray"),
        ((X, y, X, y), TypeError, r"what validates goes by validation=\(X, y\)"),
        ((X, y[:-1]), ValueError, "X has 48 rows and y has 47 rows"),
        ((np.full_like(X, np.nan), y), ValueError, "X"),
        ((X, y + 5), ValueError, "label"),
    ],
)
def test_data_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        tg.experiments.compare(make_model, data, ["sgd"], epochs=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metric": "accurac"}, "did you mean 'accuracy'"),
        ({"metric": "loss", "mode": "mn"}, "there is no mode 'mn', did you mean 'min'"),
    ],
)
def test_a_comparison_is_refused_by_name(given, message):
    found = study(["sgd"], seeds=1, epochs=1, metrics=["accuracy"])
    for compare in (found.table, found.plot):
        with pytest.raises(ValueError, match=message):
            compare(**given)


def test_a_class_and_keywords_may_make_a_model():
    class Model(tg.nn.Sequential):
        def __init__(self, rng, width=2):
            super().__init__(tg.nn.Linear(3, width, rng=rng), tg.nn.Linear(width, 2, rng=rng))

    for factory in (Model, lambda rng, **choices: Model(rng, **choices)):
        assert len(study(["sgd"], make_model=factory, choices={"width": [2, 3]}, seeds=1).rows) == 2
    with pytest.raises(ValueError, match=r"it is Model\(rng, width=2\)"):
        study(["sgd"], make_model=Model, choices={"depth": [2]})
    assert study(["sgd"], choices={"width": {np.int64(2): 2}}, seeds=np.int64(1)).rows[0]["width"] == 2
    assert DATA[0] is X
