"""Tensor: construction, properties, backward, conversions, text, copies."""

import copy
import math
import pickle

import numpy as np
import pytest

import tinygrad_np as tg


@pytest.fixture
def t():
    return tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)


# -- what it holds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, np.float64, ()),
        (2, np.int64, ()),
        (True, np.bool_, ()),
        ([1, 2], np.int64, (2,)),
        ([[1.0], [2.0]], np.float64, (2, 1)),
        ([], np.float64, (0,)),
        ((1.0, 2.0), np.float64, (2,)),
        (range(3), np.int64, (3,)),
        (np.float16(1), np.float16, ()),
        (np.ones((2, 0), np.float32), np.float32, (2, 0)),
        (np.uint8([1]), np.uint8, (1,)),
        (np.longdouble(1), np.longdouble, ()),
    ],
)
def test_data_keeps_its_dtype_and_shape(data, dtype, shape):
    t = tg.Tensor(data)
    assert (t.dtype, t.shape, t.ndim, t.size) == (dtype, shape, len(shape), int(np.prod(shape)))
    assert type(t.data) is np.ndarray
    assert (t.requires_grad, t.is_leaf, t.grad) == (False, True, None)


def test_a_given_dtype_converts():
    assert tg.Tensor([1, 2], requires_grad=True, dtype=np.float32).dtype == np.float32
    assert tg.Tensor([1.7], dtype=int).data == 1


def test_an_array_is_shared_not_copied():
    array = np.ones(3)
    t = tg.Tensor(array)
    assert t.data is array
    assert t.numpy() is array
    assert tg.Tensor(array, dtype=np.float64).data is array


class Subclass(np.ndarray):
    """A user's kind of array."""


def test_data_are_plain_arrays_whatever_kind_came_in():
    special = np.ones(2).view(Subclass)
    assert type(tg.Tensor(special).data) is np.ndarray
    assert type((tg.Tensor([1.0, 2.0]) * special).data) is np.ndarray


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_leaf_has_a_gradient_of_its_own_dtype_and_shape(dtype):
    for shape in [(), (3,), (2, 0)]:
        leaf = tg.Tensor(np.ones(shape, dtype), requires_grad=True)
        (leaf * 2).sum().backward()
        assert type(leaf.grad) is np.ndarray
        assert (leaf.grad.dtype, leaf.grad.shape) == (dtype, shape)


def test_requires_grad_can_be_switched_on_a_leaf():
    t = tg.Tensor([1.0])
    t.requires_grad = True
    (t * 3).sum().backward()
    assert t.grad == 3
    t.requires_grad = False
    assert t.grad is None
    assert not (t * 3).requires_grad


def test_assigned_data_is_converted_to_the_leafs_dtype():
    t = tg.Tensor(np.float32([1, 2]), requires_grad=True)
    t.data = [3, 4]
    assert t.data.dtype == np.float32
    (t * t).sum().backward()
    np.testing.assert_array_equal(t.grad, np.float32([6, 8]), strict=True)


def test_a_gradient_can_be_set_and_forgotten(t):
    t.grad = np.ones((2, 3))
    t.sum().backward()
    np.testing.assert_array_equal(t.grad, np.full((2, 3), 2.0))
    t.grad = None
    assert t.grad is None


def test_an_interior_tensor_has_no_gradient(t):
    y = t * 2
    y.sum().backward()
    assert y.grad is None
    assert not y.is_leaf
    assert y.requires_grad


def test_detach_shares_the_array_and_stops_gradients(t):
    computed = t * 2
    constant = computed.detach()
    assert constant.data is computed.data
    assert not constant.requires_grad
    (t * constant).sum().backward()
    np.testing.assert_array_equal(t.grad, 2 * t.data)


def test_a_step_does_not_move_what_was_detached_from_a_parameter(t):
    optimizer = tg.optim.SGD([t], lr=0.5)
    anchor = t.detach()
    before = t.data.copy()
    loss = ((t - anchor) ** 2).sum() + t.sum()
    loss.backward()
    optimizer.step()
    np.testing.assert_array_equal(anchor.data, before)
    np.testing.assert_array_equal(t.data, before - 0.5)
    penalty = ((t * 3 - anchor) ** 2).sum()
    t.grad = None
    penalty.backward()
    np.testing.assert_allclose(t.grad, 6 * (3 * t.data - before), rtol=1e-15)


