"""Minibatches, splits, standardizing, one-hot: every row once, what belongs together stays so, bad input is named."""

import gc
import tracemalloc
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tinygrad_np.data import Standardizer, minibatches, one_hot, require_finite, split

Pair = namedtuple("Pair", ["X", "y"])
n_and_size = given(n=st.integers(1, 40), size=st.integers(1, 50))


def rows(n):
    """Data whose parts say, each on its own, which row they are of."""
    return np.arange(2.0 * n).reshape(n, 2), np.arange(n)


# Batches


@n_and_size
def test_every_row_comes_once_an_epoch_and_with_its_label(n, size):
    batches = minibatches(rows(n), size, rng=0)
    for _ in range(2):
        parts = list(batches)
        assert len(parts) == len(batches)
        assert [len(y) for _, y in parts] == [size] * (n // size) + [n % size] * (n % size > 0)
        assert all((x[:, 0] == 2 * y).all() for x, y in parts)
        assert sorted(np.concatenate([y for _, y in parts])) == list(range(n))


@n_and_size
def test_without_shuffling_batches_are_views_in_order(n, size):
    x, y = rows(n)
    parts = list(minibatches({"X": x, "y": [y]}, size, shuffle=False))
    np.testing.assert_array_equal(np.concatenate([part["X"] for part in parts]), x)
    assert all(np.shares_memory(part["X"], x) and np.shares_memory(part["y"][0], y) for part in parts)


@n_and_size
def test_a_smaller_last_batch_is_left_out_on_demand(n, size):
    if size > n:
        with pytest.raises(ValueError, match=f"drop_last leaves no batch of {size} out of {n} rows"):
            minibatches(rows(n), size, drop_last=True)
        return
    batches = minibatches(rows(n), size, rng=0, drop_last=True)
    assert [len(y) for _, y in batches] == [size] * (n // size) == [size] * len(batches)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rows", [None, [5, 3, 9, 0, 1, 2, 8]])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_several_batches_together_are_the_same_rows_in_the_same_order(count, rows, shuffle, drop_last):
    alone, wide = [
        tg.data.minibatches(np.arange(10), 3, np.random.default_rng(1), shuffle, drop_last, rows=rows) for _ in range(2)
    ]
    for _ in range(2):
        parts = list(wide.together(count))
        np.testing.assert_array_equal(np.concatenate(parts), np.concatenate(list(alone)))
        assert all(len(part) == 3 * count for part in parts[:-1])


def test_each_epoch_is_the_generator_s_next_permutation():
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    batches = minibatches(np.arange(10), 4, rng)
    for _ in range(3):
        np.testing.assert_array_equal(np.concatenate(list(batches)), other.permutation(10))


def test_without_shuffling_nothing_is_drawn():
    rng = np.random.default_rng(0)
    list(minibatches(np.arange(10), 4, rng, shuffle=False))
    assert rng.random() == np.random.default_rng(0).random()


def test_two_passes_at_a_time_do_not_disturb_each_other():
    batches = minibatches(np.arange(6), 2, rng=0)
    pairs = list(zip(batches, batches))
    for k in (0, 1):
        assert sorted(np.concatenate([pair[k] for pair in pairs])) == list(range(6))


X, y = rows(5)


@pytest.mark.parametrize(
    "data", [X, (X, y), [X, y], Pair(X, y), {"X": X, "more": ({"y": y}, [y])}, (X,), (X, [y])], ids=repr
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_containers_like_the_data(data, shuffle):
    first = next(iter(minibatches(data, 5, rng=0, shuffle=shuffle)))

    def same(a, b):
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
        else:
            for key in a if isinstance(a, dict) else range(len(a)):
                same(a[key], b[key])

    same(first, data)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(12, dtype=np.float32).reshape(6, 2)),
        np.arange(12, dtype=">i2").reshape(6, 2)[::-1],
        np.frombuffer(b"x" + np.arange(6.0).tobytes(), np.float64, offset=1),
        np.array(["a", None, 3, 4, 5, 6], object),
        np.zeros((6, 0)),
        np.arange(48, dtype=np.float16).reshape(6, 2, 4),
    ],
    ids=["Fortran", "reversed", "unaligned", "objects", "no columns", "3-d"],
)
def test_arrays_of_any_layout_keep_values_and_dtype(array):
    order = np.random.default_rng(0).permutation(6)
    batches = list(minibatches(array, 4, rng=0))
    assert all(batch.dtype == array.dtype for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), array[order])


def test_only_some_rows():
    chosen = [7, 2, 9]
    assert sorted(np.concatenate(list(minibatches(np.arange(10), 2, rng=0, rows=chosen)))) == [2, 7, 9]
    batches = minibatches(np.arange(10), 2, shuffle=False, rows=np.array(chosen, np.uint8))
    assert [batch.tolist() for batch in batches] == [[7, 2], [9]]
    assert repr(batches) == "minibatches(3 rows, 2 batches of up to 2)"


