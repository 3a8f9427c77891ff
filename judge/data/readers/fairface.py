"""FairFace: many faces with race, gender and age band, and no ratings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from judge.data.brackets import ADULT, age_bands, age_groups, band_names
from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under, resolved, typed_table
from judge.errors import InputError, listed

#: The published bands of adults.
BANDS = ("20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
SPLITS = ("train", "val")
RACES = ("black", "east_asian", "indian", "latino_hispanic", "middle_eastern", "southeast_asian", "white")


def read_fairface(
    root: str | Path,
    *,
    splits: Sequence[str] = SPLITS,
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """FairFace (Kärkkäinen & Joo 2021, WACV), 108,501 photographs balanced over seven races.

    Origin    mostly public Flickr photographs (YFCC-100M); github.com/joojs/fairface
    Licence   CC BY 4.0 for the data set; the photographs show people who were not asked
    Layout    fairface_label_{train,val}.csv (file, age, gender, race, service_test), train/N.jpg, val/N.jpg;
              one label file with its folder is enough. The split is the folder
    Labels    seen by annotators, two of three agreeing, not stated by the people: race (7 words, here in
              lower case with _), gender (2), age band. Released classifiers agree with the races about 71 %
              of the time
    Ages      band 20-29 stands for the bracket 18-29; 'more than 70' has no bracket (age_group is missing,
              the column age_band keeps it); 0-2, 3-9 and 10-19 may be minors and are excluded
    Ratings   none: people may enter a contest, but nothing can be learnt about beauty
    Traps     copies saved by a spreadsheet carry 3-Sep or 9-Mar for 3-9 and Oct-19 for 10-19: read as what
              they were; faces are cropped tighter than in most sets (padding 0.25 or 1.25 by download)

    splits   which of train and val are read; an absent label file is passed over while another is there
    """
    folder = data_folder(root, "fairface", "fairface_label_*.csv", "*label*.csv")
    if not splits or set(splits) - set(SPLITS):
        raise InputError(f"fairface: splits are some of {listed(SPLITS)}, not {listed(splits)}")
    files = {split: folder / f"fairface_label_{split}.csv" for split in SPLITS if split in splits}
    exclusions = Exclusions()
    names = ("file", "age", "gender", "race")
    tables = [
        typed_table(path, exclusions, names=names).assign(split=split)
        for split, path in files.items()
        if path.is_file()
    ]
    if not tables:
        raise InputError(f"fairface: neither {' nor '.join(p.name for p in files.values())} in {folder}")
    table = pd.concat(tables, ignore_index=True)
    missing = [name for name in names if name not in table]
    if missing:
        raise InputError(
            f"fairface: the label files lack {listed(missing)}; they have {listed(table.columns)}"
        )

    there = [f"{split}/{file}" for split in files for file in pictures_under(folder / split, exclusions)]
    exclusions.add(
        [f"row {i + 1}" for i in table.index[table["file"].isna()]], "no picture named", "column file"
    )
    table = table[table["file"].notna()]
    paths, _ = resolved(folder, table["file"], there, exclusions)
    first = age_bands(table["age"])["first"]
    rows = pd.DataFrame(
        {
            "image_id": table["file"],
            "path": paths,
            "split": table["split"],
            "ethnicity": table["race"]
            .astype("str")
            .str.strip()
            .str.lower()
            .str.replace(r"[ _]+", "_", regex=True),
            "gender": table["gender"].astype("str").str.strip().str.lower(),
            "age_group": age_groups(first),
            "age_band": band_names(table["age"]),
        }
    )
    labelled = set(rows["path"])
    exclusions.add([file for file in there if str(folder / file) not in labelled], "no label")
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")
    young = first[rows.index] < ADULT
    rows = exclusions.drop(rows, young, "may be under 18", "age band " + rows["age_band"])
    rows = exclusions.drop(rows, ~rows["age_band"].isin(BANDS), "unknown age band", rows["age_band"])
    rows = exclusions.drop(rows, ~rows["gender"].isin(("female", "male")), "unknown gender", rows["gender"])
    rows = exclusions.drop(rows, ~rows["ethnicity"].isin(RACES), "unknown race", rows["ethnicity"])
    return finished(
        "fairface", rows, exclusions, reader=read_fairface, check=check, exclude=exclude, root=folder
    )
