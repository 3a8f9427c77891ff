"""The page of a data set: how many of whom, how they are rated, what is missing, what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.tables import SENSITIVE_FEATURES
from judge.report import figures_causes, figures_scores, parts
from judge.report.page import (
    Block,
    Code,
    Column,
    Picture,
    Section,
    Text,
    count,
    decimals,
    table_from,
    text_of,
    write_page,
)
from judge.report.style import as_group, percent

TEXT_COLUMNS = ("image_id", "path", "person_id", "content_hash")


def write_data_report(
    out: Path,
    *,
    name: str,
    card: str,
    manifest: pd.DataFrame,
    rejected: pd.DataFrame,
    rating_range: tuple[float, float] | None = None,
    ratings: pd.DataFrame | None = None,
    real_people: bool = True,
    features: Sequence[str] | None = None,
    brackets: Sequence[str] = ("gender", "age_group"),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html of a Dataset's fields; returns the page. No face is shown.

    features   sensitive features to count by; None: those of the manifest among the usual ones
    brackets   columns whose combinations make the columns of the counts, where the manifest has them
    """
    known = [f for f in (features or SENSITIVE_FEATURES) if f in manifest and manifest[f].notna().any()]
    within = [b for b in brackets if b in manifest and manifest[b].notna().any()]
    groupings = [f for f in known if f not in within] or known[:1]
    sections = [
        Section("What it holds", _summary(name, manifest, rejected, rating_range, ratings, real_people)),
        Section("Groups and brackets", _cells(manifest, groupings, within)),
        Section("Ratings", _ratings(manifest, ratings, known)),
        Section("Missing values and duplicates", _missing(manifest)),
        Section("What could not be used", [parts.reasons_table(rejected, "Set aside, by reason.")]),
        Section("Data card", [Code(card.strip())] if card.strip() else []),
    ]
    people = "photographs of real people" if real_people else "faces of nobody"
    return write_page(
        Path(out),
        title=f"Data set: {name}",
        subtitle=f"{len(manifest):,} pictures, {people}.",
        sections=sections,
    )


def data_counts(manifest: pd.DataFrame, feature: str, within: Sequence[str]) -> pd.DataFrame:
    """group, bracket, n over the manifest; a bracket is the combination of the `within` columns."""
    bracket = as_group(manifest[within[0]]) if within else pd.Series("all", index=manifest.index)
    for column in within[1:]:
        bracket = bracket + " " + as_group(manifest[column])
    table = pd.DataFrame({"group": as_group(manifest[feature]), "bracket": bracket})
    return table.groupby(["group", "bracket"]).size().rename("n").reset_index()


def duplicate_counts(manifest: pd.DataFrame) -> pd.DataFrame:
    """what, count: pictures that share an id of the person, or their content, with another picture."""
    rows = []
    for column, what in (
        ("content_hash", "pictures whose file is a copy of another one's"),
        ("person_id", "pictures of a person who has another one"),
    ):
        if column in manifest:
            values = manifest[column]
            shared = values.notna() & values.duplicated(keep=False)
            rows.append((what, int(shared.sum())))
            if "split" in manifest:
                splits = manifest[shared].groupby(column)["split"].nunique()
                rows.append(
                    (
                        f"{what.split(' ')[0]} of those that lie in more than one split",
                        int(manifest[column].isin(splits[splits > 1].index).sum()),
                    )
                )
    return pd.DataFrame(rows, columns=["what", "count"])


def _summary(
    name: str,
    manifest: pd.DataFrame,
    rejected: pd.DataFrame,
    rating_range: tuple[float, float] | None,
    ratings: pd.DataFrame | None,
    real_people: bool,
) -> list[Block]:
    rated = int(manifest["rating"].notna().sum())
    facts = [
        ("pictures", count(len(manifest))),
        ("set aside", count(len(rejected) if "count" not in rejected else rejected["count"].sum())),
        ("with a rating", f"{count(rated)} ({percent(rated / len(manifest) if len(manifest) else np.nan)})"),
    ]
    if "person_id" in manifest:
        facts.append(("people (person_id)", count(manifest["person_id"].nunique())))
    if rating_range:
        facts.append(("possible ratings", f"{rating_range[0]:g} to {rating_range[1]:g}"))
    if ratings is not None:
        facts.append(
            ("single ratings", f"{count(len(ratings))} by {count(ratings['rater_id'].nunique())} raters")
        )
    if "split" in manifest and manifest["split"].notna().any():
        sizes = as_group(manifest["split"]).value_counts(sort=False).sort_index()
        facts.append(("splits", ", ".join(f"{split} {n:,}" for split, n in sizes.items())))
    sources = as_group(manifest["source"]).value_counts().sort_index()
    facts.append(("source", ", ".join(f"{source} {n:,}" for source, n in sources.items())))
    table = pd.DataFrame(facts, columns=["what", "value"])
    blocks: list[Block] = [
        table_from(
            table,
            {"what": Column("", text_of, numeric=False), "value": Column("", text_of, numeric=False)},
            f"{name} at a glance.",
        )
    ]
    if real_people:
        blocks.append(Text("These are photographs of real people; none is shown here."))
    return blocks


