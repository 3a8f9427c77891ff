"""CITATION.cff: how to cite a publication (Citation File Format 1.2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import yaml

from judge import __version__
from judge.publication.licences import Licence
from judge.publication.material import Material

#: Who has no name: the format wants an author.
ANONYMOUS = "anonymous"


def citation(material: Material, *, authors: Sequence[str], licence: Licence | None, published: date) -> str:
    """The file's text."""
    facts: dict[str, object] = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": material.title,
        "abstract": material.about,
        "authors": [{"name": name} for name in authors or [ANONYMOUS]],
        "date-released": published.isoformat(),
        "keywords": keywords(material),
        "references": [
            {
                "type": "software",
                "title": "judge",
                "version": __version__,
                "authors": [{"name": "The judge contributors"}],
                "license": "Apache-2.0",
            }
        ],
    }
    if licence is not None:
        facts["license"] = licence.spdx
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=110)


def keywords(material: Material) -> list[str]:
    """Words by which it is found."""
    return [
        "algorithmic fairness",
        "dataset bias",
        "facial attractiveness",
        "photographs" if material.real_people else "synthetic faces",
        *(["ranking", "audit"] if material.kind == "run" else []),
    ]
