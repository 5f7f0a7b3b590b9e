"""Compiled steps by native code: what may change between calls, what is refused, threads, forks, interrupts, notes."""

import os
import signal
import sys
import threading

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, by_numpy, runs
from tests.threads import in_threads
from tinygrad_np.compiling import locking
from tinygrad_np.compiling.native import NotNativeError, binding


def close(training, twin, tolerance=1e-12):
    for p, q in zip(training.model.parameters(), twin.model.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=tolerance, atol=tolerance)
        if q.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad, rtol=tolerance, atol=tolerance)
    assert training.optimizer.steps == twin.optimizer.steps


def warm(training, n=3, **options):
    """The compiled step after ``n`` calls, each of which its twin made too; and the twin."""
    step, twin = tg.compiled(training.step, state=training.state), Training(**options)
    for x, t in batches(n):
        step(x, t), twin.step(x, t)
    return step, twin


# What changes between calls


def replaced_data(training):
    training.model[0].weight.data = np.ones((2, 3))


def loaded(training):
    training.model.load_state_dict(training.model.state_dict())


def another_generator(training):
    training.model[1].rng = np.random.default_rng(9)


def fewer_layers(training):
    training.model.layers = training.model.layers[:1] + training.model.layers[3:]


def evaluation(training):
    training.model.eval()


def forgotten_gradients(training):
    training.optimizer.zero_grad()


@pytest.mark.parametrize(
    "change", [replaced_data, loaded, another_generator, fewer_layers, evaluation, forgotten_gradients]
)
def test_state_that_changed_is_met_again(change):
    ours, twin = (Training(layers=[tg.nn.Dropout(0.5, rng=0), np.tanh]) for _ in range(2))
    step = tg.compiled(ours.step, state=ours.state)
    for i, (x, t) in enumerate(batches(12)):
        if i == 6:
            change(ours), change(twin)
        np.testing.assert_allclose(step(x, t).item(), twin.step(x, t).item(), rtol=1e-12)
    close(ours, twin)
    x, t = batches(1, rows=40)[0]
    expected = by_numpy(twin.step, state=twin.state).scan(x, t, batch_size=4)
    np.testing.assert_allclose(step.scan(x, t, batch_size=4), expected, rtol=1e-12)
    close(ours, twin)


def test_gradients_that_somebody_holds_are_left_alone():
    training = Training()
    step, twin = warm(training)
    parameter, data = training.model[0].weight, batches(6)
    kept = []
    for x, t in data[3:]:
        step(x, t)
        twin.step(x, t)
        kept.append((parameter.grad, twin.model[0].weight.grad))
    held = parameter.grad[:1]
    kept[-1] = held.base, kept[-1][1]
    step(*data[0])
    for ours, expected in kept:
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
    del held, kept, ours
    before = parameter.grad.ctypes.data
    step(*data[0])
    assert parameter.grad.ctypes.data == before  # nobody held it: it is written into again


def test_an_argument_that_the_step_changes_runs_as_it_does_eagerly():
    class Holder:
        def __init__(self):
            self.a = np.arange(1.0, 5.0)

        def step(self, x):
            self.a += x
            return self.a * x

    ours, twin = Holder(), Holder()
    step = tg.compiled(ours.step, state=ours)
    for x in (1.0, 2.0, 3.0):
        x = np.full(4, x)
        np.testing.assert_array_equal(step(x), twin.step(x))
    np.testing.assert_array_equal(step(ours.a), twin.step(twin.a))
    np.testing.assert_array_equal(step(ours.a[::-1]), twin.step(twin.a[::-1]))
    np.testing.assert_array_equal(ours.a, twin.a)


