"""Nested lists, tuples and dicts are taken apart and put together again as they were."""

from collections import OrderedDict, namedtuple

import pytest

from tinygrad_np.trees import leaves_of, mapped, rebuilt

Pair = namedtuple("Pair", "left right")
TREES = {
    "a leaf": (1, [("", 1)]),
    "a list": ([1, 2], [("[0]", 1), ("[1]", 2)]),
    "a dict in its own order": ({"b": 1, "a": 2}, [("['b']", 1), ("['a']", 2)]),
    "nested": ([{"a": (1,)}, 2], [("[0]['a'][0]", 1), ("[1]", 2)]),
    "a named tuple": (Pair(1, [2]), [("[0]", 1), ("[1][0]", 2)]),
    "empty ones": ([[], {}, ()], []),
    "None is a leaf": ([None], [("[0]", None)]),
}


@pytest.mark.parametrize(("tree", "leaves"), TREES.values(), ids=TREES)
def test_leaves_have_their_paths_and_come_back(tree, leaves):
    assert list(leaves_of(tree)) == leaves
    again = rebuilt(tree, [leaf for _, leaf in leaves])
    assert again == tree
    assert type(again) is type(tree)


def test_every_leaf_is_mapped():
    assert mapped(lambda x: x * 10, Pair(1, {"a": [2, 3]})) == Pair(10, {"a": [20, 30]})


def test_a_dict_of_a_subclass_becomes_a_dict():
    assert mapped(str, OrderedDict(a=1)) == {"a": "1"}
