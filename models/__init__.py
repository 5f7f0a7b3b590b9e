"""The article's networks: ``article`` on autodiff, and ``reference``, hand-derived, to check it against.

``checking`` holds both against numbers; ``mistakes`` has hand-derived ones that it finds wrong.
"""