@pytest.mark.parametrize("shape", [(4, 3), (200, 30)])
def test_arguments_in_any_layout(shape):
    numbers = np.random.default_rng(0).normal(size=(2 * shape[0], 2 * shape[1]))
    x = numbers[: shape[0], : shape[1]].copy()
    step = tg.compiled(lambda x: (x.T, x.sum(axis=0), x[0, 0] * 2.0, 2.0 * x))
    frozen = x.copy()
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(shape)
    layouts = [x, x, x, numbers[::2, ::2], numbers.T.copy().T[::2, 1::2], x[::-1], frozen, unaligned, x]
    for given in layouts:
        for ours, expected in zip(step(given), (given.T, given.sum(axis=0), given[0, 0] * 2.0, 2.0 * given)):
            assert type(ours) is type(expected)
            np.testing.assert_allclose(ours, expected, rtol=1e-12)
    kept, first = step(x), [np.copy(part) for part in step(x)]
    step(-x)
    for ours, expected in zip(kept, first):
        np.testing.assert_array_equal(ours, expected)


def test_numbers_among_the_arguments_are_read_at_each_call():
    step = tg.compiled(lambda x, rate: x * rate)
    for rate in (1.0, 2.0, 3.0, 4.0):
        np.testing.assert_array_equal(step(np.arange(3.0), rate), np.arange(3.0) * rate)
    assert runs(step) == [3]


def test_an_array_that_a_program_refers_to_cannot_be_resized():
    weights = np.arange(3.0)
    step = tg.compiled(lambda x: x * weights)
    for _ in range(3):
        step(np.ones(3))
    with pytest.raises(ValueError, match="resize"):
        weights.resize(10_000)
    weights[:] = 7
    np.testing.assert_array_equal(step(np.ones(3)), [7, 7, 7])
    weights = np.arange(3.0)
    np.testing.assert_array_equal(step(np.ones(3)), [0, 1, 2])


# What fails


def test_a_label_out_of_range_is_the_eager_error_and_changes_nothing():
    training = Training()
    step, twin = warm(training)
    x, t = batches(1)[0]
    for _ in range(3):
        with pytest.raises(ValueError, match=r"label 9 in row 2 is outside \[0, 3\)"):
            step(x, np.array([0, 1, 9, 2]))
        step(x, t), twin.step(x, t)
        close(training, twin)


def test_a_label_out_of_range_ends_a_scan_after_whole_minibatches():
    training, (x, t) = Training(), batches(1, rows=40)[0]
    step, twin = warm(training)
    t[4 * 6 + 1] = 5
    with pytest.raises(ValueError, match="label 5 in row 1"):
        step.scan(x, t, batch_size=4)
    for i in range(6):
        twin.step(x[4 * i : 4 * i + 4], t[4 * i : 4 * i + 4])
    twin.optimizer.zero_grad()
    close(training, twin)


def test_where_a_guard_does_not_hold_a_scan_goes_on_after_a_step_run_eagerly():
    def run(total, x):
        y = tg.Tensor(x, requires_grad=True) ** tg.Tensor(np.array([2.0]), requires_grad=True)
        y.backward()
        total[0] = total[0] + float(y.data.size)
        return y

    x = np.where(np.arange(40) % 13 == 12, 0.0, np.arange(40) + 1.0)[:, None]
    ours, twin = {0: 0.0}, {0: 0.0}
    losses = tg.compiled(lambda x: run(ours, x[0]), state=[ours]).scan(x, batch_size=1)
    np.testing.assert_allclose(losses, [run(twin, row).item() for row in x], rtol=1e-12)
    assert ours == twin


def test_where_the_headers_of_arrays_are_not_known_arguments_are_copied(monkeypatch):
    monkeypatch.setattr(binding, "are_known", lambda: False)
    training = Training()
    step, twin = warm(training)
    for x, t in batches(6)[3:]:
        assert abs(step(x, t).item() - twin.step(x, t).item()) < 1e-12
    close(training, twin)


# Scans


