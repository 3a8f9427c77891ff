"""What tells a run from another: its folder's name and its digest, without the settings that change no number.

Those are listed here, once.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from judge import __version__
from judge.errors import InputError

#: Settings that change no number of a run, as patterns of dotted keys: they make no run stale, are no factor of a
#: comparison and are in no folder's name.
CHANGES_NO_NUMBER = (
    "name",
    "report",
    "report.*",
    "save_judges",
    "threads",
    "stack",
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
#: Settings of a data set that may name a file, and whether it lies below the root. What is in it belongs to the hash.
FILES = {"exclude": False, "table": True, "ratings": True, "population": False}
LONGEST_FOLDER = 120
_ROOT = re.compile(r"(?<![\w.])((?:entrants_)?data\.root=)([^,]+)")


def checked_name(name: str) -> str:
    """The name of a run, which is its folder below runs/. Raises InputError for one that would lead out of there."""
    parts = str(name).replace("\\", "/").split("/")
    odd = any(part in ("", ".", "..") or part.startswith((".", "-", "~")) for part in parts)
    if odd or len(str(name)) > LONGEST_FOLDER or not str(name).isprintable():
        raise InputError(
            f"name={name!r}: a folder below runs/, of at most {LONGEST_FOLDER} printable characters, no part empty or "
            "beginning with a dot, a dash or ~"
        )
    return str(name)


def changes_a_number(key: str) -> bool:
    """Whether the setting of this dotted key (a leading + or ++ of the command line aside) changes a run's tables."""
    key = key.lstrip("+~")
    if key.startswith("conditions."):  # whatever a condition is called
        return True
    return not any(fnmatch.fnmatchcase(key, pattern) for pattern in CHANGES_NO_NUMBER)


def folder_name(overrides: Iterable[str] | str, beside: str | Path | None = None) -> str:
    """A stable, short folder name for a run from what was set on the command line, `key=value` each.

    Data set, share, seed and what says the conditions stand there in words, everything else as eight digits of a hash:
    `share=0.9,seed=3,mitigation=reweight-1f0c9a2e`. What the digits stand for is in the run's started.json and in the
    index beside the runs (`judge runs`).

    beside  the folder in which the run's is to lie: where it has one under a name that earlier versions gave
            to the same settings, that name is given, so that the run is resumed and not done again

    Examples
    --------
    >>> folder_name(["seed=3", "pool.majority_share=.9"])
    'share=0.9,seed=3'
    >>> folder_name(["seed=3", "data=mine"])
    'data=mine,seed=3'
    >>> folder_name(["seed=3", "pool.majority_share=.90", "data.n=1200"])
    'share=0.9,seed=3-83d7f3fa'
    """
    words = [overrides] if isinstance(overrides, str) else [str(word) for word in overrides]
    words = sorted(word for word in words if changes_a_number(word.partition("=")[0]))
    if beside is not None:
        old = spelt_out(words)
        if (Path(beside) / old).is_dir():
            return old
        hidden = _short(words, _SHOWN_BEFORE)
        if (Path(beside) / hidden).is_dir():
            return hidden
    return _short(words, _SHOWN)


def _short(words: list[str], keys: Mapping[str, tuple[int, str]]) -> str:
    """Those of the sorted words whose keys are shown, and the digest of the others."""
    last = {word.partition("=")[0]: word for word in words}
    shown, rest = [], []
    for key in sorted(last, key=lambda key: (keys.get(key, (len(keys), ""))[0], key)):
        told = _told(last[key], keys) if len([w for w in words if w.partition("=")[0] == key]) == 1 else None
        if told is not None and len(",".join([*shown, told])) <= LONGEST_SHOWN:
            shown.append(told)
        else:
            rest += [word for word in words if word.partition("=")[0] == key]
    if not rest:
        return ",".join(shown) or "default"
    text = ",".join(_ROOT.sub(lambda found: found[1] + _place(found[2]), word) for word in sorted(rest))
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{','.join(shown)}-{digest}" if shown else digest


#: What a run's folder shows of its settings: the key, its place in the name, the name it has there.
_SHOWN = {
    "data": (0, "data"),
    "pool.majority_share": (1, "share"),
    "seed": (2, "seed"),
    "mitigation": (3, "mitigation"),
    "conditions": (4, "conditions"),
}
#: And what a folder of an earlier version showed.
_SHOWN_BEFORE = {key: place for key, place in _SHOWN.items() if key != "data"}
LONGEST_SHOWN = 60


def _told(word: str, keys: Mapping[str, tuple[int, str]]) -> str | None:
    """The setting as the name shows it; None for one that the name does not show, or cannot."""
    key, _, value = word.partition("=")
    if key in keys:
        name = keys[key][1]
        if key == "pool.majority_share":
            if not re.fullmatch(r"0?\.\d{1,6}", value):
                return None
            value = f"{float(value):g}"
        elif key == "seed" and not re.fullmatch(r"\d{1,10}", value):
            return None
        return f"{name}={value}" if re.fullmatch(r"[\w.]+", value) else None
    added = re.fullmatch(r"\+conditions\.(\w+)=(\w+)", word)
    if added:
        return f"+{added[1]}" if added[1] == added[2] else f"+{added[1]}={added[2]}"
    return None


def spelt_out(words: Iterable[str]) -> str:
    """All settings in a folder's name, at most LONGEST_FOLDER characters and a digest: of runs of earlier versions.

    The root of a data set is there by its last part and a digest: folder names are published, home folders are not.
    """
    text = _ROOT.sub(lambda found: found[1] + _place(found[2]), ",".join(sorted(words)))
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


def settings_hash(plain: Mapping[str, Any]) -> str:
    """Hexadecimal digest of every setting that changes a number of a run, and of the version.

    Of a data set also the absolute root, and the bytes of each file that it names (an exclusion list, a table).
    """
    kept = _numbers_only(plain)
    for name in ("data", "entrants_data"):
        if isinstance(kept.get(name), dict):
            kept[name] = _data_in_hash(kept[name])
    # the order of conditions is no number, but the first is the baseline
    kept["conditions"] = [next(iter(plain["conditions"])), plain["conditions"]]
    text = json.dumps([__version__, kept], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _numbers_only(value: Any, path: str = "") -> Any:
    if not isinstance(value, Mapping):
        return value
    inner = {str(key): (f"{path}.{key}" if path else str(key)) for key in value}
    return {
        key: _numbers_only(value[key], dotted) for key, dotted in inner.items() if changes_a_number(dotted)
    }


def _data_in_hash(data: dict[str, Any]) -> dict[str, Any]:
    kept = dict(data)
    if kept.get("root"):
        kept["root"] = str(resolved_root(kept["root"]))
    for key, below in FILES.items():
        if isinstance(kept.get(key), str):
            file = Path(kept["root"] if below else "") / Path(kept[key]).expanduser()
            if file.is_file():
                kept[key] = [kept[key], hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()]
    return kept
