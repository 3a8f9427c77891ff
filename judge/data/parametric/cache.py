"""Pictures rendered once: in parallel, into a folder keyed by content; started again, it does what is missing.

A picture's key is a hash of the person's parameters, the size, the file format and the renderer's VERSION. A file
appears under its name only when it is complete (storage.write_bytes), so a killed run leaves nothing
that could be mistaken for a picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from judge.data.parametric.people.population import RENDERED, persons
from judge.data.parametric.picture import render
from judge.data.parametric.picture.drawing import draw_pictures
from judge.errors import InputError, listed
from judge.storage import cache_root, remove_leftovers

FORMATS = {"jpeg": ".jpg", "png": ".png"}
SMALLEST, LARGEST = 32, 512  # px
CHUNK = 16  # most pictures a task: small enough for a smooth bar, large enough that sending costs nothing


def key_of(person: Mapping[str, Any], size: int, picture_format: str) -> str:
    """32 hexadecimal digits that stand for the picture's content."""
    plain = {name: _plain(person[name]) for name in RENDERED if name in person}
    text = json.dumps([render.VERSION, size, picture_format, plain], separators=(",", ":"), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """1 and 1.0 are one value, numpy's numbers are Python's."""
    if isinstance(value, str):
        return str(value)
    number = float(value)
    return int(number) if number.is_integer() else number


def picture_paths(
    table: pd.DataFrame, *, size: int, picture_format: str = "jpeg", cache_dir: str | Path | None = None
) -> pd.DataFrame:
    """Columns path (absolute, whether or not it is there yet) and content_hash, index of `table`.

    cache_dir  folder of the pictures; None: `parametric` in the root of all caches, $JUDGE_CACHE or ~/.cache/judge
    """
    _check(size, picture_format)
    root = Path(cache_dir).expanduser() if cache_dir else cache_root() / "parametric"
    root = root.resolve() / f"v{render.VERSION}" / str(size)
    keys = [key_of(person, size, picture_format) for person in persons(table)]
    ending = FORMATS[picture_format]
    return pd.DataFrame(
        {"path": [str(root / key[:2] / (key + ending)) for key in keys], "content_hash": keys},
        index=table.index,
    )


def render_missing(
    table: pd.DataFrame, *, size: int, workers: int | None = None, progress: bool = True
) -> int:
    """Renders the pictures of `table` (parameter columns and `path`) that are not there; returns how many it made.

    size      of the pictures in px, square; a path that ends in .png is written without loss
    workers   processes; None: as many as this process may use cores; 1: in this process
    """
    _check(size, "jpeg")
    if workers is not None and (isinstance(workers, bool) or int(workers) != workers or workers < 1):
        raise InputError(f"workers is a whole number from 1, or None for all cores, not {workers!r}")
    there = table["path"].map(lambda path: Path(path).is_file())
    todo = table[~there].drop_duplicates("path")
    if todo.empty:
        return 0
    for folder in {Path(path).parent for path in todo["path"]}:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
    tasks = list(zip(persons(todo), todo["path"], strict=True))
    workers = min(workers or cpu_count(), len(tasks))
    each = min(CHUNK, -(-len(tasks) // (4 * workers)))
    chunks = [tasks[i : i + each] for i in range(0, len(tasks), each)]
    with tqdm(total=len(tasks), desc=f"rendering {size} px", unit="face", disable=not progress) as bar:
        for made in _results(chunks, size, workers):
            bar.update(made)
    return len(tasks)


def _results(chunks: list, size: int, workers: int) -> Iterable[int]:
    if workers == 1:
        return (draw_pictures(chunk, size) for chunk in chunks)
    # loky starts fresh interpreters: no fork of a process that may hold torch's threads, and, unlike spawn,
    # no need for `if __name__ == "__main__"` in the caller's script
    pool = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
    return pool(delayed(draw_pictures)(chunk, size) for chunk in chunks)


def _check(size: int, picture_format: str) -> None:
    if isinstance(size, bool) or int(size) != size or not SMALLEST <= size <= LARGEST:
        raise InputError(f"size is a whole number of px from {SMALLEST} to {LARGEST}, not {size!r}")
    if picture_format not in FORMATS:
        raise InputError(f"picture_format is one of {listed(FORMATS)}, not {picture_format!r}")
