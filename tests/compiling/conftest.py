import pytest


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """Each test compiles for itself."""
    monkeypatch.setenv("TINYGRAD_NP_CACHE", "")
