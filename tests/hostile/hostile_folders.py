"""Folders of pictures as people bring them, made from a seed: who is a child and who withdrew is known."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = (
    "{}", "person {}", "Zoë {}", "-rf {}", "=SUM {}", "@{}", "{}.tar", "a'b {}", "x;y {}", "tab\t{}", "line\n{}",
    " {} ", "ÄÖ{}", "北京{}", "#{}",
)  # fmt: skip
FOLDERS = ("", "women/", "men/", "deep/er/", "Ünï/", "album.jpg/")
ENDINGS = (".jpg", ".JPG", ".png", ".Jpeg", ".webp", ".bmp")
ADULTS = ("18-29", "30 – 39", "20s", "70+", "more than 70", "40 to 49 years", "adult", "[18, 30)")
CHILDREN = (
    "3-9", "10-19", "9-Mar", "19-Oct", "Oct-19", "03-Sep", "2019-10-01 00:00:00", "under 18", "0-2", "teen", "17",
    "<20",
)  # fmt: skip
UNREADABLE = ("grown", "?", "43739", "29-18", "young adult (16-24)")


@dataclass
class Folder:
    """root, and of each picture's bytes: the group of who may stay, and who must not."""

    root: Path
    stay: dict[bytes, str] = field(default_factory=dict)
    banned: dict[bytes, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    exclude: Path | None = None


def hostile_folder(seed: int, root: Path) -> Folder:
    rng = np.random.default_rng([15, seed])
    made = Folder(root)
    link = root.parent / f"{root.name} linked"
    rows, listed = [], []
    for i in range(int(rng.integers(5, 12))):
        name = str(rng.choice(FOLDERS)) + str(rng.choice(NAMES)).format(f"{i:03}") + str(rng.choice(ENDINGS))
        if rng.random() < 0.15:
            name = unicodedata.normalize("NFD", name)
        content = _picture(root / name, rng)
        fate = (
            str(rng.choice(["adult", "adult", "adult", "child", "unreadable", "withdrawn"])) if i else "adult"
        )
        if "\n" in name and fate == "withdrawn":  # a list of lines has no word for it
            fate = "adult"
        band = str(rng.choice({"child": CHILDREN, "unreadable": UNREADABLE}.get(fate, ADULTS)))
        group = str(rng.choice(["NA", "None", "x", "0"]))
        rows.append((_respelt(name, rng), band, group))
        if fate == "withdrawn":
            listed.append(name)
        if fate == "adult":
            made.stay[content] = group
        else:
            made.banned[content] = fate
    if rng.random() < 0.3 and listed:  # a copy of who withdrew under another name
        (root / "copy.jpg").write_bytes((root / listed[0]).read_bytes())
        rows.append(("copy.jpg", "30-39", "x"))
    if rng.random() < 0.4:
        content = _picture(link / "seen through a link.png", rng)
        (root / "linked").symlink_to(link)
        rows.append(("linked/seen through a link.png", "30-39", "x"))
        made.stay[content] = "x"
    _oddities(made, rng)
    _write(root / "metadata.csv", rows, rng)
    if listed:
        made.exclude = root.parent / f"{root.name} withdrawn.txt"
        lines = ["# who withdrew", *(_respelt(one, rng) for one in listed), "nobody at all"]
        ending = str(rng.choice(["\n", "\r\n"]))
        text = ending.join(lines)
        made.exclude.write_bytes(text.encode(str(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))))
    return made


def _picture(path: Path, rng: np.random.Generator) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}.get(path.suffix.lower(), "JPEG")
    Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8)).save(path, kind)
    return path.read_bytes()


def _respelt(name: str, rng: np.random.Generator) -> str:
    """The name as another machine may write it."""
    way = rng.integers(7)
    if way == 0:
        return name.replace("/", "\\")
    if way == 1:
        return name.upper() if "ß" not in name else name
    if way == 2:
        return unicodedata.normalize("NFC", name)
    if way == 3:
        return unicodedata.normalize("NFD", name)
    if way == 4:
        return "./" + name
    return name


def _oddities(made: Folder, rng: np.random.Generator) -> None:
    root = made.root
    for what in rng.permutation(["pipe", "dead", "heic", "bytes", "loop", "hidden", "unlabelled", "zero"])[
        :4
    ]:
        if what == "pipe":
            os.mkfifo(root / "pipe.jpg")
            made.odd.append("pipe.jpg")
        elif what == "dead":
            (root / "dead.png").symlink_to("nowhere")
            made.odd.append("dead.png")
        elif what == "heic":
            (root / "phone.HEIC").write_bytes(b"x")
            made.odd.append("phone.HEIC")
        elif what == "bytes":
            _picture(root / "b.jpg", rng)
            (root / "b.jpg").rename(root / os.fsdecode(b"caf\xe9.jpg"))
            made.odd.append("caf\\xe9.jpg")
        elif what == "loop":
            (root / "loop").symlink_to(".")
        elif what == "hidden":
            _picture(root / ".ipynb_checkpoints" / "a-checkpoint.jpg", rng)
        elif what == "unlabelled":
            made.banned[_picture(root / "stray.jpg", rng)] = "no label"
            made.odd.append("stray.jpg")
        else:
            (root / "zero.png").write_bytes(b"")
            made.odd.append("zero.png")


def _write(path: Path, rows: list[tuple[str, str, str]], rng: np.random.Generator) -> None:
    separator, end = str(rng.choice([",", ";", "\t"])), str(rng.choice(["\n", "\r\n"]))
    more = separator * int(rng.integers(0, 3))

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [separator.join(["file", "age_group", "ethnicity"])]
    lines += [separator.join(map(cell, row)) + more for row in rows]
    path.write_bytes(end.join(lines).encode(str(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))))
