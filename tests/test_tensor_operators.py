"""Tensor's operators, comparisons and methods are NumPy's, with anything on the other side."""

import numpy as np
import pytest

import tinygrad_np as tg


@pytest.fixture
def t():
    return tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "%": lambda a, b: a % b,
}
OTHERS = [
    np.array([1.5, 2.5, 0.5]),
    np.float32(1.5),
    np.float64(1.5),
    1.5,
    2,
    np.int64(2),
    np.array(1.5),
    [1.5, 2.5, 0.5],
]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", OTHERS, ids=lambda o: f"{type(o).__name__}")
def test_an_operator_with_anything_on_either_side_is_numpys(t, name, other):
    apply, b = OPERATORS[name], np.asarray(other)
    for y, expected in [(apply(t, other), apply(t.data, b)), (apply(other, t), apply(b, t.data))]:
        assert isinstance(y, tg.Tensor)
        assert y.requires_grad
        np.testing.assert_allclose(y.data, expected, rtol=1e-15, strict=True)
        y.sum().backward()
    assert np.all(np.isfinite(t.grad))


def test_unary_operators(t):
    assert +t is t
    np.testing.assert_array_equal((-t).data, -t.data)
    np.testing.assert_array_equal(abs(-t).data, t.data)


def test_matrix_product_from_either_side(t):
    a = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal((a @ t).data, a @ t.data)
    np.testing.assert_array_equal((t @ t.T).data, t.data @ t.data.T)


COMPARISONS = [
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a > b,
    lambda a, b: a >= b,
    lambda a, b: a == b,
    lambda a, b: a != b,
]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [3.0, np.array([1.0, 5.0, 3.0]), tg.Tensor([1.0, 5.0, 3.0])])
def test_a_comparison_gives_a_plain_array_of_bools(t, compare, other):
    plain = other.data if isinstance(other, tg.Tensor) else other
    for result, expected in [(compare(t, other), compare(t.data, plain)), (compare(other, t), compare(plain, t.data))]:
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected, strict=True)


METHODS = {
    "sum": lambda a: a.sum(0),
    "sum of all": lambda a: a.sum(),
    "mean": lambda a: a.mean(axis=1, keepdims=True),
    "max": lambda a: a.max(axis=-1),
    "min": lambda a: a.min(),
    "dot": lambda a: a.dot(np.ones(3)),
    "T": lambda a: a.T,
    "transpose": lambda a: a.transpose(),
    "transpose of axes": lambda a: a.transpose(1, 0),
    "transpose of a tuple": lambda a: a.transpose((1, 0)),
    "transpose of None": lambda a: a.transpose(None),
    "transpose of a list": lambda a: a.transpose([-1, 0]),
    "swapaxes": lambda a: a.swapaxes(0, -1),
    "reshape": lambda a: a.reshape(3, 2),
    "reshape to a tuple": lambda a: a.reshape((6,)),
    "reshape to -1": lambda a: a.reshape(-1),
    "reshape of one element": lambda a: a[0, 0].reshape(()),
    "ravel": lambda a: a.ravel(),
    "flatten": lambda a: a.flatten(),
    "astype": lambda a: a.astype(np.float32),
    "prod": lambda a: a.prod(axis=0),
    "var": lambda a: a.var(axis=1, ddof=1),
    "std": lambda a: a.std(0),
    "cumsum": lambda a: a.cumsum(1),
    "cumprod": lambda a: a.cumprod(),
    "clip": lambda a: a.clip(2.5, 4.5),
    "clip by name": lambda a: a.clip(min=2.5),
    "conj": lambda a: a.conj() * a.conjugate(),
    "copy": lambda a: a.copy(),
    "squeeze": lambda a: a[:1].squeeze(axis=0),
    "diagonal": lambda a: a.diagonal(1),
    "trace": lambda a: a.trace(offset=-1),
    "take": lambda a: a.take([0, 0, -1], axis=1),
    "repeat": lambda a: a.repeat(2, axis=0),
    "compress": lambda a: a.compress([True, False, True], axis=1),
    "mT": lambda a: a.mT,
    "real": lambda a: a.real,
    "reshape, columns first": lambda a: a.reshape(3, 2, order="F"),
    "element": lambda a: a[1, 2],
    "row": lambda a: a[1],
    "mask": lambda a: a[np.array([True, False])],
    "by a tensor": lambda a: a[:, np.array([2, 0])],
}


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_a_method_is_numpys_and_records(t, call):
    y = call(t)
    np.testing.assert_array_equal(y.data, np.asarray(call(t.data)), strict=True)
    assert y.requires_grad


def test_positions_of_extremes_are_plain_integers(t):
    assert t.argmax() == 5
    np.testing.assert_array_equal(t.argmin(axis=0), [0, 0, 0])
    assert not isinstance(t.argmax(1), tg.Tensor)


ON_DATA = {
    "argsort": lambda a: a.argsort(axis=0),
    "argpartition": lambda a: a.argpartition(1),
    "nonzero": lambda a: a.nonzero(),
    "any": lambda a: a.any(axis=1),
    "all": lambda a: a.all(),
    "round": lambda a: a.round(1),
    "imag": lambda a: a.imag,
    "searchsorted": lambda a: a[0].searchsorted([2.5, a[0, 1]]),
    "floor division": lambda a: 7.5 // a,
}


@pytest.mark.parametrize("call", ON_DATA.values(), ids=ON_DATA)
def test_a_method_without_a_gradient_gives_numpys_own(t, call):
    result, expected = call(t), call(t.data)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected)


def test_divmod_has_a_plain_quotient_and_a_recorded_rest(t):
    for (quotient, rest), (q, r) in [(divmod(t, 2.5), divmod(t.data, 2.5)), (divmod(7.5, t), divmod(7.5, t.data))]:
        np.testing.assert_array_equal(quotient, q)
        np.testing.assert_array_equal(rest.data, r)
        assert rest.requires_grad


@pytest.mark.parametrize("name", ["sort", "partition", "put", "fill", "resize"])
def test_a_method_that_would_write_into_the_tensor_says_what_to_write(t, name):
    with pytest.raises(TypeError, match=rf"t\.{name}\(\) would write into a Tensor.*write t = "):
        getattr(t, name)(1)


def test_an_index_may_hold_tensors(t):
    rows, mask = tg.Tensor([1, 0]), tg.Tensor([True, False, True])
    np.testing.assert_array_equal(t[rows].data, t.data[[1, 0]])
    np.testing.assert_array_equal(t[rows, mask].data, t.data[[1, 0], [True, False, True]])