@pytest.mark.parametrize("order", ["none", "one", "each"])
@pytest.mark.parametrize("rows", [8, 10, 3])
def test_a_scan_is_a_loop_over_minibatches(rows, order):
    rng = np.random.default_rng(0)
    x, t = batches(1, rows=rows)[0]
    epochs, ours, twin = 7, Training(), Training()
    each = np.stack([rng.permutation(rows) for _ in range(epochs)])
    given = {"none": None, "one": each[0], "each": each}[order]
    used = {"none": np.tile(np.arange(rows), (epochs, 1)), "one": np.tile(each[0], (epochs, 1)), "each": each}[order]
    step = tg.compiled(ours.step, state=ours.state)
    losses = step.scan(x, t, batch_size=4, epochs=epochs, order=given)
    expected = [twin.step(x[o[i : i + 4]], t[o[i : i + 4]]).item() for o in used for i in range(0, rows, 4)]
    np.testing.assert_allclose(losses, expected, rtol=1e-11)
    close(ours, twin, 1e-11)
    ours.optimizer.lr = twin.optimizer.lr = 0.001
    losses = step.scan(x, t, batch_size=4, order=given if order != "each" else each[0])
    expected = [twin.step(x[o[i : i + 4]], t[o[i : i + 4]]).item() for o in used[:1] for i in range(0, rows, 4)]
    np.testing.assert_allclose(losses, expected, rtol=1e-11)
    close(ours, twin, 1e-11)


@pytest.mark.parametrize("room", [1, 200, 400, 1000])
@pytest.mark.parametrize("rows", [12, 10])
def test_rows_are_put_in_order_so_many_bytes_at_a_time(rows, room, monkeypatch):
    monkeypatch.setattr("tinygrad_np.compiling.epochs.GATHERED", room)  # a minibatch has 96 bytes
    rng = np.random.default_rng(0)
    x, t = batches(1, rows=rows)[0]
    order = np.stack([rng.permutation(rows) for _ in range(20)])
    ours, twin = Training(), Training()
    losses = tg.compiled(ours.step, state=ours.state).scan(x, t, batch_size=4, epochs=20, order=order)
    expected = by_numpy(twin.step, state=twin.state).scan(x, t, batch_size=4, epochs=20, order=order)
    np.testing.assert_allclose(losses, expected, rtol=1e-11)
    close(ours, twin, 1e-11)


def unaligned(x):
    """The same numbers, one byte behind where such numbers usually begin."""
    array = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    array[...] = x
    return array


