"""Serial, in processes and on a cluster: the same bits, whatever dies on the way."""

import os
import signal
import threading
from contextlib import ExitStack
from functools import partial

import joblib
import numpy as np
import pytest

import tinygrad_np as tg
from tests.experiments.problems import OPTIMIZERS, WILD, bits, make_model, study

EVERYTHING = {
    "optimizers": OPTIMIZERS | {"wild": WILD},
    "choices": {"p": [0.0, 0.5]},
    "seeds": 3,
    "metrics": ["accuracy"],
    "validation": 0.25,
}


@pytest.fixture(scope="module", autouse=True)
def workers():
    """Processes that joblib keeps for later are ended when this module is through."""
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_serial_and_parallel_have_the_same_bits(dtype):
    def factory(rng, p):  # a closure, which is sent by its code
        layers = [tg.nn.Linear(3, 8, rng=rng, dtype=dtype), tg.relu, tg.nn.Dropout(p, rng=rng)]
        return tg.Sequential(*layers, tg.nn.Linear(8, 2, rng=rng, dtype=dtype))

    wild = partial(tg.optim.SGD, lr=float(np.finfo(dtype).max))
    given = EVERYTHING | {"optimizers": OPTIMIZERS | {"wild": wild}}
    serial, parallel = (study(make_model=factory, jobs=jobs, **given) for jobs in (1, 2))
    assert bits(serial) == bits(parallel)
    assert {run.status for run in serial.outcomes} == {"finished", "diverged"}


def test_runs_are_in_other_processes_as_many_as_asked_for(tmp_path):
    def make_model(rng):
        (tmp_path / str(os.getpid())).touch()
        return tg.Sequential(tg.nn.Linear(3, 2, rng=rng))

    study({"sgd": "sgd"}, make_model=make_model, jobs=2, seeds=8)
    processes = {int(path.name) for path in tmp_path.iterdir()} - {os.getpid()}
    assert 1 <= len(processes) <= 2


@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_other_backends_of_joblib_have_the_same_bits(backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = study(**EVERYTHING)
    assert bits(found) == bits(study(jobs=1, **EVERYTHING))


def in_another_process_once(marker, parent, act):
    """A make_model that acts in the first of the processes that are not ``parent``, in one run of all."""

    def make_model(rng, **choices):
        if os.getpid() != parent:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return original(rng, **choices)
            act()
        return original(rng, **choices)

    original = make_model_of_problems
    return make_model


make_model_of_problems = make_model


def test_an_error_in_another_process_is_raised_here_and_costs_no_other_run(tmp_path):
    def act():
        raise ZeroDivisionError("no luck")

    factory = in_another_process_once(tmp_path / "marker", os.getpid(), act)
    with pytest.raises(ZeroDivisionError, match="no luck") as caught:
        study({"sgd": "sgd"}, make_model=factory, jobs=2, seeds=20, directory=tmp_path / "study")
    assert any(note.startswith("with optimizer=sgd, seed ") for note in caught.value.__notes__)
    ended = len(tg.experiments.load(tmp_path / "study").outcomes)
    assert 1 <= ended < 20


# When joblib ends processes at once, a thread of its own may find that the run it was about to hand out is gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_ctrl_c_keeps_what_other_processes_have_ended(tmp_path):
    factory = in_another_process_once(tmp_path / "marker", os.getpid(), partial(os.kill, os.getpid(), signal.SIGINT))
    found = study({"sgd": "sgd"}, make_model=factory, jobs=2, seeds=30, epochs=30, directory=tmp_path / "study")
    assert found.interrupted
    assert len(found.outcomes) < 30
    again = study({"sgd": "sgd"}, make_model=factory, jobs=2, seeds=30, epochs=30, directory=tmp_path / "study")
    assert len(again.outcomes) == 30
    assert set(map(repr, found.outcomes)) < set(map(repr, again.outcomes))


class Locked:
    """A factory that cannot be pickled."""

    def __init__(self):
        self.guard = threading.Lock()

    def __call__(self, rng):
        return make_model(rng)


def closing_over(lock):
    return lambda rng: make_model(rng) if lock else None


LOCK = threading.Lock()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"make_model": Locked()}, r"make_model cannot be sent .*\(it holds 'guard', lock\)"),
        ({"make_model": closing_over(LOCK)}, r"make_model cannot be sent .*\(it holds 'lock', lock\)"),
        (
            {"optimizers": {"sgd": lambda model, lock=LOCK: tg.optim.SGD(model)}},
            "the optimizer cannot be sent .*optimizer=sgd",
        ),
        ({"metrics": {"m": lambda output, target, lock=LOCK: 0.0}}, "metrics cannot be sent"),
    ],
)
def test_what_cannot_be_sent_to_another_process_is_named(given, named):
    arguments = {"optimizers": {"sgd": "sgd"}, "seeds": 2, "epochs": 1} | given
    with pytest.raises(TypeError, match=named) as caught:
        study(jobs=2, **arguments)
    assert "give jobs=1" in str(caught.value)
    assert len(study(jobs=1, **arguments).outcomes) == 2


@pytest.mark.filterwarnings("ignore")  # of the cluster's own clean-up
def test_on_a_cluster_of_which_a_worker_is_killed_midway_no_run_is_lost(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed: dask[distributed]")

    def act():
        os.kill(os.getpid(), signal.SIGKILL)

    factory = in_another_process_once(tmp_path / "marker", os.getpid(), act)
    with ExitStack() as stack:
        options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
        cluster = stack.enter_context(distributed.LocalCluster(**options, silence_logs=50))
        stack.enter_context(distributed.Client(cluster))
        with joblib.parallel_config(backend="dask"):
            found = study(make_model=factory, **EVERYTHING)
    assert (tmp_path / "marker").exists()
    assert len(found.outcomes) == 24
    assert bits(found) == bits(study(jobs=1, **EVERYTHING))


def test_without_joblib_runs_are_here_and_more_processes_say_what_to_install(monkeypatch):
    from tinygrad_np.experiments import packages, processes

    monkeypatch.setattr(processes, "find_spec", lambda name: None)
    assert len(study(seeds=1).outcomes) == 3

    def absent(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(packages, "import_module", absent)
    with pytest.raises(ImportError, match="pip install joblib"):
        study(jobs=2)
    for draw, package in (("table", "scipy"), ("plot", "matplotlib")):
        with pytest.raises(ImportError, match=f"pip install {package}"):
            getattr(study(), draw)()


def test_large_arrays_are_shared_and_change_no_bit():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(4000, 64)), rng.integers(2, size=4000)  # above the 1 MB from which joblib maps them

    def factory(rng):
        return tg.Sequential(tg.nn.Linear(64, 2, rng=rng))

    serial, parallel = (
        tg.experiments.compare(factory, data, ["sgd"], seeds=2, epochs=1, validation=0.5, jobs=jobs, progress=False)
        for jobs in (1, 2)
    )
    assert bits(serial) == bits(parallel)
