"""The benchmarks' contestants do the same work, and the command prints its tables. Nothing here is timed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import chain
from benchmarks.contestants import Contestant, Problem, assert_agreement, hand_derived, hand_tuned, ours
from benchmarks.peers import PEERS

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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["step"], ["NumPy, hand-derived", "tinygrad_np", "≤ 1.0"]),
        (["chain"], ["y·x, both tracked", "1,000", "bytes a node"]),
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
