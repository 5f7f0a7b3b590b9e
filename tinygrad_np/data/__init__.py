"""Data on its way to training: minibatches, parts, and arrays made ready."""
