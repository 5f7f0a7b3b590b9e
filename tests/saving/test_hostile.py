"""Files that are damaged, of another kind or made to attack: each is refused with its reason."""

import json
import os
import pickle
import re
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_np as tg
from tinygrad_np.saving import container
from tinygrad_np.saving.structure import put_together

STATE = {"0.weight": np.arange(3, dtype=np.float32), "on": np.array(True), "é": [1, 2.5, None, 2**70], "rate": np.nan}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def is_refused(path, data, message="cannot load"):
    path.write_bytes(data)
    with pytest.raises(tg.CheckpointError, match=message) as caught:
        tg.load(path)
    assert str(path) in str(caught.value)
    return True


def test_every_flipped_bit_is_noticed(path):
    data = container.packed(STATE)
    for i in range(8 * len(data)):
        changed = bytearray(data)
        changed[i // 8] ^= 1 << i % 8
        assert is_refused(path, changed), i


def test_every_truncation_and_any_addition_is_noticed(path):
    data = container.packed(STATE)
    for length in range(len(data)):
        assert is_refused(path, data[:length]), length
    is_refused(path, data + b"\0")


def file_of(header, data=b"", length=None):
    """A safetensors file, whatever its ``header`` says: text, or what JSON makes a text of."""
    header = (header if isinstance(header, str) else json.dumps(header)).encode()
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def tensor(start, end, shape=(1,), dtype="F64"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def entry(text="{}"):
    return {"__metadata__": {"tinygrad_np": text}}


SPEAKS_OF_ITSELF = '{"__metadata__": {"tinygrad_np": "{}"}, "__metadata__": {"tinygrad_np": "{}"}}'
HOSTILE = {
    "empty": (b"", "it is empty"),
    "a header of absurd length": (file_of("{}", length=2**63), "should take 9,223,372,036,854,775,808 bytes.*has 10"),
    "a header longer than the file": (file_of("{}", length=3), "should take 3 bytes"),
    "no JSON": (file_of("{]"), "no proper JSON"),
    "no text": (file_of("", b"\xff" * 8, 8), "no proper JSON"),
    "a list": (file_of([]), "no 'tinygrad_np'"),
    "metadata that are a number": (file_of({"__metadata__": 3}), "no 'tinygrad_np'"),
    "nested too deep": (file_of("[" * 200_000), "no proper JSON.*recursion"),
    "a number of many digits": (file_of("1" * 10_000), "no proper JSON"),
    "a key twice": (file_of(SPEAKS_OF_ITSELF), "'__metadata__' is there twice"),
    "overlapping": (file_of(entry() | {"a": tensor(0, 8), "b": tensor(4, 12)}, bytes(12)), "not where its header says"),
    "out of range": (file_of(entry() | {"a": tensor(0, 8_000, (1000,))}, bytes(8)), "not where its header says"),
    "backwards": (file_of(entry() | {"a": tensor(8, 0)}, bytes(8)), "not where its header says"),
    "another shape": (file_of(entry() | {"a": tensor(0, 8, (2,))}, bytes(8)), "not where its header says"),
    "a shape that overflows": (
        file_of(entry() | {"a": tensor(0, 0, (2**40, 2**40))}),
        "not where its header says",
    ),
    "a shape too large for NumPy": (file_of(entry() | {"a": tensor(0, 0, (0, 2**63))}), "not where its header says"),
    "negative": (file_of(entry() | {"a": tensor(-8, 0)}, bytes(8)), "not where its header says"),
    "an unknown dtype": (file_of(entry() | {"a": tensor(0, 8, dtype="X9")}, bytes(8)), "not where its header says"),
    "a dtype NumPy lacks": (file_of(entry() | {"a": tensor(0, 2, dtype="BF16")}, bytes(2)), "not where its header"),
    "another that it lacks": (file_of(entry() | {"a": tensor(0, 1, dtype="F8_E4M3")}, b"1"), "not where its header"),
    "left over": (file_of(entry(), bytes(8)), "not where its header says"),
    "nothing in the text": (file_of(entry()), "not as tg.save writes them"),
    "a text of another kind": (file_of(entry("[1, 2]")), "not as tg.save writes them"),
    "NaN in JSON": (file_of(entry('{"sha256": "", "version": NaN, "state": 1}')), "NaN is no number"),
    "a later format": (file_of(entry('{"sha256": "", "version": 2, "state": 1}')), "version 2.*up to 1.*--upgrade"),
    "no format": (file_of(entry('{"sha256": "", "version": true, "state": 1}')), "format version is True"),
    "a digest that is none": (file_of(entry('{"sha256": 5, "version": 1, "state": 1}')), "format version"),
    "an empty digest": (file_of(entry('{"sha256": "", "version": 1, "state": 1}')), "changed since it was saved"),
    "other safetensors": (safetensors.numpy.save({"a": np.zeros(2)}), "no 'tinygrad_np'; .*load_file"),
    "a pickle": (pickle.dumps(STATE), "a pickle, which could run"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_with_the_reason_and_without_memory(path, data, message):
    tracemalloc.start()
    is_refused(path, data, re.compile(message, re.S))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000 + 20 * len(data)


def test_other_kinds_of_numpy_files_are_named(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.array([None]))
    is_refused(path, path.read_bytes(), "a zip archive, as np.savez")
    with open(path, "wb") as file:
        np.save(file, np.zeros(2))
    is_refused(path, path.read_bytes(), "an array of np.save")


def test_no_header_is_read_that_is_larger_than_the_format_has_it(path):
    with open(path, "wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(200_000_000)  # a hole, which takes no room on the disk
    tracemalloc.start()
    with pytest.raises(tg.CheckpointError, match="a header 100,000,000 at most"):
        tg.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_names_in_a_file_are_names_and_no_paths(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    state = {"../outside": np.ones(2), "/etc/x": {"..": np.zeros(1)}}
    tg.save(folder / "state", state)
    assert list(tg.load(folder / "state")) == list(state)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert [p.name for p in folder.iterdir()] == ["state"]


def test_a_missing_file_has_its_cause(path):
    with pytest.raises(tg.CheckpointError, match="No such file") as caught:
        tg.load(path)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_folder_a_pipe_and_a_name_that_no_system_has_are_refused(tmp_path):
    with pytest.raises(tg.CheckpointError, match=r"[Ii]s a directory"):
        tg.load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(tg.CheckpointError, match="no ordinary file"):
        tg.load(tmp_path / "pipe")
    with pytest.raises(tg.CheckpointError, match="null"):
        tg.load("a\0b")


@pytest.mark.parametrize("path", [3, None, {"step": 1}, b"bytes"])
def test_a_path_is_a_string_or_a_path(path):
    with pytest.raises(TypeError, match=r"tg.load\(path\) takes the path of a file"):
        tg.load(path)
    with pytest.raises(TypeError, match=r"tg.save\(path, state\) takes the path of a file"):
        tg.save(path, "state")


@pytest.mark.parametrize(
    "structure",
    [
        {"$array": "missing"},
        {"$array": ["a"]},
        {"$object": "os.system"},
        {"$array": "a", "step": 1},
        {"step": 1, "$array": "a"},
        [{"$array": "a"}, {"$array": "a"}],
        {"$scalar": ["object", "00"]},
        {"$scalar": ["float32", "00"]},
        {"$scalar": ["float32", "zz"]},
        {"$scalar": 3},
        {"$int": 3},
        {"$int": "0xzz"},
        {"$float": "00"},
        {"$tuple": 3},
        {"$dict": [["a"]]},
        {"$dict": [[["a"], 1]]},
        {},
    ],
)
def test_a_structure_that_fits_no_state_is_refused_whoever_made_its_digest(structure):
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        put_together(structure, {"a": np.zeros(1)})


def test_a_wrong_state_with_a_right_digest_is_refused(path):
    text = json.dumps({"sha256": container.NO_DIGEST, "version": 1, "state": {"$array": "x"}})
    text = text.replace(container.NO_DIGEST, container.digest_of(text, {}))
    is_refused(path, file_of(entry(text)), "its content is no state")
