"""Choosing by name, and the advice for a name that is not there."""

import pytest

from tinygrad_np.names import nearest

CHOICES = {"sgd": 1, "adam": 2, "AdamW": 3, "momentum": 4}


def test_a_name_gives_what_it_names():
    assert [nearest("optimizer", name, CHOICES) for name in CHOICES] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "suggested"), [("adma", "adam"), ("Adam", "adam"), ("adamw", "AdamW"), ("momentun", "momentum")]
)
def test_the_name_spelt_most_alike_is_suggested(name, suggested):
    with pytest.raises(
        ValueError, match=f"there is no optimizer '{name}', did you mean '{suggested}'\\? Choose from: sgd"
    ):
        nearest("optimizer", name, CHOICES)


def test_names_that_are_nearly_as_like_are_all_suggested():
    choices = dict.fromkeys(["softmax_cross_entropy", "binary_cross_entropy", "squared_error"])
    with pytest.raises(ValueError, match="did you mean 'softmax_cross_entropy' or 'binary_cross_entropy'\\?"):
        nearest("loss", "cross_entropy", choices)


def test_a_name_like_none_gets_the_list_alone():
    with pytest.raises(ValueError, match=r"^there is no optimizer 'xyz'\. Choose from: sgd, adam, AdamW, momentum$"):
        nearest("optimizer", "xyz", CHOICES)


@pytest.mark.parametrize("name", [None, 3, ["adam"], max])
def test_what_is_no_string_is_refused(name):
    with pytest.raises(TypeError, match=r"the name of the optimizer must be a string, got .*\. Choose from: sgd"):
        nearest("optimizer", name, CHOICES)
