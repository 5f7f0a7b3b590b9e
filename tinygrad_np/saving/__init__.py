"""Saving: a state goes into one safetensors file, whole or not at all, and comes back as it was or not at all."""

from tinygrad_np.saving.errors import CheckpointError
from tinygrad_np.saving.files import load, save

__all__ = ["CheckpointError", "load", "save"]
