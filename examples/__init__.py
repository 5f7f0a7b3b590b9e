"""Programs to run, ``python -m examples.NAME``: three_class, two_moons, xor. Each prints what it found and draws it."""

from importlib.util import find_spec

_MISSING = [name for name in ("matplotlib", "sklearn", "tqdm") if find_spec(name) is None]
if _MISSING:
    raise SystemExit(f"the examples need {', '.join(_MISSING)}; install with: pip install -e '.[examples]'")
