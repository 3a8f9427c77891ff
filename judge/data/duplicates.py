"""Copies of one picture: keep one, in the split that is most held out, and exclude the others.

A picture in both the training and the test split lets a judge remember instead of judge. Two files are the
same picture when their bytes are equal, or their decoded pixels where these were hashed (check="decode"). A
crop or another compression of the same photograph is not found: that needs a perceptual hash, whose errors
differ by skin tone, and which is therefore left to the maker of a data set.
"""

from __future__ import annotations

import pandas as pd

from judge.data.tables import SPLITS

#: Copies that disagree in one of these are all excluded: nobody knows which label is right.
LABELS = ("ethnicity", "gender", "age_group")
#: Columns whose equality makes two rows one picture.
HASHES = ("content_hash", "pixel_hash")


def same_picture(manifest: pd.DataFrame, keys: tuple[str, ...] = HASHES) -> pd.Series:
    """For each row the number of its group: rows that share a non-missing value in any column of `keys`.

    Groups are connected components, so a–b by bytes and b–c by pixels make one group of three. Numbers
    count up from 0 in order of first appearance. Columns that are not there are skipped.
    """
    parent = list(range(len(manifest)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for key in keys:
        if key not in manifest:
            continue
        first: dict[str, int] = {}
        values = manifest[key]
        for i, (value, missing) in enumerate(zip(values, values.isna(), strict=True)):
            if missing:
                continue
            j = first.setdefault(value, i)
            if j != i:
                a, b = sorted((root(i), root(j)))
                parent[b] = a
    roots = pd.Series([root(i) for i in range(len(parent))], index=manifest.index, dtype="int64")
    return pd.Series(pd.factorize(roots)[0], index=manifest.index, dtype="int64")


def without_duplicates(manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(kept rows in their order, excluded: item, reason, detail).

    Of a group of copies the one in the most held-out split stays (test before val before train before
    none), the first in the table among equals. A group whose copies disagree in ethnicity, gender or age
    group goes entirely.
    """
    group = same_picture(manifest)
    copies = group[group.duplicated(keep=False)]
    if copies.empty:
        return manifest, pd.DataFrame({"item": [], "reason": [], "detail": []}, dtype=str)
    held_out = {split: rank for rank, split in enumerate(reversed(SPLITS))}
    excluded: list[tuple[str, str, str]] = []
    dropped: list[object] = []
    for _, rows in manifest.loc[copies.index].groupby(copies):
        conflict = [name for name in LABELS if name in rows and rows[name].dropna().nunique() > 1]
        if conflict:
            detail = "; ".join(
                f"{name}: {', '.join(sorted(rows[name].dropna().unique()))}" for name in conflict
            )
            gone, reason = rows, "duplicates with conflicting labels"
        else:
            rank = (
                rows["split"].map(held_out).fillna(len(SPLITS))
                if "split" in rows
                else pd.Series(0, index=rows.index)
            )
            kept = rows.loc[rank.astype(int).idxmin()]
            gone, reason = rows.drop(index=kept.name), "duplicate picture"
            detail = f"same picture as {kept['image_id']}"
            if pd.notna(kept.get("split")):
                detail += f" ({kept['split']})"
        dropped += list(gone.index)
        excluded += [(item, reason, detail) for item in gone["image_id"]]
    return manifest.drop(index=dropped), pd.DataFrame(excluded, columns=["item", "reason", "detail"])
