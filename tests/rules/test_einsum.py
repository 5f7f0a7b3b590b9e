"""Einstein summation over every kind of subscripts, and the order in which many operands are multiplied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_np as tg
from tests.differences import numerical

LETTERS = "abc"


@st.composite
def sums(draw):
    """Subscripts with repeated and lonely indices, and shapes in which an operand may have length 1 for an index."""
    lengths = {letter: draw(st.integers(1, 3)) for letter in LETTERS}
    terms = draw(st.lists(st.text(LETTERS, max_size=3), min_size=1, max_size=3))
    shapes = []
    for term in terms:
        stretched = draw(st.sets(st.sampled_from(LETTERS)))
        shapes.append(tuple(1 if c in stretched else lengths[c] for c in term))
    used = sorted(set("".join(terms)))
    output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
    return f"{','.join(terms)}->{''.join(output)}", shapes


@given(sums(), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_subscripts_have_the_value_of_numpy_and_the_gradient_by_differences(case, optimize, seed):
    subscripts, shapes = case
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = np.einsum(subscripts, *tensors, optimize=optimize)
    np.testing.assert_allclose(y.data, np.asarray(np.einsum(subscripts, *arrays)), rtol=1e-12, atol=1e-14, strict=True)
    weights = rng.normal(size=y.shape)
    y.backward(weights)
    for t, expected in zip(tensors, numerical(lambda *a: np.sum(np.einsum(subscripts, *a) * weights), arrays)):
        assert t.grad.shape == t.shape
        np.testing.assert_allclose(t.grad, expected, rtol=1e-8, atol=1e-9)


def test_an_axis_of_length_1_gets_the_sum_over_its_index():
    x1, x2 = (tg.Tensor(x, requires_grad=True) for x in ([[1.0], [2.0]], [[1.0, 10.0], [100.0, 1000.0]]))
    np.einsum("ij,ij->", x1, x2).backward()
    np.testing.assert_array_equal(x1.grad, [[11], [1100]])
    np.testing.assert_array_equal(x2.grad, [[1, 1], [2, 2]])


DIAGONALS = {
    "ii": (2.0, [[2, 0], [0, 2]]),
    "ii->i": ([2.0, 3.0], [[2, 0], [0, 3]]),
    "ij->i": ([2.0, 3.0], [[2, 2], [3, 3]]),
    "ij->ji": ([[1.0, 2.0], [3.0, 4.0]], [[1, 3], [2, 4]]),
}


@pytest.mark.parametrize(("subscripts", "values"), DIAGONALS.items(), ids=DIAGONALS)
def test_the_known_gradients_of_a_matrix(subscripts, values):
    g, expected = values
    x = tg.Tensor([[5.0, 6.0], [7.0, 8.0]], requires_grad=True)
    np.einsum(subscripts, x).backward(g)
    np.testing.assert_array_equal(x.grad, expected)


def test_an_infinite_gradient_on_the_diagonal_leaves_zeros_beside_it():
    x = tg.Tensor(np.ones((2, 2)), requires_grad=True)
    with np.errstate(all="raise"):
        np.einsum("ii->i", x).backward([np.inf, 1.0])
    np.testing.assert_array_equal(x.grad, [[np.inf, 0], [0, 1]])


CHAIN = [(2, 30), (30, 2), (2, 30)]
PATHS = {
    "greedy": (True, (2, 2)),
    "optimal": ("optimal", (2, 2)),
    "given": (["einsum_path", (1, 2), (0, 1)], (30, 30)),
    "given as lists": (["einsum_path", [1, 2], [0, 1]], (30, 30)),
}


@pytest.mark.parametrize(("optimize", "inner"), PATHS.values(), ids=PATHS)
def test_many_operands_are_multiplied_along_the_path_and_so_are_their_gradients(optimize, inner):
    rng = np.random.default_rng(0)
    xs = [tg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in CHAIN]
    y = np.einsum("ij,jk,kl->il", *xs, optimize=optimize)
    assert inner in [node.shape for node in y._node.arguments]
    at_once = np.einsum("ij,jk,kl->il", *xs)
    assert len(at_once._node.arguments) == 3
    np.testing.assert_allclose(y.data, at_once.data, rtol=1e-12, atol=1e-13)
    g = rng.normal(size=y.shape)
    for one, other in zip(*(tg.gradients(t, xs, output_gradients=g) for t in (y, at_once))):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-12)


LARGE = [
    ("ij,jk->ik", (40, 40), np.matmul),
    ("ij,kj->ki", (40, 40), lambda a, b: b @ a.T),
    ("ij,jk->ik", (40, 1), lambda a, b: a * np.sum(b, axis=0)),
]


@pytest.mark.parametrize(("subscripts", "shape", "product"), LARGE)
def test_a_large_product_of_two_is_that_of_matmul(subscripts, shape, product):
    rng = np.random.default_rng(0)
    a, b = (tg.Tensor(rng.normal(size=s), requires_grad=True) for s in (shape, (40, 40)))
    y, expected = np.einsum(subscripts, a, b), product(a, b)
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-12, atol=1e-12)
    g = np.random.default_rng(1).normal(size=(40, 40))
    for one, other in zip(*(tg.gradients(t, [a, b], output_gradients=g) for t in (y, expected))):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-12, atol=1e-12)


def test_lists_numbers_and_integers_beside_a_tensor():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.einsum(",i,ij->j", 2, x, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(y.data, [18, 24, 30])
    y.backward([1.0, 0.0, 0.0])
    np.testing.assert_array_equal(x.grad, [2, 8])


def test_more_axes_than_letters_remain_are_left_to_numpy():
    """An ellipsis takes letters that the subscripts do not use, capitals and not."""
    term = "".join(chr(c) for c in range(ord("a"), ord("z") + 1))
    x = tg.Tensor(np.ones((2, *[1] * 26)), requires_grad=True)
    y = np.einsum(f"...{term}->{term}...", x)
    assert y.shape == (*[1] * 26, 2)


REFUSED = {
    "too few operands": (("ij,jk", (2, 3)), r"more operands provided"),
    "too many operands": (("ij", (2, 3), (2, 3)), r"fewer operands provided"),
    "too few letters": (("i", (2, 3)), r"more dimensions than subscripts.*a term of letters, one for each axis"),
    "too many letters": (("ijk", (2, 3)), r"too many subscripts"),
    "too many letters beside an ellipsis": (("...ijk", (2, 3)), r"too many subscripts"),
    "lengths": (("ij,jk", (2, 3), (2, 3)), r"^einsum\('ij,jk', float64 \(2, 3\), float64 \(2, 3\)\).*broadcast"),
    "unequal on a diagonal": (("ii", (2, 3)), r"don't match"),
    "a letter twice in the output": (("ij->ii", (2, 3)), r"multiple times"),
    "a letter only in the output": (("ij->k", (2, 3)), r"never appeared in an input"),
    "a digit": (("i1", (2, 3)), r"subscripts must be letters"),
    "a lonely point": (("i.j", (2, 3)), r"not part of an ellipsis"),
    "an ellipsis that the output lacks": (("...i->i", (2, 3)), r"lacks the axes that '\.\.\.' stands for"),
    "a letter that nothing has": (("...i->a...", (2, 3)), r"never appeared in an input"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_subscripts_that_do_not_fit_are_refused_in_numpys_words(arguments, message):
    subscripts, *shapes = arguments
    with pytest.raises(ValueError, match=message):
        np.einsum(subscripts, *[tg.Tensor(np.ones(shape), requires_grad=True) for shape in shapes])


@pytest.mark.parametrize(
    ("optimize", "kind", "message"),
    [
        ("best", KeyError, "Path name .* not found"),
        (["einsum_path", (0, 1)], RuntimeError, "1 more operands has to be contracted"),
        (["einsum_path", (0, 5), (0, 1)], IndexError, r"^einsum\(.*out of range"),
    ],
)
def test_a_path_that_does_not_fit_is_refused(optimize, kind, message):
    x = tg.Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(kind, match=message):
        np.einsum("i,i,i", x, x, x, optimize=optimize)


@pytest.mark.parametrize("index", [-1, 52])
def test_an_index_number_out_of_range_is_refused(index):
    with pytest.raises(ValueError, match=rf"index {index} is outside \[0, 52\)"):
        np.einsum(tg.Tensor(np.ones(2), requires_grad=True), [index])


def test_options_that_no_gradient_could_follow_are_refused():
    x = tg.Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.einsum on a Tensor does not take dtype="):
        np.einsum("i->", x, dtype=np.float32)
