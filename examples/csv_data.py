"""A person's own data from a CSV file, or one line that says what is wrong with the file and where."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from examples.datasets import Samples
from examples.program import ExampleError

FORMAT = """\
FILE.csv is UTF-8 text with columns separated by commas: a header line that names three columns,
then one row a sample: two numbers (the features) and a label, which may be text or integers.

    height,width,species
    5.1,3.5,setosa
    7.0,3.2,versicolor

From 2 to 8 classes, of at least 2 rows each. The features are scaled to mean 0 and deviation 1, the
rows shuffled, and a fifth of every class is held out."""

COLUMNS = 3
MAX_CLASSES = 8  # as many as there are colours that everyone can tell apart
MAX_NUMBER = 1e100  # beyond it squares, as in a standard deviation, overflow
MAX_BYTES = 10**8  # a slip of the hand, such as /dev/zero, is not to fill the memory

# A field and what ends it, as the csv module takes them: in quotes, where a doubled one stands for itself, or not.
_LONGEST = csv.field_size_limit()
_FIELD = re.compile(rf' *+(?:"(?:[^"]|""){{0,{_LONGEST}}}+"|[^",\r\n][^,\r\n]{{0,{_LONGEST - 1}}}+)?(,|\r\n?|\n)')


class DataError(ExampleError):
    """A file that is not what ``FORMAT`` describes; the message names file, line and column."""


Row = tuple[int, list[str]]  # number of the line that it starts on, fields


def read_samples(path: Path) -> Samples:
    """The samples in a file of the format ``FORMAT``. Raises DataError for any other file."""
    lines = _lines(path)
    last, names = _header(path, next(lines, None))
    numbers: list[list[float]] = []
    labels: list[str] = []
    at: dict[str, int] = {}  # the first line of each class
    for last, fields in lines:
        _check_width(path, last, fields, names)
        numbers.append([_number(path, last, i, names, fields[i]) for i in (0, 1)])
        labels.append(_label(path, last, names, fields[2]))
        at.setdefault(labels[-1], last)
        if len(at) > MAX_CLASSES:
            place = _place(path, last, 2, names)
            raise DataError(
                f"{place}: {_short(labels[-1])} is class number {len(at)}; at most {MAX_CLASSES} can be shown"
            )
    _check_classes(path, last, names, labels, at)
    classes = sorted(at, key=int) if all(map(_is_integer, at)) else sorted(at)
    number_of = {name: i for i, name in enumerate(classes)}
    return Samples(
        np.array(numbers),
        np.array([number_of[name] for name in labels]),
        tuple(classes),
        (names[0], names[1]),
        names[2],
    )


def _lines(path: Path) -> Iterator[Row]:
    """The rows of the file that hold anything."""
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    line = 1
    try:
        for fields in reader:
            if any(map(str.strip, fields)):
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{_place(path, *_stuck(text))}: not CSV from here on: {error}; "
            'a quote (") must be closed, and doubled inside of quotes'
        ) from None


def _text(path: Path) -> str:
    """What is written in the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES} bytes, which is too large for these examples")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        place = _place(path, *_stuck(raw[: error.start].decode()))
        raise DataError(f"{place}: byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8") from None
    before, nul, _ = text.partition("\0")
    if nul:
        raise DataError(f"{_place(path, *_stuck(before))}: byte 0x00 is not text; save the file as UTF-8")
    return text


def _stuck(text: str) -> tuple[int, int]:
    """Line, from 1, and column, from 0, of the first field in ``text`` that is not whole."""
    at, column = 0, 0
    while field := _FIELD.match(text, at):
        at, column = field.end(), column + 1 if field[1] == "," else 0
    return len(re.findall(r"\r\n?|\n", text[:at])) + 1, column


def _header(path: Path, row: Row | None) -> tuple[int, list[str]]:
    """The header's line and the names of the three columns."""
    if row is None:
        raise DataError(
            f"{_place(path, 1, 0)}: the file is empty; it must start with a header that names three columns"
        )
    line, fields = row
    names = [name.strip() for name in fields]
    if len(names) != COLUMNS:
        raise DataError(
            f"{_place(path, line, min(len(names), COLUMNS))}: the header has {_columns(names)}; "
            f"{COLUMNS} are needed, separated by commas: two features and a label"
        )
    if "" in names:
        raise DataError(f"{_place(path, line, names.index(''))}: the header does not name this column")
    if _is_number(names[0]) and _is_number(names[1]):
        raise DataError(
            f"{_place(path, line, 0)}: {_short(names[0])} is a number; the first line must name the columns"
        )
    return line, names


def _check_width(path: Path, line: int, fields: list[str], names: list[str]) -> None:
    """Refuse a row with more or fewer fields than the header."""
    if len(fields) != COLUMNS:
        missing = len(fields) < COLUMNS
        raise DataError(
            f"{_place(path, line, min(len(fields), COLUMNS), names)}: "
            f"{'missing' if missing else 'not in the header'}; the row has {_columns(fields)} instead of {COLUMNS}"
        )


def _number(path: Path, line: int, column: int, names: list[str], text: str) -> float:
    """The number in one field."""
    place = _place(path, line, column, names)
    if not text.strip():
        raise DataError(f"{place}: a number is missing")
    if not _is_number(text):
        raise DataError(f"{place}: {_short(text)} is not a number")
    value = float(text)
    if not abs(value) <= MAX_NUMBER:
        raise DataError(f"{place}: {_short(text)} is not a finite number of at most {MAX_NUMBER:g}")
    return value


def _label(path: Path, line: int, names: list[str], text: str) -> str:
    """The label in the last field."""
    label = text.strip()
    if not label:
        raise DataError(f"{_place(path, line, 2, names)}: a label is missing")
    return label


def _check_classes(path: Path, last: int, names: list[str], labels: list[str], at: dict[str, int]) -> None:
    """Refuse rows that hold nothing to tell apart, or a class that cannot be both trained on and held out."""
    if not labels:
        raise DataError(f"{_place(path, last + 1, 0, names)}: no rows after the header; give at least 2 for each class")
    if len(at) == 1:
        raise DataError(
            f"{_place(path, last, 2, names)}: every row up to here is {_short(labels[0])}; two classes are needed"
        )
    for name, line in at.items():
        if labels.count(name) == 1:
            raise DataError(
                f"{_place(path, line, 2, names)}: the only row of {_short(name)}; "
                "two are needed, one to train on and one to hold out"
            )


def _place(path: Path, line: int, column: int, names: list[str] | None = None) -> str:
    """Where something is wrong, for people: lines and columns count from 1."""
    name = f" ({_short(names[column])})" if names and column < len(names) else ""
    return f"{path}, line {line}, column {column + 1}{name}"


def _columns(fields: list[str]) -> str:
    """How many there are, in words."""
    return "1 column" if len(fields) == 1 else f"{len(fields)} columns"


def _short(text: str) -> str:
    """A field as an error shows it: quoted, on one line, and not a page long."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _is_number(text: str) -> bool:
    """Whether it reads as a number, "nan" and "inf" among them; Python's 1_000 is a slip in a data file."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _is_integer(text: str) -> bool:
    """Whether a label reads as an integer (of 64 bits)."""
    return re.fullmatch(r"[+-]?\d{1,18}", text) is not None
