"""MEBeauty: portraits of six ethnicities, rated 1–10 by raters of many backgrounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.dataset import Dataset
from judge.data.readers.common import (
    Exclusions,
    data_folder,
    finished,
    lines_of,
    pictures_under,
    resolved,
    typed_table,
)
from judge.data.tables import SPLITS
from judge.errors import InputError, listed

ETHNICITIES = ("asian", "black", "caucasian", "hispanic", "indian", "mideastern")
RATING_RANGE = (1.0, 10.0)
WORKBOOK = "generic_scores_all_2022.xlsx"
#: Some names were cut to this many characters when the pictures were stored, but not in the score files.
CUT_STEM = 32


def read_mebeauty(
    root: str | Path,
    *,
    pictures: str = "original_images",
    single_ratings: bool = True,
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """MEBeauty (Lebedeva, Guo & Ying 2022, Multimedia Tools and Applications), about 2,550 portraits.

    Origin    free stock photographs; github.com/fbplab/MEBeauty-database
    Licence   non-commercial research only; the people were not asked. Do not publish their faces
    Layout    official: original_images/{female,male}/{asian,…}/*.jpg, cropped_images/… (choose with
              `pictures`, a folder with the same two levels), scores/{train,val,test}_2022.txt, and the
              workbook of single ratings. Packed: manifest.csv with image_id, file, gender, ethnicity,
              score, split; ratings.csv.gz
    Labels    gender and ethnicity as the collector saw them, from the folder the picture lies in
    Ratings   1–10, mean score as published (raters were cleaned before; it is not the plain mean of the
              single ratings). Women are rated about one point above men, and of the 44 best-rated people 43
              are women: hold contests within gender
    Ages      unknown: there is no age_group, brackets are by gender alone, and nobody can be excluded for
              their age. Hand the result of an age screen to `exclude`; whoever may be a minor is not to be
              ranked
    Traps     score files have no header, the path ends at the last space, some paths are quoted, all of them
              come from another machine (matched by gender/ethnicity/name); rows repeated within and across
              splits; names with spaces, apostrophes and brackets, a few cut to 32 characters; PNG inside
              .jpg; pictures of up to 6,000 px

    single_ratings=False skips the ratings, which saves the seconds that the workbook takes.
    """
    folder = data_folder(root, "mebeauty", "manifest.csv", "scores/*_2022.txt")
    exclusions = Exclusions()
    if (folder / "manifest.csv").is_file():
        rows, ratings = _packed(folder, exclusions, single_ratings)
    else:
        rows, ratings = _official(folder, pictures, exclusions, single_ratings)
    rows = exclusions.drop(rows, rows["rating"].isna(), "no rating")
    outside = ~rows["rating"].between(*RATING_RANGE)
    rows = exclusions.drop(rows, outside, "rating outside 1–10", rows["rating"].astype(str))
    if ratings is not None:
        outside = ~ratings["rating"].between(*RATING_RANGE)
        if outside.any():
            exclusions.add(
                ratings.loc[outside, "image_id"], "single rating outside 1–10", ratings.loc[outside, "rating"]
            )
        ratings = ratings[~outside]
    return finished(
        "mebeauty",
        rows,
        exclusions,
        reader=read_mebeauty,
        check=check,
        exclude=exclude,
        root=folder,
        ratings=ratings,
        rating_range=RATING_RANGE,
        rating_source="raters' mean",
    )


def _packed(
    folder: Path, exclusions: Exclusions, single_ratings: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    names = ("image_id", "file", "gender", "ethnicity", "split")
    table = typed_table(folder / "manifest.csv", exclusions, names=names, numbers=("score",))
    missing = [c for c in ("image_id", "file", "gender", "ethnicity", "score") if c not in table]
    if missing:
        raise InputError(f"mebeauty: manifest.csv lacks {listed(missing)}; it has {listed(table.columns)}")
    rows = table.drop(columns="file").rename(columns={"score": "rating"})
    there = pictures_under(folder, exclusions)
    rows["path"], _ = resolved(folder, table["file"].fillna(""), there, exclusions)
    listed_files = set(rows["path"])
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")
    exclusions.add(
        [file for file in there if str(folder / file) not in listed_files], "no rating", "not in manifest.csv"
    )
    ratings = None
    if single_ratings and (folder / "ratings.csv.gz").is_file():
        ids = ("image_id", "rater_id")
        ratings = typed_table(folder / "ratings.csv.gz", exclusions, names=ids, numbers=("rating",))
        if (folder / "raters.csv").is_file():
            ratings = ratings.merge(
                typed_table(folder / "raters.csv", exclusions, names=ids),
                on="rater_id",
                how="left",
                validate="m:1",
            )
    return rows, ratings


class _Pictures:
    """Finds the picture that a line of a score file means among those that are there."""

    def __init__(self, folder: Path, pictures: str, exclusions: Exclusions) -> None:
        self.base = folder / pictures
        if not self.base.is_dir():
            raise InputError(f"mebeauty: no folder {pictures} in {folder}; choose another with pictures=…")
        found = pictures_under(self.base, exclusions)
        if any(file.count("/") != 2 for file in found):
            inner = sorted({file.split("/")[0] for file in found})
            raise InputError(
                f"mebeauty: {self.base} has to hold gender/ethnicity/picture; it holds {listed(inner)}: "
                f"choose one of them with pictures={pictures}/…"
            )
        self.files = {self.key(file): file for file in found}
        self.by_name: dict[str, list[str]] = {}
        for key in self.files:
            self.by_name.setdefault(key.rsplit("/", 1)[-1], []).append(key)

    @staticmethod
    def key(path: str) -> str:
        """gender/ethnicity/name of any path; composed Unicode, because file systems differ."""
        return "/".join(unicodedata.normalize("NFC", path.replace("\\", "/")).split("/")[-3:])

    def find(self, path: str) -> str | None:
        key = self.key(path)
        if key in self.files:
            return key
        name = key.rsplit("/", 1)[-1]
        elsewhere = self.by_name.get(name, [])
        if len(elsewhere) == 1:  # moved to another folder when its label was corrected
            return elsewhere[0]
        stem, dot, ending = name.rpartition(".")
        cut = key.removesuffix(name) + stem[:CUT_STEM] + dot + ending
        return cut if len(stem) > CUT_STEM and cut in self.files else None


def score_line(line: str) -> tuple[str, float] | None:
    """(path, score) of a line of a score file, or None: the last space separates, the path may be quoted."""
    path, space, score = line.strip().rpartition(" ")
    path = path.strip()
    for quote in "\"'":
        if len(path) > 1 and path[0] == path[-1] == quote:
            path = path[1:-1].replace(quote * 2, quote)
    try:
        return (path, float(score)) if space and path else None
    except ValueError:
        return None


def _official(
    folder: Path, pictures: str, exclusions: Exclusions, single_ratings: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    there = _Pictures(folder, pictures, exclusions)
    found: list[tuple[str, float, str]] = []
    for split in SPLITS:
        file = folder / "scores" / f"{split}_2022.txt"
        if not file.is_file():
            raise InputError(f"mebeauty: no file scores/{file.name} in {folder}")
        for number, line in enumerate(lines_of(file), 1):
            if not line.strip():
                continue
            parsed = score_line(line)
            if parsed is None:
                exclusions.add([line.strip()], "unreadable score line", f"scores/{file.name}, line {number}")
                continue
            key = there.find(parsed[0])
            if key is None:
                exclusions.add([parsed[0]], "file missing", f"scores/{file.name}, line {number}")
            else:
                found.append((key, parsed[1], split))
    if not found:
        raise InputError(f"mebeauty: no line of the score files names a picture in {there.base}")
    rows = pd.DataFrame(found, columns=["image_id", "rating", "split"])
    rank = rows["split"].map({split: i for i, split in enumerate(reversed(SPLITS))})
    rows = rows.iloc[rank.argsort(kind="stable")]
    again = rows["image_id"].duplicated()
    kept = rows.loc[~again].set_index("image_id")
    now = kept.loc[rows["image_id"]].set_axis(rows.index)
    across = again & (now["split"] != rows["split"])
    differs = again & ~across & (now["rating"] != rows["rating"])
    says = (
        rows["split"]
        + " "
        + rows["rating"].astype(str)
        + ", kept "
        + now["split"]
        + " "
        + now["rating"].astype(str)
    )
    for bad, reason in (
        (across, "listed in several splits"),
        (differs, "listed twice with different scores"),
        (again & ~across & ~differs, "listed twice"),
    ):
        exclusions.add(rows.loc[bad, "image_id"], reason, says[bad])
    rows = rows[~again].sort_index()
    exclusions.add(sorted(set(there.files) - set(rows["image_id"])), "no rating", "in no score file")
    folders = rows["image_id"].str.split("/", expand=True)
    rows["gender"], rows["ethnicity"] = folders[0], folders[1]
    rows["path"] = [str(there.base / there.files[key]) for key in rows["image_id"]]
    rows = exclusions.drop(rows, ~rows["ethnicity"].isin(ETHNICITIES), "unknown ethnicity", rows["ethnicity"])
    rows = exclusions.drop(rows, ~rows["gender"].isin(("female", "male")), "unknown gender", rows["gender"])
    workbook = folder / "scores" / WORKBOOK
    ratings = _workbook(workbook, there, exclusions) if single_ratings and workbook.is_file() else None
    return rows, ratings


def _workbook(file: Path, there: _Pictures, exclusions: Exclusions) -> pd.DataFrame:
    """Single ratings of the published workbook: mean, image, path, then one column a rater."""
    table = pd.read_excel(file)
    table.columns = [str(column).strip() for column in table.columns]
    if "path" not in table:
        raise InputError(f"mebeauty: {file.name} has no column path; it has {listed(table.columns)}")
    raters = [c for c in table if c not in ("mean", "image", "path") and not c.startswith("Unnamed")]
    keys = [there.find(str(path)) for path in table["path"]]
    lost = [key is None for key in keys]
    exclusions.add(table.loc[lost, "path"], "ratings of a missing picture", f"scores/{file.name}")
    table["image_id"] = pd.Series(keys, index=table.index, dtype="str")
    long = table.loc[table["image_id"].notna()].melt("image_id", raters, "rater_id", "rating")
    numbers = pd.to_numeric(long["rating"], errors="coerce")
    words = long["rating"].notna() & numbers.isna()
    exclusions.add(long.loc[words, "image_id"], "single rating is no number", long.loc[words, "rating"])
    long = long.assign(rating=numbers).dropna(subset="rating")
    again = long.duplicated(["image_id", "rater_id"])
    exclusions.add(
        long.loc[again, "image_id"], "single rating listed twice", "rater " + long.loc[again, "rater_id"]
    )
    return long[~again].reset_index(drop=True)
