"""Chicago Face Database: standardised photographs of adults who stated their ethnicity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from judge.data.brackets import age_groups
from judge.data.dataset import Dataset
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under
from judge.data.user_tables import numbers
from judge.errors import InputError, listed

RATING_RANGE = (1.0, 7.0)
ETHNICITIES = {"A": "asian", "B": "black", "I": "indian", "L": "latino", "M": "multiracial", "W": "white"}
GENDERS = {"F": "female", "M": "male"}
EXPRESSIONS = {
    "N": "neutral",
    "A": "angry",
    "F": "fearful",
    "HC": "happy, mouth closed",
    "HO": "happy, mouth open",
}
HEADER = ("Model", "EthnicitySelf")
#: CFD-BF-001-025-N.jpg; in CFD-INDIA also CFD-IF-644-306-1-N.jpg, the first of two pictures.
_FILE = re.compile(r"CFD-([A-Z]{2})-(\d+)-(\d+)(?:-(\d+))?-([A-Z]{1,2})\.jpe?g", re.IGNORECASE)
#: BF-001; in CFD-INDIA IF601-519 and IF644-306-1: no dash after the letters, and the picture belongs to the key.
_MODEL = re.compile(r"([A-Z]{2})-?(\d+)(?:-(\d+))?(?:-(\d+))?", re.IGNORECASE)
_ITEM = re.compile(r"[A-Z]\d{3}[A-Z]?")
#: What the raters of an item were asked. Both stand under the header "Attractive".
ITEMS = {
    "R013": "raters' mean, within the same race and gender",
    "R013B": "raters' mean, first impression",
}


def read_cfd(
    root: str | Path,
    *,
    raters: str = "U.S.",
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """Chicago Face Database 3.0 (Ma, Correll & Wittenbrink 2015; CFD-MR 2020; CFD-INDIA 2021): 827 people.

    Origin    photographs taken for research in the United States and in Delhi, with consent; chicagofaces.org
    Licence   free for non-commercial research after registration; the files may not be passed on or published
              without the makers' permission
    Layout    CFD Version 3.0/Images/{CFD,CFD-MR,CFD-INDIA}/**/CFD-BF-001-025-N.jpg (model BF-001, picture
              025, neutral), and the workbook of norms; the header row of each sheet is the one with Model and
              EthnicitySelf. `root` is the folder with Images, or its parent
    Labels    ethnicity and gender as the people stated them; person_id is the model
    Ratings   Attractive, 1–7, mean of about 30 raters. In CFD and CFD-MR (item R013) each was asked to compare
              *with people of the same race and gender*: means of two groups cannot be compared, and a judge
              trained on them learns standing within the group. CFD-INDIA has another question (R013B, first
              impression); column rating_source says which. Only neutral pictures are rated; other expressions
              are excluded
    Ages      AgeSelf, or where that is missing AgeRated (column age_source says which); some people stated
              17. Under 18 are excluded
    Traps     rows of explanation above and below the header; CFD-INDIA was rated twice, by raters in the
              United States and in India: choose with raters="U.S." or "INDIA" (part of the sheet's name;
              people who were rated only elsewhere keep that rating, see column norms). CFD-INDIA's people are
              called IF601-519 in the workbook and CFD-IF-601-519-N.jpg on the disk; of four people with two
              pictures the norms name the first, and one person's two numbers differ: no norms
    """
    folder = data_folder(root, "cfd", "Images", "*/Images")
    if not (folder / "Images").is_dir():
        folder = sorted(folder.glob("*/Images"))[0].parent
    exclusions = Exclusions()
    norms = _norms(folder, raters, exclusions)
    found = []
    for file in pictures_under(folder / "Images", exclusions):
        match = _FILE.fullmatch(file.rsplit("/", 1)[-1])
        if match is None:
            exclusions.add([file], "unknown name", "expected CFD-BF-001-025-N.jpg or CFD-IF-601-519-N.jpg")
        elif match[5].upper() != "N":
            what = EXPRESSIONS.get(match[5].upper(), match[5])
            exclusions.add([file], "not a neutral expression", what)
        else:
            found.append((Path(file).stem, str(folder / "Images" / file), _model_of(match, norms.index)))
    rows = pd.DataFrame(found, columns=["image_id", "path", "person_id"])
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice", rows["path"])
    rows = exclusions.drop(rows, ~rows["person_id"].isin(norms.index), "no norms", rows["person_id"])
    rows = rows.join(norms, on="person_id")
    rows["person_id"] = rows.pop("model")
    rows = exclusions.drop(rows, rows["ethnicity"].isna(), "unknown ethnicity", rows["person_id"])
    rows = exclusions.drop(rows, rows["gender"].isna(), "unknown gender", rows["person_id"])
    rows = exclusions.drop(rows, rows["rating"].isna(), "no rating", rows["person_id"])
    # a date that a spreadsheet made of an age, or a word: whoever may be a minor is none of the adults
    rows = exclusions.drop(rows, rows.pop("age_unread"), "age is no number", rows["person_id"])
    rows["age_group"] = age_groups(rows["age"])
    questions = rows["rating_source"].unique()
    if len(questions) > 1:
        exclusions.notes.append(
            f"ratings answer different questions and cannot be compared: {'; '.join(questions)}"
        )
    lost = norms.loc[~norms.index.isin({key for _, _, key in found}), "model"]
    exclusions.add(sorted(lost), "file missing", "norms without a picture")
    return finished(
        "cfd",
        rows,
        exclusions,
        reader=read_cfd,
        check=check,
        exclude=exclude,
        rating_range=RATING_RANGE,
        root=folder,
    )


def _key(match: re.Match[str]) -> str:
    """ "IF601-519" and "if-601-519" → "IF-601-519"; "BF-001" stays."""
    return "-".join(part.upper() for part in match.groups() if part is not None)


def _model_of(match: re.Match[str], keys: pd.Index) -> str:
    """The key of the norms that a picture belongs to: the longest that there is, else what the picture's own would be.

    One of two pictures (…-1-N, …-2-N) belongs to a key with its own number alone.
    """
    letters, person, picture, place = (match[i] and match[i].upper() for i in range(1, 5))
    whole = [letters, person, picture] + ([place] if place else [])
    lengths = (4,) if place else (3, 2)
    possible = ["-".join(whole[:n]) for n in lengths]
    return next((key for key in possible if key in keys), possible[0] if place else possible[-1])


def _norms(folder: Path, raters: str, exclusions: Exclusions) -> pd.DataFrame:
    """Index: key of the model; columns model, ethnicity, gender, age, age_unread, age_source, rating, rating_source,
    norms (the sheet)."""
    places = [folder, folder.parent]
    books = [p for place in places for p in sorted(place.glob("*.xlsx")) if not p.name.startswith("~$")]
    sheets: dict[str, pd.DataFrame] = {}
    for book in books:
        for name, cells in pd.read_excel(book, sheet_name=None, header=None, dtype=object).items():
            table = _below_header(cells)
            if table is not None:
                sheets.setdefault(str(name), table)
    if not sheets:
        raise InputError(
            f"cfd: no workbook (.xlsx) in {folder} has a sheet with the header cells {listed(HEADER)}; "
            f"looked at {listed(book.name for book in books)}"
        )
    preferred = [name for name in sheets if raters.casefold() in name.casefold()]
    if not preferred:
        raise InputError(f"cfd: raters is part of a sheet's name; {raters!r} is in none of {listed(sheets)}")
    order = preferred + [name for name in sheets if name not in preferred]
    table = pd.concat([sheets[name].assign(norms=name) for name in order], ignore_index=True)
    again = table["Model"].duplicated()
    exclusions.add(table.loc[again, "Model"], "rated again", "in sheet " + table.loc[again, "norms"])
    table = table[~again]
    table.index = pd.Index([_key(_MODEL.fullmatch(model)) for model in table["Model"]])  # type: ignore[arg-type]
    again = table.index.duplicated()
    exclusions.add(table.loc[again, "Model"], "rated again", "under another spelling of the model")
    table = table[~again]

    def numeric(name: str) -> tuple[pd.Series, pd.Series]:
        cells = table.get(name, pd.Series(None, index=table.index, dtype=object))
        words = cells.map(str).where(cells.notna()).astype("str").str.strip()
        return numbers(words.where(words != ""), f"cfd: column {name}")

    (stated, unread), (guessed, odd) = numeric("AgeSelf"), numeric("AgeRated")
    unread |= odd & stated.isna()
    source = pd.Series("stated", index=table.index).where(stated.notna(), "rated")
    return pd.DataFrame(
        {
            "model": table["Model"],
            "ethnicity": table["EthnicitySelf"].astype("str").str.strip().str.upper().map(ETHNICITIES),
            "gender": table.get("GenderSelf", pd.Series("", index=table.index))
            .astype("str")
            .str.strip()
            .str.upper()
            .map(GENDERS),
            "age": stated.fillna(guessed),
            "age_unread": unread,
            "age_source": source.where(stated.notna() | guessed.notna()),
            "rating": numeric("Attractive")[0],
            "rating_source": table["rating_source"],
            "norms": table["norms"],
        }
    )


def _below_header(cells: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of models of one sheet, or None where there is no header row."""
    words = cells.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    header = next((i for i in words.index if set(HEADER) <= set(words.loc[i])), None)
    if header is None:
        return None
    names = words.loc[header]
    keep = names.map(lambda name: isinstance(name, str)) & ~names.duplicated()
    table = words.loc[words.index > header, keep.to_numpy()].set_axis(names[keep].tolist(), axis=1)
    # the item's code stands above its header: two questions share one name
    place = next((column for column in names.index if names[column] == "Attractive"), None)
    above = [] if place is None else words.loc[words.index < header, place].tolist()[::-1]
    item = next((cell for cell in above if isinstance(cell, str) and _ITEM.fullmatch(cell)), None)
    source = ITEMS.get(str(item), f"raters' mean, item {item}" if item else "raters' mean, question unknown")
    table["rating_source"] = source
    models = table["Model"].map(lambda cell: isinstance(cell, str) and _MODEL.fullmatch(cell) is not None)
    return table[models.astype(bool)].reset_index(drop=True)
