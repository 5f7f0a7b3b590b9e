"""What is said of a wrong gradient: each pattern in its words, and nothing where there is no pattern."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_np.checks.diagnosis import across, diagnose
from tinygrad_np.checks.maps import LEGEND, map_of
from tinygrad_np.checks.patterns import TOLERANCE

N = np.array([[1.0, -2.0, 3.5], [4.0, 5.5, -6.0], [0.5, 8.0, 9.0]])
M = np.array([[1.0, -2.0], [4.0, 5.5], [0.5, 8.0]])
V = np.array([1.0, -2.0, 3.5, 7.0])
S = np.array([[1.0, 2.0, -3.0], [2.0, 5.0, 0.5], [-3.0, 0.5, 4.0]])
T = np.random.default_rng(0).normal(size=(2, 3, 3))
NOT = ~np.eye(3, dtype=bool)


def said(claimed, numerical, x=None):
    """What is said where ``wrong`` is what the check would find."""
    claimed, numerical = np.asarray(claimed, float), np.asarray(numerical, float)
    wrong = None
    if claimed.shape == numerical.shape:
        with np.errstate(over="ignore"):
            wrong = ~np.isclose(claimed, numerical, rtol=1e-6, atol=1e-8)
    x = np.random.default_rng(9).normal(size=numerical.shape) if x is None else x
    return diagnose(claimed, numerical, wrong, x)


def changed(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


CLAIMED = "the claimed gradient is "
SIGN = ": its sign is opposite; is a minus missing, or a difference taken the other way round?"
ZERO = ": is it detached from the result, taken through .data, or computed within tg.no_grad()?"
T_MISSING = "the transpose of the numerical one: is a .T missing, or one too many?"
SHAPE = "the claimed gradient, of shape {} where the input has {}, "

SENTENCES = [  # claimed, numerical, what is said
    # one triangle of a symmetric matrix
    (
        S,
        np.tril(S) + np.tril(S, -1),
        CLAIMED + "the symmetric part of the numerical one: does f read one triangle of a symmetric matrix, as "
        "np.linalg.cholesky does? Then check f((a + a.T) / 2)",
    ),
    # a factor
    (
        4 * N,
        N,
        CLAIMED + "4.000 times the numerical one, everywhere: is the division by the batch (of 4 rows) missing?",
    ),
    (
        2 * V,
        V,
        CLAIMED
        + "2.000 times the numerical one, everywhere: is the division by the batch (of 2 rows) missing, or the ½ "
        "that goes with x²?",
    ),
    (
        N / 4,
        N,
        CLAIMED + "0.250 times the numerical one, everywhere: is it divided by the batch (of 4 rows) once too often?",
    ),
    (
        N / 2,
        N,
        CLAIMED
        + "0.500 times the numerical one, everywhere: is it divided by the batch (of 2 rows) once too often, or is "
        "the 2 of x² missing?",
    ),
    (
        N / 60000,
        N,
        CLAIMED
        + "1.66667e-05 times the numerical one, everywhere: is it divided by the batch (of 60000 rows) once too "
        "often?",
    ),
    (-N, N, CLAIMED + "-1.000 times the numerical one, everywhere" + SIGN),
    (1.7 * N, N, CLAIMED + "1.700 times the numerical one, everywhere"),
    (-4 * N, N, CLAIMED + "-4.000 times the numerical one, everywhere"),
    (7000.4 * N, N, CLAIMED + "7000.400 times the numerical one, everywhere"),
    (2.001 * N, N, CLAIMED + "2.001 times the numerical one, everywhere"),
    (6.0, 1.5, CLAIMED + "4.000 times the numerical one"),
    ([-6.0], [1.5], CLAIMED + "-4.000 times the numerical one"),
    (
        4 * np.ones(3),
        np.ones(3),
        CLAIMED + "4.000 times the numerical one, everywhere: is the division by the batch (of 4 rows) missing?",
    ),
    (
        4 * N * NOT,
        N * NOT,
        CLAIMED + "4.000 times the numerical one, everywhere: is the division by the batch (of 4 rows) missing?",
    ),
    # nothing
    (0 * N, N, CLAIMED + "0, everywhere" + ZERO),
    (0.0, 3.0, CLAIMED + "0" + ZERO),
    (
        N,
        0 * N,
        "the numerical gradient is 0, the claimed one is not: does f compute with this input, or with a copy of it?",
    ),
    # another order
    (N.T, N, CLAIMED + T_MISSING),
    (3 * N.T, N, CLAIMED + "3.000 times " + T_MISSING),
    (-N.T, N, CLAIMED + "-1.000 times " + T_MISSING),
    (M.T, M, SHAPE.format((2, 3), (3, 2)) + "is " + T_MISSING),
    (0.5 * M.T, M, SHAPE.format((2, 3), (3, 2)) + "is 0.500 times " + T_MISSING),
    (
        T.transpose(0, 2, 1),
        T,
        CLAIMED + "the numerical one with its axes in the order (0, 2, 1): is a transpose wrong?",
    ),
    (V[::-1], V, CLAIMED + "the numerical one reversed along axis 0: is a [::-1] missing?"),
    (N[:, ::-1], N, CLAIMED + "the numerical one reversed along axis 1: is a [::-1] missing?"),
    (np.roll(V, 1), V, CLAIMED + "the numerical one moved forward by one along axis 0: is an index off by one?"),
    (np.roll(N, -1, 1), N, CLAIMED + "the numerical one moved back by one along axis 1: is an index off by one?"),
    (
        V[[2, 0, 1, 3]],
        V,
        "the claimed gradient has the numbers of the numerical one in another order: is an index or a reshape wrong?",
    ),
    # terms too many
    (
        N + 0.01,
        N,
        CLAIMED + "the numerical one plus 0.010, everywhere: is a term of the loss on one side only?",
    ),
    # rows and columns
    (N * [[1], [4], [1]], N, "row 1 is off by a factor of 4.000, all others are right"),
    (N * [2, 1, 2], N, "columns 0 and 2 are off by a factor of 2.000, all others are right"),
    (N * [[1], [0], [1]], N, "row 1 is off by a factor of 0, all others are right"),
    (N * [[2], [3], [0.5]], N, "rows are each off by a factor of their own: 0 by 2.000, 1 by 3.000 and 2 by 0.500"),
    (N * [2, 1, 3], N, "columns are each off by a factor of their own: 0 by 2.000 and 2 by 3.000"),
    (T * [[[2], [1], [1]]], T, "slice 0 of axis 1 is off by a factor of 2.000, all others are right"),
    (N * [[[1]], [[2]]], [N, N], "slice 1 of axis 0 is off by a factor of 2.000, all others are right"),
    (changed(2 * N, slice(1, 3), [[9.0, 1.0, 4.0], N[2]]), N, "only row 2 is right, all others are wrong"),
    (changed(N, 2, [9.0, 1.0, 4.0]), N, "only row 2 is wrong"),
    (changed(N, (slice(None), 1), [9.0, 1.0, 4.0]), N, "only column 1 is wrong"),
    (changed(np.eye(3), 1, [9.0, 1.5, 0.0]), np.eye(3), "only row 1 is wrong"),
    (np.where([[1], [1], [0]], N**2 + 1, N), N, "only row 2 is right, all others are wrong"),
    (changed(np.vstack([N, N]), [0, 4], T[0, :2]), np.vstack([N, N]), "only rows 0 and 4 are wrong"),
    (changed(N, (1, 2), 7.0), N, "only the element at index (1, 2) is wrong"),
    (changed(V, 3, -7.0), V, "only the element at index (3,) is wrong"),
    # another shape
    (
        np.arange(12.0).reshape(4, 3),
        [18.0, 22.0, 26.0],
        SHAPE.format((4, 3), (3,)) + "is the numerical one when summed over axis 0: is the sum over the batch missing?",
    ),
    (
        np.arange(12.0).reshape(4, 3),
        [[4.5, 5.5, 6.5]],
        SHAPE.format((4, 3), (1, 3))
        + "is 4.000 times the numerical one when summed over axis 0: is the sum over the batch "
        "missing?",
    ),
    (
        np.arange(12.0).reshape(4, 3),
        66.0,
        SHAPE.format((4, 3), ()) + "is the numerical one when summed over axes 0 and 1: is the sum over axes 0 and 1 "
        "missing?",
    ),
    (
        M.sum(0),
        M,
        SHAPE.format((2,), (3, 2))
        + "is the sum of the numerical one over axis 0: is it summed where it should not be?",
    ),
    (
        M.mean(1, keepdims=True),
        M,
        SHAPE.format((3, 1), (3, 2)) + "is 0.500 times the sum of the numerical one over axis 1: is it summed where it "
        "should not be?",
    ),
    (
        2 * V[None],
        V,
        SHAPE.format((1, 4), (4,))
        + "is 2.000 times the numerical one but for its shape: is an axis of length 1 kept or "
        "lost, as by keepdims?",
    ),
    (M.ravel(), M, SHAPE.format((6,), (3, 2)) + "is the numerical one but for its shape: is a reshape missing?"),
    (
        T[0, :2],
        M,
        SHAPE.format((2, 3), (3, 2)) + "has the shape of the transpose, and other numbers: are the factors of a "
        "product swapped?",
    ),
    (T[0], V[:3], SHAPE.format((3, 3), (3,)) + "has too many numbers: is the sum over the batch missing?"),
    (V[:3], T[0], SHAPE.format((3,), (3, 3)) + "has too few numbers: is it summed over axis 0 where it should not be?"),
]


@pytest.mark.parametrize(("claimed", "numerical", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_pattern_in_its_words(claimed, numerical, sentence):
    assert said(claimed, numerical) == [sentence]


def test_a_multiple_of_the_input():
    x = np.array([[0.5, -1.0, 2.0], [3.0, 0.1, 0.0], [-0.7, 1.0, 1.0]])
    assert said(N + 0.01 * x, N, x) == [
        "the claimed gradient differs from the numerical one by 0.010 times the input: is a weight decay term on one "
        "side only?"
    ]


NAN, INF = np.nan, np.inf
BY_ZERO = ": is something divided by 0 there, or log taken of 0?"


@pytest.mark.parametrize(
    ("claimed", "numerical", "sentences"),
    [
        (changed(N, (0, 1), NAN), N, ["NaN in 1 of 9 elements", "only the element at index (0, 1) is wrong"]),
        (changed(N, 2, INF), N, ["infinite in 3 of 9 elements", "only row 2 is wrong"]),
        (changed([NAN, 1, 2, 3], 2, -INF), V, ["NaN in 1 and infinite in 1 of 4 elements"]),
        (NAN, 1.0, ["NaN in 1 of 1 elements"]),
        (V * NAN, V[:3], ["NaN in 4 of 4 elements"]),
    ],
    ids=range(5),
)
def test_what_is_not_finite(claimed, numerical, sentences):
    assert said(claimed, numerical) == [CLAIMED + sentences[0] + BY_ZERO, *sentences[1:]]


def test_a_numerical_gradient_that_is_not_finite():
    assert said(V, changed(V, 0, NAN)) == [
        "the numerical gradient is NaN in 1 of 4 elements: is f finite near the input?",
        "only the element at index (0,) is wrong",
    ]


SYMMETRIC = np.array([[1.0, 2.0], [2.0, 3.0]])
NOISE = np.random.default_rng(5).normal(size=(3, 3))


@pytest.mark.parametrize(
    ("claimed", "numerical"),
    [
        (N, N),  # right
        (0 * N, 0 * N),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.zeros((0, 3)), np.zeros((3, 4))),
        (NOISE, N),
        (5.0, 1e-11),  # 0 but for rounding
        (1.0, 1e-11),
        ((1 + TOLERANCE / 2) * SYMMETRIC, SYMMETRIC),
        ([5.0, 4.0, 2.0], [1e-11, -2e-11, 0]),
        (changed(N, ([0, 1, 2], [1, 2, 2]), 7.0), N),  # three scattered elements
        ([[5.0, 1, 1], [1, 1, 1], [1, 1, 9]], np.ones((3, 3))),
        (np.diag([2.0, 3, 4]), np.eye(3)),  # of one number in each row, any ratio is one
        ([0.0, 1, 1, 0, 1, 0], [1.0, 1, 0, 0, 0, 1]),  # as many ones, as any mask may have
        (NOISE[:2], V),
        (NOISE, NOISE[0, 0]),  # any sum is a multiple of one number
        (1.9e307 * N, -1.9e306 * N**2),  # their difference overflows
    ],
    ids=range(16),
)
def test_no_pattern_or_a_vacuous_one(claimed, numerical):
    assert [s for s in said(claimed, numerical) if "has too many numbers" not in s] == []


def test_what_is_the_same_in_another_order_is_not_said_to_be_moved():
    (sentence,) = said(3 * SYMMETRIC, SYMMETRIC)
    assert sentence.startswith("the claimed gradient is 3.000 times the numerical one, everywhere")


def test_a_factor_closer_to_1_than_differences_can_tell_is_none():
    assert said((1 + TOLERANCE / 2) * N, N) == []
    assert said((1 + 2 * TOLERANCE) * N, N) == [CLAIMED + "1.0002 times the numerical one, everywhere"]


def test_of_one_number_any_other_is_some_multiple():
    assert said(1.0, 1e-11, x=1.0) == []


def test_elements_at_a_kink_are_left_out():
    claimed, wrong = changed(4 * V, 0, 0.0), np.array([False, True, True, True])
    (sentence,) = diagnose(claimed, V, wrong, V)
    assert sentence.startswith("the claimed gradient is 4.000 times the numerical one, everywhere")


@pytest.mark.parametrize("slope", [0.5, NAN])
def test_wrong_elements_at_a_kink_are_left_out_too(slope):
    kinks = np.array([[True, False, False], [False, False, False], [False, True, False]])
    numerical = np.where(kinks, slope, N)
    (sentence,) = diagnose(-N, numerical, np.full((3, 3), True), N, kinks)
    assert sentence == CLAIMED + "-1.000 times the numerical one, everywhere" + SIGN


def test_where_all_that_is_wrong_is_at_kinks_only_its_place_is_said():
    kinks = np.array([True, False, False, False])
    assert diagnose(changed(V, 0, 7), V, kinks, V, kinks) == ["only the element at index (0,) is wrong"]
    assert diagnose([7.0, 9.0], [0.0, 0.0], [True, True], [0.0, 0.0], np.array([True, True])) == []


def test_one_wrong_element_is_no_weight_decay():
    x = np.array([1e-9, 1.0])
    assert said([2.0, 3.01], [2.0, 3.0], x) == ["only the element at index (1,) is wrong"]


def test_what_is_right_but_for_rounding_is_not_left_out():
    claimed, wrong = 4 * V, np.array([True, True, True, False])
    assert diagnose(changed(claimed, 3, V[3] * (1 + 1e-9)), V, wrong, V**2) == []


def test_many_rows_are_not_all_listed():
    n = np.random.default_rng(0).normal(size=(40, 5))
    (sentence,) = said(np.where(np.arange(40)[:, None] % 2, n, n + NOISE[0, 0] * np.abs(n) ** 0.5), n)
    assert sentence == "only rows 0, 2, 4, 6, 8, 10 and 14 more are wrong"


class TestDrawn:
    """A random gradient, altered."""

    SHAPES = st.sampled_from([(4,), (3, 3), (3, 5), (4, 2, 3)])
    SEEDS = st.integers(0, 10_000)

    @given(shape=SHAPES, seed=SEEDS, c=st.floats(-1000, 1000).filter(lambda c: abs(c) > 0.01 and abs(c - 1) > 0.001))
    def test_by_a_factor(self, shape, seed, c):
        n, noise = np.random.default_rng(seed).normal(size=(2, *shape))
        (sentence,) = said(c * n + 1e-8 * c * noise, n)
        assert sentence.startswith("the claimed gradient is ")
        assert "times the numerical one, everywhere" in sentence
        assert float(sentence.split()[4]) == pytest.approx(c, rel=1e-3, abs=5e-4)

    @given(shape=SHAPES, seed=SEEDS)
    def test_by_the_order_of_its_elements(self, shape, seed):
        rng = np.random.default_rng(seed)
        n = rng.normal(size=shape)
        claimed = rng.permutation(n.ravel()).reshape(shape)
        assume(not np.array_equal(claimed, n))
        (sentence,) = said(claimed, n)
        assert any(word in sentence for word in ("in another order", "reversed", "moved", "transpose"))

    @given(shape=SHAPES, seed=SEEDS, c=st.floats(0.01, 10))
    def test_by_a_term(self, shape, seed, c):
        n, x = np.random.default_rng(seed).normal(size=(2, *shape))
        assert said(n + c * x, n, x)[0].endswith("is a weight decay term on one side only?")
        assert said(n - c, n, x)[0].endswith("is a term of the loss on one side only?")

    @given(seed=SEEDS, axis=st.integers(0, 1))
    def test_by_a_factor_for_each_row_or_column(self, seed, axis):
        rng = np.random.default_rng(seed)
        n, factors = rng.normal(size=(4, 3)), rng.uniform(2, 3, (4, 3))
        (sentence,) = said(n * np.expand_dims(factors.take(0, axis), axis), n)
        assert sentence.startswith(f"{('columns', 'rows')[axis]} are each off by a factor of their own")

    @given(shape=SHAPES, seed=SEEDS)
    def test_by_one_element(self, shape, seed):
        rng = np.random.default_rng(seed)
        n = rng.normal(size=shape)
        index = tuple(int(rng.integers(size)) for size in shape)
        assert said(changed(n, index, n[index] + rng.normal()), n) == [f"only the element at index {index} is wrong"]

    @given(shape=SHAPES, seed=SEEDS, batch=st.integers(2, 5))
    def test_by_a_sum_that_is_missing(self, shape, seed, batch):
        claimed = np.random.default_rng(seed).normal(size=(batch, *shape))
        (sentence,) = said(claimed, claimed.sum(0))
        assert sentence.endswith("is the numerical one when summed over axis 0: is the sum over the batch missing?")

    @given(shape=SHAPES, seed=SEEDS)
    def test_by_noise_alone_or_not_at_all(self, shape, seed):
        n, noise, x = np.random.default_rng(seed).normal(size=(3, *shape))
        assert said(n, n, x) == said(n + 1e-9 * noise, n, x) == []
        assert said(n + noise, n, x) == said(noise, n, x) == []


BACK = (
    "before them, wrong: the fault lies on the way back from the later to the earlier ones; is a slope such as "
    "1 − z² of tanh missing?"
)
BACK_TO_ONE = BACK.replace("them", "it")


@pytest.mark.parametrize(
    ("names", "right", "sentences"),
    [
        ("W0 b0 W1 b1", "0011", [f"the gradients of W1 and b1 are right, those of W0 and b0, {BACK}"]),
        ("W0 b0 W1", "001", [f"the gradient of W1 is right, those of W0 and b0, {BACK_TO_ONE}"]),
        (
            "0.weight 0.bias 2.weight 2.bias 4.weight 4.bias",
            "000011",
            ["the gradients of 4.weight and 4.bias are right, those of 0.weight, 0.bias, 2.weight and 2.bias, " + BACK],
        ),
        ("in.w in.b out.w", "001", [f"the gradient of out.w is right, those of in.w and in.b, {BACK_TO_ONE}"]),
        ("a b c", "001", [f"the gradient of c is right, those of a and b, {BACK_TO_ONE}"]),
        ("W0 b0 W1 b1", "1111", []),
        ("W0 b0 W1 b1", "0000", []),
        ("W0 b0 W1 b1", "0101", []),  # the weights alone
        ("W0 b0 W1 b1", "1100", []),  # the last layer alone
        ("W0 b0 W1 b1", "0111", []),  # what arrived at its layer was right, for b0 is
        ("W0 b0 W1 b1", "0001", []),
        ("net.1.w net.1.b out.w out.b", "0001", []),
        ("W0 W1", "01", []),  # may be its own fault
        ("x", "0", []),
        ("", "", []),
    ],
    ids=range(15),
)
def test_what_the_inputs_say_together(names, right, sentences):
    assert across(names.split(), [sign == "1" for sign in right]) == sentences


class TestMap:
    @pytest.mark.parametrize(
        ("wrong", "kinks", "lines"),
        [
            ([[0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 1]], ["^×·", "··×"]),
            ([0, 1, 0], [0, 0, 1], ["·×^"]),
            (1, 0, ["×"]),
            (
                np.eye(4).reshape(2, 2, 4),
                np.zeros((2, 2, 4)),
                ["×···", "·×··", "··×·", "···×", "a row for each index of the leading axes, (2, 2)"],
            ),
            (
                np.arange(130) == 129,
                np.arange(130) == 3,
                ["·^" + 41 * "·" + "×", "each sign stands for up to 1 × 3 elements"],
            ),
            (
                np.arange(50)[:, None] == [[49, 0]],
                np.arange(50)[:, None] == [[1, 1]],
                ["^×", *15 * ["··"], "×·", "each sign stands for up to 3 × 1 elements"],
            ),
        ],
        ids=["two axes", "one axis", "a number", "three axes", "wide", "high"],
    )
    def test_a_sign_for_each_element_or_for_the_worst_of_a_block(self, wrong, kinks, lines):
        assert map_of(np.array(wrong, bool), np.array(kinks, bool)).splitlines() == [*lines, LEGEND]

    def test_the_legend(self):
        assert LEGEND == "· right   × wrong   ^ not differentiable"

    def test_the_largest_that_is_drawn_sign_by_sign(self):
        everything = np.ones((24, 60), bool)
        assert map_of(everything, everything).splitlines() == [*24 * [60 * "×"], LEGEND]

    @given(rows=st.integers(1, 900), columns=st.integers(1, 900), seed=st.integers(0, 99))
    def test_one_wrong_element_is_seen_in_any_shape(self, rows, columns, seed):
        rng = np.random.default_rng(seed)
        wrong = np.zeros((rows, columns), bool)
        wrong[rng.integers(rows), rng.integers(columns)] = True
        lines = map_of(wrong, rng.random((rows, columns)) < 0.5).splitlines()[:-1]
        signs = [line for line in lines if not line.startswith("each sign")]
        assert len(signs) <= 24
        assert max(map(len, signs)) <= 60
        assert "".join(signs).count("×") == 1
