"""The example of a compiled step: what it prints."""

from examples import compiled_step


def test_it_shows_the_program_and_its_source_and_both_ways_agree(capsys):
    assert compiled_step.main() == 0
    printed = capsys.readouterr().out
    for expected in (
        "x: float64[4, 2]  (argument)",
        "def bind(",
        "equal to the last bit",
        "    optimizer.zero_grad()",
        "NumPy source: ",
    ):
        assert expected in printed
