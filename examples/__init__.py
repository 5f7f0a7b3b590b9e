"""Programs to run, ``python -m examples.NAME``: three_class, two_moons, xor. Each prints what it found and draws it."""
