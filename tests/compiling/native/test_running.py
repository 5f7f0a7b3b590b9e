"""Whole training steps: call by call, scanned, interrupted, from several threads, after a fork; and kept on disk."""

import linecache
import operator
import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.compiling.native.steps import Network, momentum_by_hand, momentum_step
from tests.compiling.native.writing import Writer, native
from tests.threads import in_threads
from tinygrad_np.compiling.native import CheckError, Native, engine
from tinygrad_np.compiling.places import Place
from tinygrad_np.compiling.values import Scalar


def pair(sizes, batch, dtype, rows):
    """Native code of a network's step, the network, a twin for the same by hand, and data."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, sizes[0])).astype(dtype)
    labels = rng.integers(0, sizes[-1], rows)
    net, twin = (Network(sizes, dtype, np.random.default_rng(1)) for _ in range(2))
    program = Native(momentum_step(net, x[:batch], labels[:batch]))
    momentum_by_hand(twin, x[:batch], labels[:batch])  # as writing the program ran it
    net.count[0] = 1
    return program, net, twin, x, labels


@pytest.mark.parametrize(
    ("sizes", "batch", "dtype"),
    [
        ((2, 3, 3), 4, np.float64),
        ((2, 3, 3), 4, np.float32),
        ((20, 33, 7), 9, np.float64),
        ((64, 50, 10), 32, np.float32),
    ],
)
def test_training_is_that_of_numpy_step_by_step_and_scanned(sizes, batch, dtype):
    steps = 1000 // (2 * batch)
    program, net, twin, x, labels = pair(sizes, batch, dtype, steps * batch)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    slices = [slice(i * batch, (i + 1) * batch) for i in range(steps)]
    losses = [float(program(x[s], labels[s])) for s in slices]
    losses += program.scan((x, labels), steps)[0].tolist()
    want = [float(momentum_by_hand(twin, x[s], labels[s])) for s in slices * 2]
    np.testing.assert_allclose(losses, want, rtol=10 * tolerance)
    np.testing.assert_allclose(net.p, twin.p, rtol=0, atol=tolerance * abs(twin.p).max() * 10)
    assert net.count == twin.count == [2 * steps + 1]


def test_temporaries_that_are_needed_at_different_times_share_memory():
    """Of a chain of products only the last is needed for the next; what is needed again at the end stays."""
    w = Writer(np.eye(16) + 0.01)
    (x,) = w.arrays
    first = y = w(np.dot, x, x)
    for _ in range(6):
        y = w(np.dot, y, x)
    program = native(w, want := w(np.dot, y, first))
    matrix = 16 * 16 * 8
    assert 3 * matrix <= program.bound.scratch.size <= 3 * matrix + 256
    np.testing.assert_allclose(program(x), want, rtol=1e-12)


def test_what_is_written_out_can_be_read():
    """Names say what they are of, and tracebacks and debuggers find the lines."""
    program, net, *_ = pair((2, 3, 3), 4, np.float64, 4)
    text = linecache.getlines(program.run.__code__.co_filename)
    assert " def run(arguments):\n" in text
    assert re.fullmatch(r"  code = native_\d+\(\*arguments\)\n", next(line for line in text if "code =" in line))
    assert any(re.fullmatch(r"  list_\d+\[0\] = s\d+\n", line) for line in text), net.count


def test_epochs_go_through_the_data_again():
    program, net, twin, x, labels = pair((2, 3, 3), 4, np.float64, 40)
    (losses,) = program.scan((x, labels), 10, epochs=30)
    want = [momentum_by_hand(twin, x[4 * i : 4 * i + 4], labels[4 * i : 4 * i + 4]) for i in [*range(10)] * 30]
    np.testing.assert_allclose(losses, want, rtol=1e-11)
    assert net.count == [301]


def test_hyperparameters_are_read_again():
    program, net, twin, x, labels = pair((2, 3, 3), 4, np.float64, 40)
    for net.lr in (0.5, 0.01):
        twin.lr = net.lr
        program(x[:4], labels[:4])
        momentum_by_hand(twin, x[:4], labels[:4])
        program.scan((x, labels), 10)
        for i in range(10):
            momentum_by_hand(twin, x[4 * i : 4 * i + 4], labels[4 * i : 4 * i + 4])
    np.testing.assert_allclose(net.p, twin.p, rtol=1e-12)


def test_a_count_that_formulas_use_goes_on_within_a_scan():
    state, count = np.zeros(3), [0]
    w = Writer(np.ones((1, 3)), live=[state])
    place = Place(count, 0, True)
    t = Scalar(place.reader())
    following = Scalar(operator.add, (t, 1))
    scale = Scalar(operator.sub, (1, Scalar(operator.pow, (0.5, following))))
    w(np.add, state, w(np.multiply, w.arrays[0][0], scale), out=state)
    program = native(w, w(np.copy, state), [(place.setter(), following)])
    state[:] = 0
    (seen,) = program.scan((np.ones((6, 3)),), 6)
    want = np.cumsum(1 - 0.5 ** np.arange(1, 7))
    np.testing.assert_allclose(seen[:, 0], want, rtol=1e-15)
    assert count == [6]
    assert type(count[0]) is int


def test_a_label_out_of_range_stops_a_scan_after_whole_minibatches():
    program, net, twin, x, labels = pair((2, 3, 3), 4, np.float64, 40)
    labels[4 * 7 + 2] = 3
    with pytest.raises(CheckError, match="an index is outside") as caught:
        program.scan((x, labels), 10)
    (losses,) = caught.value.results
    assert len(losses) == 7
    for i in range(7):
        momentum_by_hand(twin, x[4 * i : 4 * i + 4], labels[4 * i : 4 * i + 4])
    np.testing.assert_allclose(net.p, twin.p, rtol=1e-12)
    assert net.count == [8]


def test_data_in_another_layout_and_large_arguments():
    program, net, twin, x, labels = pair((64, 20, 3), 64, np.float64, 128)
    wide = np.repeat(x, 2, axis=1)[:, ::2]
    got = [program(wide[:64], labels[:64]), *program.scan((wide, labels[::-1][::-1]), 2)[0]]
    want = [momentum_by_hand(twin, x[i : i + 64], labels[i : i + 64]) for i in (0, 0, 64)]
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(program(x[:64], labels[:64]), momentum_by_hand(twin, x[:64], labels[:64]), rtol=1e-12)
    np.testing.assert_allclose(net.p, twin.p, rtol=1e-10, atol=1e-12)


def test_an_interrupt_stops_between_minibatches():
    program, net, _, x, labels = pair((2, 3, 3), 4, np.float64, 4 * 1000)
    timer = threading.Timer(0.02, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        program.scan((x, labels), 1000, epochs=10_000)
    timer.join()
    done = net.count[0] - 1
    assert done > 0
    again, other, _, _, _ = pair((2, 3, 3), 4, np.float64, 4 * 1000)
    again.scan((x, labels), 1000, epochs=done // 1000)
    if done % 1000:
        again.scan((x, labels), done % 1000)
    np.testing.assert_array_equal(other.p, net.p)
    np.testing.assert_array_equal(other.v, net.v)


def test_threads_take_turns():
    program, net, twin, x, labels = pair((2, 3, 3), 4, np.float64, 4)
    assert in_threads(4, lambda _: [program(x, labels) for _ in range(200)]) == []
    for _ in range(800):
        momentum_by_hand(twin, x, labels)
    assert net.count == [801]
    np.testing.assert_allclose(net.p, twin.p, rtol=1e-11)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_goes_on_by_itself():
    program, net, twin, x, labels = pair((2, 3, 3), 4, np.float64, 4)
    child = os.fork()
    if not child:
        program(x, labels)
        momentum_by_hand(twin, x, labels)
        os._exit(0 if np.allclose(net.p, twin.p, rtol=1e-12) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert net.count == [1]


def test_arguments_that_do_not_fit_are_refused():
    program, _, _, x, labels = pair((2, 3, 3), 4, np.float64, 8)
    with pytest.raises(ValueError, match=r"made for an argument of float64 \(4, 2\), got float64 \(3, 2\)"):
        program(x[:3], labels[:4])
    with pytest.raises(ValueError, match=r"made for an argument of int64 \(4,\), got float64 \(4,\)"):
        program(x[:4], labels[:4].astype(float))
    with pytest.raises(CheckError, match="takes 2 arguments, got 1"):
        program(x[:4])
    with pytest.raises(ValueError, match=r"made for an argument of float64 \(4, 2\), got float32 \(4, 2\)"):
        program.scan((x.astype(np.float32), labels), 2)
    with pytest.raises(ValueError, match=r"3 minibatches of 4 rows are more than the 8 rows"):
        program.scan((x, labels), 3)


# Object code on disk


def source(factor):
    w = Writer(np.arange(5.0))
    return w, w(np.multiply, w.arrays[0], factor)


def test_the_second_start_takes_the_code_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(tmp_path))
    first = native(*source(3.0))
    assert first.note == "compiled anew"
    monkeypatch.setattr(engine, "compiled", None)
    second = native(*source(3.0))
    assert second.note.startswith("from ")
    np.testing.assert_array_equal(second(np.ones(5)), np.full(5, 3.0))


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_damaged_entry_is_compiled_again_and_replaced(damage, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(tmp_path))
    native(*source(3.0))
    (entry,) = tmp_path.iterdir()
    content = entry.read_bytes()
    if damage == "other":
        native(*source(4.0))
        content = next(p for p in tmp_path.iterdir() if p != entry).read_bytes()
    changed = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    entry.write_bytes({"cut": content[:-1], "changed": changed, "empty": b"", "other": content}[damage])
    again = native(*source(3.0))
    assert again.note == f"compiled anew: {entry} is damaged"
    np.testing.assert_array_equal(again(np.ones(5)), np.full(5, 3.0))
    assert native(*source(3.0)).note.startswith("from ")


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    place = tmp_path / "file"
    place.write_text("not a directory")
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(place))
    program = native(*source(3.0))
    assert "not kept" in program.note
    np.testing.assert_array_equal(program(np.ones(5)), np.full(5, 3.0))


@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", os.mkdir)], ids=["directory", "pipe"])
def test_what_is_no_file_has_the_name_of_an_entry(make, tmp_path, monkeypatch):
    """A pipe would be waited for without end."""
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(tmp_path))
    native(*source(3.0))
    (entry,) = tmp_path.iterdir()
    entry.unlink()
    make(entry)
    again = native(*source(3.0))
    assert again.note == f"compiled anew, not kept: {entry} is no file"
    np.testing.assert_array_equal(again(np.ones(5)), np.full(5, 3.0))
    assert [*tmp_path.iterdir()] == [entry]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_directory_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_NP_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    assert "can be written by other users: not used" in native(*source(3.0)).note
    assert list(tmp_path.iterdir()) == []


def test_without_llvmlite_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['llvmlite'] = None; sys.modules['llvmlite.binding'] = None\n"
        "from tinygrad_np.compiling.native import engine\n"
        "try:\n    engine.machine()\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "native code needs llvmlite; run: pip install 'tinygrad_np[compiled]'"
