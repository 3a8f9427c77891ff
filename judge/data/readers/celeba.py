"""CelebA: 202,599 aligned pictures of celebrities with forty yes/no attributes, one of them Attractive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, lines_of, pictures_under
from judge.errors import InputError, listed

RATING_RANGE = (-1.0, 1.0)
SPLITS = {0: "train", 1: "val", 2: "test"}


def read_celeba(
    root: str | Path, *, check: str = "header", exclude: str | Path | Iterable[str] | None = None
) -> Dataset:
    """CelebA (Liu et al. 2015, ICCV), aligned and cropped to 178 × 218 px.

    Origin    the internet, 10,177 celebrities; mmlab.ie.cuhk.edu.hk/projects/CelebA.html
    Licence   non-commercial research only; the people were not asked. Do not publish their faces
    Layout    as torchvision has it: celeba/img_align_celeba/000001.jpg, list_attr_celeba.txt (line 1 the
              count, line 2 forty names, then name and ±1), list_eval_partition.txt (0 train, 1 val, 2
              test), and where it was fetched identity_CelebA.txt. `root` is that folder or its parent
    Labels    gender from Male; column young from Young (True, False). No ethnicity: it serves to train
              judges, and who wins cannot be counted by ethnicity. person_id from the identity file, if it
              is there
    Ratings   Attractive: −1 or 1, one annotator team's word, no single ratings
    Ages      unknown; Young says nothing about minors, some of whom are among the celebrities. Hand the
              result of an age screen to `exclude`; whoever may be a minor is not to be ranked
    Traps     −1 means no, not missing; the official split keeps people apart, a random one does not (use
              person_id). Looking at every file takes about a minute: check="none" skips it, duplicates too
    """
    folder = data_folder(root, "celeba", "list_attr_celeba.txt", "celeba/list_attr_celeba.txt")
    if not (folder / "list_attr_celeba.txt").is_file():
        folder = folder / "celeba"
    images = folder / "img_align_celeba"
    if not images.is_dir():
        raise InputError(f"celeba: no folder img_align_celeba in {folder}")
    exclusions = Exclusions()
    attributes = _attributes(folder / "list_attr_celeba.txt", exclusions)
    rows = pd.DataFrame(
        {
            "image_id": attributes.index.astype("str"),
            "path": [str(images / name) for name in attributes.index],
            "rating": attributes["Attractive"].to_numpy(float),
            "gender": attributes["Male"].map({1: "male", -1: "female"}).to_numpy(),
            "young": (attributes["Young"] == 1).to_numpy(),
        }
    )
    for name, column in (("list_eval_partition.txt", "split"), ("identity_CelebA.txt", "person_id")):
        if (folder / name).is_file():
            values = pd.read_csv(folder / name, sep=r"\s+", header=None, names=["image_id", "value"])
            values = values.drop_duplicates("image_id").set_index("image_id")["value"]
            values = values.map(SPLITS) if column == "split" else values.astype("str")
            rows[column] = rows["image_id"].map(values).astype("str")
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")
    exclusions.add(
        sorted(set(pictures_under(images, exclusions)) - set(rows["image_id"])),
        "no label",
        "not in list_attr_celeba.txt",
    )
    return finished(
        "celeba",
        rows,
        exclusions,
        reader=read_celeba,
        check=check,
        exclude=exclude,
        root=folder,
        rating_range=RATING_RANGE,
        rating_source="attribute Attractive",
    )


def _attributes(file: Path, exclusions: Exclusions) -> pd.DataFrame:
    """Index: picture name; columns: the attributes that are used, ±1."""
    wanted = ["Attractive", "Male", "Young"]
    first, second = [*lines_of(file)[:2], "", ""][:2]
    count, names = first.strip(), second.split()
    missing = [name for name in wanted if name not in names]
    if missing or not count.isdecimal():
        raise InputError(
            f"celeba: {file.name} begins with the number of pictures and a line of attribute names with "
            f"{listed(wanted)}; line 1 is {count[:40]!r}, line 2 has {listed(names, 5)}"
        )
    table = pd.read_csv(file, sep=r"\s+", skiprows=2, header=None, names=["image_id", *names], index_col=0)
    if len(table) != int(count):
        exclusions.add([file.name], "row count differs", f"line 1 says {count}, the file has {len(table)}")
    table = table[wanted]
    bad = ~table.isin((1, -1)).all(axis=1)
    exclusions.add(table.index[bad], "attribute is not ±1", f"one of {', '.join(wanted)}")
    return table[~bad]