LAYOUTS = {
    "Fortran's": np.asfortranarray,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "every second row": lambda x: x.repeat(2, axis=0)[::2],
    "columns backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "the same row": lambda x: np.broadcast_to(x[0], x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "unaligned": unaligned,
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_scan_of_data_in_any_layout(kind):
    (x, t), ours = batches(1, rows=40)[0], Training()
    x = LAYOUTS[kind](x)
    step, twin = warm(ours)
    for epochs in (1, 3):
        starts = [*range(0, 40, 4)] * epochs
        expected = [twin.step(x[i : i + 4], t[i : i + 4]).item() for i in starts]
        np.testing.assert_allclose(step.scan(x, t, batch_size=4, epochs=epochs), expected, rtol=1e-12)
    close(ours, twin)


def test_a_scan_of_data_that_the_steps_change():
    def training():
        weight = tg.Tensor(np.linspace(-1, 1, 12).reshape(6, 2), requires_grad=True)
        return weight, tg.MomentumSGD([weight], lr=0.1)

    def step_of(weight, optimizer):
        def step(x):
            optimizer.zero_grad()
            loss = np.sum((weight[:2] - x) ** 2) + np.sum(np.tanh(weight))
            loss.backward()
            optimizer.step()
            return loss

        return step

    (weight, optimizer), (twin, other) = training(), training()
    ours, eager = tg.compiled(step_of(weight, optimizer), state=(weight, optimizer)), step_of(twin, other)
    for _ in range(4):
        losses = ours.scan(weight.data, batch_size=2)
        np.testing.assert_allclose(losses, [eager(twin.data[i : i + 2]).item() for i in (0, 2, 4)], rtol=1e-12)
    np.testing.assert_allclose(weight.data, twin.data, rtol=1e-12)


@pytest.mark.parametrize("rows", [4000, 3998])
def test_an_interrupt_stops_a_scan_between_minibatches(rows):
    training, (x, t) = Training(), batches(1, rows=rows)[0]
    step, twin = warm(training)
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        step.scan(x, t, batch_size=4, epochs=100_000)
    timer.join()
    done, batch_count = training.optimizer.steps - 3, -(-rows // 4)
    assert done > 0
    again = tg.compiled(twin.step, state=twin.state)
    if done >= batch_count:
        again.scan(x, t, batch_size=4, epochs=done // batch_count)
    if rest := 4 * (done % batch_count):
        again.scan(x[:rest], t[:rest], batch_size=4)
    close(training, twin, 1e-9)


# Threads and processes


def test_threads_take_turns(switching):
    training, (x, t) = Training(), batches(1)[0]
    step, twin = warm(training)
    assert in_threads(4, lambda _: [step(x, t) for _ in range(300)]) == []
    for _ in range(1200):
        twin.step(x, t)
    close(training, twin, 1e-9)


def test_steps_that_share_a_model_are_recorded_one_after_the_other(switching):
    (x, t), (same, _) = batches(2)
    for _ in range(16):
        training = Training()
        step = by_numpy(training.step, state=training.state)
        evaluation = by_numpy(lambda x, model=training.model: model(x), state=training.model)
        work = {0: lambda step=step: step(x, t), 1: lambda evaluation=evaluation: evaluation(same)}
        assert in_threads(2, lambda i, work=work: [work[i]() for _ in range(6)]) == []
        twin = Training()
        for _ in range(6):
            twin.step(x, t)
        close(training, twin, 1e-9)


def forking(test):
    """A test that forks."""
    test = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")(test)
    return pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")(test)


def forked():
    """What os.fork() gives; a child that hangs is ended by an alarm."""
    child = os.fork()
    if not child:
        signal.alarm(60)
    return child


def ended(child):
    """How a forked child ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@forking
def test_a_child_that_was_forked_within_a_step_of_another_thread_refuses_it(monkeypatch):
    monkeypatch.setattr(locking, "PATIENCE", 0.0)  # the step of the other thread does not end
    training, (x, t) = Training(), batches(1)[0]
    step, twin = warm(training)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with step.lock:  # as if this thread were within a step
            inside.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    child = forked()
    if not child:
        with pytest.raises(RuntimeError, match="forked while another thread was within this compiled step"):
            step(x, t)
        os._exit(0)
    leave.set()
    thread.join()
    assert ended(child) == 0
    assert step(x, t).item() == pytest.approx(twin.step(x, t).item(), rel=1e-12)


@forking
def test_a_fork_while_another_thread_draws():
    training, (x, t) = Training(layers=[tg.nn.Dropout(0.5, rng=0)]), batches(1)[0]
    step = tg.compiled(training.step, state=training.state)
    leave = threading.Event()
    thread = threading.Thread(target=lambda: [step(x, t) for _ in iter(leave.is_set, True)])
    thread.start()
    children = []
    for _ in range(8):
        children.append(forked())
        if not children[-1]:
            step(x, t)
            free = training.model[1].rng.bit_generator.lock.acquire(blocking=False)
            os._exit(0 if free else 1)
    leave.set()
    thread.join()
    assert list(map(ended, children)) == [0] * 8


@forking
def test_a_fork_during_a_scan_of_another_thread():
    training, (x, t) = Training(tg.optim.Adam, layers=[tg.nn.Dropout(0.5, rng=0)]), batches(1, rows=400)[0]
    step = tg.compiled(training.step, state=training.state)
    step.scan(x, t, batch_size=4)
    thread = threading.Thread(target=step.scan, args=(x, t), kwargs={"batch_size": 4, "epochs": 2000})
    thread.start()
    children = []
    for _ in range(4):
        children.append(forked())
        if not children[-1]:
            weights, steps = [p.data.copy() for p in training.model.parameters()], training.optimizer.steps
            step(x[:4], t[:4])
            moved = max(abs(p.data - w).max() for p, w in zip(training.model.parameters(), weights))
            # Adam moves a weight by about lr at a step: by much more if its count were another than its moments'.
            os._exit(0 if training.optimizer.steps == steps + 1 and moved < 0.01 else 1)
    thread.join()
    assert list(map(ended, children)) == [0] * 4
    twin = Training(tg.optim.Adam, layers=[tg.nn.Dropout(0.5, rng=0)])
    whole = tg.compiled(twin.step, state=twin.state)
    whole.scan(x, t, batch_size=4)
    whole.scan(x, t, batch_size=4, epochs=2000)
    assert training.bits() == twin.bits()  # the fork has stopped it, and it has gone on


# Where there is no native code


def without_llvmlite(monkeypatch):
    from tinygrad_np.compiling.native.engine import machine

    machine.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)


def test_without_llvmlite_numpy_runs_the_program(monkeypatch):
    without_llvmlite(monkeypatch)
    training, twin = Training(), Training()
    step, (x, t) = tg.compiled(training.step, state=training.state), batches(1, rows=10)[0]
    losses = step.scan(x, t, batch_size=4, epochs=3)
    np.testing.assert_array_equal(losses, by_numpy(twin.step, state=twin.state).scan(x, t, batch_size=4, epochs=3))
    assert "NumPy source, for native code needs llvmlite; run: pip install" in step.explain()
    assert training.bits() == twin.bits()


def test_native_code_that_must_be_is_an_error_where_it_cannot_be(monkeypatch):
    step = tg.compiled(lambda x: np.linalg.inv(x), native=True)
    step(np.eye(2))
    with pytest.raises(NotNativeError, match="all of its calls are NumPy's alone"):
        step(np.eye(2))
    without_llvmlite(monkeypatch)
    with pytest.raises(ImportError, match="native code needs llvmlite"):
        tg.compiled(lambda x: x + 1, native=True)


def test_what_only_numpy_can_do_runs_between_native_parts():
    step = tg.compiled(lambda x: np.linalg.inv(x * 2.0) + x)
    for i in range(1, 5):
        x = np.eye(3) * i
        np.testing.assert_allclose(step(x), np.linalg.inv(x * 2.0) + x, rtol=1e-12)
    with pytest.raises(np.linalg.LinAlgError):
        step(np.zeros((3, 3)))
    assert ", native code," in step.explain()


def test_a_product_with_the_hessian_is_native_code_throughout():
    (x, t), rng = batches(1)[0], np.random.default_rng(1)

    def loss(p):
        hidden = np.tanh(x @ p[:6].reshape(2, 3) + p[6:9])
        return tg.softmax_cross_entropy(hidden @ p[9:18].reshape(3, 3) + p[18:], t)

    product = tg.compiled(lambda p, v: tg.hvp(loss, (p,), (v,))[0], native=True)
    for _ in range(4):
        p, v = rng.normal(size=(2, 21))
        np.testing.assert_allclose(product(p, v), tg.hvp(loss, (p,), (v,))[0], rtol=1e-11, atol=1e-14)
    assert product.program.calls
    assert product._last.runner.native.bound.runs


def test_what_was_compiled_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(tmp_path))
    x = np.ones(3)
    for note in ("compiled anew", f"from {tmp_path}"):
        step = tg.compiled(lambda x: x * 2 + 1)
        step(x)
        assert "compiled when it comes again" in step.explain()
        step(x)
        assert "native code" in step.explain()
        assert note in step.explain()
