"""The people of an audit: real ones by group, at equal numbers, and those that a generator draws beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from judge.errors import InputError, listed
from judge.generator.model import FaceGenerator
from judge.jury.network.pictures import load_pictures

FEATURES = ("ethnicity", "gender")
#: Fewest people a group and side: below, a fifth nearest neighbour is anybody.
FEWEST = 20
EVERYBODY = "everybody"


@dataclass(frozen=True)
class People:
    """Pictures and labels of as many people in each group; `group` joins the labels of the features."""

    pictures: Tensor  # uint8 (n, 3, S, S)
    labels: pd.DataFrame

    @property
    def group(self) -> pd.Series:
        return self.labels["group"]


def features_of(generator: FaceGenerator, *manifests: pd.DataFrame) -> tuple[str, ...]:
    """Those of FEATURES that may be asked for and are known of real people; else the generator's first condition."""
    known = [
        name
        for name in generator.conditions.groups
        if all(name in manifest and manifest[name].notna().any() for manifest in manifests)
    ]
    usual = tuple(name for name in FEATURES if name in known)
    return usual or tuple(known[:1])


def grouped(manifest: pd.DataFrame, features: Sequence[str]) -> pd.Series:
    """african female …; missing where one of the labels is; `everybody` where there are no features."""
    if not features:
        return pd.Series(EVERYBODY, index=manifest.index, dtype=object)
    joined = manifest[features[0]].astype(object)
    for name in features[1:]:
        joined = joined + " " + manifest[name].astype(object)
    return joined


def sampled(
    train: pd.DataFrame, held_out: pd.DataFrame, features: Sequence[str], n: int, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Rows of both at the same number in every group, at most n, with a column `group`; and what is to be said of it.

    Raises InputError where no group has FEWEST people on both sides.
    """
    sides = [
        side.reset_index(drop=True).assign(group=grouped(side.reset_index(drop=True), features))
        for side in (train, held_out)
    ]
    notes = [
        f"{int(side['group'].isna().sum()):,} {words} people have no label {' or '.join(features)} and are left out"
        for side, words in zip(sides, ("training", "held-out"), strict=True)
        if side["group"].isna().any()
    ]
    counts = pd.concat([side["group"].value_counts() for side in sides], axis=1).fillna(0).min(axis=1)
    kept = sorted(counts.index[counts >= FEWEST])
    for group in sorted(set(counts.index) - set(kept)):
        notes.append(
            f"{group}: {int(counts[group])} people on the smaller side, fewer than {FEWEST}: left out"
        )
    if not kept:
        raise InputError(
            f"no group has {FEWEST} training people and {FEWEST} held-out people: "
            f"{listed(f'{g} {int(c)}' for g, c in counts.items())}"
        )
    size = int(min(n, counts[kept].min()))
    if size < n:
        notes.append(
            f"{size} people a group instead of {n}: {counts[kept].idxmin()} has no more on both sides"
        )
    parts = []
    for side in sides:
        rows = [rng.permutation(np.flatnonzero(side["group"] == group))[:size] for group in kept]
        parts.append(side.iloc[np.concatenate(rows)].reset_index(drop=True))
    return parts[0], parts[1], notes


def loaded(rows: pd.DataFrame, size: int, notes: list[str], words: str) -> People:
    """Their pictures; broken ones are left out and told in notes."""
    pictures, kept, broken = load_pictures(rows, size)
    if len(broken):
        notes.append(f"{len(broken)} pictures of {words} people are broken and left out")
    return People(pictures, kept)


def drawn_by_group(
    generator: FaceGenerator,
    cells: pd.DataFrame,
    n: int,
    *,
    seed: int,
    psi: float = 1.0,
    progress: bool = False,
) -> People:
    """n people of each row of `cells` (columns: features, and `group`); the same latents at every psi."""
    rng = np.random.default_rng(seed)
    parts = []
    for _, cell in cells.iterrows():
        shares = {name: {str(cell[name]): 1.0} for name in cells if name != "group"}
        parts.append(generator.conditions.ask(n, rng=rng, shares=shares).assign(group=cell["group"]))
    asked = pd.concat(parts, ignore_index=True)
    return People(generator.draw(asked, seed=seed, psi=psi, progress=progress), asked)


def drawn_naturally(
    generator: FaceGenerator, n: int, features: Sequence[str], *, seed: int, psi: float = 1.0
) -> People:
    """n people asked for as they went in the training data."""
    asked = generator.conditions.ask(n, rng=np.random.default_rng(seed + 1))
    return People(generator.draw(asked, seed=seed + 1, psi=psi), asked.assign(group=grouped(asked, features)))
