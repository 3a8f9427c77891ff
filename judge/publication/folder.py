"""Writes a publication, whole or not at all, and its checksums."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from judge.errors import InputError
from judge.publication.formats.cards import PICTURES, dataset_card
from judge.publication.formats.citation import ANONYMOUS, citation
from judge.publication.formats.crate import crate
from judge.publication.formats.croissant import croissant
from judge.publication.formats.model_cards import model_card, weights_of
from judge.publication.licences import licence_of
from judge.publication.material import Material
from judge.publication.sources import material_of
from judge.storage import make_writable, write_bytes, write_json, write_text

CHECKSUMS = "SHA256SUMS"
#: The time of every file in pictures.zip: the same pictures make the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)


def publish(
    what: str | Path,
    out: str | Path,
    *,
    authors: Sequence[str] = (),
    licence: str | None = None,
    published: date | None = None,
    judges_of_real_people: bool = False,
) -> Material:
    """A run or a data set as a folder that can be given away.

    Parameters
    ----------
    what : path
        Folder of a finished run or of a data set, or a table of people.
    out : path
        A new or empty folder.
    authors : sequence of str
        Who publishes; none: anonymous.
    licence : str, optional
        SPDX identifier, one of `judge.publication.licences.LICENCES`; by default CC0-1.0 for people who do not
        exist, and none for those who do.
    published : date, optional
        Today, by default.
    judges_of_real_people : bool
        Also judges that learnt from photographs.

    Returns
    -------
    Material
        What was published, and what was left out.

    Raises
    ------
    judge.errors.InputError
        No run, data set or table there; an unknown licence; a folder that holds files.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: a new or empty folder, so that nothing else is published with it")
    material = material_of(what, judges_of_real_people=judges_of_real_people)
    granted = licence_of(licence, real_people=material.real_people)
    day = published or datetime.now(UTC).date()
    make_writable(out)
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=out) as place:
        folder = Path(place) / "whole"
        folder.mkdir()
        _write_content(material, folder)
        for name in material.judges:
            write_text(folder / "judges" / name / "README.md", model_card(material, name, licence=granted))
        write_text(folder / "README.md", dataset_card(material, authors=authors, licence=granted))
        write_text(
            folder / "CITATION.cff", citation(material, authors=authors, licence=granted, published=day)
        )
        told = croissant(
            material, folder, authors=authors, licence=granted, published=day,
            cite_as=f"{', '.join(authors) or ANONYMOUS} ({day.year}). {material.title}.",
        )  # fmt: skip
        _write_json(folder / "croissant.json", told)
        _write_json(
            folder / "ro-crate-metadata.json",
            crate(material, folder, authors=authors, licence=granted, published=day),
        )
        write_text(folder / CHECKSUMS, checksums(folder))
        for entry in folder.iterdir():
            shutil.move(entry, out / entry.name)
    return material


def checksums(folder: Path) -> str:
    """A line a file, as sha256sum writes and checks them, in the order of their names."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != CHECKSUMS]
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
        for file in files
    )


def _write_content(material: Material, folder: Path) -> None:
    (folder / "data").mkdir()
    for name, table in material.tables.items():
        write_bytes(folder / "data" / f"{name}.parquet", _parquet(table))
    if material.pictures:
        content = _archive(material.pictures)
        write_bytes(folder / PICTURES.format(hashlib.sha256(content).hexdigest()[:8]), content)
    for name, source in material.documents.items():
        write_bytes(folder / name, source.read_bytes())
    for name, source in material.judges.items():
        (folder / "judges" / name).mkdir(parents=True)
        for file, origin in weights_of(source).items():
            write_bytes(folder / "judges" / name / file, origin.read_bytes())
    write_json(folder / "settings.json", dict(material.settings))


def _parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content, index=False, compression="zstd")
    return content.getvalue()


def _archive(pictures: Mapping[str, Path]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for name in sorted(pictures):
            archive.writestr(zipfile.ZipInfo(name, _TIME), pictures[name].read_bytes())
    return content.getvalue()


def _write_json(path: Path, told: object) -> None:
    text = json.dumps(told, indent=2, ensure_ascii=False, default=lambda one: one.isoformat())
    write_text(path, text + "\n")
