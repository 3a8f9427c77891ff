"""A folder of people who do not exist: pictures, manifest, settings, model card. `judge generate sample`.

people/000001.png …   pictures
manifest.csv          MANIFEST schema (judge.data.tables), path relative to the folder
settings.json         what was asked for, of which generator; read again by `judge data generated`
README.md             model card: what it is, who, how many, how it was made, limits
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from judge.data.spreadsheets import write_csv
from judge.data.tables import MANIFEST, validated
from judge.errors import InputError
from judge.generator.model import FaceGenerator
from judge.generator.model_card import model_card
from judge.generator.sampling import ask_adults, facts_of, labelled, write_people
from judge.storage import remove_leftovers, write_text

PICTURES = "people"


def sample_folder(
    generator: FaceGenerator,
    n: int,
    out: str | Path,
    *,
    shares: Mapping[str, Mapping[str, float]] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    psi: float = 1.0,
    seed: int = 0,
    training: Tensor | None = None,
    audit: Mapping[str, pd.DataFrame] | None = None,
    batch: int = 32,
    threads: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """n people of the asked shares in a folder; started again with the same settings, it goes on.

    shares, ranges  as in Conditions.ask
    psi, seed       as in FaceGenerator.draw; the seed also draws what is not asked for
    training        uint8 (m, 3, size, size) pictures of its training (`sampling.training_pictures`): faces too near
                    to one are replaced. Needed where the generator learnt from photographs of real people
    audit           tables of judge generate audit for the card, by name
    Returns the manifest with absolute paths. Raises InputError: nothing known to ask for, somebody under 18, psi
    outside 0 to 1, a folder that holds other files, and real people without `training`.
    """
    if not 0 <= psi <= 1:
        raise InputError(f"psi={psi}: truncation is between 0 (no variation) and 1 (all of it)")
    if generator.real_people and training is None:
        raise InputError(
            "the generator learnt from photographs of real people, so a face may be too near to one of them: its "
            "training pictures are needed to hold what it draws against them (--check with the settings of its "
            "training, e.g. --check data=fairface data.root=DIR)"
        )
    people = ask_adults(
        generator.conditions, n, rng=np.random.default_rng([seed, 15]), shares=shares, ranges=ranges
    )
    told = facts_of(generator)
    settings: dict[str, Any] = {
        "dataset": "generated",
        "n": n,
        "shares": {name: dict(own) for name, own in (shares or {}).items()},
        "ranges": {name: list(span) for name, span in (ranges or {}).items()},
        "psi": psi,
        "seed": seed,
        "real_people": generator.real_people,
        "rating_range": told["rating_range"] if "rating" in people else None,
        "generator": told,
    }
    folder = _claimed(out, json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
    ids = [f"{i + 1:06d}" for i in range(n)]
    manifest = labelled(people, generator)
    manifest.insert(0, "image_id", [f"g-{told['digest']}-{seed}-{name}" for name in ids])
    manifest.insert(1, "path", [f"{PICTURES}/{name}.png" for name in ids])
    manifest = validated(manifest.assign(psi=psi, seed=seed, generator=told["digest"]), MANIFEST)
    (folder / PICTURES).mkdir(exist_ok=True)
    written = write_people(
        generator, people, [folder / path for path in manifest["path"]], seed=seed, psi=psi, apart_from=training,
        batch=batch, threads=threads, progress=progress,
    )  # fmt: skip
    write_text(
        folder / "README.md",
        model_card(manifest, settings, replaced=None if training is None else written.replaced, audit=audit),
    )
    write_csv(manifest, folder / "manifest.csv")  # last: where it is, all is
    return manifest.assign(path=[str(folder / path) for path in manifest["path"]])


def _claimed(out: str | Path, told: str) -> Path:
    """The folder, with these settings in it. Raises InputError where it holds anything else."""
    folder = Path(out).expanduser().resolve()
    mark = folder / "settings.json"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder} is a file, it has to be a folder")
    if mark.is_file() and mark.read_text(encoding="utf-8") != told:
        raise InputError(
            f"{folder} holds people made with other settings (settings.json); choose an empty folder"
        )
    if not mark.is_file() and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    write_text(mark, told)
    return folder
