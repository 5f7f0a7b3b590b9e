"""Compiled steps: recorded once as a straight line of NumPy calls, and replayed."""

from tinygrad_np.compiling.asking import TracingError
from tinygrad_np.compiling.compiled import CompiledStep, compiled
from tinygrad_np.compiling.program import Program

__all__ = ["CompiledStep", "Program", "TracingError", "compiled"]
