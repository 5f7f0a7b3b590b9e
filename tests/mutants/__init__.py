"""The gradient checker against derivatives that are known to be wrong, and to be right: ``python -m tests.mutants``.

Every operation of the table of cases is given derivatives altered in every way of ``mutations``, each of
which the checker has to find (``altered``); at random points the right ones have to pass (``points``); and at
kinks it has to say so, and yet to find an error elsewhere (``kinks``). A composition has no derivative of its
own to alter: its operations are mutated by themselves.
"""
