"""A person's own data: files that are read as they should be, and one line for each way that a file can be wrong."""

import os

import numpy as np
import pytest

from examples import csv_data, datasets

GOOD = "height,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n4.9,3,setosa\n6.4,3.1,versicolor\n"


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def read(tmp_path):
    return lambda content: csv_data.read_samples(write(tmp_path / "own.csv", content))


# -- good files --------------------------------------------------------------------------------------


def test_a_file_in_the_documented_format(read):
    samples = read(GOOD)
    np.testing.assert_array_equal(samples.x, [[5.1, 3.5], [7.0, 3.2], [4.9, 3.0], [6.4, 3.1]])
    assert samples.labels.tolist() == [0, 1, 0, 1]
    assert samples.classes == ("setosa", "versicolor")
    assert samples.features == ("height", "width")
    assert samples.label == "species"


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,  # as spreadsheets save it
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),  # empty lines
        GOOD.replace(",", " , "),
        GOOD.rstrip("\n"),
        GOOD.replace("setosa", '"setosa"'),
        GOOD.replace("7,", "+7.0e0,"),
    ],
)
def test_other_ways_to_write_the_same(read, content):
    samples, expected = read(content), read(GOOD)
    np.testing.assert_array_equal(samples.x, expected.x)
    assert samples.labels.tolist() == expected.labels.tolist()
    assert (samples.classes, samples.features, samples.label) == (expected.classes, expected.features, expected.label)


def test_integer_labels_are_in_numerical_order(read):
    samples = read("a,b,c\n" + "".join(f"0,{i},{label}\n" for i, label in enumerate([10, 9, -1, 10, 9, -1])))
    assert samples.classes == ("-1", "9", "10")
    assert samples.labels.tolist() == [2, 1, 0, 2, 1, 0]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["1.0", "0.0"], ("0.0", "1.0")),
        (["--1", "1"], ("--1", "1")),
        (["+-", "-"], ("+-", "-")),
        (["9", "99999999999999999999"], ("9", "99999999999999999999")),
        (["a\nb", "\x1b[31m"], ("\x1b[31m", "a\nb")),
    ],
)
def test_any_other_label_is_text(read, labels, classes):
    samples = read("a,b,c\n" + "".join(f'{i},0,"{label}"\n' for i, label in enumerate(labels * 2)))
    assert samples.classes == classes
    assert [samples.classes[label] for label in samples.labels] == labels * 2


