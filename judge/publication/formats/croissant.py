"""croissant.json: the publication in the vocabulary Croissant 1.1, with its fields of responsible AI.

The library of the format, mlcroissant, writes and checks it; tables can be read through it by anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from judge import __version__
from judge.publication.formats.cards import PICTURES
from judge.publication.formats.citation import ANONYMOUS, keywords
from judge.publication.formats.columns import TABLES, described, kind_of
from judge.publication.licences import Licence
from judge.publication.material import Material
from judge.publication.responsible import responsible

CROISSANT = "http://mlcommons.org/croissant/1.1"
#: Croissant's vocabulary of responsible AI.
RAI = "http://mlcommons.org/croissant/RAI/1.0"
PARQUET = "application/x-parquet"


def croissant(
    material: Material,
    folder: Path,
    *,
    authors: Sequence[str],
    licence: Licence | None,
    published: date,
    cite_as: str,
) -> dict[str, Any]:
    """The description as JSON-LD; `folder` has the files already, whose checksums it states."""
    import mlcroissant as mlc

    ctx = mlc.Context(conforms_to=CROISSANT)
    files = [_file(mlc, ctx, folder, f"data/{name}.parquet", name, PARQUET) for name in material.tables]
    sets = [_records(mlc, ctx, name, table) for name, table in material.tables.items() if len(table.columns)]
    if material.pictures:
        archive = next(folder.glob(PICTURES.format("*"))).name
        files.append(_file(mlc, ctx, folder, archive, "pictures-archive", "application/zip"))
        files.append(
            mlc.FileSet(
                ctx=ctx, id="pictures-files", name="pictures-files", description="the pictures in the archive",
                contained_in=["pictures-archive"], encoding_formats=_kinds(material.pictures),
                includes=_globs(material.pictures),
            )
        )  # fmt: skip
        sets.append(_pictures(mlc, ctx))
    metadata = mlc.Metadata(
        ctx=ctx,
        name=material.name,
        description=f"{material.title}. {material.about}",
        conforms_to=[CROISSANT, RAI],
        creators=[mlc.Person(ctx=ctx, name=name) for name in authors or [ANONYMOUS]],
        date_published=datetime(published.year, published.month, published.day),
        keywords=[*keywords(material), f"judge {__version__}"],
        license=[licence.url] if licence else None,
        cite_as=cite_as,
        version="1.0.0",
        distribution=files,
        record_sets=sets,
        **{
            name: [text] if name in _LISTS else text for name, text in responsible(material).answers().items()
        },
    )
    return metadata.to_json()


#: Answers that Croissant has several of.
_LISTS = ("data_collection_type", "data_annotation_protocol", "annotator_demographics", "data_biases",
          "data_limitations", "data_use_cases", "personal_sensitive_information")  # fmt: skip


def _file(mlc: Any, ctx: Any, folder: Path, place: str, name: str, kind: str) -> Any:
    content = (folder / place).read_bytes()
    return mlc.FileObject(
        ctx=ctx, id=f"{name}-file" if kind == PARQUET else name, name=place, content_url=place, encoding_formats=[kind],
        content_size=f"{len(content)} B", sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def _records(mlc: Any, ctx: Any, name: str, table: Any) -> Any:
    fields = [
        mlc.Field(
            ctx=ctx, id=f"{name}/{column}", name=f"{name}/{column}", description=described(column),
            data_types=[getattr(mlc.DataType, kind_of(table[column]))],
            source=mlc.Source(ctx=ctx, file_object=f"{name}-file", extract=mlc.Extract(ctx=ctx, column=column)),
        )
        for column in table
    ]  # fmt: skip
    key = [f"{name}/image_id"] if name in ("people", "manifest") else None
    return mlc.RecordSet(
        ctx=ctx, id=name, name=name, description=f"A row is {TABLES.get(name, name)}.", key=key, fields=fields
    )


def _pictures(mlc: Any, ctx: Any) -> Any:
    def field(name: str, kind: str, what: str, property_: str) -> Any:
        source = mlc.Source(
            ctx=ctx, file_set="pictures-files", extract=mlc.Extract(ctx=ctx, file_property=property_)
        )
        return mlc.Field(
            ctx=ctx,
            id=f"pictures/{name}",
            name=f"pictures/{name}",
            description=what,
            data_types=[getattr(mlc.DataType, kind)],
            source=source,
        )

    return mlc.RecordSet(
        ctx=ctx, id="pictures", name="pictures", description="A row is a picture of somebody who does not exist.",
        key=["pictures/file_name"],
        fields=[
            field("file_name", "TEXT", "its name, as in the table of people", "filename"),
            field("picture", "IMAGE_OBJECT", "the picture", "content"),
        ],
    )  # fmt: skip


def _globs(pictures: Mapping[str, Path]) -> list[str]:
    return [f"*{ending}" for ending in sorted({Path(name).suffix for name in pictures})]


def _kinds(pictures: Mapping[str, Path]) -> list[str]:
    endings = {Path(name).suffix for name in pictures}
    return sorted({"image/png" if ending == ".png" else "image/jpeg" for ending in endings})
