"""An attack on a synthetic pool, as `judge private attack --pool` asks for it: who is who, and their features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

#: Side at which pictures are compared as pixels.
SIDE = 64
#: Fewest members and non-members.
LEAST = 20
ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def spaces_of(
    pool: Path, told: str, manifest: pd.DataFrame, *, rng: np.random.Generator, progress: bool
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray, np.ndarray, str, list[str]]:
    """(space → features of candidates, pool and reference; rows of the candidates; who of them is a member (n,) bool;
    what was compared, in words; notes).

    Of the people who are no members half are candidates, half the reference. Raises InputError for a folder or a group
    that there is not, and too few of anybody.
    """
    from judge.generator.audit.spaces import features_in
    from judge.jury.embedding import Embedding, embed
    from judge.jury.network.pictures import load_pictures

    synthetic = pool_rows(pool)
    inside = members_of(told, manifest)
    others = rng.permutation(np.flatnonzero(~inside))
    reference, outside = np.sort(others[: len(others) // 2]), np.sort(others[len(others) // 2 :])
    if min(int(inside.sum()), len(outside)) < LEAST:
        raise InputError(
            f"--members {told}: {int(inside.sum())} members and {len(outside)} non-members (half of the others); at "
            f"least {LEAST} of each are needed"
        )
    candidates = np.concatenate([np.flatnonzero(inside), outside])
    tables = [*(manifest.iloc[rows].reset_index(drop=True) for rows in (candidates, reference)), synthetic]
    notes, read, kept = [], [], []
    for name, table in zip(("candidates", "reference pictures", "pictures of the pool"), tables, strict=True):
        pixels, rows, broken = load_pictures(table, SIDE)
        if len(broken):
            notes.append(f"Left out: {len(broken):,} {name} that cannot be read.")
        features, again, _ = embed(rows, Embedding(), progress=progress)
        assert len(again) == len(rows)
        read.append((features.astype(float), features_in("pixels", pixels)))
        kept.append(table["image_id"].isin(rows["image_id"]).to_numpy())
    candidates = candidates[kept[0]]
    spaces = {name: (read[0][k], read[2][k], read[1][k]) for k, name in enumerate(("lite0", "pixels"))}
    members = inside[candidates]
    what = (
        f"{len(read[2][0]):,} synthetic pictures, {members.sum():,} members, {(~members).sum():,} non-members, "
        f"{len(read[1][0]):,} reference pictures"
    )
    return spaces, candidates, members, what, notes


def pool_rows(folder: Path) -> pd.DataFrame:
    """image_id and path of every picture under a folder. Raises InputError where there are fewer than 10."""
    import pandas as pd

    if not folder.is_dir():
        raise InputError(f"--pool {folder}: there is no such folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    # previews and contact sheets lie beside the manifest, people in folders of their own
    people = [path for path in paths if path.parent != folder] or paths
    if len(people) < 10:
        raise InputError(f"--pool {folder}: {len(people)} pictures; at least 10 are needed")
    return pd.DataFrame(
        {"image_id": [str(p.relative_to(folder)) for p in people], "path": [str(p) for p in people]}
    )


def members_of(told: str, manifest: pd.DataFrame) -> np.ndarray:
    """(n,) bool of `--members`: COLUMN=VALUE, or a file as of data.exclude. Raises InputError."""
    column, equals, value = told.partition("=")
    if equals and not Path(told).is_file():
        if column not in manifest:
            raise InputError(f"--members {told}: the data have the columns {listed(manifest.columns)}")
        there = manifest[column].astype("str")
        if not (there == value).any():
            raise InputError(f"--members {told}: {column} is one of {listed(sorted(set(there.dropna())))}")
        return (there == value).to_numpy()
    from judge.data.readers.exclusion_list import match_list

    if not Path(told).is_file():
        raise InputError(
            f"--members {told}: COLUMN=VALUE, or a file with a name a line; there is no such file"
        )
    inside = np.zeros(len(manifest), bool)
    inside[list(match_list(told, manifest).rows)] = True
    return inside
