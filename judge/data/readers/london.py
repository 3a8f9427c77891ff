"""Face Research Lab London Set: 102 consenting adults, rated 1–7 by 2,513 people. These faces may be shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.brackets import age_groups
from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under, typed_table
from judge.errors import InputError, listed

RATING_RANGE = (1.0, 7.0)
CREDIT = "DeBruine & Jones (2017), Face Research Lab London Set, figshare 5047666, CC BY 4.0"
#: The columns that describe a rater; all others of the wide table are faces.
RATER_COLUMNS = ("rater_sex", "rater_sexpref", "rater_age")
NAMES = ("file", "face_id", "gender", "ethnicity", "face_gender", "face_sex", "face_eth")


def read_london(
    root: str | Path,
    *,
    single_ratings: bool = True,
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """Face Research Lab London Set (DeBruine & Jones 2017, figshare 5047666).

    Origin    photographs taken for research in London, April 2012; all 102 people signed their consent
    Licence   CC BY 4.0, with the credit in CREDIT: the one set of photographs here whose faces may be shown
    Layout    official: neutral_front/001_03.jpg, london_faces_info.csv (face_id, face_age, face_sex or
              face_gender, face_eth), london_faces_ratings.csv (one row a rater, columns X001 …). Packed:
              manifest.csv (file, face_id, age, gender, ethnicity, score), ratings_wide.csv.gz
    Labels    age, gender and ethnicity as the people stated them; 'east_asian/white' is one person
    Ratings   1–7 of attractiveness against the average, each face by 2,513 raters: the most reliable set
              here, and the smallest. Good for checking robots, too small for training
    Ages      18–54, two missing; all are adults, age_group is missing with the age
    Traps     face numbers have gaps; X001 is 001_03.jpg
    """
    folder = data_folder(root, "london", "manifest.csv", "london_faces_info.csv")
    exclusions = Exclusions()
    packed = (folder / "manifest.csv").is_file()
    if packed:
        table = typed_table(folder / "manifest.csv", exclusions, names=NAMES, numbers=("age", "score"))
        wide, names = folder / "ratings_wide.csv.gz", {"score": "rating"}
    else:
        table = typed_table(folder / "london_faces_info.csv", exclusions, names=NAMES, numbers=("face_age",))
        wide = folder / "london_faces_ratings.csv"
        names = {f"face_{name}": name for name in ("age", "gender")} | {
            "face_sex": "gender",
            "face_eth": "ethnicity",
        }
        if "face_id" in table:
            table["file"] = "neutral_front/" + table["face_id"].astype("str").str.lstrip("X") + "_03.jpg"
    table = table.rename(columns=names)
    missing = [name for name in ("file", "age", "gender", "ethnicity") if name not in table]
    if missing:
        raise InputError(f"london: the table lacks {listed(missing)}; it has {listed(table.columns)}")
    rows = table.drop(columns=["file", "face_id"], errors="ignore")
    rows["person_id"] = table["file"].str.extract(r"(\d+)_\d+\.\w+$")[0].str.zfill(3)
    rows["image_id"] = "london-" + rows["person_id"]
    rows["path"] = str(folder) + "/" + table["file"].astype("str")
    rows["age_group"] = age_groups(rows["age"])
    shown = set(pictures_under(folder if packed else folder / "neutral_front", exclusions))
    listed_files = set(table["file"] if packed else table["file"].str.removeprefix("neutral_front/"))
    exclusions.add(sorted(shown - listed_files), "no label")
    rows = exclusions.drop(rows, rows["image_id"].isna(), "unknown name", rows["path"])
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")
    ratings = None
    if wide.is_file() and (single_ratings or "rating" not in rows):
        ratings = _long(wide, exclusions)
        if "rating" not in rows:
            rows["rating"] = rows["image_id"].map(ratings.groupby("image_id")["rating"].mean())
    return finished(
        "london",
        rows,
        exclusions,
        reader=read_london,
        check=check,
        exclude=exclude,
        root=folder,
        ratings=ratings if single_ratings else None,
        rating_range=RATING_RANGE,
        rating_source="raters' mean",
    )


def _long(file: Path, exclusions: Exclusions) -> pd.DataFrame:
    """Columns image_id, rater_id, rating and what is known of the rater, from one row a rater."""
    table = typed_table(file, exclusions, names=("rater_sex", "rater_sexpref"))
    known = [name for name in RATER_COLUMNS if name in table]
    faces = [name for name in table if name not in known]
    raters = pd.Series([f"r{i:04d}" for i in range(len(table))], index=table.index, name="rater_id")
    table = pd.concat([raters, table], axis=1)
    long = table.melt([*known, "rater_id"], faces, "image_id", "rating").dropna(subset="rating")
    long["image_id"] = "london-" + long["image_id"].str.extract(r"(\d+)")[0].str.zfill(3)
    outside = ~long["rating"].between(*RATING_RANGE)
    exclusions.add(long.loc[outside, "image_id"], "single rating outside 1–7", long.loc[outside, "rating"])
    return long[~outside].reset_index(drop=True)
