"""Inverses, determinants and linear systems: singular matrices above all, and what NumPy refuses."""

from itertools import permutations

import numpy as np
import pytest

import tinygrad_np as tg

LinAlgError = np.linalg.LinAlgError


def leaf(x, dtype=float):
    return tg.Tensor(np.array(x, dtype), requires_grad=True)


def by_leibniz(x):
    """The determinant as the polynomial that it is, of one matrix."""
    n = x.shape[-1]
    total = 0.0
    for p in permutations(range(n)):
        product = np.linalg.det(np.eye(n)[list(p)])  # ±1
        for i, j in enumerate(p):
            product = product * x[i, j]
        total = total + product
    return total


def derivatives(f, x, orders):
    """The gradient of f, then that of a fixed combination of its elements, and so on."""
    rng = np.random.default_rng(5)
    t = leaf(x)
    y, found = f(t), []
    for _ in range(orders):
        slope = tg.gradients(y, t, create_graph=True)
        found.append(slope.data)
        y = np.sum(slope * rng.normal(size=t.shape))
    return found


@pytest.mark.parametrize(("n", "rank"), [(n, rank) for n in (1, 2, 3, 4) for rank in range(n + 1)])
def test_det_has_its_first_three_derivatives_at_every_rank(n, rank):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
    orders = min(n, 3)
    for found, expected in zip(derivatives(np.linalg.det, x, orders), derivatives(by_leibniz, x, orders), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * max(1, abs(expected).max()))


