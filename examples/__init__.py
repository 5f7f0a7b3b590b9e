"""Programs to run, ``python -m examples.NAME``: three_class, two_moons, xor, gradient_check.

Each prints what it found and draws it.
"""
