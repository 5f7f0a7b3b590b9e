"""Compiled steps: recorded once as a straight line of NumPy calls, and replayed."""

from tinygrad_np.compiling.asking import TracingError
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.steps import CompiledStep, compiled

__all__ = ["CompiledStep", "Program", "TracingError", "compiled"]
