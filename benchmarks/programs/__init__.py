"""The article's training as whole programs, which print their last loss: ``python -m benchmarks.programs.by_hand``."""
