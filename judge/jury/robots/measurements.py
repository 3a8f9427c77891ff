"""What the robots saw, kept on disk by picture, so that no picture is looked at twice.

Sweeps, variants of a jury and passes that were killed meet the same contestants again and again, each time in other
company; looking is nearly all that a robot costs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tqdm.auto import tqdm

from judge.errors import InputError
from judge.jury.faces.alignment import Batch, PortraitReader
from judge.jury.faces.detector import RetinaFace
from judge.jury.robots.protocol import Looks, Robot, look

#: To be raised with every change of what a robot or the reader measures: older evidence is then not found.
LOOK_VERSION = 3
#: Starting processes takes some seconds: with fewer chunks than this there is one.
WORTH_PROCESSES = 4


def kept_look(
    robots: Iterable[Robot],
    reader: Callable[[pd.DataFrame], Iterable[Batch]],
    manifest: pd.DataFrame,
    folder: str | Path,
    chunk: int = 256,
    progress: bool = False,
    workers: int | None = 1,
) -> Looks:
    """`look`, kept in `folder` picture by picture: what was seen before, in whatever company, is not looked at again.

    chunk   pictures that are looked at and written at a time: what a kill can cost
    workers processes, each with one thread: robots are many small steps of Python, which threads would take turns in.
            None: one a core where there is enough to do for each
    Keys are LOOK_VERSION, the settings of the robots and the reader, and a picture's content hash (its path, size and
    time of change where the manifest has no column content_hash).
    """
    robots = list(robots)
    rows = manifest.reset_index(drop=True)
    if rows.empty:
        raise InputError("no pictures to look at")
    store = Path(folder) / _digest(repr((LOOK_VERSION, robots, reader)))
    store.mkdir(parents=True, exist_ok=True)
    keys = pd.Series(_picture_keys(rows))
    known = _kept(store)
    fresh = rows[~keys.isin(known.index) & ~keys.duplicated()]
    quiet = not progress or fresh.empty
    parts = [fresh.iloc[start : start + chunk] for start in range(0, len(fresh), chunk)]
    jobs = [(store, keys[part.index].tolist(), robots, reader, part) for part in parts]
    with tqdm(total=len(fresh), unit="picture", desc="robots look", leave=False, disable=quiet) as bar:
        for n in _done(jobs, workers or (joblib.cpu_count() if len(jobs) >= WORTH_PROCESSES else 1)):
            bar.update(n)
    found = (_kept(store) if len(fresh) else known).loc[keys]
    measures = found.drop(columns=["shard", "row"]).reset_index(drop=True)
    measures.insert(0, "image_id", rows["image_id"])
    seen = measures["problem"].isna().to_numpy()
    measures["problem"] = measures["problem"].astype(object).where(~seen, None)
    evidence = _gathered(store, found[seen], robots)
    return Looks(measures, rows[seen].reset_index(drop=True), evidence)


def _done(jobs: list[tuple], workers: int) -> Iterator[int]:
    """Does the jobs and gives the number of pictures of each as it is done."""
    if workers == 1 or len(jobs) < 2:
        yield from (_look_and_keep(*job) for job in jobs)
        return
    alone = [
        (store, keys, robots, _single_threaded(reader), part) for store, keys, robots, reader, part in jobs
    ]
    with joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1):
        run = joblib.Parallel(return_as="generator_unordered", pre_dispatch=workers)
        yield from run(joblib.delayed(_look_and_keep)(*job) for job in alone)


def _single_threaded(reader: Any) -> Any:
    if not isinstance(reader, PortraitReader):
        return reader
    detector = reader.detector
    return replace(
        reader,
        threads=1,
        detector=replace(detector, threads=1) if isinstance(detector, RetinaFace) else detector,
    )


def _look_and_keep(store: Path, keys: list[str], robots: list[Robot], reader: Any, rows: pd.DataFrame) -> int:
    _keep(store, keys, look(robots, reader(rows)))
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


def _kept(store: Path) -> pd.DataFrame:
    """Measures by picture's key, with the shard and the row of the evidence (-1 where no face was found)."""
    tables = []
    for file in sorted(store.glob("*.parquet")):
        table = pd.read_parquet(file)
        seen = table["problem"].isna().to_numpy()
        tables.append(table.assign(shard=file.stem, row=np.where(seen, np.cumsum(seen) - 1, -1)))
    if not tables:
        return pd.DataFrame(columns=["key", "problem", "shard", "row"]).set_index("key")
    with_problem = [t.astype({"problem": object}) for t in tables]
    return pd.concat(with_problem, ignore_index=True).drop_duplicates("key").set_index("key")


def _keep(store: Path, keys: list[str], looks: Looks) -> None:
    """Writes a shard; the table last, since it says that the shard is whole."""
    place = store / _digest("".join(keys))
    evidence, table = (place.with_suffix(f".{kind}.{os.getpid()}") for kind in ("evidence", "table"))
    save_file({name: np.ascontiguousarray(array) for name, array in looks.evidence.items()}, evidence)
    evidence.replace(place.with_suffix(".safetensors"))
    looks.measures.drop(columns="image_id").assign(key=keys).to_parquet(table, index=False)
    table.replace(place.with_suffix(".parquet"))


def _gathered(store: Path, found: pd.DataFrame, robots: list[Robot]) -> dict[str, NDArray[np.float32]]:
    """Evidence in the order of `found`, each shard read once."""
    out: dict[str, NDArray[np.float32]] = {}
    places = found.assign(place=np.arange(len(found)))
    for shard, part in places.groupby("shard", sort=False):
        arrays = load_file(store / f"{shard}.safetensors")
        for robot in robots:
            array = arrays[robot.name]
            if robot.name not in out:
                out[robot.name] = np.empty((len(found), array.shape[1]), np.float32)
            out[robot.name][part["place"].to_numpy()] = array[part["row"].to_numpy()]
    return out or {robot.name: np.zeros((0, 0), np.float32) for robot in robots}