def test_a_fifth_of_every_class_is_held_out_and_no_row_is_lost():
    labels = np.repeat([0, 1, 2], [50, 10, 2])
    samples = datasets.Samples(np.arange(124.0).reshape(62, 2), labels, ("a", "b", "c"))
    split = datasets.hold_out(samples, np.random.default_rng(0))
    assert np.bincount(split.held_out.labels).tolist() == [10, 2, 1]
    both = np.concatenate([split.training.x, split.held_out.x])
    np.testing.assert_array_equal(np.sort(both, axis=0), samples.x)
    pairs = dict(zip(samples.x[:, 0], labels))
    for part in (split.training, split.held_out):
        assert [pairs[first] for first in part.x[:, 0]] == part.labels.tolist()
    assert (np.diff(split.training.labels) < 0).any(), "sorted by class: minibatches would see one class at a time"
    np.testing.assert_allclose(split.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(split.inputs.std(axis=0), 1)


# -- wrong files -------------------------------------------------------------------------------------

ROWS = GOOD.partition("\n")[2]

WRONG = {
    "empty": ("", "line 1, column 1", "empty"),
    "blank lines only": ("\n\n", "line 1, column 1", "empty"),
    "header only": ("height,width,species\n", "line 2, column 1 ('height')", "no rows"),
    "header only, further down": ("\n\nheight,width,species\n", "line 4, column 1 ('height')", "no rows"),
    "header with a missing column": ("height,species\n5,a\n", "line 1, column 3", "has 2 columns; 3 are needed"),
    "header with a column too many": ("id,height,width,species\n", "line 1, column 4", "has 4 columns; 3 are needed"),
    "semicolons": (GOOD.replace(",", ";"), "line 1, column 2", "has 1 column; 3 are needed, separated by commas"),
    "tabs": (GOOD.replace(",", "\t"), "line 1, column 2", "has 1 column; 3 are needed"),
    "a comment": ("# iris\n" + GOOD, "line 1, column 2", "has 1 column; 3 are needed"),
    "column without a name": ("height,,species\n" + ROWS, "line 1, column 2", "does not name"),
    "no header": (ROWS, "line 1, column 1", "'5.1' is a number"),
    "a long number for a header": ("9" * 500 + ",1,a\n", "line 1, column 1", "9…' is a number"),
    "row too short": (
        GOOD + "5.0,3.1\n",
        "line 6, column 3 ('species')",
        "missing; the row has 2 columns instead of 3",
    ),
    "row too long": (GOOD + "5.0,3.1,setosa,9\n", "line 6, column 4", "not in the header; the row has 4 columns"),
    "a very long row": (GOOD + "1," * 200_000 + "\n", "line 6, column 4", "the row has 200001 columns instead of 3"),
    "text for a number": (GOOD + "5.0,tall,setosa\n", "line 6, column 2 ('width')", "'tall' is not a number"),
    "text with a newline": (GOOD + '5.0,"ta\nll",setosa\n', "line 6, column 2 ('width')", r"'ta\nll' is not a number"),
    "text after a newline": (GOOD + '1,2,"a\nb"\n5.0,tall,setosa\n', "line 8, column 2 ('width')", "'tall' is not a"),
    "underscore in a number": (GOOD + "1_0,3.1,setosa\n", "line 6, column 1 ('height')", "'1_0' is not a number"),
    "decimal comma": (GOOD + '"5,0",3.1,setosa\n', "line 6, column 1 ('height')", "'5,0' is not a number"),
    "label first": ("species,height,width\na,1,2\n", "line 2, column 1 ('species')", "'a' is not a number"),
    "no number": (GOOD + ",3.1,setosa\n", "line 6, column 1 ('height')", "number is missing"),
    "nan": (GOOD + "5.0,NaN,setosa\n", "line 6, column 2 ('width')", "'NaN' is not a finite number"),
    "infinity": (GOOD + "-inf,3.1,setosa\n", "line 6, column 1 ('height')", "'-inf' is not a finite number"),
    "overflow": (GOOD + "1e999,3.1,setosa\n", "line 6, column 1 ('height')", "'1e999' is not a finite number"),
    "too large to square": (GOOD + "5.0,1e200,setosa\n", "line 6, column 2 ('width')", "at most 1e+100"),
    "no label": (GOOD + "5.0,3.1,\n", "line 6, column 3 ('species')", "label is missing"),
    "one row": ("a,b,c\n1,2,x\n", "line 2, column 3 ('c')", "every row up to here is 'x'"),
    "one class": ("a,b,c\n1,2,x\n2,3,x\n", "line 3, column 3 ('c')", "every row up to here is 'x'"),
    "a class of one row": (GOOD + "1,2,rare\n", "line 6, column 3 ('species')", "the only row of 'rare'"),
    "nine classes": ("a,b,c\n" + "".join(f"1,2,{i}\n" for i in range(9)), "line 10, column 3 ('c')", "at most 8"),
    "not utf-8": (GOOD.encode() + b"5.0,3.1,gr\xfcn\n", "line 6, column 3", "byte 0xfc is not UTF-8"),
    "not utf-8, after a quoted comma": (
        GOOD.encode() + b'"5,0",3.1,gr\xfcn\n',
        "line 6, column 3",
        "byte 0xfc is not UTF-8",
    ),
    "not utf-8, old line ends": (GOOD.replace("\n", "\r").encode() + b"5,3,gr\xfcn\r", "line 6, column 3", "byte 0xfc"),
    "nul in a number": (GOOD + "5.0,3\0,setosa\n", "line 6, column 2", "byte 0x00 is not text"),
    "nul in a label": (GOOD.replace("setosa", "se\0tosa"), "line 2, column 3", "byte 0x00 is not text"),
    "utf-16 without a mark": (GOOD.encode("utf-16-le"), "line 1, column 1", "byte 0x00 is not text"),
    "utf-16": (GOOD.encode("utf-16"), "line 1, column 1", "is not UTF-8"),
    "open quote": (GOOD + '5.0,3.1,"setosa\n', "line 6, column 3", "not CSV from here on: unexpected end of data"),
    "open quote further up": (GOOD.replace("setosa", '"setosa', 1), "line 2, column 3", 'a quote (") must be closed'),
    "open quote in a long file": (
        GOOD.replace("setosa", '"setosa', 1) + "1,2,setosa\n" * 20_000,
        "line 2, column 3",
        "field larger than field limit",
    ),
    "text after a quote": (GOOD + '5.0,"3.1"0,setosa\n', "line 6, column 2", "',' expected after '\"'"),
    "a field too long": (
        GOOD + "5.0," + "9" * 131_073 + ",setosa\n",
        "line 6, column 2",
        "field larger than field limit",
    ),
    "a field just not too long": (
        GOOD + "5.0," + "9" * 131_072 + ",setosa\n",
        "line 6, column 2 ('width')",
        "9…' is not",
    ),
    "a very long field": (GOOD + "5.0," + "9a" * 5000 + ",setosa\n", "line 6, column 2", "is not a number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_one_line_that_says_where(run, tmp_path, name):
    content, place, complaint = WRONG[name]
    path = write(tmp_path / "own data.csv", content)
    outcome = run("three_class", "--data", path, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert outcome.out == ""
    assert not (tmp_path / "out").exists()
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert f"error: {path}, {place}" in outcome.err
    assert complaint in outcome.err
    assert len(outcome.err) < 400


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("absent.csv", "absent.csv: No such file or directory"),
        (".", ": Is a directory"),
        ("a file/below.csv", "below.csv: Not a directory"),
        ("private.csv", "private.csv: Permission denied"),
        ("long.csv", "long.csv: more than 100 bytes, which is too large"),
        ("line\nbreak.csv", r"line\nbreak.csv, line 1, column 1: the file is empty"),
        ("\x1b[31mred.csv", r"\x1b[31mred.csv, line 1, column 1: the file is empty"),
        ("/dev/null", "/dev/null, line 1, column 1: the file is empty"),
    ],
)
def test_a_file_that_cannot_be_read(run, tmp_path, monkeypatch, name, complaint):
    for empty in ("line\nbreak.csv", "\x1b[31mred.csv", "a file", "private.csv"):
        (tmp_path / empty).touch()
    (tmp_path / "private.csv").chmod(0)
    if name == "private.csv" and os.access(tmp_path / name, os.R_OK):
        pytest.skip("this user may read every file")
    write(tmp_path / "long.csv", GOOD + "1,2,setosa\n" * 10)
    monkeypatch.setattr(csv_data, "MAX_BYTES", 100)
    outcome = run("three_class", "--data", tmp_path / name, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("python -m examples.three_class: error: ")
    assert complaint in outcome.err
    assert not (tmp_path / "out").exists()


# -- training on it ----------------------------------------------------------------------------------


def test_training_on_a_file(run, tmp_path, check_picture):
    """Sorted by class and in large units, which the network takes only shuffled and scaled."""
    rng = np.random.default_rng(0)
    rows = [
        f"{rng.normal(1000 * label, 200):.1f},{rng.normal(5e5, 1e5):.1f},{name}"
        for label, name in enumerate(("_low", r"$\middle$", "high"))
        for _ in range(30)
    ]
    path = write(tmp_path / "own.csv", "\n".join([r"$\length$,mass,$\size$", *rows]))
    outcome = run("three_class", "--data", path, "--epochs", 30, "--out", tmp_path / "out")
    assert outcome.status == 0
    assert outcome.err == ""
    assert "72 rows to train on, 18 held out, 3 classes" in outcome.out
    held_out = next(line for line in outcome.out.splitlines() if line.startswith("held-out accuracy"))
    assert float(held_out.split()[2].rstrip("%")) > 80
    for name in ("data", "loss", "regions"):
        check_picture(tmp_path / "out" / f"{name}.png")


@pytest.mark.parametrize("constant", ["7", "0.1", "-1.7e18", "1e100", "0", "1e-300"])
def test_a_constant_feature_and_names_without_a_glyph(run, tmp_path, check_picture, constant):
    rows = "".join(f"{i % 10},{constant},{'猫' if i % 10 < 5 else chr(27) + '犬'}\n" for i in range(30))
    path = write(tmp_path / "own.csv", f"x,y,ラベル\n{rows}")
    outcome = run("three_class", "--data", path, "--epochs", 5, "--out", tmp_path / "out")
    assert outcome.status == 0
    assert outcome.err == ""
    check_picture(tmp_path / "out" / "regions.png")
