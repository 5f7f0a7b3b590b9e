"""How compiled steps are called: by name, nested, as a decorator, over whole epochs; and what they say."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, by_numpy


def test_nested_arguments_and_results_keep_their_structure():
    @tg.compiled
    def step(pair, *, scale, by="rows", times=2):
        a, b = pair
        return {"sum": a * scale + b, "parts": [a, (b, times)], "name": by}

    for scale in (1.0, 2.0, 3.0):
        out = step((np.ones(2), tg.Tensor(np.ones(2))), scale=scale)
        np.testing.assert_array_equal(out["sum"].data, [scale + 1] * 2)
        assert out["name"] == "rows"
        assert isinstance(out["parts"][1][0], tg.Tensor)
        assert out["parts"][1][1] == 2
    assert step.explain().count("\n") == 0


def test_other_shapes_dtypes_and_numbers_are_other_versions():
    step = tg.compiled(lambda x, n: x * n)
    for x in (np.ones(2), np.ones(3), np.ones(3, np.float32)):
        for n in (2, 3):
            for _ in range(2):
                assert step(x, n).dtype == x.dtype
    assert step.explain().count("a program of") == 6


def test_many_versions_warn():
    step = tg.compiled(lambda x: x * 2)
    for n in range(1, 9):
        step(np.ones(n))
    with pytest.warns(RuntimeWarning, match="9 versions of a compiled step"):
        step(np.ones(9))


def warnings_of(step, calls):
    """What ``step`` warns of, each with the number of the call."""
    found = []
    for i, (call, expected) in enumerate(calls):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            np.testing.assert_array_equal(step(*call), expected)
        found += [(i, str(warning.message)) for warning in caught]
    return found


def test_a_state_that_is_another_at_each_step_is_recorded_no_more_than_16_times():
    h = SimpleNamespace(n=0)

    def calls():
        for h.n in range(30):
            yield (np.ones(1),), 1 if h.n % 2 else h.n

    step = by_numpy(lambda x: x if h.n % 2 else x * h.n, state=h)
    (first, _), (at, text) = warnings_of(step, calls())
    assert (first, at) == (9, 17)
    assert text.startswith("16 versions of a compiled step were recorded, or begun, for arguments of one kind")
    assert "it runs eagerly from now on" in text
    assert sum(map(len, step._versions.values())) == 16
    assert step.explain().endswith("run eagerly 13 times, past 16 versions")
    h.n = 3  # which is known
    assert step(np.ones(1)) == 1
    assert "run 1 times" in step.explain()
    for h.n in [3] * 100 + [40]:  # once a program has run a hundred times, there may be one more
        step(np.ones(1))
    assert sum(map(len, step._versions.values())) == 17


def test_arguments_that_are_others_at_each_step_are_recorded_no_more_than_64_times():
    step = by_numpy(lambda x: x * 2)
    first, second = warnings_of(step, [((np.ones(n),), np.full(n, 2)) for n in range(1, 80)])
    assert (first[0], second[0]) == (8, 64)
    assert second[1].startswith("a compiled step met 64 kinds of arguments, or")
    assert sum(map(len, step._versions.values())) == 64
    assert step.explain().endswith("others: run eagerly 15 times, past 64 kinds or versions")


def test_numbers_that_are_others_at_each_step_are_forgotten():
    h = SimpleNamespace(sum=0.0)

    def function(x, i):
        h.sum = h.sum + i
        return x * h.sum

    step = by_numpy(function, state=h)
    ((at, _),) = warnings_of(step, [((np.ones(1), i), i * (i + 1) / 2) for i in range(100)])
    assert at == len(step._moving) == 64


def test_there_is_no_program_before_it_is_recorded():
    step = tg.compiled(lambda x: x)
    assert step.explain() == "nothing is recorded yet"
    with pytest.raises(RuntimeError, match="call it twice"):
        step.program  # noqa: B018 - it is the reading that raises


def test_within_no_grad_it_is_another_version():
    training = Training()
    step = tg.compiled(training.model, state=training.model)
    x, _ = batches(1)[0]
    for _ in range(3):
        with tg.no_grad():
            inside = step(x)
        np.testing.assert_array_equal(inside.data, step(x).data)


def test_who_watches_operations_sees_them():
    step = tg.compiled(lambda x: tg.Tensor(x, requires_grad=True) * np.inf)
    step(np.ones(1))
    with tg.detect_anomaly(), pytest.raises(tg.AnomalyError), np.errstate(invalid="ignore"):
        step(np.zeros(1))


def test_a_scan_of_nothing_gives_no_losses():
    training = Training()
    assert (
        tg.compiled(training.step, state=training.state).scan(np.ones((0, 2)), np.ones(0, int), batch_size=4).size == 0
    )
    assert training.bits() == Training().bits()


@pytest.mark.parametrize("order", [None, np.arange(10)[::-1], np.stack([np.arange(10), np.arange(10)[::-1]])])
def test_scan_is_a_loop_over_minibatches(order):
    data = batches(1, rows=10)[0]
    ours, twin = Training(), Training()
    losses = by_numpy(ours.step, state=ours.state).scan(*data, batch_size=4, epochs=2, order=order)
    orders = np.broadcast_to(np.arange(10) if order is None else order, (2, 10))
    expected = [twin.step(*[a[rows[i : i + 4]] for a in data]).item() for rows in orders for i in (0, 4, 8)]
    np.testing.assert_array_equal(losses, expected)
    assert ours.bits() == twin.bits()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((np.ones(3), np.ones(4)), {"batch_size": 2}, "as many rows"),
        ((np.ones(3),), {"batch_size": 0}, "batch_size must be a positive integer, got 0"),
        ((np.ones(3),), {"batch_size": 2, "epochs": 1.5}, "epochs must be a positive integer, got 1.5"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1]}, "order must hold row numbers"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1, -1]}, "numbers of the 3 rows, got -1 to 1"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1, 3]}, "numbers of the 3 rows, got 0 to 3"),
        ((np.ones(3), np.ones(())), {"batch_size": 2}, "as many rows each"),
        ((np.ones((3, 2)),), {"batch_size": 3}, r"one number, got float64 of shape \(3, 2\)"),
        ((np.array([None]),), {"batch_size": 1}, r"one number, got object"),
    ],
)
def test_scan_refuses(arrays, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tg.compiled(lambda x, *_: x).scan(*arrays, **options)
