"""The page of a data set: how many of whom, how they are rated, what is missing, what was excluded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.data.tables import SENSITIVE_FEATURES
from judge.report import figures
from judge.report.html import (
    Block,
    Code,
    Column,
    Picture,
    Section,
    Text,
    count,
    decimals,
    label,
    table_from,
    write_page,
)
from judge.report.sections.tables import folded, reasons_table
from judge.report.wording import as_group, percent

GROUPS_SAID = 24  # groups that an alternative text names, at most


def write_data_report(
    out: Path,
    *,
    name: str,
    card: str,
    manifest: pd.DataFrame,
    excluded: pd.DataFrame,
    rating_range: tuple[float, float] | None = None,
    ratings: pd.DataFrame | None = None,
    real_people: bool = True,
    features: Sequence[str] | None = None,
    brackets: Sequence[str] = ("gender", "age_group"),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html of a Dataset's fields; returns the page. It shows no face.

    features   sensitive features to count by; None: those of the usual ones that the manifest knows
    brackets   columns whose combinations are the columns of the counts, where the manifest knows them
    """
    known = [f for f in (features or SENSITIVE_FEATURES) if f in manifest and manifest[f].notna().any()]
    within = [b for b in brackets if b in manifest and manifest[b].notna().any()]
    rows = [f for f in known if f not in within] or known[:1]
    written = [
        Section("What it holds", _summary(manifest, excluded, rating_range, ratings, real_people)),
        Section("Groups and brackets", _cells(manifest, rows, within)),
        Section("Ratings", _ratings(manifest, ratings, known)),
        Section("Missing values and duplicates", _missing(manifest)),
        Section("What could not be used", [folded(reasons_table(excluded, "Excluded, by reason."))]),
        Section("Data card", [Code(card.strip())] if card.strip() else []),
    ]
    who = "photographs of real people" if real_people else "faces of nobody"
    subtitle = f"{len(manifest):,} pictures, {who}."
    return write_page(Path(out), title=f"Data set: {name}", subtitle=subtitle, sections=written)


def data_counts(manifest: pd.DataFrame, feature: str, within: Sequence[str]) -> pd.DataFrame:
    """group, bracket, n: pictures by the feature and the combinations of the `within` columns; no empty cells."""
    bracket = pd.Series("all", index=manifest.index, dtype=object)
    for i, column in enumerate(within):
        bracket = as_group(manifest[column]) if i == 0 else bracket + " " + as_group(manifest[column])
    table = pd.DataFrame({"group": as_group(manifest[feature]), "bracket": bracket})
    return table.groupby(["group", "bracket"]).size().rename("n").reset_index()


def duplicate_counts(manifest: pd.DataFrame) -> pd.DataFrame:
    """what, count: pictures that share their content or their person with another one, and across splits."""
    rows = []
    for column, what in (
        ("content_hash", "pictures whose file is a copy of another"),
        ("person_id", "pictures of a person who has another"),
    ):
        if column not in manifest:
            continue
        shared = manifest[manifest[column].notna() & manifest[column].duplicated(keep=False)]
        rows.append((what, len(shared)))
        if "split" in manifest:
            across = (
                shared.groupby(column)["split"].transform("nunique") > 1 if len(shared) else shared.index < 0
            )
            rows.append((f"{what}, in another split", int(across.sum())))
    return pd.DataFrame(rows, columns=["what", "count"])


def _summary(
    manifest: pd.DataFrame,
    excluded: pd.DataFrame,
    rating_range: tuple[float, float] | None,
    ratings: pd.DataFrame | None,
    real_people: bool,
) -> list[Block]:
    rated = int(manifest["rating"].notna().sum())
    share = percent(rated / len(manifest)) if len(manifest) else "–"
    facts = [
        ("pictures", count(len(manifest))),
        ("excluded", count(excluded["count"].sum() if "count" in excluded else len(excluded))),
        ("with a rating", f"{count(rated)} ({share})"),
    ]
    if "person_id" in manifest:
        facts.append(("people", count(manifest["person_id"].nunique())))
    if rating_range:
        facts.append(("possible ratings", f"{rating_range[0]:g} to {rating_range[1]:g}"))
    if ratings is not None:
        facts.append(
            ("single ratings", f"{count(len(ratings))} by {count(ratings['rater_id'].nunique())} raters")
        )
    for column in ("split", "source"):
        if column in manifest and manifest[column].notna().any():
            sizes = as_group(manifest[column]).value_counts().sort_index()
            facts.append((column, ", ".join(f"{value} {n:,}" for value, n in sizes.items())))
    columns = {"what": Column("", label, numeric=False), "value": Column("", label, numeric=False)}
    blocks: list[Block] = [table_from(pd.DataFrame(facts, columns=list(columns)), columns, "At a glance.")]
    if real_people:
        blocks.append(Text("These are photographs of real people; none of them is shown here."))
    return blocks


