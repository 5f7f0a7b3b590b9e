"""First values of weights: bounds, moments and the generator's own numbers."""

import math

import numpy as np
import pytest

from tinygrad_np.initializers import as_generator, glorot_uniform, he_normal, uniform, zeros

SHAPE = (300, 200)  # 60,000 numbers: a mean is within 5σ / √60000 = 0.021σ, but for one seed in two million


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("initializer", "low", "high"),
    [
        (uniform(), 0, 1),
        (uniform(-2, 3), -2, 3),
        (uniform(low=-0.5, high=-0.25), -0.5, -0.25),
        (glorot_uniform, -math.sqrt(6 / 500), math.sqrt(6 / 500)),
    ],
    ids=["[0, 1)", "[-2, 3)", "[-0.5, -0.25)", "Glorot"],
)
class TestUniform:
    def test_fills_its_interval_and_stays_inside(self, initializer, low, high):
        values = initializer(SHAPE, rng())
        margin = 0.001 * (high - low)
        assert low <= values.min() < low + margin
        assert high - margin < values.max() < high

    def test_has_the_mean_and_the_variance_of_a_uniform_distribution(self, initializer, low, high):
        values, width = initializer(SHAPE, rng()), high - low
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.021 * width / math.sqrt(12))
        assert values.var() == pytest.approx(width**2 / 12, rel=0.02)


def test_glorot_gives_the_variance_2_over_fan_in_plus_fan_out():
    assert glorot_uniform(SHAPE, rng()).var() == pytest.approx(2 / (300 + 200), rel=0.02)


@pytest.mark.parametrize(("shape", "std"), [((200, 300), 0.1), ((800, 75), 0.05)], ids=["fan-in 200", "fan-in 800"])
def test_he_is_normal_with_variance_2_over_fan_in(shape, std):
    values = he_normal(shape, rng())
    assert values.mean() == pytest.approx(0, abs=0.021 * std)
    assert values.std() == pytest.approx(std, rel=0.02)
    assert np.mean(np.abs(values) < std) == pytest.approx(0.6827, abs=0.01)  # of a normal distribution lies within σ


def test_uniform_gives_the_generators_numbers_row_by_row():
    known = [[0.6369616873214543, 0.2697867137638703, 0.04097352393619469], [0.016527635528529094, 0.8132702392002724]]
    values = uniform()((2, 3), rng())
    assert values[0].tolist() == known[0]
    assert values[1, :2].tolist() == known[1]


@pytest.mark.parametrize(
    ("initializer", "draw"),
    [
        (uniform(-1, 2), lambda g: g.uniform(-1, 2, (2, 4))),
        (glorot_uniform, lambda g: g.uniform(-1, 1, (2, 4))),  # √(6 / (2 + 4)) = 1
        (he_normal, lambda g: g.normal(0, 1, (2, 4))),  # √(2 / 2) = 1
    ],
    ids=["uniform", "Glorot", "He"],
)
def test_draws_once_from_the_generator_it_is_given(initializer, draw):
    given, reference = rng(3), rng(3)
    np.testing.assert_array_equal(initializer((2, 4), given), draw(reference))
    assert given.random() == reference.random()


def test_zeros_are_zeros_and_draw_nothing():
    given = rng()
    np.testing.assert_array_equal(zeros((2, 3), given), [[0, 0, 0], [0, 0, 0]])
    assert given.random() == rng().random()


@pytest.mark.parametrize("initializer", [uniform(), zeros, glorot_uniform, he_normal])
@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (0, 3), (3, 0), (0, 0)])
def test_gives_float64_of_the_shape_asked_for(initializer, shape):
    values = initializer(shape, rng())
    assert (values.shape, values.dtype) == (shape, np.float64)


@pytest.mark.parametrize("initializer", [uniform(), zeros])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4)])
def test_uniform_and_zeros_take_any_shape(initializer, shape):
    assert initializer(shape, rng()).shape == shape


@pytest.mark.parametrize("initializer", [glorot_uniform, he_normal])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_a_shape_without_fan_in_and_fan_out_is_shown(initializer, shape):
    with pytest.raises(ValueError, match=r"\(in, out\)") as caught:
        initializer(shape, rng())
    assert f"got {shape}" in str(caught.value)


@pytest.mark.parametrize(
    ("low", "high"),
    [(1, 0), (math.nan, 1), (0, math.nan), (-math.inf, 0), (0, math.inf)],
    ids=["reversed", "low NaN", "high NaN", "low infinite", "high infinite"],
)
def test_an_interval_that_is_none_is_shown(low, high):
    with pytest.raises(ValueError, match=f"low <= high, got {low} and {high}"):
        uniform(low, high)


@pytest.mark.parametrize(
    ("low", "high"),
    [("0", "1"), (None, 1), ((2, 3), rng()), ([0], [1]), (0, 1j)],
    ids=lambda value: type(value).__name__,
)
def test_an_interval_that_is_no_two_numbers_is_refused_with_advice(low, high):
    with pytest.raises(TypeError) as caught:
        uniform(low, high)
    assert str(caught.value) == (
        f"uniform takes two numbers, low and high, got {low!r} and {high!r}; write uniform() or uniform(-1, 1)"
    )


def test_an_interval_of_one_point_gives_that_point():
    np.testing.assert_array_equal(uniform(0.5, 0.5)((3,), rng()), [0.5, 0.5, 0.5])


class TestAsGenerator:
    def test_gives_a_generator_back_as_it_is(self):
        given = rng()
        assert as_generator(given) is given

    @pytest.mark.parametrize("seed", [0, 7, np.int64(7), 2**63])
    def test_makes_one_from_a_seed(self, seed):
        assert as_generator(seed).random() == np.random.default_rng(seed).random()

    def test_makes_a_fresh_one_from_none(self):
        assert as_generator(None).random() != as_generator(None).random()

    @pytest.mark.parametrize("seed", [-1, np.int64(-1)])
    def test_refuses_a_negative_seed(self, seed):
        with pytest.raises(ValueError, match="a seed must be at least 0, got -1"):
            as_generator(seed)

    @pytest.mark.parametrize("rng", ["x", 1.5, True, np.True_, [1, 2], np.random, np.random.RandomState(0)], ids=type)
    def test_refuses_what_is_neither_with_advice(self, rng):
        with pytest.raises(
            TypeError,
            match=r"rng must be a np.random.Generator, an integer seed or None, got .*; "
            r"give np.random.default_rng\(0\) or 0",
        ):
            as_generator(rng)
