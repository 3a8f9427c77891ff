"""ro-crate-metadata.json: the publication as an RO-Crate 1.3, and of a run how it came about (CreateAction)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from judge import __version__
from judge.publication.formats.citation import ANONYMOUS, keywords
from judge.publication.formats.columns import TABLES
from judge.publication.licences import Licence
from judge.publication.material import Material

VERSION = "1.3"
_KINDS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".md": "text/markdown",
    ".cff": "text/yaml",
    ".zip": "application/zip",
    ".html": "text/html",
    ".safetensors": "application/octet-stream",
    "": "text/plain",
}
#: What a file is, by its name or the folder that it is in.
_SAID = {
    "README.md": "data set card",
    "croissant.json": "description in the vocabulary Croissant",
    "CITATION.cff": "how to cite it",
    "settings.json": "what it was made with",
    "page.html": "page of the run",
    "model.safetensors": "weights of a trained judge",
    "judge.json": "settings of a trained judge",
    "privacy.json": "what privacy is claimed, and how it was spent",
}


def crate(
    material: Material, folder: Path, *, authors: Sequence[str], licence: Licence | None, published: date
) -> dict[str, Any]:
    """The description as JSON-LD; `folder` has all other files already but the checksums."""
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    made = ROCrate(version=VERSION)
    made.name, made.description = material.title, material.about
    made.datePublished, made.keywords = published.isoformat(), ", ".join(keywords(material))
    people = [
        made.add(ContextEntity(made, f"#author-{number}", properties={"@type": "Person", "name": name}))
        for number, name in enumerate(authors or [ANONYMOUS], 1)
    ]
    made.root_dataset["author"] = people if len(people) > 1 else people[0]
    made.root_dataset["publisher"] = people[0]
    if licence is not None:
        made.root_dataset["license"] = made.add(
            ContextEntity(made, licence.url, properties={
                "@type": "CreativeWork", "name": licence.spdx, "description": f"text of the licence {licence.spdx}",
            })
        )  # fmt: skip
    else:
        made.root_dataset["license"] = "none granted; the terms of the original data set hold"
    files = [
        made.add_file(
            file, dest_path=str(file.relative_to(folder)),
            properties={
                "name": str(file.relative_to(folder)), "description": _said(file, folder),
                "encodingFormat": _KINDS.get(file.suffix, "application/octet-stream"),
                "contentSize": str(file.stat().st_size),
            },
        )
        for file in sorted(folder.rglob("*")) if file.is_file()
    ]  # fmt: skip
    # no SoftwareApplication: of one the format wants an address, and this one has none of its own
    software = made.add(
        ContextEntity(made, f"#judge-{__version__}", properties={
            "@type": "CreativeWork", "name": "judge", "version": __version__,
            "description": "software that measures what skewed training pictures do to who wins a contest of machines",
        })
    )  # fmt: skip
    made.root_dataset["mentions"] = made.add(
        ContextEntity(made, "#made", properties={
            "@type": "CreateAction", "name": _command(material), "description": material.about,
            "instrument": {"@id": software.id}, "result": [{"@id": file.id} for file in files],
        })
    )  # fmt: skip
    return made.metadata.generate()


def _said(file: Path, folder: Path) -> str:
    place = file.relative_to(folder)
    if place.parts[0] == "data":
        return f"table: a row is {TABLES.get(file.stem, file.stem)}"
    if place.name == "README.md" and place.parts[0] == "judges":
        return "model card of a trained judge"
    if place.suffix == ".zip":
        return "pictures of people who do not exist"
    return _SAID.get(place.name, place.name)


def _command(material: Material) -> str:
    if material.kind == "run":
        return material.facts["environment"].get("command") or "judge run"
    return f"judge data {material.settings['dataset']}" if "dataset" in material.settings else "judge publish"
