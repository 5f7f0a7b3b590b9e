"""Compiled steps: a training step recorded once as a straight line of NumPy calls, and run as native code."""
