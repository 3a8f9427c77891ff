"""The entrants as the sections read them, and whom their raters would have chosen."""

from __future__ import annotations

import pandas as pd

from judge.contest import order_of_merit
from judge.report.conditions import RATERS, baseline_of, with_order
from judge.report.wording import as_group


def contestants(manifest: pd.DataFrame, ranking: pd.DataFrame, feature: str) -> pd.DataFrame:
    """The ranking with group, rating, path and source of each entrant; one row a condition × entrant."""
    wanted = ("image_id", feature, "rating", "path", "source")
    people = ranking.merge(
        manifest[[c for c in wanted if c in manifest]], on="image_id", how="left", validate="many_to_one"
    )
    return people.assign(group=as_group(people[feature]))


def chosen_by_raters(people: pd.DataFrame, *, tie_seed: int = 0) -> pd.DataFrame:
    """Whom the raters' mean would have chosen: as many winners as the baseline has, in the same brackets.

    Columns condition, group, entrants, winners, without interval, since nothing is random in it. Ties fall as in the
    contest itself. No rows where some entrant has no rating.
    """
    first = people[people["condition"] == baseline_of(people["condition"])]
    rows = []
    if len(first) and "rating" in first and first["rating"].notna().all():
        places = first.groupby("bracket")["winner"].sum()
        order, rank = order_of_merit(
            first["image_id"], first["rating"], bracket=first["bracket"], tie_seed=tie_seed
        )
        ordered = first.iloc[order]
        won = rank <= ordered["bracket"].map(places)
        for group, part in ordered.assign(won=won).groupby("group"):
            rows.append((RATERS, group, len(part), int(part["won"].sum())))
    table = pd.DataFrame(rows, columns=["condition", "group", "entrants", "winners"])
    return with_order(table, list(people["condition"].cat.categories))
