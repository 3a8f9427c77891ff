"""The list of people and pictures that are not to be used: what each of its lines means, and which mean nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judge.data.readers.names import loose
from judge.data.user_tables import decoded
from judge.errors import InputError, listed

_ENDING = re.compile(r"\.(?:jpe?g|jfif|png|webp|bmp|gif|tiff?|hei[cf]|avif)$")


@dataclass(frozen=True)
class Excluded:
    """positions of the rows that the list means → the line that does (`line 3: 007`), and sentences for the reader."""

    rows: dict[int, str]
    notes: list[str]


def read_list(exclude: str | Path | Iterable[object] | None) -> tuple[str, list[tuple[str, str]]]:
    """(name of the list, [(where, line)]): a text file in any usual encoding with one a line, or the things themselves.

    Lines come with their comments, see `match_list`. Raises InputError for an unusable file.
    """
    if exclude is None:
        return "", []
    if not isinstance(exclude, str | Path):
        items = [(f"entry {i}", str(item).strip()) for i, item in enumerate(exclude, 1)]
        return "the list", [(where, line) for where, line in items if line]
    path = Path(exclude).expanduser()
    if not path.exists():
        raise InputError(f"exclude: no such file: {path}")
    if not path.is_file():
        raise InputError(f"exclude: {path} is no regular file; a text file with one name a line is needed")
    try:
        text, _ = decoded(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"exclude: {path} cannot be read: {error}") from error
    lines = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if line.strip():
            lines.append((f"line {number}", line.strip()))
    return path.name, lines


def match_list(
    exclude: str | Path | Iterable[object] | None,
    rows: pd.DataFrame,
    *,
    gone: Sequence[str] = (),
    root: str | Path | None = None,
) -> Excluded:
    """Which rows the list means.

    rows   image_id, path, optional person_id; `gone`: things that were excluded before, for other reasons
    root   the data set's folder: a name may be a path below it

    A line is compared, in this order, with image_ids and paths as they are written; in another spelling (see
    `names.loose`); from the end, folder by folder (a bare file name, a path of another machine); without the ending;
    as a number without leading zeros; with person_ids. The first way that finds somebody counts, and everybody that it
    finds is excluded. A line that means nobody is tried again in the parts that separators divide it into. `#` begins a
    comment, at the beginning of a line or after a blank, unless somebody's name has it.

    Raises InputError when there are lines and none of them means anybody.
    """
    name, lines = read_list(exclude)
    if exclude is None:
        return Excluded({}, [])
    known = _Known(rows, gone, root)
    lines = [(where, plain) for where, line in lines if (plain := known.without_comment(line))]
    if not lines:
        return Excluded({}, [f"exclude: {name} names nobody, it has no line but comments"])
    found: dict[int, str] = {}
    nobody: list[tuple[str, str]] = []
    several, other, before = [], 0, 0
    for where, line in lines:
        places, way = known.meaning(line)
        if places is None:
            nobody.append((where, line))
            continue
        before += not places
        other += way != "as written"
        if len(places) > 1:
            several.append(f"{line!r}: {len(places)}")
        for place in places:
            found.setdefault(place, f"{where}: {line}")
    if len(nobody) == len(lines):
        raise InputError(
            f"exclude: none of the {len(lines)} line(s) of {name} means anybody, first "
            f"{listed((line for _, line in lines), 2)}; pictures are called {listed(rows['image_id'], 2)}. Nobody "
            "would be excluded"
        )
    notes = [
        f"exclude: {len(lines) - len(nobody)} of {len(lines)} line(s) of {name} mean {len(found)} picture(s)"
        + (f", {other} by another spelling, file name or number" if other else "")
        + (f", {before} only what was excluded before" if before else "")
    ]
    if several:
        notes.append(f"exclude: lines that mean several pictures, all excluded: {'; '.join(several[:5])}")
    if "person_id" in rows and found:
        own = rows["person_id"].iloc[sorted(found)].dropna()
        rest = int(rows["person_id"].isin(set(own)).sum()) - len(own)
        if rest:
            notes.append(
                f"exclude: {rest} other picture(s) of the same people stay; name the person_id to exclude all"
            )
    if nobody:
        shown = ", ".join(f"{line!r} ({where})" for where, line in nobody[:12])
        more = f", … ({len(nobody) - 12} more)" if len(nobody) > 12 else ""
        notes.append(f"exclude: {len(nobody)} line(s) mean nobody here: {shown}{more}")
    return Excluded(found, notes)


class _Known:
    """Everybody by each way in which a line may name them."""

    def __init__(self, rows: pd.DataFrame, gone: Sequence[str], root: str | Path | None) -> None:
        base = None if root is None else loose(str(root))
        names: list[tuple[int, str]] = []
        for place, (image_id, path) in enumerate(zip(rows["image_id"], rows["path"], strict=True)):
            plain = loose(str(path))
            inside = plain[len(base) + 1 :] if base and plain.startswith(base + "/") else plain
            names += [(place, loose(str(image_id))), (place, inside), (place, plain)]
        names += [(-1, loose(str(item))) for item in gone]
        self._exact: dict[str, set[int]] = {}
        for place, image_id in enumerate(rows["image_id"]):
            self._exact.setdefault(str(image_id), set()).add(place)
        self._loose = _by(names, lambda name: [name])
        self._ends = _by(names, _ends)
        self._whole = self._loose
        self._stems = _by(names, lambda name: [_ENDING.sub("", end) for end in _ends(name)])
        self._numbers = _by(names, lambda name: _number(_ENDING.sub("", name.rsplit("/", 1)[-1])))
        people = rows["person_id"].fillna("") if "person_id" in rows else []
        self._people = _by(
            [(i, loose(str(p))) for i, p in enumerate(people) if p], lambda p: [p, *_number(p)]
        )

    def without_comment(self, line: str) -> str:
        """The line as far as it is a name; empty where all of it is a comment."""
        if "#" not in line or self._one(line)[0] is not None:
            return line
        return "" if line.startswith("#") else re.split(r"\s#", line)[0].strip()

    def meaning(self, line: str) -> tuple[set[int] | None, str]:
        """(places, way) of a line; (None, "") where it means nobody. Places without what was excluded before."""
        places, way = self._one(line)
        if places is None:
            parts = [part for part in re.split(r"[,;|\t]", line) if part.strip()]
            found = [self._one(part)[0] for part in parts if part != line]
            if not any(found):  # blanks divide a line only if every part of it means somebody
                words = line.split()
                found = [self._one(word)[0] for word in words] if len(words) > 1 else []
                found = found if all(part is not None for part in found) else []
            known = [part for part in found if part is not None]
            if known:
                return set().union(*known) - {-1}, "in parts"
        return (None, "") if places is None else (places - {-1}, way)

    def _one(self, line: str) -> tuple[set[int] | None, str]:
        if line in self._exact:
            return self._exact[line], "as written"
        plain = loose(line)
        if not plain:
            return None, ""
        longer = (self._whole[end] for end in _ends(plain) if end in self._whole)  # a path of another machine
        stems = [_ENDING.sub("", end) for end in (plain, *_ends(plain))]
        by_stem = (self._stems[stem] for stem in stems[:1] if stem in self._stems)
        numbers = _number(stems[0]) if "/" not in stems[0] else []
        ways = (
            self._loose.get(plain),
            self._ends.get(plain),
            next(longer, None) if "/" in plain else None,
            next(by_stem, None),
            next((self._numbers[n] for n in numbers if n in self._numbers), None),
            next((self._people[p] for p in (plain, *numbers) if p in self._people), None),
        )
        return next(((found, "otherwise") for found in ways if found), (None, ""))


def _by(names: Iterable[tuple[int, str]], keys: Callable[[str], Iterable[str]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for place, name in names:
        for key in keys(name):
            if key:
                found.setdefault(key, set()).add(place)
    return found


def _ends(name: str) -> list[str]:
    """`a/b/c.jpg`, `b/c.jpg`, `c.jpg`: the longest first."""
    parts = name.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


def _number(name: str) -> list[str]:
    return [str(int(name))] if name.isdecimal() and name.isascii() and len(name) < 40 else []
