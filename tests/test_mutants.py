"""The checker finds every kind of wrong derivative, raises no false alarm and tells kinks from bugs: a small slice.

``python -m tests.mutants`` does the same for every operation.
"""

import pytest

from tests.cases import ROWS
from tests.mutants import altered, kinks, points
from tests.mutants.mutations import MUTATIONS
from tests.mutants.trials import KINK, MODES

SOME = altered.RULES[::13]  # ten operations, or a few more


def test_every_mutation_of_some_operations_is_caught():
    tallies = altered.tallied(SOME, 1, MODES)
    assert len(SOME) >= 10
    assert {mutation: tally.missed for mutation, tally in tallies.items()} == {
        mutation: {"fast": [], "full": []} for mutation in MUTATIONS
    }
    assert min(tally.count for tally in tallies.values()) >= 5


def test_every_rule_has_a_variant_that_is_mutated():
    assert [row.name for row in altered.RULES if not altered.subjects(row, 1)] == []


def test_right_rules_raise_no_alarm_at_random_points():
    found = points.alarms(ROWS[::13], 200, MODES)
    assert found.false == []
    assert found.total(KINK) == 0
    assert found.total() >= 2 * 200


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", kinks.KINKS)
def test_a_kink_is_no_bug_and_hides_none(name, mode):
    for distance in (0.0, *kinks.DISTANCES):
        assert kinks.found(kinks.KINKS[name], distance, mode) == [], distance
