"""Comparisons with compiled steps: the same bits wherever runs take place, and whenever."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.experiments.problems import DATA, bits, make_model, study
from tinygrad_np.experiments import variants
from tinygrad_np.training import compilation

TWO = {"sgd": "sgd", "adam": tg.optim.Adam}
WARNED = "not compiled, but taken as they are: LBFGS"


def test_serial_and_parallel_have_the_same_bits_and_a_directory_goes_on(tmp_path):
    given = {"optimizers": TWO, "choices": {"p": [0.5]}, "validation": 0.25, "compiled": "auto"}
    serial = study(jobs=1, seeds=2, **given)
    begun = study(jobs=1, seeds=1, directory=tmp_path / "study", **given)
    parallel = study(jobs=2, seeds=2, directory=tmp_path / "study", **given)
    assert bits(serial) == bits(parallel)
    assert parallel.outcomes[0] == begun.outcomes[0]  # which did not run again, or its seconds would be others
    eager = study(jobs=1, seeds=2, **given | {"compiled": False})
    for run, other in zip(serial.outcomes, eager.outcomes):
        losses = [[row["validation_loss"] for row in outcome.rows] for outcome in (run, other)]
        np.testing.assert_allclose(*losses, rtol=1e-12)
    with pytest.raises(ValueError, match=r"another study(.|\n)*compiled: True\n *now None"):
        study(directory=tmp_path / "study", seeds=2, **given | {"compiled": False})


def test_a_study_that_began_as_it_is_does_not_go_on_compiled(tmp_path):
    study(TWO, seeds=1, directory=tmp_path / "study")
    with pytest.raises(ValueError, match=r"another study(.|\n)*compiled: None\n *now True"):
        study(TWO, seeds=1, directory=tmp_path / "study", compiled=True)


def test_a_variant_that_cannot_be_compiled_is_eager_or_an_error():
    with pytest.warns(UserWarning, match=WARNED) as caught:
        found = study(["lbfgs"], seeds=2, jobs=1, compiled="auto")
    assert len(caught) == 1
    assert bits(found) == bits(study(["lbfgs"], seeds=2, jobs=1))
    with pytest.raises(tg.TracingError, match="LBFGS") as error:
        study(["lbfgs"], seeds=2, compiled=True)
    assert error.value.__notes__ == ["with optimizer=lbfgs"]


def test_without_llvmlite(monkeypatch):
    given = {"optimizers": TWO, "seeds": 1, "jobs": 1, "epochs": 1}
    monkeypatch.setattr(compilation, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install"):
        study(compiled=True, **given)
    assert bits(study(compiled="auto", **given)) == bits(study(**given))


def test_a_worker_without_llvmlite_takes_no_other_steps(monkeypatch):
    monkeypatch.setattr(compilation, "find_spec", lambda name: None)
    variant = variants.Variant({}, make_model, "sgd", "softmax_cross_entropy", None, 1, 10, compiled="auto")
    with pytest.raises(ImportError, match="pip install"):
        variant.run(0, *DATA)


def test_what_compiled_may_be():
    with pytest.raises(TypeError, match='compiled must be True, False or "auto"'):
        study(TWO, compiled="yes")
    with pytest.raises(TypeError, match="got 1"):
        partial(study, TWO)(compiled=1)
