"""For every test, those in docstrings too: compiled programs are kept nowhere, so that each test compiles its own."""

import os

os.environ["TINYGRAD_NP_CACHE"] = ""
