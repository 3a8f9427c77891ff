"""Any folder of pictures, with or without a table that says what is in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from judge.data.brackets import ADULT, age_bands, age_groups, band_names
from judge.data.dataset import Dataset
from judge.data.own.ratings import single_ratings, span_of
from judge.data.readers.common import Exclusions, data_folder, finished, pictures_under, resolved
from judge.data.readers.names import FileNames
from judge.data.tables import SENSITIVE_FEATURES, SOURCES, SPLITS
from judge.data.user_tables import UserTable, numbers, read_user_table, texts
from judge.errors import InputError, listed

#: Tables that are looked for when none is named, and columns that may hold the picture.
TABLES = (
    "manifest.csv",
    "manifest.parquet",
    "metadata.csv",
    "metadata.parquet",
    "labels.csv",
    "labels.parquet",
)
IMAGE_COLUMNS = ("path", "file", "file_name", "filename", "image")
RATINGS = ("ratings.csv", "ratings.csv.gz", "ratings.parquet")
#: Columns of names, whatever they look like: 007, 1e5 and NA are names in them.
NAMES = (*SENSITIVE_FEATURES, "image_id", "person_id", "split", "source", "rating_source")


def read_folder(
    root: str | Path,
    *,
    name: str = "folder",
    table: str | Path | None = None,
    image: str | None = None,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[str, str]] | None = None,
    folders: str | None = None,
    ratings: str | Path | None = None,
    rating_columns: Mapping[str, str] | None = None,
    rating_range: Sequence[float] | None = None,
    real_people: bool | None = None,
    check: str = "header",
    exclude: str | Path | Iterable[str] | None = None,
) -> Dataset:
    """Your own pictures: a folder (any depth), and a CSV, Parquet or .xlsx table with a row a picture.

    `judge data folder --root DIR --save-config mine.yaml` proposes the settings below and writes them.

    Origin, licence   yours to know and to keep; whoever may be a minor is not to be ranked
    Layout            pictures below `root`; `table` relative to it, by default the first of manifest,
                      metadata and labels (.csv, .parquet) that is there; without a table every picture is
                      taken, unlabelled
    Labels            columns named as in the manifest are taken as they are (rating, ethnicity, gender,
                      age_group, age, split, person_id, skin_tone …); others through `columns`, e.g.
                      {ethnicity: race}. `values` recodes them, e.g. {gender: {F: female, M: male}}. All
                      further columns are kept. `folders` is the label that the names of the pictures' folders
                      are, e.g. ethnicity where there is a folder a group
    Ratings           column rating; single ratings in a long table `ratings` (by default ratings.csv,
                      ratings.csv.gz or ratings.parquet, if there) with image_id, rater_id, rating, or what
                      `rating_columns` calls them; without a rater_id each row is another rater. `ratings` may be
                      `table` itself, a row a rating: a label is then the first of the picture's rows.
                      `rating_range` [lowest, highest] possible rating, by default the lowest and highest that
                      occur. Without a column rating, the mean of the single ratings
    Ages              age in years gives the bracket; under 18, and age bands that begin below 18 or cannot be
                      read, are excluded. A band is "18-29", "70+", "under 20", "adult" …; what a spreadsheet
                      made of one (19-Oct for 10-19) is read as what it was
    Traps             paths in the table are relative to `root` or absolute; pictures without a row are
                      excluded. Of a CSV only an empty cell is missing: NA and None are groups. Rows that have
                      another number of fields than the header are refused. Names that differ from those on
                      the disk in letter case, separators, Unicode form or blanks alone, that lack their folder
                      or ending, or have another machine's folders before them, are matched where one file fits,
                      and said

    image        the column with the picture's path, by default the first of path, file, file_name,
                 filename, image
    real_people  by default true unless every row's column source says parametric or generated
    exclude      image_ids, paths, file names, numbers or person_ids, one a line; what each line meant is said
    """
    folder = data_folder(root, name)
    exclusions = Exclusions()
    file = _found(folder, table, TABLES, "table")
    single = _found(folder, ratings, RATINGS, "ratings")
    if file is None:
        if columns or image or (values and {*values} != {folders}):
            raise InputError(
                f"{name}: columns are named, but there is no table: give table=…, or one of {listed(TABLES)}"
            )
        pictures = pictures_under(folder, exclusions)
        if not pictures:
            raise InputError(
                f"{name}: no pictures and no table in {folder}; a table is one of {listed(TABLES)}"
            )
        rows = pd.DataFrame({"image_id": pictures, "path": [str(folder / p) for p in pictures]})
        rows = _with_folders(rows, folder, name, folders)
        rows = _with_values(rows, name, values or {}, exclusions)
    else:
        read = {
            file,
            single,
            None if exclude is None or not isinstance(exclude, str | Path) else Path(exclude),
        }
        rows = _labelled(
            folder,
            file,
            name,
            image,
            columns or {},
            {*(values or {})},
            exclusions,
            list(read),
            single == file,
        )
        rows = _with_folders(rows, folder, name, folders)
        rows = _with_values(rows, name, values or {}, exclusions)
    rows = _checked(rows, name, exclusions)
    long = None if single is None else single_ratings(single, name, rating_columns or {}, rows, exclusions)
    rows = rows.drop(columns="named", errors="ignore")
    span = span_of(rows, long, name, rating_range)
    if span is not None and long is not None:
        outside = ~long["rating"].between(*span)
        exclusions.add(
            long.loc[outside, "image_id"], "single rating outside the range", long.loc[outside, "rating"]
        )
        long = long[~outside]
    if long is not None and "rating" not in rows:
        rows["rating"] = rows["image_id"].map(long.groupby("image_id")["rating"].mean())
    if span is not None:
        outside = rows["rating"].notna() & ~rows["rating"].between(*span)
        rows = exclusions.drop(rows, outside, "rating outside the range", rows["rating"].astype(str))
    if real_people is None:
        real_people = "source" not in rows or bool((rows["source"] == "photo").any())
    return finished(
        name,
        rows,
        exclusions,
        reader=read_folder,
        check=check,
        exclude=exclude,
        ratings=long,
        rating_range=span,
        rating_source="given",
        real_people=real_people,
        root=folder,
    )


def _found(folder: Path, given: str | Path | None, usual: Sequence[str], what: str) -> Path | None:
    if given is not None:
        path = folder / Path(given).expanduser()
        if not path.is_file():
            raise InputError(f"{what}: no such file: {path}")
        return path
    return next((folder / name for name in usual if (folder / name).is_file()), None)


def _labelled(
    folder: Path,
    file: Path,
    name: str,
    image: str | None,
    columns: Mapping[str, str],
    recoded: set[str],
    exclusions: Exclusions,
    read: Sequence[Path | None],
    a_row_a_rating: bool,
) -> pd.DataFrame:
    """Rows of the labelled pictures; `named` is what the table calls a picture."""
    table = read_user_table(file)
    frame = table.frame
    missing = [column for column in columns.values() if column not in frame]
    lists = {*table.lists} & {*columns.values(), image, *IMAGE_COLUMNS, *NAMES, "rating", "age"}
    if lists:
        raise InputError(
            f"{name}: {file.name}: column(s) {listed(lists)} hold lists: one value a row is needed"
        )
    if missing:
        raise InputError(
            f"{name}: {file.name} has no column {listed(missing)}; it has {listed(frame.columns)}"
        )
    image = image or next((column for column in IMAGE_COLUMNS if column in frame), None)
    if image is None or image not in frame:
        raise InputError(
            f"{name}: which column of {file.name} is the picture? image={image!r} is not one of "
            f"{listed(frame.columns)}"
        )
    paths = table.texts(image)
    rows = frame.drop(columns=[c for c in columns if c in frame and c not in columns.values()])
    rows = rows.rename(columns={old: new for new, old in columns.items()})
    if a_row_a_rating:
        rows, paths = _once_a_picture(rows, paths, file.name, exclusions)
    rows = _with_types(rows, {*NAMES, *recoded}, file.name, table)
    bad = paths.isna()
    exclusions.add([f"row {i + 1}" for i in rows.index[bad]], "no picture named", f"column {image}")
    rows, paths = rows[~bad], paths[~bad]
    there = pictures_under(folder, exclusions, read)
    rows["path"], spelt = resolved(folder, paths, there, exclusions, FileNames)
    rows["named"] = paths
    here = {str(folder / p): p for p in there}
    if "image_id" not in rows:
        on_disk = rows["path"].map(here).fillna(paths)
        rows["image_id"] = paths.where(~spelt, on_disk.map(lambda one: unicodedata.normalize("NFC", one)))
    rows["image_id"] = rows["image_id"].fillna(paths)
    exclusions.add(
        [here[path] for path in sorted(set(here) - set(rows["path"]))], "no label", f"not in {file.name}"
    )
    exclusions.notes += table.notes
    return rows


def _once_a_picture(
    rows: pd.DataFrame, paths: pd.Series, file: str, exclusions: Exclusions
) -> tuple[pd.DataFrame, pd.Series]:
    """One row a picture of a table with a row a rating, without the ratings; and the picture's name there."""
    again = paths.duplicated() & paths.notna()
    if again.any():
        rows = rows.groupby(paths, sort=False, dropna=False).transform("first")
        exclusions.notes.append(
            f"{file}: {len(rows):,} rows of {paths.nunique():,} pictures, a row a rating; each label is the "
            "first that a picture's rows have"
        )
    return rows[~again].drop(columns="rating", errors="ignore"), paths[~again]


