"""The page on NumPy's functions lists the three sets as they are."""

import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import coverage, operations

PAGE = (Path(__file__).parent.parent / "docs/numpy.md").read_text()
LISTS = dict(zip(["start", "differentiable", "data", "refused"], re.split(r"^## .*$", PAGE, flags=re.MULTILINE)))
SETS = {"differentiable": operations.table, "data": coverage.RUN_ON_DATA, "refused": coverage.REFUSED}


def find(name):
    """The function of a dotted name, such as np.linalg.inv or np.add.reduce."""
    found = np
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("which", SETS)
def test_the_page_lists_every_function_of_a_set_and_no_other(which):
    lines = [line for line in LISTS[which].splitlines() if line.startswith(("`np.", "| `np."))]
    names = re.findall(r"`(np\.[\w.]+)`", "\n".join(line.split(" | ")[0] for line in lines))
    assert {find(name) for name in names} == set(SETS[which])
    assert len(names) == len(set(names))


def test_the_reasons_on_the_page_are_those_of_the_errors():
    reasons = re.findall(r"^\| `np\..*\| (.*) \|$", LISTS["refused"], flags=re.MULTILINE)
    assert set(reasons) == set(coverage.REFUSED.values())


def test_other_operations_on_the_page_are_public():
    names = re.findall(r"`tg\.([\w.]+)`", LISTS["differentiable"])
    assert names
    for name in names:
        found = tg
        for part in name.split("."):
            found = getattr(found, part)
        assert isinstance(found, operations.Operation) or found.__doc__
