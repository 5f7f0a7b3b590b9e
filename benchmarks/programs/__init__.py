"""The article's training as whole programs that print the last epoch's loss: ``python -m benchmarks.programs.by_hand``."""
