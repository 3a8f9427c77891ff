"""The page of one run: a skewed and a rebalanced pool, the same entrants, both outcomes side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judge.report.figures import contest as figures_contest
from judge.report.figures.style import TRUTH, as_group, in_order, level, number, p_said, percent
from judge.report.html.page import (
    Block,
    Column,
    Picture,
    Section,
    Table,
    Text,
    count,
    label,
    table_from,
    write_page,
)
from judge.report.sections import contest as sections
from judge.report.sections import tables as parts
from judge.report.sections.faces import face_blocks
from judge.report.sections.gate import gate_section
from judge.report.sections.provenance import exclusion_blocks, setting_of, settings_blocks

GROUPS = 12  # groups in the summary table; all are in the tables below it
TITLE = "Who wins when the pictures that train the judge are skewed?"
QUESTION = (
    "A judge learns what is attractive from rated pictures. If most of those pictures show one group, who wins the "
    "contest that it judges, and does a rebalanced pool of the same size change that?"
)
ONE_RUN = (
    "This is one training run in each condition. Another seed draws another pool and other initial weights, and may "
    "choose other winners: from one seed no effect of the skew is claimed. `judge run -m` over seeds and `judge "
    "compare` measure it."
)


def write_run_report(
    rundir: Path,
    tables: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    *,
    show_faces: bool = False,
    feature: str | None = None,
) -> Path:
    """Writes rundir/figures/*.png|svg and rundir/page.html; returns the page.

    tables       manifest (condition skewed, rebalanced or both; role entrant for the contestants, anything else for
                 the pool), ranking, audit; and where there are any brackets, refused, excluded. Each but excluded has
                 a column `condition`. Scores are taken from the ranking: they are the ones that counted
    settings     the run's resolved settings as plain containers
    environment  versions, revision, seeds, perhaps the command
    show_faces   also show photographs of real people; faces that belong to nobody are always shown
    feature      the sensitive feature of the page; None: pool.feature of the settings, else the audit's first
    """
    rundir = Path(rundir)
    feature = feature or setting_of(settings, "pool", "feature") or str(tables["audit"]["feature"].iloc[0])
    audit = parts.conditioned(tables["audit"], "condition")
    audit = audit.assign(confidence=setting_of(settings, "audit", "confidence") or 0.95)
    pools = pool_table(tables["manifest"], feature)
    people = contestants(tables["manifest"], tables["ranking"], feature)
    benchmarks = chosen_otherwise(people)
    majority = _majority(pools, settings)
    # the truth is no judge and on a scale of its own: it has winners and ranks, but neither scores nor errors
    judged, judged_people = (t[t["condition"] != TRUTH] for t in (audit, people))
    written = [
        Section(
            "The question, and what this run says", _summary(audit, pools, benchmarks, feature, majority)
        ),
        Section("The two training pools", _pools(pools, feature)),
        gate_section(tables.get("gate_rates")),
        sections.winners_section(audit, feature, benchmarks=benchmarks),
        sections.ratio_section(audit, feature),
        sections.scores_section(judged_people, judged, feature),
        sections.ranks_section(people, audit, feature, places=_places(tables.get("brackets"))),
        sections.errors_section(judged_people, judged, feature),
        sections.limits_section(limits(settings, people)),
        Section("Brackets, and what was excluded", exclusion_blocks(tables)),
        Section("Faces of the winners", face_blocks(people, show_faces=show_faces)),
        sections.numbers_section(audit),
        Section(
            "Settings, versions, and how to run it again", settings_blocks(rundir, settings, environment)
        ),
    ]
    subtitle = (
        f"Run {settings.get('name') or rundir.name}: one judge trained on a skewed pool, one on a rebalanced pool, and "
        "the same contestants before both."
    )
    return write_page(rundir, title=TITLE, subtitle=subtitle, sections=written)


def pool_table(manifest: pd.DataFrame, feature: str) -> pd.DataFrame:
    """condition, group, n, pool_n and, where pictures differ in training weight, weight (summed over the group)."""
    pool = manifest[manifest["role"] != "entrant"]
    pool = pool.assign(group=as_group(pool[feature]))
    index = pd.MultiIndex.from_product(
        [in_order(pool["condition"]), sorted(pool["group"].unique())], names=["condition", "group"]
    )
    cells = pool.groupby(["condition", "group"])
    table = cells.size().reindex(index, fill_value=0).rename("n").to_frame()
    if "weight" in pool and pool["weight"].fillna(1.0).ne(1.0).any():
        weight = pool["weight"].fillna(1.0).groupby([pool["condition"], pool["group"]]).sum()
        table["weight"] = weight.reindex(index, fill_value=0.0)
    table = table.reset_index()
    table["pool_n"] = table.groupby("condition")["n"].transform("sum")
    return table


def contestants(manifest: pd.DataFrame, ranking: pd.DataFrame, feature: str) -> pd.DataFrame:
    """The ranking with group, rating, truth, path and source of each entrant; one row a condition × entrant."""
    entrants = manifest[manifest["role"] == "entrant"].drop_duplicates("image_id")
    kept = [c for c in ("image_id", feature, "rating", "truth", "path", "source") if c in entrants]
    people = ranking.merge(entrants[kept], on="image_id", how="left", validate="many_to_one")
    return people.assign(group=as_group(people[feature]))


def chosen_otherwise(people: pd.DataFrame) -> pd.DataFrame:
    """Whom the known truth and the raters' mean would have chosen: as many winners in the same brackets.

    Columns condition, group, entrants, winners, without interval, since nothing is random in it. A measure that
    some entrant lacks is left out; ties fall by image_id.
    """
    first = people[people["condition"] == in_order(people["condition"])[0]]
    places = first.groupby("bracket")["winner"].sum()
    rows = []
    for column, name in (("truth", "by known truth"), ("rating", "by raters’ mean")):
        known = column == "truth" and TRUTH in set(
            people["condition"]
        )  # the run has held that contest itself
        if known or column not in first or first[column].isna().any():
            continue
        ordered = first.sort_values([column, "image_id"], ascending=[False, True])
        won = ordered.groupby("bracket").cumcount() < ordered["bracket"].map(places)
        for group, part in ordered.assign(won=won).groupby("group"):
            rows.append((name, group, len(part), int(part["won"].sum())))
    return pd.DataFrame(rows, columns=["condition", "group", "entrants", "winners"])


def limits(settings: Mapping[str, Any], people: pd.DataFrame) -> list[str]:
    """What the page does not show, from the run's settings and data."""
    items = [
        "One training run in each condition. Nothing here tells an effect of the skew from that of the seed.",
        "Intervals and p-values take the two trained judges as given. They say how the result would vary with other "
        "entrants, not with another training.",
        "Ratings are opinions of particular people. A judge that agrees with them repeats them, unevenness included; "
        "no score is a property of a face.",
        "Rebalancing evens out how many pictures of each group the judge sees. Ratings that are uneven between the "
        "groups stay so.",
        "Groups are labels of the data set: neither what people say of themselves nor skin tones.",
        "Several groups and measures are compared, and one p-value below .05 among many is to be expected; adjusted "
        "ones are beside them.",
    ]
    sources = set(people["source"].dropna()) if "source" in people else set()
    if "parametric" in sources:
        items.append(
            "The faces are rendered and their raters simulated. What holds here holds for rendered faces."
        )
    if "generated" in sources:
        items.append("The faces are made by a generator, whose own training may have been skewed.")
    if settings.get("entrants_data"):
        items.append(
            "Entrants and training pictures come from different data sets: crop, light and camera differ as well "
            "(a domain shift)."
        )
    shift = setting_of(settings, "pool", "rating_shift")
    if shift:
        listed = ", ".join(f"{group} {number(by, 2)}" for group, by in shift.items())
        items.append(f"Ratings of the pools were shifted on purpose, in rating points: {listed}.")
    return items


def _summary(
    audit: pd.DataFrame, pools: pd.DataFrame, benchmarks: pd.DataFrame, feature: str, majority: str
) -> list[Block]:
    shares = parts.winners_table(audit, feature)
    conditions = in_order(shares["condition"])
    told = []
    for condition in conditions:
        pool, won = _row(pools, condition, majority), _row(shares, condition, majority)
        if pool is None or won is None:
            continue
        total = shares.loc[shares["condition"] == condition, "winners"].sum()
        told.append(
            f"Trained on the {condition} pool ({count(pool['n'])} of {count(pool['pool_n'])} pictures {majority}), the "
            f"judge chose {count(won['winners'])} {majority} of {count(total)} winners "
            f"({percent(won['winner_share'])}), where {percent(won['entrant_share'])} of the entrants are {majority}."
        )
    others = pd.concat([shares[shares["condition"] == TRUTH], benchmarks])
    for row in others[others["group"] == majority].itertuples():
        who = "The known truth" if "truth" in row.condition else "The raters’ mean"
        told.append(f"{who} would have chosen {count(row.winners)}.")
    return [
        Text(QUESTION, "lead"),
        Text(" ".join(told)),
        Text(ONE_RUN, "caution"),
        _side_by_side(audit, pools, shares, feature, majority, conditions),
    ]


def _side_by_side(
    audit: pd.DataFrame,
    pools: pd.DataFrame,
    shares: pd.DataFrame,
    feature: str,
    majority: str,
    conditions: Sequence[str],
) -> Table:
    """The summary table: a line a number, a column a condition."""
    lines: list[list[str]] = []

    def add(heading: str, table: pd.DataFrame, group: str, write: Callable[[pd.Series], str]) -> None:
        rows = [_row(table, condition, group) for condition in conditions]
        lines.append([heading, *("–" if row is None else write(row) for row in rows)])

    def totals(heading: str, table: pd.DataFrame, column: str) -> None:
        sums = table.groupby("condition")[column].sum()
        lines.append([heading, *(count(sums.get(condition)) for condition in conditions)])

    totals("pictures in the training pool", pools, "n")
    add(
        f"of them {majority}",
        pools,
        majority,
        lambda r: f"{count(r['n'])} ({percent(r['n'] / max(r['pool_n'], 1))})",
    )
    if "weight" in pools:
        whole = pools.groupby("condition")["weight"].transform("sum")
        weighed = pools.assign(share=pools["weight"] / whole)
        add(f"{majority}, by training weight", weighed, majority, lambda r: percent(r["share"]))
    totals("entrants", shares, "entrants")
    totals("winners", shares, "winners")
    groups = sorted(shares["group"].unique())
    for group in groups[:GROUPS]:
        add(
            f"of them {group}",
            shares,
            group,
            lambda r: f"{count(r['winners'])} ({percent(r['winner_share'])})",
        )
    ratios = parts.rows_of(audit, "selection_rate_ratio", feature=feature)
    for group in [g for g in groups if g in set(ratios["group"])][:GROUPS]:
        add(f"selection-rate ratio, {group} to {parts.reference_of(ratios)}", ratios, group, _ratio)
    errors = parts.rows_of(audit[audit["condition"] != TRUTH], "pearson", feature=feature)
    for group in [g for g in groups if g in set(errors["group"])][:GROUPS]:
        add(f"correlation with ratings, {group}", errors, group, lambda r: number(r["value"]))
    note = f"In brackets: {level(audit)} intervals over entrants, the trained judges taken as given."
    if len(groups) > GROUPS:
        note += f" {len(groups) - GROUPS} more groups are in the tables below."
    columns = [Column("", numeric=False), *(Column(condition) for condition in conditions)]
    return Table("The two conditions side by side.", columns, lines, note)


def _pools(pools: pd.DataFrame, feature: str) -> list[Block]:
    sizes = pools.groupby("condition")["n"].sum()
    if sizes.nunique() == 1:
        text = Text(
            f"Both pools hold {count(sizes.iloc[0])} pictures, so that skew is not confused with size."
        )
    else:
        text = Text("The pools differ in size: skew and size are confused in what follows.", "caution")
    said = "; ".join(f"{r.condition} {r.group} {r.n:,}" for r in pools.head(2 * sections.SAID).itertuples())
    caption = f"Composition of the two training pools by {feature}."
    if "weight" in pools:
        caption += " The bars are shares of the training weight; pictures are counted beside them."
    counted = pools.assign(
        said=[f"{count(r.n)} ({percent(r.n / max(r.pool_n, 1))})" for r in pools.itertuples()]
    ).pivot(index="group", columns="condition", values="said")
    conditions = in_order(pools["condition"])
    columns = {"group": Column("group", label, numeric=False), **{c: Column(c, label) for c in conditions}}
    return [
        text,
        Picture(
            "pools", figures_contest.pool_composition(pools), caption, f"Training pools by {feature}: {said}."
        ),
        table_from(counted.reset_index(), columns, "Training pictures."),
    ]


def _majority(pools: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """The group that the pool is skewed to: the settings' one, else the largest of the first pool."""
    majority = setting_of(settings, "pool", "majority")
    if majority is not None and str(majority) in set(pools["group"]):
        return str(majority)
    first = pools[pools["condition"] == in_order(pools["condition"])[0]]
    return str(first.loc[first["n"].idxmax(), "group"])


def _places(brackets: pd.DataFrame | None) -> int | None:
    """Places a bracket, where every bracket has as many."""
    if brackets is None or "places" not in brackets or brackets["places"].nunique() != 1:
        return None
    return int(brackets["places"].iloc[0])


def _ratio(row: pd.Series) -> str:
    interval = f"[{number(row['ci_low'])}, {number(row['ci_high'])}]"
    return f"{number(row['value'])} {interval} {p_said(row['p_value'])}"


def _row(table: pd.DataFrame, condition: str, group: str) -> pd.Series | None:
    rows = table[(table["condition"] == condition) & (table["group"] == group)]
    return rows.iloc[0] if len(rows) else None
