"""States of generators, and what is refused as a state."""

import re

import numpy as np
import pytest

from tinygrad_np import states

KINDS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_goes_on_where_the_other_was(kind):
    rng, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    rng.random(3, dtype=np.float32)  # leaves half of a draw behind in some
    state = states.of_generator(rng)
    expected = rng.random(5)
    states.restore_generator(other, state)
    assert np.array_equal(other.random(5), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_does_not_change_with_the_generator(kind):
    rng = np.random.Generator(kind(1))
    state = states.of_generator(rng)
    first = rng.random(700)
    states.restore_generator(rng, state)
    assert np.array_equal(rng.random(700), first)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (states.of_generator(np.random.Generator(np.random.MT19937(0))), "of 'MT19937' where the generator is PCG64"),
        ({}, "of None where"),
        (None, "of None where"),
        ({"bit_generator": "PCG64"}, "no state of a PCG64 generator"),
        ({"bit_generator": "PCG64", "state": {"state": -1, "inc": "x"}, "has_uint32": 0, "uinteger": 0}, "no state"),
    ],
)
def test_what_is_no_state_of_this_generator_changes_nothing(state, message):
    rng = np.random.default_rng(0)
    before = states.of_generator(rng)
    with pytest.raises(ValueError, match=message):
        states.restore_generator(rng, state)
    assert states.of_generator(rng) == before


def test_all_faults_of_a_state_are_listed():
    expected = {"a": np.zeros(2), "b": np.zeros(3), "c": np.zeros(1), "d": np.zeros(1), "n": 3}
    given = {"a": np.zeros((2, 1)), "c": 1.0, "d": np.array(["x"]), "e": np.zeros(1), "n": "of any kind"}
    with pytest.raises(ValueError, match="does not fit the model") as caught:
        states.check("the model", expected, given)
    for fault in (
        "b is missing",
        "e is unexpected",
        "a has shape (2, 1), expected (2,)",
        "c is no array but float",
        "d is <U1, expected float64",
    ):
        assert fault in str(caught.value)


def test_a_state_is_a_dictionary():
    with pytest.raises(TypeError, match="must be a dictionary, got list; give state_dict"):
        states.check("the model", {}, [])


def test_what_fits_passes():
    states.check("the model", {"a": np.zeros(2, np.float32)}, {"a": np.ones(2)})


@pytest.mark.parametrize(("dtype", "number"), [(np.float16, 1e6), (np.float16, -65520.0), (np.float32, 1e39)])
def test_a_number_too_large_for_the_dtype_is_refused(dtype, number):
    with pytest.raises(
        ValueError, match=re.escape(f"a has the number {number:g}, which is too large for {np.dtype(dtype)}")
    ):
        states.check("the model", {"a": np.zeros(2, dtype)}, {"a": np.array([1.0, number])})


def test_what_was_not_finite_or_only_loses_digits_fits_a_narrow_dtype():
    given = {"a": np.array([np.inf, np.nan, 65504.0, 1e-9, 1 / 3])}
    states.check("the model", {"a": np.zeros(5, np.float16)}, given)
