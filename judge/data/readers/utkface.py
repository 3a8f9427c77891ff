"""UTKFace: faces of all ages whose labels are in the file name; no ratings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.brackets import age_groups
from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under

GENDERS = {"0": "male", "1": "female"}
RACES = {"0": "white", "1": "black", "2": "asian", "3": "indian", "4": "others"}
OLDEST = 116
_ENDING = re.compile(r"\.jpe?g(\.chip\.jpe?g)?$", re.IGNORECASE)


def read_utkface(
    root: str | Path, *, check: str = "header", exclude: str | Path | Iterable[str] | None = None
) -> Dataset:
    """UTKFace (Zhang, Song & Qi 2017, CVPR), 23,708 aligned faces, or the uncropped photographs.

    Origin    the internet, and the sets MORPH and CACD; susanqq.github.io/UTKFace
    Licence   non-commercial research only; the people were not asked. Do not publish their faces
    Layout    [age]_[gender]_[race]_[timestamp].jpg.chip.jpg (aligned) or .jpg, in the folder or below it
    Labels    estimated by a network (DEX) and checked by a person, not stated: age in years 0–116, gender
              0 male, 1 female (the other way round than in IMDB-WIKI), race 0–4: white, black, asian, indian,
              others (Hispanic, Latino, Middle Eastern …: a remainder, not a group)
    Ages      under 18 are excluded; from 70 there is no bracket (age_group is missing)
    Ratings   none
    Traps     a few published names lack the gender or the race, or carry an empty field, and are excluded
              rather than guessed; a stray space before .jpg is read. No official split, no person_id
    """
    folder = data_folder(root, "utkface", "**/*_*_*_*.jpg*", "**/*_*_*_*.jpeg*")
    exclusions = Exclusions()
    found = []
    for file in pictures_under(folder, exclusions):
        fields, why = parse_name(file.rsplit("/", 1)[-1])
        if fields is None:
            exclusions.add(
                [file], "label missing in the name" if why.startswith("lacks") else "label out of range", why
            )
        else:
            found.append((file, str(folder / file), *fields))
    columns = ["image_id", "path", "age", "gender", "ethnicity"]
    rows = pd.DataFrame(found, columns=columns).astype({"age": float})
    rows["age_group"] = age_groups(rows["age"])
    return finished(
        "utkface", rows, exclusions, reader=read_utkface, check=check, exclude=exclude, root=folder
    )


def parse_name(name: str) -> tuple[tuple[float, str, str] | None, str]:
    """((age, gender, ethnicity), "") of a file name, or (None, why not)."""
    fields = [field.strip() for field in _ENDING.sub("", "".join(name.split())).split("_")]
    if len(fields) != 4 or not all(fields) or len(fields[3]) < 8:
        return None, "lacks one of age_gender_race_timestamp"
    age, gender, race = fields[:3]
    if not age.isdecimal() or int(age) > OLDEST:
        return None, f"age {age!r}: expected 0–{OLDEST}"
    if gender not in GENDERS:
        return None, f"gender {gender!r}: expected 0 or 1"
    if race not in RACES:
        return None, f"race {race!r}: expected 0–4"
    return (float(age), GENDERS[gender], RACES[race]), ""