def test_a_graph_that_used_a_leaf_before_it_was_frozen_is_out_of_date(t):
    loss = (t * t).sum()
    t.requires_grad = False
    t.requires_grad = True
    with pytest.raises(tg.GraphError, match="requires_grad=False"):
        loss.backward()
    (t * 3).sum().backward()
    np.testing.assert_array_equal(t.grad, np.full(t.shape, 3.0))


def test_a_step_after_thawing_does_not_move_what_was_recorded_with_the_frozen_constant(t):
    optimizer, q = tg.optim.SGD([t], lr=0.5), tg.Tensor(2.0, requires_grad=True)
    t.requires_grad = False
    loss, before = (t * q).sum(), t.data.copy()
    t.requires_grad = True
    t.sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(t.data, before - 0.5)
    loss.backward()
    assert q.grad == before.sum()


@pytest.mark.parametrize("wanted", ["yes", 1, None])
def test_requires_grad_is_true_or_false(wanted, t):
    with pytest.raises(TypeError, match="requires_grad must be True or False, got"):
        tg.Tensor([1.0], requires_grad=wanted)
    with pytest.raises(TypeError, match="requires_grad must be True or False, got"):
        t.requires_grad = wanted


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_nan_does_not_become_an_integer(dtype):
    with pytest.raises(TypeError, match=r"has no NaN and no infinity.*np.nan_to_num"):
        tg.Tensor([1.5, np.nan], dtype=dtype)


def test_item_is_a_python_number():
    assert tg.Tensor([[2.5]], requires_grad=True).item() == 2.5
    assert type(tg.Tensor(np.float32(2.5)).item()) is float
    with pytest.raises(ValueError, match=r"size 1|one element|scalar"):
        tg.Tensor([1.0, 2.0]).item()


# -- backward --------------------------------------------------------------------------------------


def test_a_loss_of_one_element_in_any_shape_needs_no_gradient(t):
    for shape in [(), (1,), (1, 1)]:
        t.grad = None
        t.sum().reshape(shape).backward()
        np.testing.assert_array_equal(t.grad, np.ones((2, 3)))


