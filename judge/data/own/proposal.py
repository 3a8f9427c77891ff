"""Settings of the reader `folder` for a folder that nobody has described: what was taken for what, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from judge.data.own.columns import FEMALE, MALE, NAMES, Fit, fits, genders, plain
from judge.data.own.tables import Found, look_at, tables_under
from judge.data.readers.common import data_folder
from judge.data.readers.walking import walk_pictures
from judge.data.tables import SPLITS
from judge.errors import listed

#: What is looked for in the table of labels, those that are told most surely first.
LABELS = ("gender", "ethnicity", "rating", "age_group", "age", "person_id")
#: A table with more rows a picture than this has a row a rating.
SEVERAL = 1.2
#: Folders that each hold at least so many pictures may be groups, if they are not more than MOST_FOLDERS.
IN_A_FOLDER, MOST_FOLDERS = 5, 20


@dataclass(frozen=True)
class Taken:
    """What was taken for a label. others: columns that it could be as well."""

    label: str
    source: str
    why: str
    others: tuple[str, ...] = ()


@dataclass
class Proposal:
    """Settings of `read_folder`, `root` absolute, and how they were found.

    settings  those that differ from the reader's defaults
    taken     a line a label; notes: what is not used, and what only the owner can say
    """

    settings: dict[str, Any]
    taken: list[Taken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """What `judge data folder` prints of it."""
        lines = [f"looked at {self.settings['root']}"]
        width = max((len(one.label) for one in self.taken), default=0)
        inner = max((len(one.source) for one in self.taken), default=0)
        for one in self.taken:
            others = f"; it could also be {listed(one.others)}" if one.others else ""
            lines.append(f"  {one.label:{width}}  {one.source:{inner}}  by {one.why}{others}")
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])


def propose(root: str | Path, given: Mapping[str, Any] | None = None) -> Proposal:
    """Settings that fit the folder.

    given  settings of the reader that are decided: they stay, and what is looked for follows them
    Raises InputError where there is no such folder.
    """
    told = {key: value for key, value in (given or {}).items() if value is not None}
    folder = data_folder(root, "folder")
    pictures = walk_pictures(folder).pictures
    out = Proposal({**told, "root": str(folder)})
    named = [str(told[key]) for key in ("table", "ratings") if key in told]
    files = named or tables_under(folder)
    found, others = look_at(folder, files, pictures, told.get("image"))
    labels = _table_of_labels(found, told.get("table"))
    rated: Found | None = None
    if labels is not None:
        _read_labels(out, labels, told)
        rated = _read_ratings(out, labels, found, told)
    _folders(out, pictures, told)
    used = {one.file for one in (labels, rated) if one is not None}
    for one in found:
        if one.file not in used:
            out.notes.append(
                f"not used: {one.file}, which names {one.pictures:,} pictures as well; --set table={one.file} takes it"
            )
    out.notes += [f"not used: {name}: {why}" for name, why in others.items()]
    _say_what_is_missing(out, labels, len(pictures))
    return out


def _table_of_labels(found: Sequence[Found], given: str | None) -> Found | None:
    """The one given, else the one that says most of most pictures."""
    if given is not None:
        return next((one for one in found if one.file == str(given)), None)

    def worth(one: Found) -> tuple[int, int, bool]:
        roles = sum(bool(_fitting(one, label)) for label in LABELS)
        return roles * one.pictures, one.pictures, one.rows_a_picture <= SEVERAL

    return max(found, key=worth, default=None)


def _fitting(one: Found, label: str, but: Sequence[str] = ()) -> list[Fit]:
    """Columns that may be the label, the likeliest first."""
    columns = [c for c in one.table.frame if c not in (one.image, *one.other_images, *but)]
    fitting = [fit for c in columns if (fit := fits(label, c, one.text(c), one.number(c))) is not None]
    return sorted(fitting, key=lambda fit: -fit.points)


def _read_labels(out: Proposal, one: Found, told: Mapping[str, Any]) -> None:
    out.settings["table"], out.settings["image"] = one.file, one.image
    share = f"{one.named:.0%} of its cells name a picture in the folder"
    out.taken.append(Taken("picture", f"{one.image} ({one.file})", share, one.other_images))
    columns: dict[str, str] = {}
    decided = {**(told.get("columns") or {})}
    for label in LABELS:
        if label in decided or (label == "age" and "age_group" in columns):
            continue
        fitting = _fitting(one, label, [*columns.values(), *decided.values()])
        if label == "rating" and one.rows_a_picture > SEVERAL:
            continue  # of a row a rating: _read_ratings
        if fitting:
            columns[label] = fitting[0].column
            # a column that is surely something else is not said to be this as well
            close = [fit.column for fit in fitting[1:] if 2 * fit.points >= fitting[0].points]
            out.taken.append(Taken(label, f"{fitting[0].column} ({one.file})", fitting[0].why, tuple(close)))
    columns |= decided
    renamed = {label: column for label, column in columns.items() if label != column}
    if renamed:
        out.settings["columns"] = renamed
    gender = columns.get("gender")
    undecided = gender in one.table.frame and "gender" not in (told.get("values") or {})
    if undecided and (recode := genders(one.text(str(gender)))):
        out.settings["values"] = {**(told.get("values") or {}), "gender": recode}


def _read_ratings(
    out: Proposal, labels: Found, found: Sequence[Found], told: Mapping[str, Any]
) -> Found | None:
    """A table with a row a rating, or ratings in another table than the labels."""
    has_rating = "rating" in {one.label for one in out.taken} | {*(out.settings.get("columns") or {})}
    candidates = [one for one in found if "ratings" not in told or one.file == str(told["ratings"])]
    candidates = [
        one for one in candidates if one.rows_a_picture > SEVERAL or (one is not labels and not has_rating)
    ]
    chosen = [(one, fitting) for one in candidates if (fitting := _fitting(one, "rating"))]
    if not chosen:
        return None
    one, fitting = max(chosen, key=lambda pair: (pair[0].pictures, pair[1][0].points))
    decided = {**(told.get("rating_columns") or {})}
    columns = {"image_id": one.image, "rating": fitting[0].column}
    raters = _fitting(one, "rater_id", [fitting[0].column])
    if raters:
        columns["rater_id"] = raters[0].column
    columns |= decided
    out.settings["ratings"] = one.file
    out.settings["rating_columns"] = {new: old for new, old in columns.items() if new != old}
    close = tuple(fit.column for fit in fitting[1:] if 2 * fit.points >= fitting[0].points)
    several = one.rows_a_picture > SEVERAL
    what = "single ratings" if several else "ratings"
    why = f"{one.rows_a_picture:.1f} rows a picture, and {fitting[0].why}" if several else fitting[0].why
    out.taken.append(Taken(what, f"{columns['rating']} ({one.file})", why, close))
    if raters:
        out.taken.append(Taken("rater", f"{columns['rater_id']} ({one.file})", raters[0].why))
    return one


def _folders(out: Proposal, pictures: Sequence[str], told: Mapping[str, Any]) -> None:
    """Folders as groups, where no column says who belongs to which."""
    if "folders" in told:
        return
    labels = {one.label for one in out.taken} | {*(out.settings.get("columns") or {})}
    counts = Counter(PurePosixPath(picture).parent.name for picture in pictures)
    names = [name for name in counts if name]
    if not 2 <= len(names) <= MOST_FOLDERS or min(counts[name] for name in names) < IN_A_FOLDER:
        return
    words = {plain(name) for name in names}
    if {name.casefold() for name in names} <= {*SPLITS, "test", "valid", "validation", "training"}:
        return
    gender = bool(words & FEMALE and words & MALE and not words - FEMALE - MALE)
    label = "gender" if gender else "ethnicity"
    if label in labels:
        return
    out.settings["folders"] = label
    if gender:
        recode = {n: "female" if plain(n) in FEMALE else "male" for n in names if n not in ("female", "male")}
        out.settings["values"] = {
            **(out.settings.get("values") or {}),
            **({"gender": recode} if recode else {}),
        }
    why = f"a folder a group ({listed(sorted(names), 4)}); if they are none: --set folders=null"
    out.taken.append(Taken(label, "names of folders", why))


def _say_what_is_missing(out: Proposal, labels: Found | None, pictures: int) -> None:
    known = {one.label for one in out.taken} | {*(out.settings.get("columns") or {})}
    if out.settings.get("folders"):
        known.add(str(out.settings["folders"]))
    where = (
        "" if labels is None else f": --set columns.LABEL=COLUMN, of {listed(labels.table.frame.columns, 8)}"
    )
    if not pictures:
        out.notes.append("no pictures were found in it")
    if not known & {"rating", "ratings", "single ratings"}:
        out.notes.append(
            f"no ratings were found, so these people can enter a contest, but no judge can learn{where}"
        )
    if not known & {"ethnicity", "gender", "age_group", "age"}:
        out.notes.append(f"no column says who belongs to which group{where}")
    if not known & {"age", "age_group"}:
        out.notes.append(
            "no ages were found: nobody is set aside for being under 18, which is then yours to see to"
        )
    if "rating_range" not in out.settings and known & {"rating", "ratings", "single ratings"}:
        out.notes.append(
            "the scale of the ratings is taken to end where they do; --set 'rating_range=[1,7]' says what was possible"
        )


assert {*LABELS} <= {*NAMES}
