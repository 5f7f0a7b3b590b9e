"""First values of weights: bounds, moments and the generator's own numbers."""

import math

import numpy as np
import pytest

from tinygrad_np.initializers import (
    article,
    as_generator,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
    zeros,
)

SHAPE = (300, 200)  # 60,000 numbers: a mean is within 5σ / √60000 = 0.021σ, but for one seed in two million


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("initializer", "low", "high"),
    [
        (uniform(), 0, 1),
        (uniform(-2, 3), -2, 3),
        (uniform(low=-0.5, high=-0.25), -0.5, -0.25),
        (article, 0, 1),
        (glorot_uniform, -math.sqrt(6 / 500), math.sqrt(6 / 500)),
        (he_uniform, -math.sqrt(6 / 300), math.sqrt(6 / 300)),
        (lecun_uniform, -math.sqrt(3 / 300), math.sqrt(3 / 300)),
    ],
    ids=["[0, 1)", "[-2, 3)", "[-0.5, -0.25)", "the article's", "Glorot", "He", "LeCun"],
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


VARIANCES = {  # of a weight (300, 200)
    "Glorot, uniform": (glorot_uniform, 2 / (300 + 200)),
    "Glorot, normal": (glorot_normal, 2 / (300 + 200)),
    "He, uniform": (he_uniform, 2 / 300),
    "He, normal": (he_normal, 2 / 300),
    "LeCun, uniform": (lecun_uniform, 1 / 300),
    "LeCun, normal": (lecun_normal, 1 / 300),
    "normal": (normal(0, 0.3), 0.09),
    "orthogonal": (orthogonal, 1 / 300),  # the 200 columns have length 1
}


@pytest.mark.parametrize(("initializer", "variance"), VARIANCES.values(), ids=VARIANCES)
def test_the_variance_is_that_of_the_paper(initializer, variance):
    values = initializer(SHAPE, rng())
    assert values.mean() == pytest.approx(0, abs=0.021 * math.sqrt(variance))
    assert values.var() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize(("shape", "std"), [((200, 300), 0.1), ((800, 75), 0.05)], ids=["fan-in 200", "fan-in 800"])
def test_he_is_normal_with_variance_2_over_fan_in(shape, std):
    values = he_normal(shape, rng())
    assert values.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("initializer", [glorot_normal, he_normal, lecun_normal, normal(), orthogonal])
def test_of_a_normal_distribution_lies_within_its_standard_deviation(initializer):
    values = initializer(SHAPE, rng())
    assert np.mean(np.abs(values) < values.std()) == pytest.approx(0.6827, abs=0.01)


def test_a_normal_distribution_has_its_mean():
    assert normal(5, 0.1)(SHAPE, rng()).mean() == pytest.approx(5, abs=0.0021)
    np.testing.assert_array_equal(normal(5, 0)((2,), rng()), [5, 5])


@pytest.mark.parametrize("shape", [(5, 5), (5, 3), (3, 5), (1, 4), (4, 1), (1, 1)])
def test_orthogonal_columns_or_the_rows_where_there_are_fewer(shape):
    w = orthogonal(shape, rng())
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-14)
    assert w.flags.c_contiguous


def test_reflections_and_rotations_are_equally_likely():
    """The determinant is 1 in half of all draws, and each element positive in half: LAPACK's signs would not be."""
    g = rng()
    drawn = np.array([orthogonal((2, 2), g) for _ in range(2000)])
    assert np.mean(np.linalg.det(drawn) > 0) == pytest.approx(0.5, abs=0.06)
    np.testing.assert_allclose(np.mean(drawn > 0, axis=0), 0.5, atol=0.06)


def test_the_articles_is_uniform_on_0_to_1_to_the_bit():
    np.testing.assert_array_equal(article((2, 3), rng(7)), uniform()((2, 3), rng(7)))


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
        (normal(3, 2), lambda g: g.normal(3, 2, (2, 4))),
        (article, lambda g: g.uniform(0, 1, (2, 4))),
    ],
    ids=["uniform", "Glorot", "He", "normal", "the article's"],
)
def test_draws_once_from_the_generator_it_is_given(initializer, draw):
    given, reference = rng(3), rng(3)
    np.testing.assert_array_equal(initializer((2, 4), given), draw(reference))
    assert given.random() == reference.random()


@pytest.mark.parametrize("initializer", [uniform(), normal(), article, glorot_uniform, he_normal, orthogonal])
def test_a_seed_stands_for_its_generator(initializer):
    np.testing.assert_array_equal(initializer((3, 2), 7), initializer((3, 2), rng(7)))
    with pytest.raises(TypeError, match=r"rng must be a np.random.Generator, an integer seed or None, got 'x'"):
        initializer((3, 2), "x")


def test_zeros_are_zeros_and_draw_nothing():
    given = rng()
    np.testing.assert_array_equal(zeros((2, 3), given), [[0, 0, 0], [0, 0, 0]])
    assert given.random() == rng().random()


FANS = [glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal, orthogonal]


@pytest.mark.parametrize("initializer", [uniform(), normal(), article, zeros, *FANS])
@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (0, 3), (3, 0), (0, 0)])
def test_gives_float64_of_the_shape_asked_for(initializer, shape):
    values = initializer(shape, rng())
    assert (values.shape, values.dtype) == (shape, np.float64)


@pytest.mark.parametrize("initializer", [uniform(), normal(), article, zeros])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4)])
def test_those_that_do_not_ask_for_fans_take_any_shape(initializer, shape):
    assert initializer(shape, rng()).shape == shape


@pytest.mark.parametrize("initializer", FANS)
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


@pytest.mark.parametrize(("mean", "std"), [(math.nan, 1), (0, math.inf), (0, -1), (math.inf, 0), (0, math.nan)])
def test_a_normal_distribution_that_is_none_is_shown(mean, std):
    with pytest.raises(ValueError, match=f"finite std of at least 0, got {mean} and {std}"):
        normal(mean, std)


@pytest.mark.parametrize(("mean", "std"), [((2, 3), rng()), ("0", 1), (0, None)])
def test_a_normal_distribution_of_no_numbers_is_refused_with_advice(mean, std):
    with pytest.raises(TypeError, match=r"normal takes two numbers.*write normal\(\) or normal\(0, 0.01\)"):
        normal(mean, std)


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
