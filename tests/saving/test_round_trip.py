"""What is saved comes back to the last bit, and other programs can read the arrays."""

import hashlib
import json
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from safetensors import safe_open

import tinygrad_np as tg
from tests.saving.trees import DTYPES, bits, states
from tinygrad_np.saving import container
from tinygrad_np.states import of_generator, restore_generator


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("saved") / "state.safetensors"


def returned(path, state):
    tg.save(path, state)
    return tg.load(path)


@given(state=states)
def test_any_state_comes_back_to_the_last_bit(path, state):
    assert bits(returned(path, state)) == bits(state)


@given(state=states)
def test_the_same_state_makes_the_same_file(state):
    assert container.packed(state) == container.packed(state)


def test_another_program_reads_the_arrays_by_their_names(path):
    weight, velocity = np.arange(6.0).reshape(2, 3), np.ones(2, np.float32)
    tg.save(path, {"model": {"0.weight": weight}, "optimizer": {"groups": [{"v": velocity}], "lr": 0.1}})
    read = safetensors.numpy.load_file(path)
    assert sorted(read) == ["model.0.weight", "optimizer.groups.0.v"]
    np.testing.assert_array_equal(read["model.0.weight"], weight)
    np.testing.assert_array_equal(read["optimizer.groups.0.v"], velocity)


def test_the_metadata_are_json_whose_digest_anyone_can_verify(path):
    tg.save(path, {"w": np.array([1.0, -2.0]), "step": 7, "best": float("inf")})
    with safe_open(path, "numpy") as file:
        text = file.metadata()["tinygrad_np"]
    content = json.loads(text)
    assert content["version"] == 1
    assert content["state"] == {"w": {"$array": "w"}, "step": 7, "best": {"$float": "7ff0000000000000"}}
    hashed = text.replace(content["sha256"], "0" * 64).encode() + b'["w", "float64", [2]]\n'
    assert content["sha256"] == hashlib.sha256(hashed + np.array([1.0, -2.0], "<f8").tobytes()).hexdigest()


def test_names_that_would_be_the_same_are_told_apart(path):
    x, y, z = (np.full(1, value) for value in (1.0, 2.0, 3.0))
    state = {"a.b": x, "a": {"b": y}, "a.b#2": z}
    assert bits(returned(path, state)) == bits(state)
    assert safetensors.numpy.load_file(path)["a.b"] == x


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-2],
        np.arange(12, dtype=">i4"),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.broadcast_to(np.float32(3), (2, 3)),
        np.frombuffer(b"x" + np.arange(3.0).tobytes(), np.float64, offset=1),
        np.zeros((0, 3), np.int8),
        np.array(1.5, np.float16),
    ],
    ids=["transposed", "reversed", "big-endian", "Fortran", "broadcast", "unaligned", "empty", "0-d"],
)
def test_an_array_is_saved_by_its_values_however_it_lies_in_memory(path, array):
    np.testing.assert_array_equal(returned(path, {"a": array})["a"], array, strict=array.dtype.isnative)


def test_a_memory_map_comes_back_as_an_array(path, tmp_path):
    mapped = np.memmap(tmp_path / "mapped", np.float32, "w+", shape=(3, 2))
    mapped[:] = 2
    assert bits(returned(path, {"a": mapped})) == bits({"a": np.full((3, 2), 2, np.float32)})


def test_a_loaded_array_can_be_written_to(path):
    returned(path, {"a": np.zeros(2)})["a"][0] = 1
    assert tg.load(path)["a"][0] == 0


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_a_generator_goes_on_from_a_file(path, kind):
    rng, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    rng.random(3)
    restore_generator(other, returned(path, of_generator(rng)))
    assert rng.random() == other.random()


class Counter:
    def state_dict(self):
        return {"count": 3}


def test_what_has_a_state_gives_it_wherever_it_stands(path):
    assert returned(path, Counter()) == {"count": 3}
    assert returned(path, {"one": Counter(), "more": [Counter()]}) == {"one": {"count": 3}, "more": [{"count": 3}]}


def itself():
    state = {}
    state["self"] = state
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": [np.zeros(1, np.longdouble)]}, r"state\['a'\]\['0'\] is ndarray of float128.*with .astype"),
        ({"a": np.zeros(1, complex)}, "is ndarray of complex128"),
        ({"a": np.array([None])}, "is ndarray of object"),
        ({"a": np.array(["x"])}, "is ndarray of <U1"),
        ({"a": np.zeros(1, [("x", float)])}, "is ndarray of "),
        ({"a": np.longdouble(1)}, "is longdouble of float128"),
        ({"a": np.ma.masked_array([1.0])}, "is MaskedArray.*give its .data and its .mask"),
        ({"a": tg.Tensor(1.0)}, "is Tensor.*give its .data"),
        ({"a": np.random.default_rng(0)}, r"is Generator.*of_generator\(rng\)"),
        ({"a": 1j}, "is complex, "),
        ({"a": b"x"}, r"is bytes.*np.frombuffer"),
        ({"a": {1}}, r"is set.*give sorted"),
        ({"a": OrderedDict()}, "is OrderedDict"),
        ({"a": Counter}, "is type"),
        ({"a": {1: 2}}, r"state\['a'\] has a key 1 of type int.*write '1'"),
        (itself(), "is nested deeper than 100, or holds itself"),
    ],
)
def test_what_a_checkpoint_cannot_hold_is_named_and_the_earlier_one_stays(path, state, message):
    tg.save(path, {"step": 1})
    with pytest.raises(TypeError, match=message):
        tg.save(path, state)
    assert tg.load(path) == {"step": 1}


def test_the_drawn_states_hold_every_dtype_that_the_format_does():
    assert {np.dtype(dtype).name for dtype in DTYPES} == container.Taken.__init__.__globals__["DTYPES"]


def test_more_than_the_header_has_room_for_is_refused(path, monkeypatch):
    monkeypatch.setattr(container, "STRUCTURE_LIMIT", 1000)
    with pytest.raises(ValueError, match=r"has room for 1,000; make arrays of its long lists"):
        tg.save(path, {"history": [1.5] * 500})
