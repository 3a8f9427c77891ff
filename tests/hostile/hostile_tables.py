"""Tables as people bring them, made from a seed: what is in them is known, how they are written is hostile.

`hostile_table(seed)` gives the bytes of a file, the people in it as they have to come out, and whether the file says
one thing only (`fair`) or has to be refused. Nothing is drawn from a real table.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import numpy as np

GROUPS = (
    ("white", "black", "asian"),
    ("NA", "None", "EU", "null"),
    ("0", "1", "2"),
    ("Métis", "Zoë's", "北京"),
    ("=1+1", "@home", "-"),
    ("a;b", "a,b", 'say "a"'),
    ("true", "false", "TRUE"),
    ("01", "1", "1e5"),
)
IDS = (
    "{:03d}",
    "{}",
    "1e{}",
    "90071992547409930{}",
    "{}.0",
    "p {}",
    "-{}",
    "=A{}",
    "c:\\pics\\{}.jpg",
    "#{}",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")
HOW = (
    "plain", "trailing commas", "some trailing commas", "header comma", "blanks", "empty rows", "header again",
    "equal columns", "quotes", "sep line", "blank lines above", "line breaks in a cell",
)  # fmt: skip
WRONG = ("wider rows", "a wider row", "a shorter row", "open quote", "two ratings", "beyond 2^53", "words")


@dataclass
class Hostile:
    name: str
    content: bytes
    people: list[dict[str, str | None]]
    how: str
    fair: bool


def hostile_table(seed: int) -> Hostile:
    rng = np.random.default_rng([13, seed])
    fair = bool(rng.random() < 0.7)
    how = str(rng.choice(HOW if fair else WRONG))
    people = _people(rng)
    encoding = str(rng.choice(ENCODINGS))
    separator = "," if how == "words" else str(rng.choice([",", ",", ";", "\t", "|"]))
    end = str(rng.choice(["\n", "\r\n", "\r"]))
    text = _written(people, how, separator, end, rng)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        content = text.encode()
    packed = rng.random() < 0.15
    name = f"people.{'tsv' if separator == chr(9) else 'csv'}{'.gz' if packed else ''}"
    return Hostile(name, gzip.compress(content) if packed else content, people, how, fair)


def damaged_table(seed: int) -> tuple[str, bytes]:
    """A fair table, or any bytes, with some of them changed, cut out or repeated."""
    rng = np.random.default_rng([14, seed])
    made = hostile_table(int(rng.integers(10**6)))
    raw = bytearray(rng.bytes(500) if rng.random() < 0.1 else made.content)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(max(len(raw), 1)))
        kind = rng.integers(4)
        if kind == 0:
            raw[place : place + 1] = rng.bytes(1)
        elif kind == 1:
            del raw[place : place + int(rng.integers(1, 40))]
        elif kind == 2:
            raw[place:place] = raw[place : place + int(rng.integers(1, 40))]
        else:
            raw[place:place] = bytes([rng.choice([0, 10, 13, 34, 44, 59, 0xFE, 0xFF])])
    return made.name, bytes(raw)


def _people(rng: np.random.Generator) -> list[dict[str, str | None]]:
    groups, pattern = GROUPS[rng.integers(len(GROUPS))], IDS[rng.integers(len(IDS))]
    found: list[dict[str, str | None]] = []
    for i in range(int(rng.integers(3, 12))):
        group = None if rng.random() < 0.1 else str(rng.choice(groups))
        score = None if rng.random() < 0.1 else repr(round(float(rng.normal(3, 1)), 3))
        found.append({"id": pattern.format(i), "group": group, "score": score, "place": str(i)})
    return found


def _written(
    people: list[dict[str, str | None]], how: str, separator: str, end: str, rng: np.random.Generator
) -> str:
    header = list(people[0])
    rows = [[person[name] or "" for name in header] for person in people]
    if how == "line breaks in a cell":
        people[1]["id"] = rows[1][0] = "first line" + str(rng.choice(["\n", "\r", "\r\n"])) + "second"
    if how == "equal columns":
        header.append("group")
        rows = [[*row, row[1]] for row in rows]
    if how == "two ratings":
        header.append("score")
        rows = [[*row, "1.25"] for row in rows]
    if how == "beyond 2^53":
        rows[0][2], rows[1][2] = "9007199254740993", "9007199254740992"
    if how == "words":
        rows[0][2], rows[1][2] = "high", "inf"
    if how == "blanks":
        rows = [[(" " if rng.random() < 0.3 else "") + cell + str(rng.choice(["", " ", "\u00a0"])) for cell in row]
                for row in rows]  # fmt: skip
    lines = [[_cell(cell, separator, how == "quotes") for cell in row] for row in [header, *rows]]
    if how == "wider rows":
        lines[1:] = [[line[0], *line] for line in lines[1:]]
    if how == "a wider row":
        lines[2].insert(1, "x")
    if how == "a shorter row":
        lines[2].pop()
    text = [separator.join(line) for line in lines]
    more = separator * int(rng.integers(1, 4))
    if how == "trailing commas":
        text[1:] = [line + more for line in text[1:]]
    if how == "some trailing commas":
        text[2:] = [line + more for line in text[2:]]
    if how == "header comma":
        text = [line + separator for line in text]
    if how == "empty rows":
        text[2:2] = [separator * 3, "", separator * 3]
    if how == "header again":
        text.insert(2, text[0])
    if how == "open quote":
        at = lines[-2]
        at[-1] = '"' + at[-1].strip('"')
        text[-2] = separator.join(at)
    if how == "sep line":
        text.insert(0, f"sep={separator}")
    if how == "blank lines above":
        text[:0] = ["", ""]
    return end.join(text) + (end if rng.random() < 0.8 else "")


def _cell(cell: str, separator: str, always: bool) -> str:
    if always or any(mark in cell for mark in (separator, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell
