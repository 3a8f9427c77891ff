"""What the judges learned from: whose pool each condition has, and of whom it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from judge.report import figures
from judge.report.conditions import baseline_of, in_order, titled, with_order
from judge.report.html import Block, Column, Picture, Section, Table, Text, count, label, table_from
from judge.report.sections.tables import SAID
from judge.report.wording import as_group, joined, named, percent

LEARNED = ("train", "validation")  # roles of the pictures that a judge learns from


def judge_of(condition: str, trained_as: Mapping[str, str]) -> str:
    """The condition whose judge this one uses: its own, or that of the one it was `trained_as`."""
    while trained_as.get(condition, condition) != condition:
        condition = trained_as[condition]
    return condition


def pool_of(
    membership: pd.DataFrame, conditions: Sequence[str], trained_as: Mapping[str, str]
) -> dict[str, str]:
    """Each condition → the first condition whose judge learned from the very same pictures, copies and weights."""
    pool = membership[membership["role"].isin(LEARNED)]
    seen: dict[str, pd.DataFrame] = {}
    found = {}
    for condition in conditions:
        own = pool[pool["condition"] == judge_of(condition, trained_as)]
        own = own[["image_id", "copies", "weight", "rating"]].sort_values("image_id").reset_index(drop=True)
        found[condition] = next((name for name, other in seen.items() if own.equals(other)), condition)
        seen.setdefault(found[condition], own)
    return found


def pool_table(
    manifest: pd.DataFrame,
    membership: pd.DataFrame,
    feature: str,
    conditions: Sequence[str],
    trained_as: Mapping[str, str],
) -> pd.DataFrame:
    """condition, group, n, pool_n and, where pictures differ in training weight, weight (summed over the group); and
    generated, pictures of people who do not exist, where they are beside others.

    One row a condition × group, groups that a pool lacks included; a copy counts as a picture. A condition that was
    trained as another has the pool of that one.
    """
    pool = membership[membership["role"].isin(LEARNED)].merge(
        manifest[["image_id", feature, "source"]], on="image_id", how="left", validate="many_to_one"
    )
    pool = pool.assign(
        group=as_group(pool[feature]),
        mass=pool["copies"] * pool["weight"],
        made=pool["copies"].where(pool["source"] == "generated", 0),
    )
    cells = pool.groupby([pool["condition"].astype(object), "group"])[["copies", "mass", "made"]].sum()
    weighted = pool["weight"].ne(1.0).any()
    mixed = pool["source"].eq("generated").any() and pool["source"].ne("generated").any()
    groups = sorted(pool["group"].unique())
    rows = []
    for condition in conditions:
        for group in groups:
            key = (judge_of(condition, trained_as), group)
            n, mass, made = cells.loc[key] if key in cells.index else (0, 0.0, 0)
            rows.append((condition, group, int(n), float(mass), int(made)))
    table = pd.DataFrame(rows, columns=["condition", "group", "n", "weight", "generated"])
    table["pool_n"] = table.groupby("condition")["n"].transform("sum")
    left_out = [name for name, told in {"weight": weighted, "generated": mixed}.items() if not told]
    return with_order(table.drop(columns=left_out), conditions)


def pools_section(pools: pd.DataFrame, owners: Mapping[str, str], feature: str) -> Section:
    """Figure and table of the pools that differ. pools: of `pool_table`; owners: of `pool_of`."""
    own = pools[pools["condition"].isin(set(owners.values()))]
    caption = f"Composition of the training pools by {feature}."
    if "weight" in own:
        caption += " The bars are shares of the training weight; pictures are counted beside them."
    said = "; ".join(f"{r.condition} {r.group} {r.n:,}" for r in own.head(2 * SAID).itertuples())
    figure = figures.pool_composition(own)
    return Section(
        "The training pools",
        [
            *_sizes(own, owners),
            *_generated(own),
            Picture("pools", figure, caption, f"Training pools by {feature}: {said}."),
            _counts(own),
        ],
    )


def _sizes(pools: pd.DataFrame, owners: Mapping[str, str]) -> list[Block]:
    sizes = pools.groupby("condition")["n"].sum()
    shared: dict[str, list[str]] = {}
    for condition, owner in owners.items():
        if condition != owner:
            shared.setdefault(owner, []).append(condition)
    told = " ".join(
        f"{joined([named(name) for name in names])} learned from the pool of {named(owner)}."
        for owner, names in shared.items()
    )
    if sizes.nunique() > 1:
        text = "The pools differ in size: what they hold and how many they are is confused in what follows."
        return [Text(f"{text} {told}".strip(), "caution")]
    each = "Every pool holds" if len(sizes) > 1 else "The one pool holds"
    text = f"{each} {count(sizes.iloc[0])} pictures, so that no judge learns from more than another."
    return [Text(f"{text} {told}".strip())]


def _generated(pools: pd.DataFrame) -> list[Block]:
    if "generated" not in pools:
        return []
    sums = pools.groupby("condition", sort=False)[["generated", "n"]].sum()
    told = joined(
        [
            f"{count(r.generated)} of {count(r.n)} of {named(str(r.Index))}"
            for r in sums[sums["generated"] > 0].itertuples()
        ]
    )
    return [
        Text(f"Pictures of people who do not exist: {told}. Nobody rated them: their ratings were asked for.")
    ]


def _counts(pools: pd.DataFrame) -> Table:
    """A line a pool, a column a group."""
    made = pools["generated"] if "generated" in pools else pd.Series(0, index=pools.index)
    said = [
        f"{count(r.n)} ({percent(r.n / max(r.pool_n, 1))}" + (f", {count(k)} generated)" if k else ")")
        for r, k in zip(pools.itertuples(), made, strict=True)
    ]
    wide = pools.assign(said=said).pivot(index="condition", columns="group", values="said")
    groups = [str(name) for name in wide.columns]
    wide.columns = groups
    baseline = baseline_of(pools["condition"])
    names = in_order(pools["condition"])
    wide = wide.loc[names].assign(condition=[titled(name, baseline) for name in names])
    columns = {
        "condition": Column("pool", label, numeric=False, whole=True),
        **{g: Column(g, label) for g in groups},
    }
    return table_from(wide, columns, "Training pictures by pool and group.")