@pytest.mark.parametrize("wrap", [np.array, list, tg.Tensor, lambda g: tg.Tensor(g, requires_grad=True), np.float32])
def test_backward_takes_a_gradient_in_any_form(t, wrap):
    (t * 2).backward(wrap([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(t.grad, [[2, 0, 4], [0, 0, 2]])
    assert t.grad.dtype == np.float64


def test_float32_stays_float32_from_end_to_end():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 4)).astype(np.float32)
    w, b = (tg.Tensor(rng.normal(size=s).astype(np.float32), requires_grad=True) for s in [(4, 3), (3,)])
    h = np.tanh(tg.linear(x, w, b)) / math.sqrt(2) + tg.relu(x @ w) * 0.5 - tg.sigmoid(b) ** 2
    h = np.where(h.data > 0, h, 0.1 * h) + np.maximum(h, 0.0) + np.sqrt(np.abs(h) + 1) / 3
    loss = (
        tg.softmax_cross_entropy(h, np.arange(8) % 3) + 0.01 * (w**2).mean() + tg.logsumexp(b) * 1e-3 + 2.0 ** b.sum()
    )
    assert loss.dtype == np.float32
    slopes = tg.gradients(loss, [w, b], create_graph=True)
    assert [s.dtype for s in slopes] == [np.float32] * 2
    loss.backward()
    assert [p.grad.dtype for p in (w, b)] == [np.float32] * 2


# -- conversions -----------------------------------------------------------------------------------


def test_length_iteration_and_membership(t):
    assert len(t) == 2
    rows = list(t)
    assert [r.shape for r in rows] == [(3,), (3,)]
    (rows[0] * 2 + rows[1]).sum().backward()
    np.testing.assert_array_equal(t.grad, [[2, 2, 2], [1, 1, 1]])
    assert 5.0 in t
    assert 7.0 not in t
    first, second = t
    assert first.requires_grad
    assert second.requires_grad


def test_a_scalar_has_no_length():
    for attempt in (len, iter, list):
        with pytest.raises(TypeError, match=r"unsized|0-d"):
            attempt(tg.Tensor(1.0))


def test_truth_is_that_of_the_one_element():
    assert tg.Tensor(2.0, requires_grad=True)
    assert not tg.Tensor([0.0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tg.Tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("convert", "instead"), [(float, r"float\(t\).*t\.item\(\)"), (int, r"int\(t\).*int\(t\.item\(\)\)")]
)
def test_a_tracked_tensor_does_not_become_a_number_silently(convert, instead):
    with pytest.raises(TypeError, match=instead):
        convert(tg.Tensor(2.5, requires_grad=True) * 1)
    assert convert(tg.Tensor(2.5)) == convert(2.5)


def test_tensors_are_hashed_by_identity():
    a, b = tg.Tensor(1.0), tg.Tensor(1.0)
    assert len({a, b, a}) == 2
    assert {a: "a"}[a] == "a"


# -- text, copies ----------------------------------------------------------------------------------

TEXTS = [
    (lambda: tg.Tensor([1.0, 2.5]), "[1. , 2.5], shape=(2,), dtype=float64"),
    (lambda: tg.Tensor([1.0], requires_grad=True), "[1.], shape=(1,), dtype=float64, requires_grad=True"),
    (lambda: tg.Tensor(2.0, requires_grad=True) * 3, "6., shape=(), dtype=float64, operation=multiply"),
    (lambda: tg.Tensor(np.float32(0.1)), "0.1, shape=(), dtype=float32"),
    (
        lambda: np.exp(tg.Tensor(np.float32([0]), requires_grad=True)),
        "[1.], shape=(1,), dtype=float32, operation=exp",
    ),
    (lambda: tg.Tensor([1, 2]), "[1, 2], shape=(2,), dtype=int64"),
    (lambda: tg.Tensor([True]), "[ True], shape=(1,), dtype=bool"),
    (lambda: tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), "[[1., 2.],\n        [3., 4.]], shape=(2, 2), dtype=float64"),
    (lambda: tg.Tensor(np.zeros((0, 3))), "[], shape=(0, 3), dtype=float64"),
]


@pytest.mark.parametrize(("make", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_tensors_text(make, text):
    assert repr(make()) == str(make()) == f"Tensor({text})"


def test_format_takes_a_numbers_format_for_one_element():
    assert f"{tg.Tensor(2.375, requires_grad=True) * 1:.2f}" == "2.38"
    assert f"{tg.Tensor([3.14159]):.3f}" == "3.142"
    assert f"{tg.Tensor(1000.0):>8,.0f}" == "   1,000"


def test_an_empty_format_is_the_text_as_in_python():
    t = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert f"{t}" == str(t)


COPIES = [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_copies_keep_value_dtype_and_whether_it_is_a_leaf(duplicate, requires_grad):
    t = tg.Tensor(np.float32([1, 2]), requires_grad=requires_grad)
    other = duplicate(t)
    np.testing.assert_array_equal(other.data, t.data, strict=True)
    assert other.requires_grad == requires_grad
    assert other is not t
    if requires_grad:
        (other * 2).sum().backward()
        np.testing.assert_array_equal(other.grad, [2, 2])
        assert t.grad is None


@pytest.mark.parametrize("duplicate", COPIES[1:])
def test_a_deep_copy_has_an_array_of_its_own(duplicate, t):
    assert not np.shares_memory(duplicate(t).data, t.data)


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_computed_tensor_is_not_copied_with_its_graph(duplicate, t):
    with pytest.raises(tg.GraphError, match=r"t\.detach\(\) or t\.data"):
        duplicate(t * 2)
    assert not duplicate((t * 2).detach()).requires_grad