def _cells(manifest: pd.DataFrame, rows: Sequence[str], within: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    for feature in rows:
        columns = [b for b in within if b != feature]
        counts = data_counts(manifest, feature, columns)
        total = counts.groupby("group")["n"].sum().reset_index()
        total["share"] = total["n"] / total["n"].sum()
        by = " × ".join([feature, *columns])
        said = "; ".join(f"{row.group} {row.n:,}" for row in total.head(GROUPS_SAID).itertuples())
        caption = f"Pictures by {by}. Darker is more (log scale); a red 0 is an empty cell."
        alt = f"Pictures by {by}: {said}."
        blocks.append(Picture(f"groups_{_stem(feature)}", figures.cells(counts), caption, alt))
        shown = {
            "group": Column(feature, label, numeric=False),
            "n": Column("pictures", count),
            "share": Column("share", percent),
        }
        blocks.append(table_from(total, shown, f"Pictures by {feature}."))
    return blocks or [Text("The data set has no labels of groups.")]


def _ratings(manifest: pd.DataFrame, ratings: pd.DataFrame | None, known: Sequence[str]) -> list[Block]:
    if manifest["rating"].notna().sum() == 0:
        return [
            Text(
                "No picture has a rating: no judge can be trained on it, but its people can enter a contest."
            )
        ]
    blocks: list[Block] = []
    for feature in known:
        people = manifest.assign(group=as_group(manifest[feature]))[["group", "rating"]]
        means = people.groupby("group")["rating"].agg(["size", "count", "mean", "std"]).reset_index()
        heads = means.head(GROUPS_SAID)
        said = "; ".join(
            f"{group} {mean:.2f}" for group, mean in zip(heads["group"], heads["mean"], strict=True)
        )
        caption = f"Mean ratings of the pictures by {feature}. Box: quartiles; whiskers: 5–95 %; dot: mean."
        figure = figures.ratings_by_group(people)
        blocks.append(
            Picture(f"ratings_{_stem(feature)}", figure, caption, f"Mean rating by {feature}: {said}.")
        )
        columns = {
            "group": Column(feature, label, numeric=False),
            "size": Column("pictures", count),
            "count": Column("rated", count),
            "mean": Column("mean", decimals(2)),
            "std": Column("standard deviation", decimals(2)),
        }
        blocks.append(table_from(means, columns, f"Ratings by {feature}."))
    if ratings is not None and len(ratings):
        each = ratings.groupby("image_id").size()
        text = (
            f"A picture has {each.min():,} to {each.max():,} single ratings, in the median {each.median():g}."
        )
        blocks.append(Text(text))
    return blocks


def _missing(manifest: pd.DataFrame) -> list[Block]:
    table = manifest.isna().sum().rename("missing").rename_axis("column").reset_index()
    table["values"] = [manifest[column].nunique() for column in table["column"]]
    columns = {
        "column": Column("column", label, numeric=False),
        "missing": Column("missing", count),
        "values": Column("different values", count),
    }
    blocks: list[Block] = [folded(table_from(table, columns, "Columns of the manifest."))]
    duplicates = duplicate_counts(manifest)
    if duplicates.empty:
        text = (
            "The manifest has neither person_id nor content_hash, so that no duplicates could be looked for."
        )
        return [*blocks, Text(text)]
    columns = {"what": Column("", label, numeric=False), "count": Column("pictures", count)}
    return [*blocks, table_from(duplicates, columns, "Duplicates.")]


def _stem(feature: str) -> str:
    """A file name from a column's name."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in feature)
