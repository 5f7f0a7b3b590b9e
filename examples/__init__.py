"""Programs to run, ``python -m examples.NAME``, each of which prints what it found and draws it.

Of the article: three_class, two_moons, xor, gradient_check. Beyond it: digits, regression, dropout_relu,
optimizer_race.
"""
