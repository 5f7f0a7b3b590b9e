"""The article's networks: ``article`` on autodiff, and ``reference``, hand-derived, to check it against."""