def _with_folders(rows: pd.DataFrame, root: Path, name: str, label: str | None) -> pd.DataFrame:
    """The rows with the name of each picture's folder as a label; missing for what lies in `root` itself."""
    if label is None:
        return rows
    if label in rows:
        raise InputError(f"{name}: folders={label}: the table has a column of that name; take one of the two")
    inner = rows["path"].map(lambda path: None if Path(path).parent == root else Path(path).parent.name)
    return rows.assign(**{label: inner.astype("str")})


def _with_values(
    rows: pd.DataFrame, name: str, values: Mapping[str, Mapping[str, str]], exclusions: Exclusions
) -> pd.DataFrame:
    for column, recode in values.items():
        if column not in rows:
            there = [one for one in rows if one != "named"]
            raise InputError(f"{name}: values: there is no column {column!r}; there are {listed(there)}")
        rows = rows.assign(
            **{
                column: _recoded(
                    texts(rows[column], f"{name}: column {column!r}"), column, recode, exclusions
                )
            }
        )
    return rows


def _with_types(rows: pd.DataFrame, names: set[str], file: str, table: UserTable) -> pd.DataFrame:
    """`names` as text, rating and age as numbers where they are some (see `_checked`), other columns where all are."""
    own = UserTable(file, rows, table.notes, table.decimal_comma)
    typed = {}
    for column in rows:
        if column in names:
            typed[column] = own.texts(column)
        elif column in ("rating", "age"):
            # the comma of 3,5 is the table's, what is no number is found below
            found, wrong = own.numbers(column)
            typed[column] = found if not wrong.any() else rows[column].astype(object).where(wrong, found)
        else:
            typed[column] = own.typed(column)
    return pd.DataFrame(typed, index=rows.index)


