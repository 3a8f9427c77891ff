"""SCUT-FBP5500: frontal faces of Asian and Caucasian people, rated 1–5 by sixty Asian students."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, lines_of, pictures_under
from judge.errors import InputError, listed

RATING_RANGE = (1.0, 5.0)
#: Names of older copies: f/m for the gender, t for "type", y and w for Asian and Caucasian.
OLD_NAMES = {"FTY": "AF", "MTY": "AM", "FTW": "CF", "MTW": "CM"}
GROUPS = {"A": "asian", "C": "caucasian"}
GENDERS = {"F": "female", "M": "male"}
SPLITS = (None, "60-40", 1, 2, 3, 4, 5)
_NAME = re.compile(r"([A-Z]{2,3})(\d+)")


def read_scut_fbp5500(
    root: str | Path,
    *,
    split: str | int | None = "60-40",
    single_ratings: bool = True,
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """SCUT-FBP5500 v2 (Liang et al. 2018, arXiv 1801.06345): 4,000 Asian and 1,500 Caucasian faces, 350 px.

    Origin    the internet, data-tang.com and the United Arab Emirates; github.com/HCIILAB/SCUT-FBP5500-…
    Licence   non-commercial research only; the people were not asked. Do not publish their faces
    Layout    Images/{AF,AM,CF,CM}N.jpg, train_test_files/All_labels.txt (`CF437.jpg 2.883333`), the folder
              train_test_files/split_of_60%training and 40%testing (with a space) and five folders
              cross_validation_K; All_Ratings.xlsx with the single ratings, where it was kept
    Labels    ethnicity and gender from the file name
    Ratings   1–5, mean of 60 raters, all Asian students of 18–27 years: one rater pool, two rated groups
    Ages      15–60 by the paper, unknown for each picture: minors are among them and cannot be excluded by a
              label. Hand the result of an age screen to `exclude`; whoever may be a minor is not to be ranked
    Traps     older copies name the files fty, mty, ftw, mtw (both are read, and mixed); published
              correlations of .95 and more come from leaks between the folds

    split          "60-40", a cross-validation fold 1–5 (its test part becomes the split test), or None
    single_ratings=False skips the workbook, which takes most of a minute.
    """
    if split not in SPLITS:
        raise InputError(f"scut_fbp5500: split is one of {listed(SPLITS)}, not {split!r}")
    folder = data_folder(root, "scut_fbp5500", "train_test_files/All_labels.txt")
    if not (folder / "Images").is_dir():
        raise InputError(f"scut_fbp5500: no folder Images in {folder}")
    exclusions = Exclusions()
    labels = _labels(folder / "train_test_files" / "All_labels.txt", exclusions)
    files: dict[str, str] = {}
    for file in pictures_under(folder / "Images", exclusions):
        key = canonical(file)
        if key is None:
            exclusions.add(
                [file], "unknown name", "expected AF, AM, CF, CM, fty, mty, ftw or mtw and a number"
            )
        elif key in files:
            exclusions.add([file], "second file of one picture", f"{files[key]} was read")
        else:
            files[key] = file
    exclusions.add(sorted(set(files) - set(labels["image_id"])), "no rating", "not in All_labels.txt")
    rows = labels
    rows["path"] = [str(folder / "Images" / files.get(key, key + ".jpg")) for key in rows["image_id"]]
    rows["ethnicity"] = rows["image_id"].str[0].map(GROUPS)
    rows["gender"] = rows["image_id"].str[1].map(GENDERS)
    if split is not None:
        rows["split"] = _split_of(folder / "train_test_files", split, rows["image_id"])
    outside = ~rows["rating"].between(*RATING_RANGE)
    rows = exclusions.drop(rows, outside, "rating outside 1–5", rows["rating"].astype(str))
    workbook = folder / "All_Ratings.xlsx"
    return finished(
        "scut_fbp5500",
        rows,
        exclusions,
        reader=read_scut_fbp5500,
        check=check,
        exclude=exclude,
        root=folder,
        ratings=_single_ratings(workbook, exclusions) if single_ratings and workbook.is_file() else None,
        rating_range=RATING_RANGE,
        rating_source="raters' mean",
    )


def canonical(file: str) -> str | None:
    """`Images/ftw12.jpg` and `CF12.jpg` → "CF12"; None for another name."""
    match = _NAME.fullmatch(Path(file).stem.strip().upper())
    if match is None:
        return None
    group = OLD_NAMES.get(match[1], match[1])
    return f"{group}{int(match[2])}" if group in OLD_NAMES.values() else None


def _labels(file: Path, exclusions: Exclusions) -> pd.DataFrame:
    found = []
    for number, line in enumerate(lines_of(file), 1):
        if not line.strip():
            continue
        name, _, score = line.strip().rpartition(" ")
        key = canonical(name)
        try:
            rating = float(score)
        except ValueError:
            key = None
        if key is None:
            exclusions.add([line.strip()], "unreadable score line", f"{file.name}, line {number}")
        else:
            found.append((key, rating))
    if not found:
        raise InputError(f"scut_fbp5500: {file} holds no line like 'CF437.jpg 2.883333'")
    rows = pd.DataFrame(found, columns=["image_id", "rating"])
    return exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")


def _split_of(folder: Path, split: str | int, image_ids: pd.Series) -> pd.Series:
    place, number = (
        ("split_of_60*", "") if split == "60-40" else (f"*cross_validation*/cross_validation_{split}", split)
    )
    where = pd.Series(pd.NA, index=image_ids.index, dtype="str")
    for part in ("train", "test"):
        pattern = f"{place}/{part}{f'_{number}' if number else ''}.txt"
        file = next(iter(sorted(folder.glob(pattern))), None)
        if file is None:
            raise InputError(f"scut_fbp5500: no {pattern} in {folder}; choose another split, or split=null")
        lines = lines_of(file)
        keys = {canonical(line.strip().rpartition(" ")[0]) for line in lines if line.strip()}
        where[image_ids.isin(keys - {None})] = part
    return where


def _single_ratings(file: Path, exclusions: Exclusions) -> pd.DataFrame:
    sheets = pd.read_excel(file, sheet_name=None)
    # the sheet ALL repeats the four others
    table = sheets.get("ALL", pd.concat(sheets.values(), ignore_index=True))
    missing = [name for name in ("Rater", "Filename", "Rating") if name not in table]
    if missing:
        raise InputError(f"scut_fbp5500: {file.name} lacks {listed(missing)}; it has {listed(table.columns)}")
    ratings = pd.DataFrame(
        {
            "image_id": table["Filename"].astype("str").map(canonical).astype("str"),
            "rater_id": table["Rater"].astype("str"),
            "rating": pd.to_numeric(table["Rating"], errors="coerce"),
        }
    )
    bad = ratings.isna().any(axis=1)
    exclusions.add(table.loc[bad, "Filename"], "unreadable single rating", f"{file.name}")
    ratings = ratings[~bad]
    again = ratings.duplicated(["image_id", "rater_id"])
    exclusions.add(
        ratings.loc[again, "image_id"],
        "single rating listed twice",
        "rater " + ratings.loc[again, "rater_id"],
    )
    return ratings[~again].reset_index(drop=True)