def peak_of(work):
    """The bytes that were allocated at most meanwhile, beyond what was before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["<f4", ">f4"])
@pytest.mark.parametrize(("shape", "order"), [((1_000_000, 1000), "C"), ((250_000_000, 4), "F")])
def test_of_a_memory_map_only_the_batch_is_read(tmp_path, dtype, shape, order):
    """A file of 4 GB that is one hole: on the disk it takes nothing, in memory it would."""
    x = np.memmap(tmp_path / "X", dtype, "w+", shape=shape, order=order)
    y = np.zeros(len(x), np.int8)
    some = np.arange(0, len(x), len(x) // 1000)

    def some_batches():
        for options in ({"shuffle": False}, {"rows": some}, {"rows": some, "shuffle": False}):
            inputs, labels = next(iter(minibatches((x, y), 10, rng=0, **options)))
            assert type(inputs) is np.ndarray
            assert inputs.shape == (10, shape[1])
            assert len(labels) == 10

    assert peak_of(some_batches) < 1_000_000


def test_a_memory_map_is_gone_over_in_pieces(tmp_path):
    x = np.memmap(tmp_path / "X", np.float32, "w+", shape=(50_000, 100))
    x[-1, 3] = 1
    standardize = Standardizer()
    assert peak_of(lambda: (require_finite("X", x), standardize.fit(x))) < 10_000_000 < x.nbytes
    assert standardize.mean[3] == pytest.approx(1 / 50_000)


# Splits


@given(n=st.integers(2, 60), fraction=st.floats(0.001, 0.999), seed=st.integers(0, 5))
def test_a_split_has_every_row_once_and_its_share_of_them(n, fraction, seed):
    (x, y), (x_valid, y_valid) = split(rows(n), fraction, seed)
    assert sorted([*y, *y_valid]) == list(range(n))
    assert (x[:, 0] == 2 * y).all()
    assert (x_valid[:, 0] == 2 * y_valid).all()
    assert len(y_valid) == min(max(round(n * fraction), 1), n - 1)


@given(labels=st.lists(st.integers(0, 4), min_size=2, max_size=60), fraction=st.floats(0.01, 0.99))
def test_a_stratified_split_has_its_share_of_every_class(labels, fraction):
    n, labels = len(labels), np.array(labels)
    training, validation = split(np.arange(n), fraction, rng=0, stratify=labels)
    assert sorted([*training, *validation]) == list(range(n))
    assert len(validation) == min(max(round(n * fraction), 1), n - 1)
    for label in range(5):
        share = (labels == label).sum() * len(validation) / n
        assert abs((labels[validation] == label).sum() - share) < 1


def test_a_class_of_one_row_stays_in_training():
    labels = np.array(["a"] * 6 + ["b"] + ["c"] * 5)
    for seed in range(5):
        assert 6 in split(np.arange(12), 0.5, seed, stratify=labels)[0]


def test_the_same_seed_splits_the_same_and_into_copies():
    x = np.arange(10.0)
    first, second = (np.concatenate(split(x, 0.3, 1)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not any(np.shares_memory(part, x) for part in split(x, 0.3, 1))


# Standardizing


@given(
    x=hnp.arrays(
        np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
    ),
    cut=st.integers(0, 30),
)
def test_mean_and_deviation_are_numpy_s_however_the_rows_come(x, cut):
    cut = min(cut, len(x) - 1)
    whole, parts = Standardizer().fit(x), Standardizer()
    for part in (x[:cut], x[cut:]):
        if len(part):
            parts.update(part)
    for standardize in (whole, parts):
        assert standardize.count == len(x)
        np.testing.assert_allclose(standardize.mean, x.mean(0), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(standardize.std, x.std(0), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(standardize.inverse(standardize(x)), x, rtol=1e-12, atol=1e-9)


def test_a_small_spread_far_from_zero_is_seen():
    x = 1e8 + np.random.default_rng(0).random((300_000, 1))
    assert Standardizer().fit(x).std == pytest.approx(x.std(0), rel=1e-12)
    assert Standardizer().fit(x.astype(np.float32)).mean == pytest.approx(1e8, abs=8)


@pytest.mark.parametrize("value", [0.1, 1e300, -1e-300, 1 / 3])
def test_a_constant_feature_becomes_zero_and_comes_back(value):
    x = np.full((300_001, 1), value)
    standardize = Standardizer().fit(x)
    assert standardize.std == 0
    assert (standardize(x) == 0).all()
    assert (standardize.inverse(standardize(x)) == value).all()


@pytest.mark.parametrize(
    ("given", "expected"), [("f2", "f2"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("u1", "f8"), ("?", "f8")]
)
def test_standardized_rows_keep_a_floating_dtype(given, expected):
    x = np.array([[1, 0], [0, 0], [1, 1]], given)
    standardize = Standardizer().fit(x)
    assert standardize(x).dtype == standardize.inverse(standardize(x)).dtype == np.dtype(expected)
    np.testing.assert_allclose(standardize(x), (x - x.mean(0, float)) / x.std(0, float), rtol=1e-3)


def test_targets_of_one_axis_are_standardized_too():
    standardize = Standardizer().fit(np.array([1.0, 3.0]))
    np.testing.assert_array_equal(standardize(np.array([1.0, 5.0])), [-1.0, 3.0])
    assert repr(standardize) == "Standardizer(2 rows of shape ())"
    assert repr(Standardizer()) == "Standardizer(not fitted)"


def test_a_standardizer_is_saved_and_loaded(tmp_path):
    x = np.random.default_rng(0).random((7, 2))
    for one in (Standardizer(), Standardizer().fit(x), Standardizer().fit(x[:, 0])):
        tg.save(tmp_path / "state", {"standardizer": one})
        other = Standardizer()
        other.load_state_dict(tg.load(tmp_path / "state")["standardizer"])
        assert repr(other) == repr(one)
    other.update(x[:, 1])
    assert other.mean == pytest.approx(x.mean())


def test_a_fitted_standardizer_forgets_its_rows_for_the_state_of_one_that_is_not():
    standardize = Standardizer().fit(np.eye(3))
    standardize.load_state_dict(Standardizer().state_dict())
    assert repr(standardize) == "Standardizer(not fitted)"
    standardize.fit(np.eye(2))


GOOD = {"count": 2, "mean": np.zeros(2), "squares": np.ones(2)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 2.0},
        {"count": True},
        {"mean": None},
        {"mean": np.zeros(3)},
        {"squares": np.array([1.0, np.nan])},
        {"squares": np.array([1.0, -1.0])},
        {"squares": np.array([1, 2])},
        {"more": 1},
    ],
)
def test_a_wrong_state_changes_nothing(wrong):
    standardize = Standardizer()
    with pytest.raises(ValueError, match="standardizer"):
        standardize.load_state_dict(GOOD | wrong)
    assert standardize.count == 0


# One-hot and finiteness


@given(labels=hnp.arrays(st.sampled_from(["i1", "u2", "i8"]), hnp.array_shapes(max_dims=2), elements=st.integers(0, 5)))
def test_one_hot_rows_have_their_one_at_the_label(labels):
    rows = one_hot(labels, 6, np.float32)
    assert rows.dtype == np.float32
    assert rows.shape == (*labels.shape, 6)
    assert (rows.sum(-1) == 1).all()
    np.testing.assert_array_equal(rows.argmax(-1), labels)
    assert one_hot(labels).shape == (*labels.shape, labels.max() + 1)


def test_one_hot_of_no_labels_and_of_one():
    assert one_hot(np.zeros(0, int), 3).shape == (0, 3)
    np.testing.assert_array_equal(one_hot(1, 3), [0, 1, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, complex])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(dtype, value):
    x = np.zeros((400_000, 2), dtype)
    require_finite("X", x)
    x[300_001:, 1] = value
    with pytest.raises(ValueError, match=r"^X\[300001, 1\] is .*in row 300001: leave out such rows"):
        require_finite("X", x)


def test_whatever_is_no_floating_number_is_finite():
    for array in (np.zeros(2, int), np.zeros(2, bool), np.array(["a"]), np.array([None]), np.zeros((0, 2))):
        require_finite("X", array)
    with pytest.raises(ValueError, match=r"data\['X'\]\[1\] is inf"):
        require_finite("data", {"X": np.array([1.0, np.inf])})


# Bad input

BAD = {
    "lengths that differ": (
        lambda: minibatches((X, {"y": y[:3]}, y), 2),
        ValueError,
        r"data\[0\] has 5, data\[1\]\['y'\] has 3, data\[2\] has 5",
    ),
    "batch_size 0": (lambda: minibatches(X, 0), ValueError, "batch_size must be at least 1, got 0"),
    "batch_size -5": (lambda: minibatches(X, -5), ValueError, "batch_size must be at least 1, got -5"),
    "batch_size 2.5": (lambda: minibatches(X, 2.5), TypeError, "batch_size must be an integer.*got 2.5$"),
    "batch_size '32'": (lambda: minibatches(X, "32"), TypeError, "batch_size must be an integer.*got '32'$"),
    "batch_size True": (lambda: minibatches(X, True), TypeError, "batch_size must be an integer.*got True$"),
    "batch_size None": (lambda: minibatches(X, None), TypeError, "batch_size must be an integer.*got None$"),
    "labels for batch_size": (lambda: minibatches(X, y, 32), TypeError, r"together: minibatches\(\(X, y\), 32\)"),
    "no rows": (lambda: minibatches((X[:0], y[:0]), 2), ValueError, r"no rows in data\[0\], data\[1\]; give"),
    "no arrays": (lambda: minibatches({"X": []}, 2), ValueError, "data holds no arrays"),
    "a single value": (lambda: minibatches(np.array(1.0), 2), ValueError, r"data is a single value, of shape \(\)"),
    "lists of numbers": (lambda: minibatches([[1.0]], 2), TypeError, r"data\[0\]\[0\] is float, no array; write np.as"),
    "a Tensor": (lambda: minibatches((X, tg.Tensor(y)), 2), TypeError, r"data\[1\] is Tensor.*give its .data"),
    "a mask": (lambda: minibatches(np.ma.masked_array(X), 2), TypeError, "mask would be lost"),
    "a generator": (lambda: minibatches((x for x in X), 2), TypeError, "is generator.*could not be repeated"),
    "None": (lambda: minibatches(None, 2), TypeError, "data is NoneType, no array"),
    "a wrong seed": (lambda: minibatches(X, 2, "0"), TypeError, "rng must be a np.random.Generator"),
    "False for a seed": (lambda: minibatches(X, 2, False), TypeError, "rng must be a np.random.Generator"),
    "rows outside": (lambda: minibatches(X, 2, rows=[0, 5]), ValueError, "rows go from 0 to 5.*rows 0 to 4"),
    "negative rows": (lambda: minibatches(X, 2, rows=[-1]), ValueError, "rows go from -1"),
    "a mask for rows": (lambda: minibatches(X, 2, rows=y > 2), TypeError, r"of a mask give np.flatnonzero\(mask\)"),
    "rows of nothing": (lambda: minibatches(X, 2, rows=y[:0]), ValueError, "rows is empty"),
    "fraction 0": (lambda: split(X, 0.0), ValueError, "between 0 and 1, got 0.0"),
    "fraction 1": (lambda: split(X, 1), ValueError, "between 0 and 1, got 1"),
    "fraction NaN": (lambda: split(X, np.nan), ValueError, "between 0 and 1, got nan"),
    "fraction '0.1'": (lambda: split(X, "0.1"), TypeError, "fraction must be a number.*got '0.1'"),
    "fraction True": (lambda: split(X, True), TypeError, "fraction must be a number.*got True"),
    "one row": (lambda: split(X[:1], 0.5), ValueError, "there is 1 row"),
    "labels too few": (lambda: split(X, 0.5, stratify=y[:3]), ValueError, r"shape \(3,\), and data 5 rows"),
    "not fitted": (lambda: Standardizer()(X), ValueError, r"call fit\(x\)"),
    "other features": (lambda: Standardizer().fit(X)(X[:, :1]), ValueError, r"shape \(5, 1\).*of shape \(2,\)"),
    "other features later": (lambda: Standardizer().fit(X).update(y), ValueError, r"x has shape \(5,\)"),
    "NaN": (lambda: Standardizer().fit(np.array([1.0, np.nan])), ValueError, r"x\[1\] is nan, in row 1"),
    "too large": (lambda: Standardizer().fit(np.array([1e200, -1e200])), ValueError, "square overflows"),
    "complex": (lambda: Standardizer().fit(X + 1j), TypeError, "real numbers, got complex128"),
    "a list": (lambda: Standardizer().fit([X]), TypeError, "x must be one array, got list"),
    "no rows to fit": (lambda: Standardizer().fit(X[:0]), ValueError, "no rows in x"),
    "a label too large": (lambda: one_hot([0, 3, 1], 3), ValueError, r"label 3 in row 1 is outside \[0, 3\) for 3"),
    "a negative label": (lambda: one_hot([0, -1]), ValueError, r"label -1 in row 1 is outside \[0, 1\)"),
    "a fractional label": (lambda: one_hot([0, 1.5]), TypeError, "label 1.5 in row 1 is no whole number"),
    "floating labels": (lambda: one_hot([0.0, 1.0]), TypeError, r"got float64; convert .*labels.astype\(int\)"),
    "labels of text": (lambda: one_hot(["a"]), TypeError, "np.unique"),
    "no labels": (lambda: one_hot(np.zeros(0, int)), ValueError, "give classes="),
    "classes 0": (lambda: one_hot([0], 0), ValueError, "classes must be a positive integer.*got 0"),
    "classes 2.0": (lambda: one_hot([0], 2.0), ValueError, "classes must be a positive integer.*got 2.0"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
