"""Programs: as text, as source that runs by itself, and made shorter without a bit of difference."""

import numpy as np

import tinygrad_np as tg
from tests.compiling.steps import Training, batches
from tinygrad_np.compiling.values import guard


def program_of(function, *arrays):
    step = tg.compiled(function)
    step(*arrays)
    return step.program


def names_of(program):
    return [getattr(call.function, "__name__", "") for call in program.calls]


def test_the_source_runs_by_itself():
    ours, twin = Training(), Training()
    step = tg.compiled(ours.step, state=ours.state)
    data = batches(6)
    for x, t in data[:2]:
        step(x, t), twin.step(x, t)
    program = step.program
    namespace = {"np": np, "guard": guard}
    exec(program.numpy_source(), namespace)
    run = namespace["bind"](**program.references())
    for x, t in data[2:]:
        (loss,) = run(x, t)
        assert loss == twin.step(x, t).item()
    assert ours.bits() == twin.bits()


def test_the_text_has_one_line_a_call_with_shapes_and_dtypes():
    program = program_of(lambda x: np.tanh(x) * 2.0, np.ones((2, 3), np.float32))
    assert str(program) == (
        "x: float32[2, 3]  (argument)\nv: float32[2, 3] = np.tanh(x)\nv_2: float32[2, 3] = v * 2.0\nreturn (v_2,)"
    )


def test_repetitions_and_dead_calls_are_left_out():
    def repeated(x):
        np.exp(x)
        return np.sin(x) * np.cos(x) + np.sin(x)

    assert names_of(program_of(repeated, np.ones(3))) == ["sin", "cos", "multiply", "add"]


def test_what_was_written_in_between_is_no_repetition():
    def written(x):
        y = np.zeros_like(x)
        first = np.sin(y)
        y[:] = x
        return first + np.sin(y)

    x = np.ones(3)
    step = tg.compiled(written)
    for _ in range(2):
        np.testing.assert_array_equal(step(x), written(x))


def test_two_results_never_share_memory():
    step = tg.compiled(lambda x: (np.sin(x), np.sin(x)))
    for _ in range(3):
        a, b = step(np.ones(3))
        assert not np.shares_memory(a, b)


def test_draws_are_never_left_out_nor_made_once():
    class Noise:
        rng = None

    ours, twin = Noise(), np.random.default_rng(0)
    ours.rng = np.random.default_rng(0)

    def draws(x):
        ours.rng.random(3)
        return ours.rng.random(3) - ours.rng.random(3) * x

    step = tg.compiled(draws, state=ours)
    for _ in range(4):
        twin.random(3)
        np.testing.assert_array_equal(step(np.ones(3)), twin.random(3) - twin.random(3))


def test_views_of_live_arrays_are_made_once_and_stay_alive():
    weights = np.arange(6.0).reshape(2, 3)
    step = tg.compiled(lambda x: x.dot(weights.T))
    for i in range(3):
        weights[0] = i
        np.testing.assert_array_equal(step(np.ones(3)), np.ones(3).dot(weights.T))
    assert names_of(step.program) == ["dot"]


def test_views_know_where_they_lie_in_their_root():
    program = program_of(lambda x: x[1:, ::2].T * 1.0, np.zeros((3, 4)))
    view = program.calls[0].result
    assert (view.root, view.offset, view.strides) == (program.arguments[0], 32, (32, 16))
