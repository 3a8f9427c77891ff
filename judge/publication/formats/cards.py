"""README.md of a publication: the data set card of data hubs, with what must be said of data about people.

The front matter's keys are those of Hugging Face's `DatasetCardData`; the sections follow its template, and their
answers are those of `responsible`, which Croissant states as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from judge.publication.formats import markdown
from judge.publication.formats.citation import keywords
from judge.publication.formats.columns import TABLES
from judge.publication.licences import Licence
from judge.publication.material import Material
from judge.publication.responsible import responsible

#: The archive of pictures. Part of its checksum is in its name: mlcroissant 1.1 keeps what it has unpacked by the name
#: alone, and would hand out another publication's pictures.
PICTURES = "pictures-{}.zip"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(material: Material, *, authors: Sequence[str], licence: Licence | None) -> str:
    """The card's text, front matter included."""
    from huggingface_hub import DatasetCard, DatasetCardData

    n = len(material.people)
    first = "manifest" if material.kind == "run" else "people"
    facts: dict[str, Any] = {
        "license": licence.hub if licence else "other",
        "pretty_name": material.title,
        "size_categories": [next((name for most, name in _SIZES if n < most), "1M<n<10M")],
        "tags": [word.replace(" ", "-") for word in keywords(material)] + ["croissant"],
        "annotations_creators": ["machine-generated" if not material.real_people else "found"],
        "source_datasets": ["original" if not material.real_people else "other"],
        "configs": [
            {"config_name": name, "data_files": f"data/{name}.parquet"}
            | ({"default": True} if name == first else {})
            for name in (first, *(name for name in material.tables if name != first))
            if len(material.tables[name])
        ],
    }
    text = f"---\n{DatasetCardData(**facts)}\n---\n\n{_text(material, authors, licence)}"
    return str(DatasetCard(text))


def _text(material: Material, authors: Sequence[str], licence: Licence | None) -> str:
    said = responsible(material)
    parts = [
        f"# {material.title}",
        material.about,
        _licence(material, licence),
        "## What is in it",
        _contents(material),
        "## What is not in it",
        markdown.listed(material.left_out) if material.left_out else "Nothing was left out.",
        "## Who is in it",
        _groups(material),
        *(["## Who won", _winners(material)] if material.kind == "run" else []),
        "## How it came about",
        said.data_collection,
        said.data_annotation_protocol,
        said.annotator_demographics,
        _made_with(material),
        "## Uses",
        said.data_use_cases,
        "## Bias, risks and limitations",
        said.data_biases,
        said.data_limitations,
        said.data_social_impact,
        "## Personal and sensitive information",
        said.personal_sensitive_information,
        "## Citation and upkeep",
        f"By {', '.join(authors) or 'anonymous'}; `CITATION.cff` says how to cite it. "
        f"{said.data_release_maintenance_plan}",
        "`sha256sum -c SHA256SUMS` checks the files; `croissant.json` (Croissant) and `ro-crate-metadata.json` "
        "(RO-Crate) describe them to machines.",
    ]
    return "\n\n".join(parts) + "\n"


def _licence(material: Material, licence: Licence | None) -> str:
    if licence is not None:
        judges = (
            " Trained judges: Apache-2.0, as the weights that they begin with." if material.judges else ""
        )
        return f"Licence: [{licence.spdx}]({licence.url}).{judges}"
    return (
        "**No licence is granted.** What is here was derived from photographs of people who exist; the terms of the "
        "original data set say what may be done with it."
    )


def _contents(material: Material) -> str:
    rows = [
        [f"`data/{name}.parquet`", TABLES.get(name, name), len(table), len(table.columns)]
        for name, table in material.tables.items()
    ]
    text = markdown.table(["file", "a row is", "rows", "columns"], rows)
    more = []
    if material.pictures:
        more.append(
            f"`{PICTURES.format('…')}`: {len(material.pictures):,} pictures; `file_name` in the table of "
            "people names them"
        )
    more += [f"`judges/{name}`: a trained judge, with a card of its own" for name in material.judges]
    more += [f"`{name}`" for name in material.documents]
    more.append("`settings.json`: what it was made with")
    return text + "\n\n" + markdown.listed(more)


def _groups(material: Material) -> str:
    rows = []
    for feature in material.features:
        counts = material.people[feature].value_counts(dropna=False).sort_index()
        rows += [[feature, "not known" if pd.isna(group) else group, int(n)] for group, n in counts.items()]
    return markdown.table(["feature", "group", "pictures"], rows) if rows else "No groups are labelled."


def _winners(material: Material) -> str:
    audit = material.tables["audit"]
    feature = material.facts["summary"]["feature"]
    shares = audit[(audit["metric"] == "winner_share") & (audit["feature"] == feature)]
    rows = [
        [condition, *(markdown.interval(row) for row in part.itertuples())]
        for condition, part in shares.groupby("condition", sort=False)
    ]
    groups = list(dict.fromkeys(shares["group"]))
    return (
        "Share of the winners, with the interval that the chance of who wins leaves; not over training runs: this is "
        f"one.\n\n{markdown.table(['condition', *groups], rows)}"
    )


def _made_with(material: Material) -> str:
    if material.kind == "run":
        environment = material.facts["environment"]
        command = environment.get("command") or "judge run"
        versions = ", ".join(
            f"{name} {version}" for name, version in environment["packages"].items() if version
        )
        seeds = ", ".join(f"{name} {seed}" for name, seed in environment["seeds"].items())
        return (
            f"Made by `{command}`: judge {environment['judge']} (revision {environment['git'] or 'unknown'}), Python "
            f"{environment['python']}, {versions}. Seeds: {seeds}."
        )
    if not material.settings:
        return "How it was made is not written in its folder."
    told = {
        key: value for key, value in material.settings.items() if value is not None and key != "generator"
    }
    return f"```json\n{json.dumps(told, indent=2, ensure_ascii=False, default=str)}\n```"
