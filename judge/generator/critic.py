"""The discriminator as a judge: what it thinks of real people, by group and tone.

A discriminator says how much a picture looks like those of the training data. Grissom et al. 2024 (arXiv:2402.09786)
found that one of StyleGAN scores faces by their luminance and by race; here its score is treated as that of any judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import clopper_pearson, stratified_exact
from judge.fairness.inference.exact_tests import holm
from judge.fairness.inference.intervals.pairs import pearson_interval
from judge.generator.conditions import Conditions
from judge.generator.model import PACKAGED, file_of, to_floats
from judge.generator.networks import Discriminator, ProjectedDiscriminator
from judge.generator.training import JUDGED_BY
from judge.storage.tensors import load_module, load_tensors

MISSING = "(missing)"
#: The columns of a critic's scores: with the people's own labels, and with no label told.
OWN, UNTOLD = "critic", "critic_without_labels"
#: Fewest people of a group whose mean is compared, and whose tone is correlated.
FEWEST = 5


@dataclass(frozen=True)
class Critic:
    """A discriminator in eval mode, the size of its pictures (px) and the labels that it was told in training."""

    network: nn.Module
    size: int
    conditions: Conditions
    kind: str

    @torch.inference_mode()
    def score(self, pictures: Tensor, people: pd.DataFrame, *, batch: int = 64) -> NDArray[np.float64]:
        """(n,) higher: more like a real picture of the training data, to this discriminator.

        pictures  uint8 (n, 3, size, size)
        people    n rows of labels; a label that is no column, or missing, is not told
        Raises InputError for pictures of another shape and groups that it was not trained on.
        """
        if pictures.dtype != torch.uint8 or tuple(pictures.shape[1:]) != (3, self.size, self.size):
            raise InputError(
                f"the discriminator takes uint8 (n, 3, {self.size}, {self.size}), not {pictures.dtype} "
                f"{tuple(pictures.shape)}"
            )
        if len(people) != len(pictures):
            raise InputError(f"{len(pictures)} pictures, but labels of {len(people)} people")
        codes = torch.from_numpy(self.conditions.encode(people))
        parts = [
            self.network(to_floats(pictures[i : i + batch]), codes[i : i + batch]).double()
            for i in range(0, len(pictures), batch)
        ]
        return torch.cat(parts).numpy() if parts else np.zeros(0)


def load_critic(where: str | Path) -> Critic:
    """The discriminator in a folder of `judge generate train`, or `packaged`: that of the generator of judge.

    Raises InputError for a folder without one, and a damaged file.
    """
    path = file_of(PACKAGED).parent if str(where) == PACKAGED else Path(where)
    path = path / JUDGED_BY if path.is_dir() or path.suffix != ".safetensors" else path
    if not path.is_file():
        raise InputError(
            f"generator={str(where)!r}: no {JUDGED_BY} there; a finished training of judge generate train leaves one"
        )
    tensors, facts = load_tensors(path)
    if not any(name.startswith("discriminator.") for name in tensors):
        raise InputError(f"{path} holds no discriminator of judge generate train")
    try:
        told = facts["training"]["generator"]
        size, kind, widths = int(told["size"]), str(told["discriminator"]), [int(w) for w in told["widths"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: what it says of its discriminator is damaged ({error!r})") from error
    conditions = Conditions.from_facts(facts.get("conditions") or {})
    with torch.random.fork_rng():  # weights that are drawn and thrown away
        if kind == "relativistic":
            network: nn.Module = Discriminator(size, widths, conditions.width)
        elif kind == "projected":
            network = ProjectedDiscriminator(size, conditions.width)
        else:
            raise InputError(f"{path}: there is no discriminator {kind!r}; it is relativistic or projected")
        load_module("discriminator", network, tensors)
    return Critic(network.eval(), size, conditions, kind)


def scores_of(critic: Critic, pictures: Tensor, people: pd.DataFrame) -> pd.DataFrame:
    """`people` with the columns OWN and UNTOLD; of a critic that was told nothing both are the same."""
    return people.assign(**{OWN: critic.score(pictures, people), UNTOLD: critic.score(pictures, people[[]])})


def group_differences(
    scores: pd.DataFrame, features: Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Each group's mean score against everybody else's, in standard deviations of all scores.

    score, feature, group, n, mean, difference, ci_low, ci_high, p_value, p_holm (over a score's groups). Welch's t
    (1947, Biometrika 34:28); NaN where either side has fewer than FEWEST people or does not vary.
    """
    from scipy.stats import ttest_ind

    rows: list[dict[str, Any]] = []
    for score in (OWN, UNTOLD):
        spread = float(scores[score].std())
        scaled = (scores[score] - scores[score].mean()) / (spread if spread > 0 else 1.0)
        for feature in features:
            group = labels_of(scores[feature])
            for name in sorted(set(group) - {MISSING}):
                inside, others = (scaled[mask].to_numpy() for mask in _sides(group, name))
                row = {"score": score, "feature": feature, "group": name, "n": len(inside)}
                row["mean"] = float(scores[score][group == name].mean())
                row |= dict.fromkeys(("difference", "ci_low", "ci_high", "p_value"), np.nan)
                if len(others):
                    row["difference"] = float(inside.mean() - others.mean())
                if min(len(inside), len(others)) >= FEWEST and inside.std() + others.std() > 0:
                    test = ttest_ind(inside, others, equal_var=False)
                    limits = test.confidence_interval(confidence)
                    row |= {
                        "ci_low": float(limits.low),
                        "ci_high": float(limits.high),
                        "p_value": float(test.pvalue),
                    }
                rows.append(row)
    return _with_holm(pd.DataFrame(rows))


