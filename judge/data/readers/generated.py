"""People who do not exist, made by a network: a folder of `judge generate sample`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under, resolved, typed_table
from judge.errors import InputError, listed

#: What a folder has to have besides its pictures: who they are, what they are, and what was asked for.
NEEDED = ("manifest.csv", "README.md", "settings.json")
NAMES = (
    "image_id",
    "path",
    "ethnicity",
    "gender",
    "age_group",
    "skin_tone",
    "source",
    "rating_source",
    "generator",
)


def read_generated(
    root: str | Path, *, check: str = "header", exclude: str | Path | Iterable[str] | None = None
) -> Dataset:
    """Faces of people who do not exist, drawn by a face generator (judge generate sample).

    Origin    a generative adversarial network of judge; settings.json and README.md, the model card, say which one,
              what it learnt from and what was asked of it. A folder without them is refused
    Licence   that of the generator's training data, where it learnt from photographs of people; else CC0
    Layout    manifest.csv (a row a face, paths relative to it), people/*.png
    Labels    what was asked for, not what is shown: how often the two agree is in an audit (judge generate audit).
              ethnicity, gender, age and age_group, ita and skin_tone as far as the generator was taught them; psi, seed
              and the generator's digest
    Ratings   asked for, too: rating_source is "asked". Nobody rated these faces
    Ages      nobody under 18 was asked for
    Traps     a face of a generator that learnt from photographs may resemble somebody in them: real_people is then
              true, and reports show no face. A generator shows less variety than its training data, above all of small
              groups
    """
    folder = data_folder(root, "generated")
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise InputError(
            f"generated: {folder} lacks {listed(missing)}: a folder of judge generate sample has "
            f"{listed(NEEDED)}. Pictures without them can be read as `folder`"
        )
    told = _settings(folder / "settings.json")
    exclusions = Exclusions()
    rows = typed_table(
        folder / "manifest.csv", exclusions, names=NAMES, numbers=("rating", "age", "ita", "psi")
    )
    if lacking := [name for name in ("image_id", "path", "rating", "source") if name not in rows]:
        raise InputError(f"generated: {folder / 'manifest.csv'} lacks the column(s) {listed(lacking)}")
    if other := sorted(set(rows["source"].dropna()) - {"generated"}) or rows["source"].isna().any():
        raise InputError(
            f"generated: {folder / 'manifest.csv'}: source is 'generated' in every row, not {other!r}"
        )
    unnamed = rows["path"].isna() | rows["image_id"].isna()
    exclusions.add(
        [f"row {i + 1}" for i in rows.index[unnamed]], "no picture named", "column path or image_id"
    )
    rows = exclusions.drop(rows[~unnamed], rows["image_id"].duplicated(), "listed twice")
    there = pictures_under(folder, exclusions, [folder / name for name in NEEDED])
    rows["path"], _ = resolved(folder, rows["path"], there, exclusions)
    named = set(rows["path"])
    exclusions.add(
        [name for name in there if str(folder / name) not in named], "no label", "not in manifest.csv"
    )
    span = told["rating_range"]
    if span is None and rows["rating"].notna().any():
        span = [float(rows["rating"].min()), float(rows["rating"].max())]
    if span is not None:
        outside = rows["rating"].notna() & ~rows["rating"].between(*span)
        rows = exclusions.drop(rows, outside, "rating outside the range", rows["rating"].astype(str))
    return finished(
        "generated", rows, exclusions, reader=read_generated, check=check, exclude=exclude,
        rating_range=None if span is None else (float(span[0]), float(span[1])), rating_source="asked",
        real_people=told["real_people"], root=folder,
    )  # fmt: skip


def _settings(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        real, span = told["real_people"], told.get("rating_range")
        sound = isinstance(real, bool) and (
            span is None or (len(span) == 2 and float(span[0]) < float(span[1]))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"generated: {file} is damaged: {error!r}") from error
    if not sound:
        raise InputError(
            f"generated: {file} is damaged: real_people is true or false, rating_range null or [lowest, highest]; "
            f"they are {real!r} and {span!r}"
        )
    return {"real_people": real, "rating_range": span}
