"""What a study's published scores come to: the price at equal secrecy, and who wins a contest that they decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.contest import Contest
from judge.errors import InputError


def at_equal_secrecy(runs: pd.DataFrame, margins: Sequence[float] = (0.02, 0.05, 0.1)) -> pd.DataFrame:
    """The best Pearson of each method whose published messages tell Eve no more than chance + margin.

    runs     as of SecrecyStudy.run: levels of a method are alternatives, and any of them may be taken
    margins  of balanced accuracy

    A row a seed, method, reader and margin: pearson, level; NaN where no level is that secret. No line is drawn between
    levels: what stands in between was not tried.
    """
    rows = []
    read = runs[runs["eve"].notna()]
    for (seed, method, reader), part in read.groupby(["seed", "method", "reader"], sort=False):
        for margin in margins:
            secret = part[part["eve"] <= part["chance"] + margin]
            best = secret.loc[secret["pearson"].idxmax()] if secret["pearson"].notna().any() else None
            rows.append({
                "seed": seed, "method": method, "reader": reader, "margin": margin,
                "pearson": np.nan if best is None else best["pearson"],
                "within": np.nan if best is None else best["within"],
                "level": np.nan if best is None else best["level"],
            })  # fmt: skip
    return pd.DataFrame(rows)


def winners(
    published: pd.DataFrame,
    people: pd.DataFrame,
    feature: str,
    *,
    places: int = 50,
    brackets: Sequence[str] = ("gender", "age_group"),
    places_within: int = 5,
) -> pd.DataFrame:
    """Shares of the winners by group, each published score deciding one contest for all and one within brackets.

    published  as of SecrecyStudy.run      people  manifest: image_id, the feature, what brackets are made of
    places     winners of the contest for all      places_within  winners of each bracket

    A row a seed, method, level, reader, contest (all, brackets) and group: entrants, winners, share_entrants,
    share_winners. Raises InputError for a score of nobody in `people`, and as judge.contest.Contest.
    """
    manifest = people.set_index("image_id", drop=False)
    if unknown := set(published["image_id"]) - set(manifest.index):
        raise InputError(f"winners: {len(unknown)} scores are of nobody among the people")
    contests = {
        "all": Contest(places=places, brackets=()),
        "brackets": Contest(places=places_within, brackets=brackets),
    }
    if not set(brackets) & set(people):
        del contests["brackets"]
    groups = sorted(people[feature].dropna().astype(str).unique())
    rows = []
    keys = ["seed", "method", "level", "reader"]
    for key, scores in published.groupby(keys, sort=False):
        entrants = manifest.loc[scores["image_id"]].reset_index(drop=True)
        for name, contest in contests.items():
            ranking = contest(scores[["image_id", "score"]], entrants).ranking
            group = manifest.loc[ranking["image_id"], feature].astype(str).to_numpy()
            won = ranking["winner"].to_numpy()
            for g in groups:
                own = group == g
                rows.append({
                    **dict(zip(keys, key, strict=True)), "contest": name, "group": g,
                    "entrants": int(own.sum()), "winners": int((own & won).sum()),
                    "share_entrants": own.mean(), "share_winners": float((own & won).sum() / won.sum()),
                })  # fmt: skip
    return pd.DataFrame(rows)
