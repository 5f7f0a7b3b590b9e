"""Fits with compiled steps beside eager ones: what the Trainer does besides is the same, and so is a resumed run."""

import copy
import signal
import sys
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import RNG, X, Y, bits, plain, trainer, whole
from tinygrad_np import compiling
from tinygrad_np.training import compilation
from tinygrad_np.training.progress import Bar

WEIGHT = RNG.random(50)


@pytest.fixture
def as_numpy(monkeypatch):
    """Programs run as NumPy source, which has the bits of eager steps, and needs no time to be compiled."""
    monkeypatch.setattr(compiling, "CompiledStep", partial(compiling.CompiledStep, native=False))


def weighed(output, y, sample_weight=None):
    options = {"class_weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1}
    return tg.losses.softmax_cross_entropy(output, y, sample_weight=sample_weight, **options)


def by_parts():
    """A Trainer whose optimizer has groups, and hooks that clip and freeze."""

    def make(model):
        hooks = [partial(tg.optim.clip_by_global_norm, max_norm=0.5), tg.optim.Freezing(model, "0.*", until=4)]
        return tg.optim.AdamW(model, groups={"*.bias": {"weight_decay": 0.0, "lr": 0.1}}, hooks=hooks)

    return trainer(optimizer=make)


class Named(tg.nn.Module):
    """A model of a dictionary of inputs."""

    def __init__(self):
        self.inner = plain()

    def __call__(self, inputs):
        return self.inner(inputs["x"] * inputs["scale"][:, None])


MAKERS = {
    "adam with a schedule, a hook, metrics and an average": trainer,
    "momentum": lambda: trainer(plain(), optimizer="momentum", average=None, metrics=None),
    "hooks that clip and freeze, groups": by_parts,
    "plateau": lambda: trainer(optimizer=partial(tg.optim.SGD, lr=tg.optim.schedules.plateau(0.5, patience=1))),
    "class weights": lambda: tg.Trainer(whole(), weighed, "rmsprop", seed=1, metrics=["accuracy"]),
}
FITS = {
    "a smaller last minibatch": {"batch_size": 16},
    "validation and sample weights": {"batch_size": 16, "validation": 0.2, "sample_weight": WEIGHT},
    "in order, without the last": {"batch_size": 15, "shuffle": False, "drop_last": True, "validation": (X, Y)},
}


def outcome(run):
    """All that a run leaves behind."""
    gradients = [None if p.grad is None else p.grad.tobytes() for p in run.model.parameters()]
    return bits(run), bits(run.history), gradients


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("options", FITS.values(), ids=FITS)
@pytest.mark.usefixtures("as_numpy")
def test_all_is_as_in_an_eager_fit_to_the_last_bit(make, options):
    eager, compiled = make(), make()
    stopping = [tg.EarlyStopping(monitor="loss", patience=1, min_delta=0.2) for _ in range(2)]
    eager.fit(X, Y, 6, callbacks=stopping[:1], **options)
    compiled.fit(X, Y, 6, callbacks=stopping[1:], compiled="auto", **options)
    assert outcome(compiled) == outcome(eager)
    assert (compiled.history.compiled, eager.history.compiled) == (True, False)
    eager.fit(X, Y, 2, **options)
    compiled.fit(X, Y, 2, compiled=True, **options)
    assert outcome(compiled) == outcome(eager)
    known = compiled._compiled._step.explain()
    assert known.count("a program of") <= 4
    compiled.fit(X, Y, 1, compiled=True, **options)
    assert compiled._compiled._step.explain().count("\n") == known.count("\n")  # nothing is recorded anew


@pytest.mark.usefixtures("as_numpy")
def test_data_in_a_dictionary():
    runs = [tg.Trainer(Named(), "softmax_cross_entropy", seed=0, metrics=["accuracy"]) for _ in range(2)]
    data = {"x": X, "scale": WEIGHT.astype(np.float32)}
    for run, compiled in zip(runs, (False, True)):
        run.fit(data, Y, 3, batch_size=16, compiled=compiled)
    assert outcome(runs[0]) == outcome(runs[1])


def test_native_code_agrees_and_a_resumed_run_has_the_same_bits(tmp_path):
    uninterrupted, first, second, eager = (trainer() for _ in range(4))
    eager.fit(X, Y, 5, batch_size=16, validation=0.2)
    uninterrupted.fit(X, Y, 5, batch_size=16, validation=0.2, compiled=True)
    first.fit(X, Y, 2, batch_size=16, validation=0.2, compiled=True)
    first.save(tmp_path / "run.safetensors")
    second.load(tmp_path / "run.safetensors")
    second.fit(X, Y, 3, batch_size=16, validation=0.2, compiled=True)
    assert bits(second) == bits(uninterrupted)
    assert second.predict(X).tobytes() == uninterrupted.predict(X).tobytes()
    for name in eager.history.columns[:-1]:
        np.testing.assert_allclose(uninterrupted.history[name], eager.history[name], rtol=1e-5, err_msg=name)
    assert "native code" in uninterrupted._compiled._step.explain()


def test_every_step_is_the_programs_so_that_the_place_of_a_step_does_not_matter():
    """A fit of one epoch at a time equals a fit of all, though each records what it needs."""
    whole_fit, parts = trainer(), trainer()
    whole_fit.fit(X, Y, 3, batch_size=16, compiled=True)
    for _ in range(3):
        parts.fit(X, Y, 1, batch_size=16, compiled=True)
        parts._compiled = None
    assert bits(parts) == bits(whole_fit)


# -- many minibatches at a time ------------------------------------------------------------------------


def narrow():
    """A Trainer with nothing to be done after a step."""
    return tg.Trainer(plain(), "softmax_cross_entropy", "momentum", seed=0)


def at_a_time(monkeypatch, count):
    """Let native code take as many minibatches as ``count`` at once, however long they take; and which it took."""
    counts, taken = [], compilation.Compiled.__call__

    def counted(compiled, steps, batch, together):
        counts.append(together)
        return taken(compiled, steps, batch, together)

    monkeypatch.setattr(compilation, "MOST", count)
    monkeypatch.setattr(compilation, "PATIENCE", 1e9)
    monkeypatch.setattr(compilation.Compiled, "__call__", counted)
    return counts


@pytest.mark.parametrize("options", FITS.values(), ids=FITS)
def test_several_at_a_time_have_the_bits_of_one_after_another(options, monkeypatch):
    outcomes = []
    for count in (1, 2, 1000):
        counts = at_a_time(monkeypatch, count)
        run = narrow()
        run.fit(X, Y, 4, compiled=True, **options)
        outcomes.append(outcome(run))
        assert (max(counts) > 1) is (count > 1)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_divergence_among_several_is_that_of_its_step(monkeypatch):
    errors, states = [], []
    for count in (1, 3):
        at_a_time(monkeypatch, count)
        run = tg.Trainer(plain(), "squared_error", partial(tg.optim.SGD, lr=0.1), seed=0)
        run.fit(X, X, 2, batch_size=8, compiled=True)
        run.optimizer.lr = 1e5
        with pytest.raises(tg.DivergenceError, match=r"squared_error\(.*gave inf") as caught:
            run.fit(X, X, 2, batch_size=8, compiled=True)
        assert caught.value.step > 2
        errors.append(str(caught.value))
        states.append(bits(run))
    assert errors[0] == errors[1]
    assert states[0] == states[1]


def test_ctrl_c_among_several_ends_it_after_them(monkeypatch):
    counts, run = at_a_time(monkeypatch, 3), narrow()
    taken = compilation.Compiled.__call__

    def pressing(compiled, steps, batch, together):
        if together == 3:
            signal.raise_signal(signal.SIGINT)
        return taken(compiled, steps, batch, together)

    monkeypatch.setattr(compilation.Compiled, "__call__", pressing)
    assert run.fit(X, Y, 5, batch_size=8, compiled=True).interrupted
    assert (counts, run.optimizer.steps) == ([1] * 7 + [3], 10)


def test_a_bar_counts_them_all():
    class Counter:
        total = 0

        def update(self, count):
            self.total += count

    counter = Counter()
    assert list(Bar(counter).watch([[1, 2], [3]], len)) == [[1, 2], [3]]
    assert counter.total == 3


# -- what goes wrong -----------------------------------------------------------------------------------


LABELS = np.where(np.arange(50) == 20, 9, Y)


def spoilt(output, y):
    """A loss that is infinite where the label 9 is, with that of the others."""
    safe = np.where(y == 9, 0, y)
    return tg.softmax_cross_entropy(output, safe) - np.log(np.sum(output * 0) + np.min(9 - y) ** 2)


@pytest.mark.parametrize("rows", [10, 50])
@pytest.mark.usefixtures("as_numpy")
def test_a_divergence_names_the_operation_and_leaves_the_weights_of_before(rows):
    runs = [tg.Trainer(whole(), spoilt, "adam", seed=0, average=None) for _ in range(2)]
    errors = []
    for run, compiled in zip(runs, (False, True)):
        run.fit(X, Y, 2, batch_size=rows)
        with np.errstate(all="ignore"), pytest.raises(tg.DivergenceError, match=r"log\(.*gave -?inf") as caught:
            run.fit(X, LABELS, 3, batch_size=rows, compiled=compiled)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert bits(runs[0]) == bits(runs[1])


@pytest.mark.usefixtures("as_numpy")
def test_ctrl_c_ends_it_after_the_step_under_way():
    def lr(step):
        if step == 6 and pressed is not None and not pressed:
            pressed.append(1)
            signal.raise_signal(signal.SIGINT)
        return 0.01

    pressed, runs = None, []
    for compiled in (False, "auto"):
        pressed = None
        run = tg.Trainer(whole(), "softmax_cross_entropy", partial(tg.optim.Adam, lr=lr), seed=0)
        run.fit(X, Y, 1, batch_size=16, compiled=compiled)
        pressed = []
        assert run.fit(X, Y, 4, batch_size=16, compiled=compiled).interrupted
        assert (len(run.history), run.optimizer.steps) == (1, 7)
        runs.append(run)
    assert bits(runs[0]) == bits(runs[1])


def counting():
    """A loss that counts its calls, and what it counts."""
    calls = []

    def loss(output, y):
        calls.append(np.sum(output).item())
        return tg.softmax_cross_entropy(output, y)

    return loss, calls


def test_what_cannot_be_recorded_is_taken_as_it_is_and_that_is_said():
    (loss, calls), (twin, expected) = counting(), counting()
    eager = tg.Trainer(whole(), twin, seed=0)
    run = tg.Trainer(whole(), loss, seed=0)
    eager.fit(X, Y, 2, batch_size=16)
    with pytest.warns(UserWarning, match=r"not compiled, but taken as they are: array\.item") as caught:
        run.fit(X, Y, 2, batch_size=16, compiled="auto")
    assert [warning.filename for warning in caught] == [__file__]
    assert bits(run) == bits(eager)
    assert calls == expected  # those of the trial are taken back
    assert not run.history.compiled


@pytest.mark.usefixtures("as_numpy")
def test_what_can_no_longer_be_recorded_goes_on_as_it_is():
    def shorten(params):
        for p in params:
            p.grad = p.grad / max(1.0, np.abs(p.grad).max().item())

    def hook(run, row):
        if row["epoch"] == 2:
            run.optimizer.hooks = [shorten]

    eager, run = (trainer(optimizer="adam") for _ in range(2))
    eager.fit(X, Y, 4, batch_size=16, callbacks=[hook])
    with pytest.warns(UserWarning, match=r"taken as they are: array\.item") as caught:
        run.fit(X, Y, 4, batch_size=16, callbacks=[hook], compiled="auto")
    assert len(caught) == 1
    assert bits(run) == bits(eager)
    assert not run.history.compiled


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_required_it_is_an_error_before_anything_has_changed(optimizer):
    loss = "softmax_cross_entropy" if optimizer == "lbfgs" else counting()[0]
    run = tg.Trainer(plain(), loss, optimizer, seed=0)
    before = bits(run)
    with pytest.raises(tg.TracingError, match="LBFGS" if optimizer == "lbfgs" else r"array\.item"):
        run.fit(X, Y, 2, compiled=True)
    assert bits(run) == before
    run.fit(X, Y, 1)


def test_without_llvmlite(monkeypatch):
    monkeypatch.setattr(compilation, "find_spec", lambda name: None)
    run, eager = trainer(), trainer()
    before = bits(run)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_np\[compiled\]'"):
        run.fit(X, Y, 1, compiled=True)
    assert bits(run) == before
    assert not run.fit(X, Y, 1, compiled="auto").compiled
    eager.fit(X, Y, 1)
    assert bits(run) == bits(eager)


@pytest.mark.parametrize("compiled", ["always", 1, None, "True"])
def test_what_compiled_may_be(compiled):
    with pytest.raises(TypeError, match='compiled must be True, False or "auto", got'):
        trainer().fit(X, Y, 1, compiled=compiled)


@pytest.mark.usefixtures("as_numpy")
def test_a_copy_goes_on_by_itself():
    run, twin = trainer(), trainer()
    run.fit(X, Y, 2, compiled="auto")
    copied = copy.deepcopy(run)
    copied.fit(X, Y, 2, compiled="auto")
    twin.fit(X, Y, 4)
    assert bits(copied) == bits(twin)
    assert bits(run) != bits(copied)


@pytest.mark.usefixtures("as_numpy")
def test_a_part_that_a_callback_freezes_is_another_program():
    def freeze(run, row):
        if row["epoch"] == 2:
            run.model[1].eval()

    runs = [trainer() for _ in range(2)]
    for run, compiled in zip(runs, (False, "auto")):
        run.fit(X, Y, 4, batch_size=16, callbacks=[freeze], compiled=compiled)
    assert bits(runs[0]) == bits(runs[1])


def test_eager_fits_do_not_import_the_compiler():
    import subprocess

    program = (
        "import sys, numpy as np, tinygrad_np as tg\n"
        "run = tg.Trainer(tg.nn.Linear(2, 2), 'softmax_cross_entropy')\n"
        "run.fit(np.ones((4, 2)), np.zeros(4, int), 1)\n"
        "print([name for name in sys.modules if 'compiling' in name or 'llvmlite' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
