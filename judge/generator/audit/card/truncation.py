"""What truncation does to whom: shares, coverage, density, variety and tone at each ψ, by group.

ψ scales latents towards the middle of what is asked for (Brock et al. 2019, sec. 3.1): faces become surer and fewer.
Maluleke et al. 2022 (arXiv:2209.02836) found that it makes an imbalance larger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.fairness.inference.intervals.scale import student_interval
from judge.generator.audit.card.drawing import People, drawn_by_group, drawn_naturally
from judge.generator.audit.card.quality import compared
from judge.generator.audit.card.readers import Reader
from judge.generator.audit.quality import ALL
from judge.generator.audit.shares import shares_in_asked_out
from judge.generator.audit.spaces import features_in
from judge.generator.model import FaceGenerator


def truncation(
    generator: FaceGenerator,
    cells: pd.DataFrame,
    *,
    psi: Sequence[float],
    n: int,
    space: str,
    real: Sequence[People],
    features: Sequence[NDArray[np.float32]],
    reader: Reader,
    training: pd.DataFrame,
    confusions: dict[str, pd.DataFrame],
    seed: int,
    progress: Callable[[str], None],
) -> pd.DataFrame:
    """Long: psi, feature, group, measure, value, ci_low, ci_high.

    Of feature "group": the measures of `quality_by_group` in `space` and, where the reader knows tone, ita (mean,
    Student). Of the others: share_out of people asked for as in the training data, mistakes of the classifier out.

    cells           groups to draw: columns of the features, and `group`
    n               people a group; as many as all of them together are asked for as in the training data
    real, features  training people and held-out people, and what they are in the space
    Latents are the same at every ψ, so that what changes is ψ.
    """
    rows: list[dict[str, object]] = []
    for level in psi:
        progress(f"truncation {level:g}")
        people = drawn_by_group(generator, cells, n, seed=seed, psi=level)
        drawn = features_in(space, people.pictures)
        found = compared([*features, drawn], [*real, people], space=space, seed=seed)
        for r in found[found["group"] != ALL].itertuples():
            rows.append(
                {"psi": level, "feature": "group", "group": r.group, "measure": r.measure, "value": r.value}
            )
        said = reader.read(people.pictures)
        if "ita" in said:
            for name, values in said["ita"].groupby(people.group.to_numpy()):
                low, high = student_interval(values.to_numpy(float))
                rows.append(
                    {"psi": level, "feature": "group", "group": name, "measure": "ita", "value": values.mean(),
                     "ci_low": low, "ci_high": high}
                )  # fmt: skip
        if not confusions:
            continue
        natural = drawn_naturally(generator, n * len(cells), list(confusions), seed=seed, psi=level)
        shown = reader.read(natural.pictures)
        for feature, confusion in confusions.items():
            table = shares_in_asked_out(
                training[feature].dropna().astype(str).loc[lambda s, c=confusion: s.isin(c.index)],
                natural.labels[feature], shown[feature], confusion, seed=seed,
            )  # fmt: skip
            for r in table.itertuples():
                rows.append(
                    {"psi": level, "feature": feature, "group": r.group, "measure": "share_out",
                     "value": r.share_out, "ci_low": r.out_low, "ci_high": r.out_high}
                )  # fmt: skip
    return pd.DataFrame(rows, columns=["psi", "feature", "group", "measure", "value", "ci_low", "ci_high"])
