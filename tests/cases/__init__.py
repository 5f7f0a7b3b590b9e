"""The table of cases: one row for each operation, and every test of all operations runs over it.

A row says how the operation is called, with which arrays and options, and what the value is: that of
the NumPy function it mirrors, or a formula written here without looking at the rule. The arrays are
drawn in the operation's domain, away from kinks, and in its active range, so that no derivative is
0 against 0. A new operation needs one row, in the module named like that of its rule. Unless it is
elementwise, the row also says what hypothesis may draw for it, with the strategies of ``domains``.
"""

from importlib import import_module

from tests.cases.rows import Row, Variant, begin, mirrored
from tinygrad_np import rules

__all__ = ["CASES", "ROWS", "Row", "Variant", "every_operation", "every_variant", "mirrored"]

ROWS: list[Row] = []
for family in rules.__all__:
    begin(family)
    ROWS += import_module(f"tests.cases.{family}").ROWS

CASES = {row.name: row for row in ROWS}


def describe(name, number, variant):
    """The id of a parametrised test: operation, number, shapes."""
    return f"{name}-{number}-" + ",".join("x".join(map(str, a.shape)) or "scalar" for a in variant.arrays)


def every_variant(keep=lambda variant: True):
    """Parameters ``row, variant`` of all cases, with their ids, as ``pytest.mark.parametrize`` takes them."""
    chosen = [(row, i, v) for row in ROWS for i, v in enumerate(row.variants) if keep(v)]
    return {
        "argnames": ("row", "variant"),
        "argvalues": [(row, v) for row, _, v in chosen],
        "ids": [describe(row.name, i, v) for row, i, v in chosen],
    }


def every_operation():
    """Parameters ``row, variant``: the first variant of each operation."""
    return {
        "argnames": ("row", "variant"),
        "argvalues": [(row, row.variants[0]) for row in ROWS],
        "ids": list(CASES),
    }
