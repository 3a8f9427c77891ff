"""Which member of a jury drives who wins: leave one out, one alone, every rule of combination.

Tables in, table out: how a panel combines and how a contest ranks are callables; `judge.contest.Contest` is the one
that ranks, and ties go by its lot.
Each jury is held over the same resampled entrants (bootstrap of people, every seed), so that the change against
the whole jury is a paired difference; intervals are percentiles over seeds × resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.settings import Inference

WHOLE = "whole jury"
#: Combines a SCORES table of several judges to one score an entrant.
PanelRule = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
#: Ranks: `.ranking` has image_id and winner.
ContestRule = Callable[[pd.DataFrame, pd.DataFrame], Any]


def juries(judges: Sequence[str]) -> dict[str, list[str]]:
    """The juries that `ablation` compares: the whole, each without one member, each member alone.

    Parameters
    ----------
    judges : sequence of str
        Names; repetitions count once.

    Returns
    -------
    dict of str to list of str
        Name of the jury → who sits.

    Examples
    --------
    >>> juries(["ann", "bob"])  # doctest: +NORMALIZE_WHITESPACE
    {'whole jury': ['ann', 'bob'], 'without ann': ['bob'], 'without bob': ['ann'],
     'ann alone': ['ann'], 'bob alone': ['bob']}
    """
    judges = list(dict.fromkeys(judges))
    out = {WHOLE: judges}
    if len(judges) > 1:
        out |= {f"without {name}": [j for j in judges if j != name] for name in judges}
        out |= {f"{name} alone": [name] for name in judges}
    return out


def ablation(
    scores: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    feature: str,
    panels: Mapping[str, PanelRule],
    contest: ContestRule,
    confidence: float = 0.95,
    n_resamples: int = 50,
    rng: np.random.Generator | int = 0,
    jobs: int = 1,
) -> pd.DataFrame:
    """Winners' composition under every jury and every rule.

    Parameters
    ----------
    scores : DataFrame
        image_id, judge, score (higher is better), and seed where there are several.
    manifest : DataFrame
        The entrants, with the column `feature`.
    feature : str
        Sensitive feature.
    panels : mapping of str to callable
        Name of the rule → (scores, manifest) → scores of the panel.
    contest : callable
        (scores, manifest) → result with `.ranking`, such as a `judge.contest.Contest`.
    confidence : float
        Of every interval, from 0.5 to below 1.
    n_resamples : int
        Bootstrap samples of the entrants for each seed; 0: none, so that intervals are over seeds alone. A person drawn
        twice enters twice, under two names of which the lot is drawn.
    rng : numpy.random.Generator or int
        Draws them.
    jobs : int
        Processes, a seed's contests in each; -1: one a core. The table does not depend on it.

    Returns
    -------
    DataFrame
        rule, jury, group, n (entrants of the group), entrants (their share), winners (the group's share of all winners,
        mean over seeds on the entrants as they are), ci_low, ci_high, change (winners less those of the whole jury
        under the same rule), change_low, change_high, places (winners in all, mean over seeds).

    Raises
    ------
    InputError
        For a feature that the manifest lacks and for entrants without any score.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13: percentiles.

    Examples
    --------
    `hard` alone puts y first; the sum of both puts x first:

    >>> from judge.contest import Contest
    >>> entrants = pd.DataFrame({"image_id": ["p", "q"], "group": ["x", "y"], "gender": "female"})
    >>> scores = pd.DataFrame({"image_id": ["p", "q"] * 2, "judge": ["mild"] * 2 + ["hard"] * 2, "score": [5, 1, 1, 2]})
    >>> def total(scores, manifest):
    ...     return scores.groupby("image_id", as_index=False)["score"].sum()
    >>> table = ablation(scores, entrants, feature="group", panels={"sum": total}, contest=Contest(places=1),
    ...                  n_resamples=0)
    >>> table[table["group"] == "x"][["jury", "winners"]].values.tolist()  # doctest: +NORMALIZE_WHITESPACE
    [['whole jury', 1.0], ['without hard', 1.0], ['without mild', 0.0], ['hard alone', 0.0], ['mild alone', 1.0]]
    """
    how = Inference(confidence, max(n_resamples, 1), rng=rng)
    if feature not in manifest:
        raise InputError(f"ablation: feature={feature!r} is no column; there are {listed(manifest.columns)}")
    scores = scores.assign(seed=0) if "seed" not in scores else scores
    people = manifest[manifest["image_id"].isin(scores["image_id"])].reset_index(drop=True)
    if people.empty:
        raise InputError("ablation: no entrant has a score")
    of_seeds = list(scores.groupby("seed", sort=True))
    streams = how.generator().spawn(len(of_seeds))
    held = joblib.Parallel(jobs)(
        joblib.delayed(_held)(of_seed, people, feature, panels, contest, n_resamples, stream)
        for (_, of_seed), stream in zip(of_seeds, streams, strict=True)
    )
    return _summary(pd.DataFrame([draw for of_seed in held for draw in of_seed]), people, feature, confidence)


def _held(
    scores: pd.DataFrame,
    people: pd.DataFrame,
    feature: str,
    panels: Mapping[str, PanelRule],
    contest: ContestRule,
    n_resamples: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Every contest of one seed: seed, resample, rule, jury, group, share of the winners, places."""
    seed = scores["seed"].iloc[0]
    groups = sorted(people[feature].dropna().astype(str).unique())
    wide = scores.pivot(index="image_id", columns="judge", values="score").reindex(people["image_id"])
    draws: list[dict[str, Any]] = []
    for resample in range(n_resamples + 1):
        if resample == 0:  # as they entered, under their own names, so that the winners are the contest's
            entrants, drawn = people, _long(wide)
        else:
            entrants, drawn = _drawn(people, wide, rng.integers(0, len(people), len(people)))
        for rule, panel in panels.items():
            for name, sitting in juries(list(wide.columns)).items():
                part = drawn[drawn["judge"].isin(sitting)].assign(seed=seed)
                share, places = _winners(panel(part, entrants), entrants, contest, feature, groups)
                draws += [
                    {"seed": seed, "resample": resample, "rule": rule, "jury": name, "group": group,
                     "share": share[group], "places": places}
                    for group in groups
                ]  # fmt: skip
    return draws