def _cells(manifest: pd.DataFrame, groupings: Sequence[str], within: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    for feature in groupings:
        columns = [b for b in within if b != feature]
        counts = data_counts(manifest, feature, columns)
        by = " × ".join([feature, *columns])
        listed = "; ".join(f"{g} {n:,}" for g, n in counts.groupby("group")["n"].sum().head(24).items())
        blocks.append(
            Picture(
                f"groups_{_stem(feature)}",
                figures_causes.cells(counts),
                f"Pictures by {by}. Darker is more (log scale); a red 0 is an empty cell.",
                f"Pictures by {by}: {listed}.",
            )
        )
        total = counts.groupby("group")["n"].sum().reset_index()
        total["share"] = total["n"] / total["n"].sum()
        blocks.append(
            table_from(
                total,
                {
                    "group": Column(feature, text_of, numeric=False),
                    "n": Column("pictures", count),
                    "share": Column("share", percent),
                },
                f"Pictures by {feature}.",
            )
        )
    if not blocks:
        blocks.append(Text("The data set has no labels of groups."))
    return blocks


def _ratings(manifest: pd.DataFrame, ratings: pd.DataFrame | None, known: Sequence[str]) -> list[Block]:
    rated = manifest[manifest["rating"].notna()]
    if rated.empty:
        return [
            Text(
                "No picture has a rating: nobody can be trained on this data set, but its people can enter a contest."
            )
        ]
    blocks: list[Block] = []
    for feature in known:
        people = manifest.assign(group=as_group(manifest[feature]))[["group", "rating"]]
        means = people.groupby("group")["rating"].agg(["size", "count", "mean", "std"]).reset_index()
        listed = "; ".join(
            f"{r.group} {r.mean:.2f}" for r in means.rename(columns={"mean": "mean_"}).head(0).itertuples()
        )
        listed = "; ".join(
            f"{g} {m:.2f}" for g, m in zip(means["group"].head(24), means["mean"].head(24), strict=True)
        )
        blocks.append(
            Picture(f"ratings_{_stem(feature)}", figures_scores.ratings_by_group(people),
                    f"Mean ratings of the pictures by {feature}: box of quartiles, whiskers 5–95 %, dot at the mean.",
                    f"Mean rating by {feature}: {listed}.")
        )  # fmt: skip
        columns = {"group": Column(feature, text_of, numeric=False), "size": Column("pictures", count), "count": Column("rated", count),
                   "mean": Column("mean", decimals(2)), "std": Column("standard deviation", decimals(2))}  # fmt: skip
        blocks.append(table_from(means, columns, f"Ratings by {feature}."))
    if ratings is not None and len(ratings):
        each = ratings.groupby("image_id").size()
        blocks.append(
            Text(
                f"A picture has {each.min():,} to {each.max():,} single ratings, in the median {each.median():g}."
            )
        )
    return blocks


def _missing(manifest: pd.DataFrame) -> list[Block]:
    missing = manifest.isna().sum()
    table = missing.rename("count").rename_axis("column").reset_index()
    table["values"] = [manifest[c].nunique() for c in table["column"]]
    columns = {
        "column": Column("column", text_of, numeric=False),
        "count": Column("missing", count),
        "values": Column("different values", count),
    }
    blocks: list[Block] = [table_from(table, columns, "Columns of the manifest.", limit=60)]
    duplicates = duplicate_counts(manifest)
    if len(duplicates):
        blocks.append(
            table_from(
                duplicates,
                {"what": Column("", text_of, numeric=False), "count": Column("pictures", count)},
                "Duplicates.",
            )
        )
    else:
        blocks.append(
            Text("The manifest has neither person_id nor content_hash, so duplicates were not looked for.")
        )
    return blocks


def _stem(feature: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in feature)
