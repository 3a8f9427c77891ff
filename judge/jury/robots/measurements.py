"""What robots measure on a picture, cached by its content, so that no picture is measured twice.

Sweeps, variants of a jury and passes that were killed meet the same contestants again and again, each time in other
company; measuring is nearly all that a robot costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from judge.errors import InputError
from judge.jury.faces.alignment import Batch, PortraitReader
from judge.jury.faces.detector import RetinaFace
from judge.jury.robots.protocol import Measurements, Robot, measure
from judge.storage import ContentCache, cache_root

#: To be raised with every change of what a robot or the reader measures, or of how it is stored: what was
#: cached before is then not found.
VERSION = 4
#: Starting processes takes some seconds: with fewer chunks than this there is one.
WORTH_PROCESSES = 4


def cached_measurements(
    robots: Iterable[Robot],
    reader: Callable[[pd.DataFrame], Iterable[Batch]],
    manifest: pd.DataFrame,
    folder: str | Path | None = None,
    chunk: int = 256,
    progress: bool = False,
    workers: int | None = 1,
) -> Measurements:
    """What the robots measure on the pictures; what the cache has, of whatever company, is not measured again.

    folder  of the cache; None: `robots` in the root of all caches, $JUDGE_CACHE or ~/.cache/judge
    chunk   pictures that are measured and written at a time: what a kill can cost
    workers processes, each with one thread. One process keeps two cores busy with threads, so that more are for more
            cores, at about 1.5 GiB each. None: one a core where there is enough to do for each
    Keys are VERSION, the settings of the robots and the reader, and a picture's content hash (its path, size and
    time of change where the manifest has no column content_hash). Raises InputError for a manifest without rows.
    """
    robots = list(robots)
    rows = manifest.reset_index(drop=True)
    if rows.empty:
        raise InputError("no pictures to measure")
    store = ContentCache(Path(folder or cache_root() / "robots") / _digest(repr((VERSION, robots, reader))))
    keys = _picture_keys(rows)
    found = store.get(keys)
    if missing := found.missing:
        parts = [missing[start : start + chunk] for start in range(0, len(missing), chunk)]
        jobs = [(store, [keys[row] for row in part], robots, reader, rows.iloc[part]) for part in parts]
        with tqdm(
            total=len(missing), unit="picture", desc="robots measure", leave=False, disable=not progress
        ) as bar:
            for n in _done(jobs, workers or (joblib.cpu_count() if len(jobs) >= WORTH_PROCESSES else 1)):
                bar.update(n)
        found = store.get(keys)
        if found.missing:
            raise InputError(
                f"{len(found.missing)} pictures that were measured are not in the cache {store.folder}: "
                "does something else remove or damage its files?"
            )
    measures = pd.DataFrame(found.records)
    measures.insert(0, "image_id", rows["image_id"])
    seen = measures["problem"].isna().to_numpy()
    measures["problem"] = measures["problem"].astype(object).where(~seen, None)
    nothing = np.zeros((len(rows), 0), np.float32)
    by_robot = {robot.name: found.arrays.get(robot.name, nothing)[seen] for robot in robots}
    return Measurements(measures, rows[seen].reset_index(drop=True), by_robot)


def _done(jobs: list[tuple], workers: int) -> Iterator[int]:
    """Does the jobs and gives the number of pictures of each as it is done."""
    if workers == 1 or len(jobs) < 2:
        yield from (_measure(*job) for job in jobs)
        return
    alone = [
        (store, keys, robots, _single_threaded(reader), part) for store, keys, robots, reader, part in jobs
    ]
    with joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1):
        run = joblib.Parallel(return_as="generator_unordered", pre_dispatch=workers)
        yield from run(joblib.delayed(_measure)(*job) for job in alone)


def _single_threaded(reader: Any) -> Any:
    if not isinstance(reader, PortraitReader):
        return reader
    detector = reader.detector
    return replace(
        reader,
        threads=1,
        detector=replace(detector, threads=1) if isinstance(detector, RetinaFace) else detector,
    )


def _measure(
    store: ContentCache, keys: list[str], robots: list[Robot], reader: Any, rows: pd.DataFrame
) -> int:
    """Measures the pictures and adds them to the store: with what the robots measured where there is a face."""
    measured = measure(robots, reader(rows))
    records = np.array(measured.measures.drop(columns="image_id").to_dict("records"), dtype=object)
    seen = measured.measures["problem"].isna().to_numpy()
    for which, arrays in ((seen, measured.by_robot), (~seen, {})):
        store.put([key for key, use in zip(keys, which, strict=True) if use], arrays, list(records[which]))
    return len(rows)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _picture_keys(rows: pd.DataFrame) -> list[str]:
    hashes = rows["content_hash"] if "content_hash" in rows else [None] * len(rows)
    return [
        str(known) if isinstance(known, str) else _file_key(Path(path))
        for known, path in zip(hashes, rows["path"], strict=True)
    ]


def _file_key(path: Path) -> str:
    try:
        about = path.stat()
    except OSError:
        return _digest(f"{path} is not there")
    return _digest(f"{path.resolve()} {about.st_size} {about.st_mtime_ns}")
