"""A part of a picture list as files of this machine, fetched while the part before is judged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from judge.data.dataset import no_exclusions
from judge.data.picture_files import MAX_BYTES
from judge.storage import write_bytes
from judge.storage.stores import filesystem, is_url, reaching

#: Pictures asked for at once: a store answers each in some ten milliseconds, however many ask.
AT_ONCE = 16


class Fetched:
    """A part of a list as files here.

    pictures  the rows whose file is here, `path` leading to it
    missing   (item, reason, detail) of the others
    places    image_id → its place in the part
    """

    def __init__(self, pictures: pd.DataFrame) -> None:
        self._room: tempfile.TemporaryDirectory[str] | None = None
        self._urls: dict[str, str] = {}
        self.pictures, self.missing = pictures, no_exclusions()
        self.places = {str(image_id): place for place, image_id in enumerate(pictures["image_id"])}
        remote = pictures["path"].map(is_url).to_numpy(bool)
        if not remote.any():
            return
        self._room = tempfile.TemporaryDirectory(prefix="judge-pictures-")
        try:
            self._fetch(pictures.reset_index(drop=True), remote)
        except BaseException:
            self.close()
            raise

    def _fetch(self, pictures: pd.DataFrame, remote: Any) -> None:
        places = [place for place, is_one in enumerate(remote) if is_one]
        urls = pictures["path"].iloc[places].tolist()
        room = Path(self._room.name)  # type: ignore[union-attr]
        files = [
            str(room / f"{place:06d}{PurePosixPath(url).suffix[:16]}")
            for place, url in zip(places, urls, strict=True)
        ]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
            problems = list(pool.map(_copied, urls, files))
        self._urls = dict(zip(files, urls, strict=True))
        gone = {place: why for place, why in zip(places, problems, strict=True) if why is not None}
        rows = sorted(gone)
        self.missing = pd.DataFrame(
            {
                "item": pictures["image_id"].iloc[rows].astype(str).tolist(),
                "reason": ["broken picture"] * len(rows),
                "detail": [gone[row] for row in rows],
            },
            dtype=str,
        )
        here = pictures["path"].astype(object)
        here.iloc[places] = files
        self.pictures = pictures.assign(path=here.astype(str)).drop(index=rows).reset_index(drop=True)

    def named(self, excluded: pd.DataFrame) -> pd.DataFrame:
        """The table of what was excluded, its details naming addresses in place of files that nobody knows."""
        if not self._urls or excluded.empty:
            return excluded
        room = self._room.name if self._room is not None else ""

        def name(detail: str) -> str:
            if room and room in detail:
                for file, url in self._urls.items():
                    if file in detail:
                        return detail.replace(file, url)
            return detail

        return excluded.assign(detail=excluded["detail"].map(name))

    def close(self) -> None:
        """Removes the files."""
        if self._room is not None:
            self._room.cleanup()


def _copied(url: str, file: str) -> str | None:
    """Copies one picture here; the reason where there is none to copy. Raises InputError where the store fails.

    Only what would be so tomorrow costs a picture its place; a store that does not answer stops the pass.
    """
    fs, path = filesystem(url)
    try:
        with reaching(url):
            size = fs.info(path).get("size")
            if size is not None and size > MAX_BYTES:
                return f"{url}: {size:,} bytes; at most {MAX_BYTES:,} are read"
            # the range, as otherwise some clients ask for the size once more
            write_bytes(file, fs.cat_file(path, start=0, end=size) if size else fs.cat_file(path))
    except FileNotFoundError:
        return f"{url}: No such file or directory"
    return None


@contextmanager
def fetched(pictures: pd.DataFrame) -> Iterator[Fetched]:
    """The pictures (image_id, path) as files here while the block lasts; those that are so already are left."""
    part = Fetched(pictures)
    try:
        yield part
    finally:
        part.close()


def fetched_ahead(parts: Iterable[pd.DataFrame]) -> Iterator[Fetched]:
    """Each part as files here, the next one on its way meanwhile: at most two parts' files exist at a time."""
    waiting: Future[Fetched] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        try:
            for part in parts:
                nearest, waiting = waiting, pool.submit(Fetched, part)
                if nearest is not None:
                    yield from _closing(nearest.result())
            if waiting is not None:
                nearest, waiting = waiting, None
                yield from _closing(nearest.result())
        finally:
            if waiting is not None and not waiting.cancel() and waiting.exception() is None:
                waiting.result().close()


def _closing(part: Fetched) -> Iterator[Fetched]:
    try:
        yield part
    finally:
        part.close()