SINGULAR = [
    ([[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
    ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    ([[0]], [[1]]),
    ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], np.zeros((3, 3))),
    ([[2, 0, 0], [0, 3, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 6]]),
    ([[1, 0], [0, 1e-12]], [[1e-12, 0], [0, 1]]),
]


@pytest.mark.parametrize(("x", "cofactors"), SINGULAR)
def test_the_gradient_of_det_is_the_cofactors_also_of_a_singular_matrix(x, cofactors):
    t = leaf(x)
    with np.errstate(all="raise"):
        np.linalg.det(t).backward()
    np.testing.assert_allclose(t.grad, cofactors, rtol=1e-13, atol=2e-14)


INF = np.inf
OUT_OF_RANGE = {
    "overflows": (1e200 * np.array([[1.0, 2.0], [3.0, 4.0]]), 1e200 * np.array([[4.0, -3.0], [-2.0, 1.0]])),
    "is subnormal": (np.diag([3e-160, 1e-160]), np.diag([1e-160, 3e-160])),
    "vanishes": (np.diag([1e-200, 1e-200, 1e200]), np.diag([1, 1, 0])),
    "overflows by much": (np.diag([1e200, 1e200, 1e100, 1]), np.diag([1e300, 1e300, INF, INF])),
}


@pytest.mark.parametrize(("x", "cofactors"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_the_gradient_of_det_is_the_cofactors_also_where_det_is_no_normal_number(x, cofactors):
    t = leaf(x)
    with np.errstate(over="ignore", under="ignore"):
        y = np.linalg.det(t)
    with np.errstate(all="raise", over="ignore" if np.isinf(cofactors).any() else "raise"):
        y.backward()
    np.testing.assert_allclose(t.grad, cofactors, rtol=1e-13)


def test_the_gradient_of_det_of_a_matrix_that_is_not_finite_is_nan():
    t = leaf([[np.nan, 1], [2, 3]])
    with np.errstate(invalid="ignore"):
        np.linalg.det(t).backward()
    assert np.isnan(t.grad).all()


def test_singular_and_regular_matrices_in_one_stack_do_not_disturb_each_other():
    x = np.stack([np.eye(3), np.ones((3, 3)), np.zeros((3, 3)), np.diag([1.0, 2.0, 0.0])])
    together, weights = leaf(x), np.array([1.0, -2.0, 3.0, 0.5])
    np.sum(np.linalg.det(together) * weights).backward()
    for i, weight in enumerate(weights):
        alone = leaf(x[i])
        np.linalg.det(alone).backward()
        np.testing.assert_allclose(together.grad[i], weight * alone.grad, rtol=1e-13, atol=1e-15)


def test_slogdet_gives_numpys_pair_with_a_plain_sign():
    x = np.array([[[0.0, 2.0], [3.0, 1.0]], [[2.0, 0.0], [0.0, 5.0]]])
    t = leaf(x)
    y = np.linalg.slogdet(t)
    assert type(y) is type(np.linalg.slogdet(x))
    assert type(y.sign) is np.ndarray
    np.testing.assert_array_equal(y.sign, [-1, 1])
    np.testing.assert_allclose(y.logabsdet.data, np.log([6, 10]), rtol=1e-15)
    y.logabsdet.sum().backward()
    np.testing.assert_allclose(t.grad, np.linalg.inv(x).swapaxes(1, 2), rtol=1e-14)


def test_slogdet_of_a_singular_matrix_is_numpys_and_has_no_gradient():
    with np.errstate(all="raise"):
        y = np.linalg.slogdet(leaf([[1, 2], [2, 4]]))
    assert (float(y.sign), y.logabsdet.item()) == (0, -np.inf)
    with pytest.raises(LinAlgError, match="Singular"):
        y.logabsdet.backward()


def test_slogdet_where_det_overflows():
    t = leaf(1e200 * np.eye(3))
    np.linalg.slogdet(t).logabsdet.backward()
    np.testing.assert_allclose(t.grad, 1e-200 * np.eye(3), rtol=1e-15)


MISTAKES = {
    "inv of a singular matrix": (lambda t: np.linalg.inv(t[:2, :2] * 0), LinAlgError, r"inv\(float64 \(2, 2\)\): Sing"),
    "inv of another shape": (np.linalg.inv, LinAlgError, r"inv\(float64 \(2, 3\)\): .*there is np\.linalg\.pinv"),
    "det of another shape": (np.linalg.det, LinAlgError, r"det\(float64 \(2, 3\)\): .*equally long"),
    "det of a vector": (lambda t: np.linalg.det(t[0]), LinAlgError, r"det\(float64 \(3,\)\)"),
    "slogdet of another shape": (np.linalg.slogdet, LinAlgError, r"float64 \(2, 3\)\)"),
    "solve with too many": (lambda t: np.linalg.solve(t[:, :2], np.ones(3)), ValueError, r"solve\(.*\(n,\).*columns"),
    "solve of a singular matrix": (lambda t: np.linalg.solve(t[:, :2] * 0, t[:, 0]), LinAlgError, "Singular"),
    "a power of another shape": (lambda t: np.linalg.matrix_power(t, 2), LinAlgError, "not square"),
    "a power of one half": (lambda t: np.linalg.matrix_power(t[:, :2], 0.5), TypeError, "matrix_power.*integer"),
    "a power of a singular matrix": (lambda t: np.linalg.matrix_power(t[:, :2] * 0, -2), LinAlgError, "Singular"),
    "pinv, hermitian": (lambda t: np.linalg.pinv(t, hermitian=True), TypeError, "does not take hermitian="),
    "pinv with two cutoffs": (lambda t: np.linalg.pinv(t, 1e-3, rtol=1e-3), ValueError, r"pinv\(.*can't be both set"),
    "lstsq with too many": (lambda t: np.linalg.lstsq(t, np.ones(5)), LinAlgError, r"lstsq\(.*\(m, n\) goes with"),
    "tensorinv over no axes": (lambda t: np.linalg.tensorinv(t, 0), ValueError, "ind must be 1 or more, got 0"),
    "tensorsolve with too many": (lambda t: np.linalg.tensorsolve(t, np.ones(2)), LinAlgError, r"\(3,\).* 3 .*not 2"),
}


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_numpy_refuses_is_refused_with_its_exception_and_the_shapes(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf([[1, 2, 3], [4, 5, 6]]))


def test_a_system_with_one_vector_is_told_from_one_with_rows_of_vectors():
    """Only an array of one axis is a vector: of more, the last two are a matrix of columns."""
    x1, x2 = leaf(2 * np.eye(2)), leaf([[1, 2], [3, 4]])
    np.testing.assert_array_equal(np.linalg.solve(x1, x2[0]).data, [0.5, 1])
    stack = np.linalg.solve(np.broadcast_to(x1, (3, 2, 2)), x2)
    assert stack.shape == (3, 2, 2)
    stack.sum().backward()
    np.testing.assert_allclose(x2.grad, np.full((2, 2), 1.5))
    np.testing.assert_allclose(x1.grad, -3 * np.array([[0.75, 1.75], [0.75, 1.75]]))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_pinv_and_lstsq_where_the_rank_is_less_than_full(shape):
    """Products of a column and a row keep rank 1 however they are moved."""
    rng = np.random.default_rng(0)
    column, row, x2 = rng.normal(size=(shape[0], 1)), rng.normal(size=(1, shape[1])), rng.normal(size=(shape[0], 2))
    tg.check_gradients(lambda a, b: np.linalg.pinv(a @ b), column, row)
    tg.check_gradients(lambda a, b, c: np.linalg.lstsq(a @ b, c)[0], column, row, x2)
    np.testing.assert_allclose(np.linalg.pinv(leaf(column @ row)).data, np.linalg.pinv(column @ row), rtol=1e-13)


def test_pinv_of_zeros_is_zeros_with_gradient_zero():
    t = leaf(np.zeros((2, 3)))
    y = np.linalg.pinv(t)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, np.zeros((3, 2)))
    np.testing.assert_array_equal(t.grad, np.zeros((2, 3)))


@pytest.mark.parametrize("rcond", [None, -1, 1e-3, 0.9])
def test_a_cutoff_takes_singular_values_for_zero_in_value_and_gradient(rcond):
    """Those of the matrix are 2 and 1e-9: what rcond cuts off takes no part."""
    x, x2 = leaf([[2, 0], [0, 1e-9], [0, 0]]), np.array([2.0, 1.0, 0.0])
    y = np.linalg.lstsq(x, x2, rcond)
    value, residuals, rank, s = np.linalg.lstsq(x.data, x2, rcond)
    np.testing.assert_allclose(y[0].data, value, rtol=1e-14)
    np.testing.assert_allclose(y[1].data, residuals, atol=1e-14)
    assert (type(y[2]), y[2]) == (int, rank)
    np.testing.assert_allclose(y[3].data, s)
    y[0][0].backward()
    np.testing.assert_allclose(x.grad[0], [-0.5, 0 if rank == 1 else -5e8], atol=1e-12)


@pytest.mark.parametrize(("shape", "residuals"), [((4, 2), 1), ((2, 2), 0), ((2, 3), 0)])
def test_lstsq_gives_sums_of_squared_residuals_where_numpy_does(shape, residuals):
    rng = np.random.default_rng(0)
    x1, x2 = rng.normal(size=shape), rng.normal(size=shape[0])
    y = np.linalg.lstsq(leaf(x1), x2)
    assert y[1].shape == np.linalg.lstsq(x1, x2)[1].shape == (residuals,)
    np.testing.assert_allclose(y[1].data, np.linalg.lstsq(x1, x2)[1], rtol=1e-13)


@pytest.mark.parametrize("n", [0, 1, 2, -1])
def test_small_powers_of_a_matrix(n):
    x = np.array([[2.0, 1.0], [0.0, 4.0]])
    t = leaf(x)
    y = np.linalg.matrix_power(t, n)
    np.testing.assert_array_equal(y.data, np.linalg.matrix_power(x, n), strict=True)
    y[0, 0].backward()
    np.testing.assert_allclose(t.grad[0, 0], n * 2.0 ** (n - 1), rtol=1e-15)
    assert y is not t


def test_powers_that_are_products_take_longdouble():
    t = leaf(np.eye(2), np.longdouble)
    y = np.linalg.matrix_power(t, 3)
    y.sum().backward()
    assert y.dtype == t.grad.dtype == np.longdouble
    with pytest.raises(TypeError, match=r"inv\(.*unsupported in linalg"):
        np.linalg.matrix_power(t, -1)


def test_float16_is_computed_with_in_float32_and_rounded_once():
    x = np.array([[3.0, 1.0], [1.0, 2.0]])
    half, double = leaf(x, np.float16), leaf(x)
    for t in (half, double):
        np.linalg.inv(t).sum().backward()
    np.testing.assert_array_equal(half.grad, double.grad.astype(np.float16), strict=True)


def test_float16_beside_another_dtype_gets_its_own_gradient_in_float16():
    x1, x2 = leaf([[3, 1], [1, 2]], np.float16), leaf([1, 2], np.float32)
    y = np.linalg.solve(x1, x2)
    y.sum().backward()
    assert (y.dtype, x1.grad.dtype, x2.grad.dtype) == (np.float32, np.float16, np.float32)


def test_integer_constants_beside_a_tensor_and_alone():
    t = leaf([1, 2])
    y = np.linalg.solve(np.array([[2, 0], [0, 4]]), t)
    y.sum().backward()
    np.testing.assert_array_equal(t.grad, [0.5, 0.25])
    np.testing.assert_array_equal(np.linalg.inv(tg.Tensor([[2, 0], [0, 4]])).data, [[0.5, 0], [0, 0.25]])


@pytest.mark.parametrize("f", [lambda x: np.linalg.pinv(x, 0.5), lambda x: np.linalg.lstsq(x, [1.0, 2.0], 0.5)[0]])
def test_a_cut_that_drops_what_is_not_near_zero_has_no_gradient(f):
    with pytest.raises(np.linalg.LinAlgError, match=r"a cut at 0\.5 drops singular values"):
        f(leaf([[2.0, 0.3], [0.1, 0.5]])).sum().backward()


def test_lstsq_in_single_precision_has_the_rank_and_gradient_that_double_gives():
    x, b = np.array([[1, 0], [0, 1e-7], [0, 0]], np.float32), np.array([1, 1e-7, 0], np.float32)
    t = tg.Tensor(b, requires_grad=True)
    solution, residuals, rank, _ = np.linalg.lstsq(tg.Tensor(x), t)
    assert rank == 2
    np.testing.assert_allclose(residuals.data, [0], atol=1e-14)
    solution.sum().backward()
    np.testing.assert_allclose(t.grad, [1, 1e7, 0], rtol=1e-6)


def test_a_singular_matrix_is_not_told_to_be_square():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv\(float64 \(2, 2\)\): Singular matrix$"):
        np.linalg.inv(leaf(np.ones((2, 2))))
