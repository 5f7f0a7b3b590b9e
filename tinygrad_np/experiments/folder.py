"""A study on disk: ``study.json`` says what it is of, and each run that ended has a file in ``runs``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace as replace_fields
from typing import Any

from tinygrad_np.experiments.description import digest
from tinygrad_np.experiments.outcomes import Label, Outcome
from tinygrad_np.saving import CheckpointError
from tinygrad_np.saving.atomic import replace

FORMAT = 1
KEYS = {"digest", "settings", "columns", "variants"}


class Folder:
    """The folder of a study, at ``path``. Files in it are replaced as a whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.manifest = os.path.join(self.path, "study.json")

    def begin(
        self, settings: Mapping[str, str], columns: Sequence[str], variants: Sequence[Mapping[str, Label]]
    ) -> None:
        """Make the folder, or go on in it.

        Raises ValueError if it is that of another study, or holds what is none; CheckpointError if it cannot be
        written.
        """
        record = {"format": FORMAT, "digest": digest(json.dumps(settings, sort_keys=True).encode())}
        record |= {"settings": dict(settings), "columns": list(columns), "variants": [dict(v) for v in variants]}
        try:
            os.makedirs(os.path.join(self.path, "runs"), exist_ok=True)
            if os.path.exists(self.manifest):
                self._require_equal(record)
            replace(self.manifest, (json.dumps(record, indent=1) + "\n").encode())
        except OSError as error:
            raise CheckpointError(f"cannot save a study into {self.path!r}: {error}; choose another folder") from error

    def read(self) -> dict[str, Any]:
        """What ``study.json`` says; CheckpointError where there is none that can be read."""
        try:
            with open(self.manifest, encoding="utf-8") as file:
                record = json.load(file)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path!r} holds no study: {error}; give a folder that compare wrote") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT or not record.keys() >= KEYS:
            raise CheckpointError(f"{self.manifest!r} is no study of format {FORMAT}, the one that is known here")
        return record

    def find(self, choices: Mapping[str, Label], seed: int) -> Outcome | None:
        """The run with these ``choices`` and this ``seed``, if it has ended; CheckpointError if its file is damaged."""
        path = self._file(choices, seed)
        return _outcome(path, choices, seed) if os.path.exists(path) else None

    def keep(self, outcome: Outcome) -> None:
        """Write the file of a run; CheckpointError if it cannot be written."""
        path = self._file(outcome.choices, outcome.seed)
        try:
            replace(path, (outcome.to_json() + "\n").encode())
        except OSError as error:
            raise CheckpointError(f"cannot save the run {path!r}: {error}; those before it are kept") from error

    def outcomes(self) -> list[Outcome]:
        """All runs of the study: by variant as they were asked for, and by seed."""
        variants = self.read()["variants"]
        seeds = sorted({int(m[1]) for name in os.listdir(self._runs) if (m := re.search(r"-seed-(\d+)\.json$", name))})
        found = [self.find(choices, seed) for choices in variants for seed in seeds]
        return [outcome for outcome in found if outcome is not None]

    @property
    def _runs(self) -> str:
        return os.path.join(self.path, "runs")

    def _file(self, choices: Mapping[str, Label], seed: int) -> str:
        """A name that can be read, and that no two runs share."""
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(str(label) for _, label in sorted(choices.items()))).strip(
            "-."
        )[:60]
        own = digest(json.dumps(dict(choices), sort_keys=True).encode())
        return os.path.join(self._runs, f"{readable}-{own}-seed-{seed}.json")

    def _require_equal(self, record: Mapping[str, Any]) -> None:
        """Refuse to go on in the folder of another study, and say what differs."""
        before = self.read()
        if before["digest"] == record["digest"]:
            return
        known, now = before["settings"], record["settings"]
        changed = [
            f"  {name}: {known.get(name)}\n  {' ' * len(name)}  now {now.get(name)}"
            for name in now | known
            if known.get(name) != now.get(name)
        ]
        raise ValueError(
            "\n".join([f"{self.path!r} is the folder of another study; give another directory. Differing:", *changed])
        )


def _outcome(path: str, choices: Mapping[str, Label], seed: int) -> Outcome:
    """The run in a file, which must be the one that is looked for."""
    try:
        with open(path, encoding="utf-8") as file:
            outcome = Outcome.from_json(file.read())
        if outcome.choices != dict(choices) or outcome.seed != seed:
            raise ValueError(f"it is the run {outcome.choices}, seed {outcome.seed}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"cannot read the run {path!r}: {error}; delete it to have it run again") from error
    return replace_fields(outcome, choices=dict(choices))  # in the order of today
