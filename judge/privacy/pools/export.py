"""A folder of a private synthetic pool, which may be handed on; `judge data generated` reads it.

people/000001.png …   pictures
manifest.csv          MANIFEST schema (judge.data.tables), path relative to the folder
privacy.json          what is claimed and how it was spent (Ledger.statement)
settings.json         what `judge data generated` needs to know
README.md             card: what it is, what it protects, what is public, limits
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from judge.data.spreadsheets import write_csv
from judge.data.tables import MANIFEST, validated
from judge.errors import InputError
from judge.privacy.pools.pool import PrivatePool
from judge.storage import write_bytes, write_json, write_text

PICTURES = "people"
#: Said on the card and on the page, besides the method's own.
LIMITS = (
    "The claim holds for this release alone. Another one of the same people adds its ε, and so does a judge or a "
    "figure that was made of them without a budget.",
    "A person is one picture with its labels. Somebody with several pictures of whom the data set does not say so is "
    "protected less.",
    "How many private people there are is told, and settings were chosen without looking at them. Trying several "
    "settings on the private people and keeping the best spends more than is stated.",
    "Small groups lose most: the same noise is a larger share of fewer people. A synthetic pool shows less variety "
    "than the people it was made of.",
    "Privacy is not fairness: what was skewed in the private people's ratings and shares is skewed here.",
)


def write_pool(pool: PrivatePool, out: str | Path, *, real_people: bool) -> pd.DataFrame:
    """Writes the folder; returns the manifest with absolute paths.

    real_people  whether a picture may resemble a photograph that the pool was made of: true for networks trained on
                 photographs, false for rendered people
    Raises InputError where the folder holds anything.
    """
    folder = empty_folder(out)
    digits = len(str(len(pool.manifest)))
    names = [f"{i + 1:0{max(6, digits)}d}.png" for i in range(len(pool.manifest))]
    manifest = pool.manifest.assign(path=[f"{PICTURES}/{name}" for name in names])
    manifest["rating"] = manifest["rating"].round(3)
    manifest = validated(manifest, MANIFEST)
    write_pictures(pool.pictures, [folder / PICTURES / name for name in names])
    write_json(folder / "privacy.json", pool.statement)
    settings = {
        "dataset": "generated",
        "n": len(manifest),
        "method": pool.statement["method"],
        "real_people": real_people,
        "rating_range": pool.statement["rating_range"],
    }
    write_json(folder / "settings.json", settings)
    write_text(folder / "README.md", card(manifest, pool.statement))
    write_csv(manifest, folder / "manifest.csv")  # last: where it is, all is
    return manifest.assign(path=[str(folder / path) for path in manifest["path"]])


def write_pictures(pictures: Tensor, paths: Sequence[Path]) -> None:
    """uint8 (n, 3, size, size) to one PNG each, whole or not at all."""
    for picture, path in zip(pictures.permute(0, 2, 3, 1).numpy(), paths, strict=True):
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG")
        write_bytes(path, file.getvalue())


def empty_folder(out: str | Path) -> Path:
    """Raises InputError unless nothing is there: another draw of the noise beside the first would be a second
    release."""
    folder = Path(out).expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not an empty folder; choose another")
    return folder


def card(manifest: pd.DataFrame, statement: Mapping[str, Any]) -> str:
    """README.md."""
    features = list(statement["features"])
    counts = (
        manifest.groupby(features, observed=True).size().rename("pictures").reset_index()
        if features
        else pd.DataFrame({"pictures": [len(manifest)]})
    )
    epsilon = statement["epsilon"]
    claim = f"(ε, δ) = ({epsilon:g}, {statement['delta']:.1e})" if statement["protects"] else "no protection"
    return "\n\n".join(
        [
            f"# {len(manifest):,} synthetic people, {claim}",
            f"Made by {statement['method']} of judge, of {statement['n']:,} private people. Nobody here exists. "
            + statement["says"],
            f"{statement['adjacency'][0].upper()}{statement['adjacency'][1:]}. {statement['mechanism']}.",
            "## Who\n\n" + _markdown(counts),
            "## Public\n\n" + "\n".join(f"- {name}: {what}" for name, what in statement["public"].items()),
            "## How it was spent\n\n" + _markdown(pd.DataFrame(statement["mechanisms"])),
            "## Limits\n\n" + "\n".join(f"- {text}" for text in (*LIMITS, *statement["limits"])),
            "## Statement\n\n```json\n" + json.dumps(statement, indent=2, ensure_ascii=False) + "\n```\n",
        ]
    )


def _markdown(table: pd.DataFrame) -> str:
    rows = [" | ".join(map(str, table.columns)), " | ".join("---" for _ in table.columns)]
    for row in table.itertuples(index=False):
        rows.append(" | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row))
    return "\n".join(f"| {row} |" for row in rows)