def _drawn(people: pd.DataFrame, wide: pd.DataFrame, pick: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entrants and their long scores, somebody drawn twice entering twice under two names."""
    names = [f"{k:06d}" for k in range(len(pick))]
    entrants = people.iloc[pick].assign(image_id=names).reset_index(drop=True)
    values = wide.iloc[pick].set_axis(pd.Index(names, name="image_id"), axis=0)
    return entrants, _long(values)


def _long(wide: pd.DataFrame) -> pd.DataFrame:
    return wide.reset_index().melt(id_vars="image_id", var_name="judge", value_name="score")


def _winners(
    combined: pd.DataFrame, entrants: pd.DataFrame, contest: ContestRule, feature: str, groups: list[str]
) -> tuple[dict[str, float], int]:
    try:
        ranking = contest(combined[["image_id", "score"]], entrants).ranking
    except InputError:  # a judge that could judge nobody, sitting alone
        return dict.fromkeys(groups, float("nan")), 0
    won = ranking.loc[ranking["winner"].astype(bool), "image_id"]
    group = entrants.set_index("image_id")[feature].reindex(won)
    count = group.astype(str).value_counts()
    total = int(group.notna().sum())
    share = {g: float(count.get(g, 0)) / total if total else float("nan") for g in groups}
    return share, len(won)


def _summary(draws: pd.DataFrame, people: pd.DataFrame, feature: str, confidence: float) -> pd.DataFrame:
    whole = draws[draws["jury"] == WHOLE].set_index(["seed", "resample", "rule", "group"])["share"]
    at = pd.MultiIndex.from_frame(draws[["seed", "resample", "rule", "group"]])
    draws = draws.assign(change=draws["share"].to_numpy() - whole.reindex(at).to_numpy())
    tail = (1 - confidence) / 2
    size = people[feature].astype(str).value_counts()
    known = people[feature].notna().sum()
    rows = []
    for (rule, jury, group), part in draws.groupby(["rule", "jury", "group"], sort=False):
        plain = part[part["resample"] == 0]
        # seeds are replicates even without resampling; with it, both kinds of chance are in the interval
        spread = part if part["resample"].max() == 0 else part[part["resample"] > 0]
        enough = len(spread) > 1
        low, high = spread["share"].quantile([tail, 1 - tail]) if enough else (np.nan, np.nan)
        change_low, change_high = spread["change"].quantile([tail, 1 - tail]) if enough else (np.nan, np.nan)
        rows.append(
            {
                "rule": rule, "jury": jury, "group": group, "n": int(size[group]), "entrants": size[group] / known,
                "winners": plain["share"].mean(), "ci_low": low, "ci_high": high,
                "change": plain["change"].mean(), "change_low": change_low, "change_high": change_high,
                "places": plain["places"].mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
