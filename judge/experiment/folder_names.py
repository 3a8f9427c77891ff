"""What a run's folder is called, and which settings change no number: those are listed here, once."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

#: Settings that change no number of a run, as patterns of dotted keys: they make no run stale, are no factor of a
#: comparison and are in no folder's name.
CHANGES_NO_NUMBER = (
    "name",
    "report",
    "report.*",
    "save_judges",
    "threads",
    "experiment",
    "*.progress",
    "*.workers",
    "*.threads",
    "*.cache",
    "*.cache_dir",
    "jury.chunk",
    "jury.reader.batch_size",
    "judge.scoring.batch_size",
)
LONGEST_FOLDER = 120
_ROOT = re.compile(r"(?<![\w.])((?:entrants_)?data\.root=)([^,]+)")


def changes_a_number(key: str) -> bool:
    """Whether the setting of this dotted key (a leading + or ++ of the command line aside) changes a run's tables."""
    key = key.lstrip("+~")
    if key.startswith("conditions."):  # whatever a condition is called
        return True
    return not any(fnmatch.fnmatchcase(key, pattern) for pattern in CHANGES_NO_NUMBER)


def folder_name(overrides: Iterable[str] | str) -> str:
    """A stable folder name for a run from what was set on the command line, `key=value` each.

    The root of a data set is there by its last part and a digest: folder names are published, home folders are not.
    """
    words = [overrides] if isinstance(overrides, str) else [str(word) for word in overrides]
    words = sorted(word for word in words if changes_a_number(word.partition("=")[0]))
    text = _ROOT.sub(lambda found: found[1] + _place(found[2]), ",".join(words))
    name = re.sub(r"[^\w.,=+\-]+", "_", text).strip("_") or "default"
    if len(name) <= LONGEST_FOLDER:
        return name
    return f"{name[:LONGEST_FOLDER]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"


def _place(root: str) -> str:
    path = resolved_root(root.strip("\"'"))
    return f"{path.name}-{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}"


def resolved_root(root: str) -> Path:
    """The absolute folder of a data set, however it was spelt."""
    return Path(root).expanduser().resolve()
