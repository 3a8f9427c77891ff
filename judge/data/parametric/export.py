"""Writes a parametric population, or a set of twins, into a folder that others can load (CC0).

For the command line:

    main_parametric(n, out, *, seed=0, size=128, sheet=False, …) -> Path       (judge data parametric)
    main_twins(n, out, *, tones=5, placebo=True, seed=1000000, size=128, sheet=False, …) -> Path
                                                                             (judge data twins)

Both return the folder, are restartable, and raise InputError for a wrong setting. The folder:

    train/ validation/ test/   pictures and metadata.csv (file_name first): the image-folder form of Hugging Face
    manifest.parquet, .csv     everything known of each picture; `path` is relative to the folder
    ratings.csv, raters.csv    single ratings, and the ethnicity and bias of who gave them (parametric only)
    settings.json              what was asked for, and the renderer's version
    sheet.png                  where asked for
    README.md                  the data card
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from judge.data.dataset import Dataset
from judge.data.parametric.cache import render_missing
from judge.data.parametric.dataset import RATER_COLUMNS, read_parametric
from judge.data.parametric.picture import render
from judge.data.parametric.sheet import contact_sheet, manifest_sheet
from judge.data.parametric.twins import SEED, read_twins
from judge.data.spreadsheets import write_csv
from judge.data.tables import write_table
from judge.errors import InputError
from judge.storage import remove_leftovers, replacing, write_bytes, write_text

FOLDERS = {"train": "train", "val": "validation", "test": "test"}


def main_parametric(
    n: int,
    out: str | Path,
    *,
    seed: int = 0,
    size: int = 128,
    mode: str = "independent",
    composition: Mapping | None = None,
    camera: str | Mapping = "even",
    ratings: Mapping | None = None,
    population: Mapping | str | Path | None = None,
    picture_format: str = "jpeg",
    sheet: bool = False,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    progress: bool = True,
    **more: Any,
) -> Path:
    """n people in a folder; settings, `more` too, as in dataset.read_parametric; sheet: the first 64 as sheet.png."""
    _some(n)
    settings = {
        "n": n, "seed": seed, "size": size, "mode": mode, "composition": composition, "camera": camera,
        "ratings": ratings,
        "population": str(population) if isinstance(population, Path) else population, "picture_format": picture_format,
        **more,
    }  # fmt: skip
    dataset = read_parametric(
        **settings, cache_dir=cache_dir, workers=workers, progress=progress, render=False
    )
    folder = write_dataset(dataset, out, settings=settings, workers=workers, progress=progress)
    if sheet:
        picture = manifest_sheet(dataset.manifest, cell=min(size, 128))
        with replacing(folder / "sheet.png") as part:
            picture.save(part)
    return folder


def main_twins(
    n: int,
    out: str | Path,
    *,
    tones: int | Sequence[float] = 5,
    placebo: bool = True,
    seed: int = SEED,
    size: int = 128,
    mode: str = "independent",
    composition: Mapping | None = None,
    camera: str | Mapping = "even",
    sheet: bool = False,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    progress: bool = True,
    **more: Any,
) -> Path:
    """n persons with their twins in a folder; settings, `more` too, as in twins.read_twins; sheet: 8 persons, a row
    each."""
    _some(n)
    settings = {
        "n": n, "tones": tones if isinstance(tones, int) else list(tones), "placebo": placebo, "seed": seed,
        "size": size,
        "mode": mode, "composition": composition, "camera": camera, **more,
    }  # fmt: skip
    dataset = read_twins(**settings, cache_dir=cache_dir, workers=workers, progress=progress, render=False)
    folder = write_dataset(dataset, out, settings=settings, workers=workers, progress=progress)
    if sheet:
        each = int(dataset.manifest.groupby("person_id").size().iloc[0])
        shown = dataset.manifest.head(8 * each)
        captions = [
            f"{edit} {value:.2f}" if edit == "tone" else edit
            for edit, value in zip(shown["twin_edit"], shown["twin_value"], strict=True)
        ]
        picture = contact_sheet(shown["path"], each, captions, cell=min(size, 128))
        with replacing(folder / "sheet.png") as part:
            picture.save(part)
    return folder


def write_dataset(
    dataset: Dataset,
    out: str | Path,
    *,
    settings: Mapping[str, Any],
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Renders what is missing and writes the folder; started again with the same settings, it goes on.

    dataset    of read_parametric or read_twins, drawn or not; settings: what made it, with its `size`
    Raises InputError when the folder holds files that are not this data set's.
    """
    folder = Path(out).expanduser().resolve()
    told = json.dumps(
        {"dataset": dataset.name, "renderer": render.VERSION, **settings}, indent=2, default=list
    )
    mark = folder / "settings.json"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder} is a file, it has to be a folder")
    if mark.is_file() and mark.read_text(encoding="utf-8") != told:
        raise InputError(
            f"{folder} holds a data set made with other settings (settings.json); choose an empty folder"
        )
    if not mark.is_file() and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    write_text(mark, told)
    render_missing(dataset.manifest, size=int(settings["size"]), workers=workers, progress=progress)
    manifest = dataset.manifest.copy()
    ending = manifest["path"].map(lambda path: Path(path).suffix)
    manifest["path"] = manifest["split"].map(FOLDERS) + "/" + manifest["image_id"] + ending
    for name in manifest["split"].map(FOLDERS).unique():
        (folder / name).mkdir(exist_ok=True)
    pairs = zip(dataset.manifest["path"], manifest["path"], strict=True)
    for source, target in tqdm(pairs, desc="copying", total=len(manifest), unit="file", disable=not progress):
        if not (folder / target).is_file():
            write_bytes(folder / target, Path(source).read_bytes())
    for name, part in manifest.groupby(manifest["split"].map(FOLDERS)):
        files = part["path"].map(lambda path: Path(path).name)
        table = part.drop(columns=["path", "split"])
        table.insert(0, "file_name", files)
        write_csv(table, folder / str(name) / "metadata.csv")
    if dataset.ratings is not None:
        write_csv(dataset.ratings, folder / "ratings.csv")
        raters = dataset.ratings[["rater_id", *RATER_COLUMNS.values()]].drop_duplicates("rater_id")
        write_csv(raters.sort_values("rater_id"), folder / "raters.csv")
    write_text(folder / "README.md", card(dataset, manifest, settings))
    write_table(manifest, folder / "manifest")
    return folder


