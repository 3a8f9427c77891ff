"""Who reads the groups of generated faces, and how often they err on people of this audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from judge.errors import InputError, listed
from judge.generator.audit.card.drawing import People
from judge.generator.audit.photographs import GroupReader, group_reader
from judge.generator.audit.shares import shown_as_asked
from judge.generator.audit.spaces import parameter_regressor


class Reader(Protocol):
    """Pictures → a column a feature with the group that is read, and perhaps numbers."""

    def read(self, pictures: Tensor | NDArray[np.uint8]) -> pd.DataFrame: ...


class Blind:
    """Reads nothing: where nobody can say which group a face shows."""

    def read(self, pictures: Tensor | NDArray[np.uint8]) -> pd.DataFrame:
        return pd.DataFrame(index=range(len(pictures)))


def reader_of(
    rendered: bool, held_out: People, features: Sequence[str], *, seed: int, notes: list[str]
) -> tuple[Reader, dict[str, pd.DataFrame]]:
    """The reader and, for each feature that it reads, its confusion in people whom neither it nor the generator saw.

    Rendered people: the regressor, its mistakes counted here. Photographs: a classifier fitted on the held-out people,
    its mistakes by cross-validation. What cannot be read is told in notes.
    """
    if not rendered:
        if not features:
            return Blind(), {}
        try:
            made: GroupReader = group_reader(held_out.pictures, held_out.labels[list(features)], seed=seed)
        except InputError as error:
            notes.append(f"no shares as shown: {error}")
            return Blind(), {}
        return made, dict(made.confusions)
    regressor = parameter_regressor()
    read = regressor.read(held_out.pictures)
    confusions = {}
    for feature in features:
        known = list(regressor.groups.get(feature, ()))
        true = held_out.labels[feature].astype(str)
        if other := sorted(set(true) - set(known)):
            notes.append(
                f"{feature}: the regressor does not read {listed(other)}; no share is given as shown"
            )
            continue
        table = pd.crosstab(pd.Categorical(true, known), pd.Categorical(read[feature], known), dropna=False)
        table.index, table.columns = pd.Index(known), pd.Index(known)
        for group in set(known) - set(
            true
        ):  # nobody here: as the people were read that the regressor was tested on
            table.loc[group] = regressor.confusion(feature).loc[group]
        confusions[feature] = table
    return regressor, confusions


def shown_by_group(
    fake: People, read: pd.DataFrame, confusions: dict[str, pd.DataFrame], *, seed: int
) -> pd.DataFrame:
    """`shown_as_asked` of each feature: of everybody (within: all) and of the people of each group."""
    parts = []
    for feature, confusion in confusions.items():
        asked = fake.labels[feature].astype(str).reset_index(drop=True)
        for within in ("all", *fake.group.unique()):
            mine = np.ones(len(asked), bool) if within == "all" else (fake.group == within).to_numpy()
            table = shown_as_asked(asked[mine], read[feature][mine], confusion, seed=seed)
            parts.append(table.assign(feature=feature, within=within))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def least_shown(shown: pd.DataFrame) -> pd.DataFrame:
    """group, share: of the features' shares shown as asked (corrected), the smallest."""
    if shown.empty:
        return pd.DataFrame({"group": pd.Series(dtype=str), "share": pd.Series(dtype=float)})
    inside = shown[shown["within"] != "all"]
    return inside.groupby("within")["corrected"].min().rename("share").rename_axis("group").reset_index()
