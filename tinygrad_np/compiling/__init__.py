"""Compiled steps: a training step that is recorded once, and run from then on without Python's overhead.

Eager training of a small network spends nearly all its time in Python, and makes the same NumPy calls at each step. So
one run is recorded as a straight-line program, which is shortened, compiled and run. To be read in this order:

    values, text, program       what a step becomes; printed for people, and as NumPy source that proves native code
    errors                      code that cannot be compiled is refused, with the user's line
    symbols, recorder           stand-ins for numbers, arrays and Generators, which note what is done with them
    recording, determinism      the calls of one run; a second run makes the same ones, or a draw would be frozen
    places, holding, state      where objects keep values; stand-ins are put there, and taken out again
    captures, environment       what else the code can read, which a program must not keep as it was
    scenery                     stand-ins for the arrays among that, so that they may be replaced
    given, signature            what a step may be, take and return; which calls one program serves
    dry_run, outcome            a run that leaves no trace; the recorded run gives what the eager one gives
    passes                      the program made shorter, without a bit of difference
    state_guards, headers       a program knows addresses and constants: do they still hold?
    record                      all of this together: from a step to a program
    native                      the program as machine code
    backends                    what runs a program: NumPy, where native code cannot
    version, shortcut           a program, its guards and its backend; the same as one generated function, for speed
    locking                     threads and forks must not meet a step with stand-ins in its state
    epochs, steps               whole epochs; tg.compiled, which finds the version that holds, or records another
"""

from tinygrad_np.compiling.errors import TracingError
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.steps import CompiledStep, compiled

__all__ = ["CompiledStep", "Program", "TracingError", "compiled"]