def _recoded(names: pd.Series, column: str, recode: Mapping[str, str], exclusions: Exclusions) -> pd.Series:
    meaning = {str(old): None if new is None else str(new) for old, new in recode.items()}
    idle = [key for key in meaning if not (names == key).any()]
    if idle:
        exclusions.notes.append(
            f"values.{column}: no row has {listed(idle)}; the column holds {listed(names.dropna().unique(), 6)}"
        )
    return names.map(lambda value: meaning.get(value, value)).astype("str")


def _checked(rows: pd.DataFrame, name: str, exclusions: Exclusions) -> pd.DataFrame:
    rows = rows.assign(image_id=rows["image_id"].astype("str"))
    for column in ("rating", "age"):
        if column in rows:
            found, words = numbers(rows[column], f"{name}: column {column!r}")
            rows = exclusions.drop(
                rows.assign(**{column: found}), words, f"{column} is no number", rows[column].astype(str)
            )
    rows = exclusions.drop(rows, rows["image_id"].duplicated(), "listed twice")
    for column, allowed in (("split", SPLITS), ("source", SOURCES)):
        if column in rows:
            strange = rows[column].notna() & ~rows[column].isin(allowed)
            if strange.any():
                given = rows.loc[strange, column].unique()
                raise InputError(
                    f"{name}: {column} is one of {listed(allowed)}, not {listed(given, 4)}; "
                    f"recode with values={{{column}: {{…}}}}"
                )
    if "age_group" in rows:
        bands = age_bands(rows["age_group"])
        unread, given = bands["unreadable"], rows["age_group"].astype("str")
        rows["age_group"] = band_names(rows["age_group"])
        if "age" in rows:  # whose age is known needs no band
            rows["age_group"] = rows["age_group"].where(~unread, age_groups(rows["age"]))
            unread &= rows["age"].isna()
        rows = exclusions.drop(rows, bands["first"] < ADULT, "may be under 18", "age band " + given)
        rows = exclusions.drop(rows, unread[rows.index], "unknown age band", given[rows.index])
    elif "age" in rows:
        rows["age_group"] = age_groups(rows["age"])
    return rows
