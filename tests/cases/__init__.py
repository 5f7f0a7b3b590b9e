"""The table of cases: one row for each operation, and every test of all operations runs over it.

A row says how the operation is called, with which arrays and options, and what the value is: that of
the NumPy function it mirrors, or a formula written here without looking at the rule. The arrays are
drawn in the operation's domain, away from kinks, and in its active range, so that no derivative is
0 against 0. A new operation needs one row, in the module named like that of its rule. Unless it is
elementwise, the row also says what hypothesis may draw for it, with the strategies of ``domains``.
"""

from importlib import import_module

import pytest

from tests.cases.rows import Row, Variant, begin, mirrored
from tinygrad_np import rules

__all__ = ["CASES", "ROWS", "Row", "Variant", "every_operation", "every_variant", "mirrored"]

ROWS: list[Row] = []
for family in rules.__all__:
    begin(family)
    ROWS += import_module(f"tests.cases.{family}").ROWS

CASES = {row.name: row for row in ROWS}


def describe(name, number, variant):
    """An operation, the number of its variant, and shapes."""
    return f"{name}-{number}-" + ",".join("x".join(map(str, a.shape)) or "scalar" for a in variant.arrays)


def every_variant(test):
    """``test(row, variant)`` of all cases, one test for each operation: twenty thousand would be mostly pytest's time.

    Where one fails, a note says of which variant.
    """

    @pytest.mark.parametrize("row", ROWS, ids=list(CASES))
    def of_operation(row):
        for number, variant in enumerate(row.variants):
            try:
                test(row, variant)
            except BaseException as error:
                error.add_note(f"with {describe(row.name, number, variant)}")
                raise

    of_operation.__name__, of_operation.__doc__ = test.__name__, test.__doc__
    return of_operation


def every_operation():
    """Parameters ``row, variant``: the first variant of each operation."""
    return {
        "argnames": ("row", "variant"),
        "argvalues": [(row, row.variants[0]) for row in ROWS],
        "ids": list(CASES),
    }
