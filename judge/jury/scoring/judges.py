"""The judges of a run, each loaded once, for any number of parts of one list; and what tells them from others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from judge.data.remote import Fetched
from judge.errors import InputError
from judge.jury.loading import judge_folders, load_judge

Scorer = Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]


class Judges:
    """Asks every judge for the scores of parts of a list of `n` pictures.

    where, condition, own  as `score_pictures` takes them
    n        pictures in the whole list: what a judge makes depend on their number is as for all of them at once
    threads  threads that decode pictures; None: what the judge says

    `names` are the judges' in the run's order; `how` says by what they compute.
    """

    def __init__(
        self,
        where: Path,
        condition: str | None,
        n: int,
        *,
        own: Sequence[str] = (),
        threads: int | None = None,
    ) -> None:
        self.scorers: dict[str, Scorer] = {}
        engines = []
        for name, folder in run_judges(where, condition).items():
            judge: Any = load_judge(folder, own=own)
            if hasattr(judge, "progress"):
                judge.progress = False  # a bar a part says nothing of the whole
            if threads is not None and hasattr(judge, "scoring"):
                judge.scoring = replace(judge.scoring, threads=threads)
            if hasattr(judge, "scoring"):
                engines.append(judge.scoring.engine_for(n))
            build = getattr(judge, "scorer", None)
            self.scorers[name] = judge.score if build is None else build(n)
        self.names = list(self.scorers)
        self.how = _how(engines)

    def score(self, part: Fetched) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(image_id, judge, score) and (image_id, judge, reason, detail) of the pictures that a judge could not read.

        Rows are a judge's after another's, each in the part's order.
        """
        from judge.jury.embedding import NothingReadable

        scores, excluded = [], []
        for name, scorer in self.scorers.items():
            given = pd.DataFrame({"image_id": [], "score": []}).astype({"image_id": str, "score": float})
            broken = part.missing.iloc[:0]
            if len(part.pictures):
                try:
                    given, broken = scorer(part.pictures)
                except NothingReadable as none:  # of this part, which says nothing of the list
                    broken = none.excluded
            broken = pd.concat([part.missing, part.named(broken)], ignore_index=True)
            broken = broken.rename(columns={"item": "image_id"}).assign(judge=name)
            broken = broken.iloc[broken["image_id"].map(part.places).argsort(kind="stable")]
            scores.append(given.assign(judge=name)[["image_id", "judge", "score"]])
            excluded.append(broken[["image_id", "judge", "reason", "detail"]])
        return pd.concat(scores, ignore_index=True), pd.concat(excluded, ignore_index=True)


def run_judges(where: Path, condition: str | None) -> dict[str, Path]:
    """Name → folder of the judges that score: conditions that share one are that one."""
    return {folder.name: folder for folder in judge_folders(where, condition).values()}


def digest(folder: Path) -> str:
    """Of all that a judge's scores depend on: the files in its folder, and a file of weights that they name.

    What they name without holding it, such as a packaged backbone, is taken to be the same under the same name.
    """
    found = hashlib.blake2b(digest_size=12)
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        name = file.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            found.update(f"{name.as_posix()}\0".encode())
            found.update(_content(file))
    for weights in _named_weights(folder):
        found.update(_content(weights))
    return found.hexdigest()


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "blake2b").digest()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def _named_weights(folder: Path) -> list[Path]:
    try:
        facts = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
        weights = facts["settings"]["embedding"]["weights"]
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return []  # load_judge says what is wrong with the file
    return [Path(weights)] if isinstance(weights, str) and Path(weights).is_file() else []


def _how(engines: Sequence[str]) -> dict[str, str]:
    import torch

    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "engine": "+".join(dict.fromkeys(engines)) or "torch",
    }