def tone_correlations(
    scores: pd.DataFrame, features: Sequence[str], *, tone: str = "ita", confidence: float = 0.95
) -> pd.DataFrame:
    """Rank correlation of the score with a tone angle (degrees; higher: lighter), over all and within each group.

    score, feature, group, n, rho, ci_low, ci_high: Spearman's, its limits those of Pearson's on ranks. Within a group
    it is not the groups' means that correlate. NaN below FEWEST people. Empty where nobody's tone is known.
    """
    from scipy.stats import rankdata

    columns = ["score", "feature", "group", "n", "rho", "ci_low", "ci_high"]
    if tone not in scores or scores[tone].notna().sum() == 0:
        return pd.DataFrame(columns=columns)
    known = scores[scores[tone].notna()]
    cells = [("all", "all", known)]
    for feature in features:
        group = labels_of(known[feature])
        cells += [(feature, name, known[group == name]) for name in sorted(set(group) - {MISSING})]
    rows: list[tuple[Any, ...]] = []
    for score in (OWN, UNTOLD):
        for feature, name, part in cells:
            found = (np.nan,) * 3
            if len(part) >= FEWEST:
                a, b = rankdata(part[score]), rankdata(part[tone])
                if a.std() > 0 and b.std() > 0:
                    found = (float(np.corrcoef(a, b)[0, 1]), *pearson_interval(a, b, confidence=confidence))
            rows.append((score, feature, name, len(part), *found))
    return pd.DataFrame(rows, columns=columns)


def winners_by_group(
    scores: pd.DataFrame, features: Sequence[str], *, share: float = 0.05, confidence: float = 0.95
) -> pd.DataFrame:
    """Who would win if the critic were the jury: of the best `share` of all people, each group's part.

    score, feature, group, n, winners, rate, ci_low, ci_high (Clopper–Pearson), p_value (Fisher's exact test against
    everybody else, two-sided), p_holm. Where people tie at the last place the first in the table wins.
    """
    if not 0 < share < 1:
        raise InputError(f"share={share}: of the people who win, between 0 and 1")
    rows: list[dict[str, Any]] = []
    for score in (OWN, UNTOLD):
        places = max(1, round(share * len(scores)))
        won = np.zeros(len(scores), bool)
        won[np.argsort(-scores[score].to_numpy(), kind="stable")[:places]] = True
        for feature in features:
            group = labels_of(scores[feature])
            known = group != MISSING
            if len(set(group[known])) < 2:
                continue
            counts = Counts.from_people(won[known], sensitive_feature=group[known])
            for place, name in enumerate(counts.groups):
                n, winners = int(counts.entrants[0, place]), int(counts.winners[0, place])
                low, high = clopper_pearson(winners, n, confidence)
                rows.append(
                    {"score": score, "feature": feature, "group": name, "n": n, "winners": winners,
                     "rate": winners / n, "ci_low": float(low), "ci_high": float(high),
                     "p_value": stratified_exact(counts, name)}
                )  # fmt: skip
    return _with_holm(pd.DataFrame(rows))


def labels_of(column: pd.Series) -> NDArray:
    """Groups as text; a missing one is MISSING."""
    return column.astype("object").where(column.notna(), MISSING).astype(str).to_numpy()


def _sides(group: NDArray, name: str) -> tuple[NDArray, NDArray]:
    return group == name, (group != name) & (group != MISSING)


def _with_holm(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table.assign(p_holm=[])
    table["p_holm"] = np.nan
    for _, part in table[table["p_value"].notna()].groupby("score"):
        table.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy())
    return table