def card(dataset: Dataset, manifest: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """The folder's README: the header that dataset hubs read, what it is, how many of whom, licence."""
    counts = manifest.groupby(["ethnicity", "gender"], observed=True).size().unstack(fill_value=0)
    lines = "\n".join(
        f"| {name} | " + " | ".join(str(v) for v in row) + " |"
        for name, row in zip(counts.index, counts.to_numpy(), strict=True)
    )
    header = "| ethnicity | " + " | ".join(counts.columns) + " |\n|" + "---|" * (len(counts.columns) + 1)
    shown = {key: value for key, value in settings.items() if value is not None}
    single = (
        "; `ratings.csv` has the single ratings, `raters.csv` who gave them"
        if dataset.ratings is not None
        else ""
    )
    # the settings that were used follow as JSON
    text = dataset.card.strip().split("\n\nSettings", 1)[0].split("\n\n", 1)
    return f"""---
license: cc0-1.0
pretty_name: Parametric faces ({dataset.name})
tags: [synthetic, faces, fairness]
---
# {text[0]}

```text
{text[1] if len(text) > 1 else ""}
```

{len(manifest)} pictures of {manifest["person_id"].nunique()} persons, {settings["size"]} × {settings["size"]} px. \
Pictures by group:

{header}
{lines}

Made with `judge data {dataset.name}`, renderer version {render.VERSION}, settings:

```json
{json.dumps(shown, indent=2, default=list)}
```

`metadata.csv` beside the pictures (`file_name` first) is read by image-folder loaders; `manifest.parquet` has all of
it in one table, with `path` relative to this folder{single}.

Licence: CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/ . Head shapes from MakeHuman's CC0 data. \
The people do not exist; ratings are simulated and say nothing about anybody.
"""


def _some(n: int) -> None:
    # a data set of nobody would be written without complaint, and found empty much later
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(f"--n is a whole number of people from 1, not {n!r}")
