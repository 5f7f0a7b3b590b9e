"""The benchmarks' contestants do the same work, and the command prints its tables. Nothing here is timed."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg
from benchmarks import (
    chain,
    compiled,
    epoch_peers,
    epochs,
    growth,
    hessian,
    memory,
    networks,
    operations,
    optimizers,
    plain_c,
    rows,
    starts,
    training,
    transforms,
)
from benchmarks.contestants import Contestant, Problem, assert_agreement, hand_derived, hand_tuned, ours
from benchmarks.peers import PEERS
from benchmarks.timing import interleaved

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("build", [hand_tuned, ours])
def test_numpy_and_ours_train_alike(build):
    problem = Problem.article(seed=1)
    assert_agreement({"hand-derived": hand_derived(problem), build.__name__: build(problem)}, tolerance=1e-13)


@pytest.mark.filterwarnings("ignore")  # of what other libraries deprecate
@pytest.mark.parametrize("name", PEERS)
def test_other_libraries_train_alike(name):
    for module in PEERS[name].modules:
        pytest.importorskip(module)
    problem = Problem.article(seed=1)
    assert_agreement({"hand-derived": hand_derived(problem), name: PEERS[name].build(problem)}, steps=5)


def test_contestants_do_not_share_arrays_with_the_problem():
    problem = Problem.article()
    before = [w.copy() for w in problem.weights]
    for build in (hand_derived, hand_tuned, ours):
        contestant = build(problem)
        first = contestant.step().item()
        assert contestant.step().item() < first
    assert all(np.array_equal(a, b) for a, b in zip(before, problem.weights))


@pytest.mark.parametrize("what", ["loss", "parameters"])
def test_disagreement_is_an_error(what):
    problem = Problem.article()
    good = hand_derived(problem)
    if what == "loss":
        bad = Contestant(lambda: np.float64(0.5), good.parameters)
    else:
        twin = hand_derived(problem)
        bad = Contestant(twin.step, lambda: [p + 1e-6 for p in twin.parameters()])
    with pytest.raises(ValueError, match=f"bad has {what}"):
        assert_agreement({"good": good, "bad": bad})


@pytest.mark.parametrize("build", chain.KINDS.values(), ids=chain.KINDS)
def test_chain_has_the_gradient_of_the_formula(build):
    np.testing.assert_allclose(chain.ours(build, 50), np.full(4, chain.slope(build, 50)), rtol=1e-13)


def test_contestants_take_turns_from_changing_depths():
    calls = []

    def contestant(name):
        return lambda: calls.append((name, len(inspect.stack(0))))

    seconds = interleaved({"a": contestant("a"), "b": contestant("b")}, rounds=3, steps=2)
    assert {name: len(measured) for name, measured in seconds.items()} == {"a": 3, "b": 3}
    assert [name for name, _ in calls] == list("bbaaaabbbbaaaabb")  # the first round is not counted
    assert [len({depth for _, depth in calls[i : i + 4]}) for i in range(0, 16, 4)] == [1] * 4
    assert len({depth for _, depth in calls}) == 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", rows.ROWS)
def test_libraries_have_the_same_gradient_of_an_operation(name):
    row = rows.ROWS[name]
    peers = [peer for peer in operations.installed() if peer in row.peers]
    if not peers:
        pytest.skip(f"{' and '.join(row.peers)} not installed")
    calls = operations.calls(name, row.function, row.arrays, peers)
    for call in calls.values():
        call.step()  # a second time: nothing is left over from the first
    for gradients in zip(row.arrays, *[call.gradients() for call in calls.values()], strict=True):
        assert len({np.shape(g) for g in gradients}) == 1
        np.testing.assert_allclose(gradients[2:], gradients[1:-1], rtol=1e-9, atol=1e-12)


def test_no_operation_is_listed_twice():
    assert len(rows.ROWS) == sum(len(lines) for lines, _ in rows.GROUPS)


def test_a_library_with_another_gradient_is_named(monkeypatch):
    monkeypatch.setitem(
        operations.LIBRARIES, "other", lambda _, arrays: operations.ours(lambda xp, x: xp.cos(x), arrays)
    )
    with pytest.raises(ValueError, match="sin: other has the gradient"):
        operations.calls("sin", lambda xp, x: xp.sin(x), [np.ones(4)], ["other"])


NETWORKS = {
    wanted: networks.Network.random(3, width=5, batch=4, of_parameters=wanted == "parameters")
    for wanted in ("parameters", "batch")
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wanted", NETWORKS)
@pytest.mark.parametrize("name", networks.LIBRARIES)
def test_libraries_have_the_same_gradients_of_a_deep_network(name, wanted):
    network, (module, build, _) = NETWORKS[wanted], networks.LIBRARIES[name]
    pytest.importorskip(module)
    forward, backward = build(network)
    gradients = backward(forward())
    g, expected = np.ones((4, 5)), []
    hidden = [network.x]
    for w, b in zip(network.weights, network.biases, strict=True):
        hidden.append(np.tanh(hidden[-1] @ w + b))
    for w, x, y in reversed(list(zip(network.weights, hidden[:-1], hidden[1:], strict=True))):
        g = g * (1 - y**2)
        expected.append((x.T @ g, g.sum(0)))
        g = g @ w.T
    of_weights, of_biases = zip(*reversed(expected), strict=True)
    for x, y in zip([*of_weights, *of_biases] if network.of_parameters else [g], gradients, strict=True):
        np.testing.assert_allclose(np.asarray(y), x, rtol=1e-12)


@pytest.mark.parametrize("wanted", NETWORKS)
def test_the_rules_of_a_deep_network_must_save_the_output_of_each_layer(wanted):
    network = NETWORKS[wanted]
    saved = 3 * 4 * 5 * 8
    assert memory.must_save(network) == saved
    measured = memory.weigh(networks.OURS, network)
    assert saved <= measured.held <= measured.peak


@pytest.mark.parametrize("of_parameters", [True, False])
def test_the_backward_pass_keeps_to_what_the_rules_must_save(of_parameters):
    network = networks.Network.random(layers=50, width=128, batch=128, of_parameters=of_parameters)
    memory.weigh(networks.OURS, network)  # caches fill
    assert memory.weigh(networks.OURS, network).peak <= memory.GOAL * memory.must_save(network)


@pytest.mark.parametrize("name", transforms.cases(scale=3))
def test_forward_and_reverse_mode_agree_on_a_function_to_time(name):
    transforms.check(name, transforms.cases(scale=3)[name])


def test_modes_that_disagree_are_an_error():
    @tg.operation(symmetric=True)  # which it is not
    def moved_on(x):
        return np.roll(x, 1), (lambda g: np.roll(g, -1),)

    x, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"moved: the derivative is 3\.0 by jvp, and 2\.0 by grad"):
        transforms.check("moved", transforms.Case(lambda x: np.sum(moved_on(x) * np.array([1.0, 2.0, 3.0])), x, v))


@pytest.mark.parametrize("name", optimizers.UPDATES)
def test_an_update_by_hand_moves_as_the_optimizer_does(name):
    optimizers.assert_agreement(name, optimizers.contestants(name, (3, 4, 2), np.float64))


def test_every_optimizer_but_the_one_with_a_search_is_timed():
    assert set(optimizers.UPDATES) == set(tg.optim.OPTIMIZERS) - {"lbfgs"}


def test_an_update_by_hand_that_moves_otherwise_is_an_error(monkeypatch):
    monkeypatch.setitem(optimizers.UPDATES, "adam", optimizers.adamw)
    with pytest.raises(ValueError, match="adam: tinygrad_np has parameters that are off by"):
        optimizers.assert_agreement("adam", optimizers.contestants("adam", (3, 4, 2), np.float64))


@pytest.mark.parametrize("sizes", [(2, 3, 3), (5, 4, 3, 2)])
def test_a_fit_by_hand_by_a_loop_and_by_the_trainer_ends_with_the_same_weights(sizes):
    problem = training.Problem.random(sizes, batch_size=4, rows=10, dtype=np.float64)
    builds = {"by hand": training.by_hand, "loop": training.bare, "Trainer": training.ours}
    training.assert_agreement({name: build(problem) for name, build in builds.items()}, tolerance=1e-12)


def test_a_fit_that_ends_elsewhere_is_an_error():
    problem = training.Problem.random((2, 3, 3), batch_size=4, rows=10, dtype=np.float64)
    still = training.Contestant(lambda count: None, problem.weights)
    with pytest.raises(ValueError, match="after 2 epochs still has parameters"):
        training.assert_agreement({"by hand": training.by_hand(problem), "still": still}, tolerance=1e-3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", training.PEERS)
def test_other_libraries_learn_the_same_problem(name):
    module, build = training.PEERS[name]
    pytest.importorskip(module)
    contestant = build(training.Problem.random((2, 3, 3), batch_size=4, rows=10, dtype=np.float64))
    contestant.epochs(1)
    before = [np.array(p) for p in contestant.parameters()]
    contestant.epochs(1)
    assert all((p != q).any() for p, q in zip(before, contestant.parameters(), strict=True))


TASKS = {
    "2-3-3": epochs.Task.article(rows=20),
    "2-3-3, Adam": epochs.Task.article(rows=20, optimizer="adam"),
    "2-3-2, XOR": epochs.Task.xor(),
    "2-20-2": epochs.Task.moons(rows=20),
    "deep, relu": epochs.Task.relu(training.Problem.random((5, 4, 6, 3), batch_size=4, rows=22, dtype=np.float64)),
}


def assert_trains_alike(name, build, tolerance=1e-12):
    task = TASKS[name]
    training.assert_agreement({"by hand": epochs.by_hand(task), build.__name__: build(task)}, tolerance)


@pytest.mark.parametrize("build", [epochs.eager, epochs.compiled, epochs.scan])
@pytest.mark.parametrize("name", TASKS)
def test_whole_epochs_by_hand_eager_and_compiled_end_with_the_same_weights(name, build):
    assert_trains_alike(name, build)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("build", [epoch_peers.jax_scan, epoch_peers.jax_steps, epoch_peers.pytorch])
@pytest.mark.parametrize("name", TASKS)
def test_whole_epochs_in_other_libraries_end_with_the_same_weights(name, build):
    pytest.importorskip("torch" if build is epoch_peers.pytorch else "jax")
    assert_trains_alike(name, build)


@pytest.mark.skipif(not plain_c.compiler(), reason="no C compiler")
@pytest.mark.parametrize("build", [plain_c.scan, plain_c.steps])
def test_whole_epochs_in_c_end_with_the_same_weights(build):
    assert_trains_alike("2-3-3", build)


def test_rows_of_a_smaller_last_minibatch_are_left_out_for_all():
    assert TASKS["deep, relu"].steps == 5
    assert len(TASKS["deep, relu"].X) == 20


@pytest.mark.parametrize("name", [name for name in TASKS if name != "2-3-3"])
def test_c_is_asked_for_the_network_that_it_is_written_for_alone(name):
    with pytest.raises(ValueError, match=r"epoch\.c trains 2-3-3 in float64 with momentum"):
        plain_c.scan(TASKS[name])


def test_without_a_c_compiler_plain_c_is_left_out_with_a_note(monkeypatch):
    monkeypatch.setattr(plain_c.shutil, "which", lambda command: None)
    assert compiled.C not in compiled.builds(TASKS["2-3-3"], peers=False)
    assert [line for line in compiled.notes(peers=False) if "No C compiler" in line]
    with pytest.raises(FileNotFoundError, match="neither cc nor gcc"):
        plain_c.scan(TASKS["2-3-3"])


def test_programs_that_end_with_other_losses_are_an_error():
    with pytest.raises(ValueError, match=r"b ends with the loss 0\.6, a with 0\.5"):
        starts.assert_agreement({"a": lambda: "0.5\n", "b": lambda: "0.6\n"})


@pytest.mark.filterwarnings("ignore")
def test_products_with_a_hessian_are_the_same_and_others_an_error():
    products = hessian.contestants(peers=True)
    hessian.assert_agreement(products)
    with pytest.raises(ValueError, match="other has the product"):
        hessian.assert_agreement({**products, "other": lambda: [1.001 * h for h in products[hessian.EAGER]()]})


def test_compiled_programs_are_not_kept_while_compilation_is_timed(monkeypatch):
    for before in ("somewhere", None):
        if before is None:
            monkeypatch.delenv(compiled.CACHE, raising=False)
        else:
            monkeypatch.setenv(compiled.CACHE, before)
        with compiled.cache(quick=False):
            assert os.environ[compiled.CACHE] == ""
        with compiled.cache(quick=True):
            assert Path(os.environ[compiled.CACHE]).is_dir()
        assert os.environ.get(compiled.CACHE) == before


def test_growth_is_printed_and_drawn(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    tables = growth.run(quick=True)
    assert [table.title for table in tables] == [
        f"A training step as its {name} grows, float64" for name in ("width", "depth", "batch")
    ]
    assert [[row[0] for row in table.rows] for table in tables] == [["1", "4"], ["1", "3"], ["1", "4"]]
    assert (tmp_path / growth.OUT).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["step"], ["NumPy, hand-derived", "tinygrad_np", "≤ 1.0"]),
        (["compiled"], ["tinygrad_np, scan", "≥ 70", "step by step", "≤ 0.5 s", "XOR", "784-512-256-10", "≥ 30"]),
        (["optimizers"], ["momentum", "times by hand", "784-512-256-10 network, float32", "≤ 1.3"]),
        (["training"], ["tinygrad_np, Trainer.fit", "≤ 1.05", "digits", "≤ 1.15", "784-512-256-10"]),
        (["chain"], ["y·x, both tracked", "1,000", "bytes a node"]),
        (["operations"], ["x1 + x2", "linalg.inv", "Operations, forward", "backward / forward"]),
        (["memory"], ["tinygrad_np, gradients of the parameters", "times S", "≤ 1.1 S"]),
        (["transforms"], ["exp(sin x)·x / (1 + x²)", "jvp / f", "≤ 3"]),
        (["checks"], ["tinygrad_np, fast", "< 30 evaluations", "stacks, full"]),
        (["experiments"], ["one after another, one process", "the same, once they run", "≥ 1.8"]),
        (["import", "--verbose"], ["what tinygrad_np adds", "≤ 25 ms", "Heaviest modules"]),
        (["step", "--markdown"], ["| tinygrad_np", "|---|---:|"]),
    ],
)
def test_command_prints_its_tables(arguments, expected):
    command = [sys.executable, "-m", "benchmarks", *arguments, "--quick", "--no-peers"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr
    assert [text for text in [*expected, "OPENBLAS_NUM_THREADS="] if text not in result.stdout] == []


def test_unknown_benchmark_is_refused_by_name():
    command = [sys.executable, "-m", "benchmarks", "stpe"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "invalid choice: 'stpe'" in result.stderr
