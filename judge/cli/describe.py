"""A data set in words, tables, a page and a sheet, for `judge data`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from judge.data import summary
from judge.data.dataset import Dataset
from judge.data.spreadsheets import write_csv
from judge.data.tables import write_table
from judge.errors import InputError
from judge.storage import replacing, write_text

SHEET_COLUMNS, SHEET_ROWS = 8, 6


def tables_of(dataset: Dataset) -> dict[str, pd.DataFrame]:
    """What is printed and written: counts by feature, ratings by group, missing values, things excluded."""
    features = summary.known_features(dataset.manifest)
    brackets = ("gender", "age_group")
    shown = [name for name in features if name not in brackets] or features[:1]
    tables = {f"counts_{name}": summary.counts(dataset.manifest, name) for name in shown}
    if dataset.manifest["rating"].notna().any():
        tables["ratings_by_group"] = summary.ratings_by_group(dataset.manifest, features)
    tables["missing"] = summary.missing_values(dataset.manifest)
    tables["excluded"] = summary.exclusion_counts(dataset.excluded)
    return tables


def text_of(dataset: Dataset, tables: dict[str, pd.DataFrame]) -> str:
    """What `judge data NAME` prints; `tables` of tables_of."""
    manifest = dataset.manifest
    people = "photographs of real people" if dataset.real_people else "people who do not exist"
    lines = [f"{dataset.name}: {len(manifest):,} pictures, {people}"]
    if "split" in manifest and manifest["split"].notna().any():
        sizes = manifest["split"].value_counts().sort_index()
        lines.append("splits: " + ", ".join(f"{split} {n:,}" for split, n in sizes.items()))
    for name, table in tables.items():
        if name.startswith("counts_"):
            lines += ["", f"pictures by {name.removeprefix('counts_')} and bracket", table.to_string()]
    if not any(name.startswith("counts_") for name in tables):
        lines += ["", "no labels of groups"]
    lines += ["", *_ratings(dataset, tables)]
    missing = tables["missing"]
    lines += ["", "missing values" if len(missing) else "missing values: none"]
    if len(missing):
        lines.append(missing.assign(share=missing["share"].map("{:.1%}".format)).to_string(index=False))
    looked = [name for name in ("content_hash", "pixel_hash") if name in manifest]
    copies = dataset.excluded["reason"].str.contains("duplicate").sum()
    how = {
        0: "not looked for (check: none)",
        1: f"{copies} excluded (equal bytes; --decode also compares pixels)",
    }
    lines += ["", "duplicates: " + how.get(len(looked), f"{copies} excluded (equal bytes or pixels)")]
    exclusions = tables["excluded"]
    lines += ["", f"excluded: {len(dataset.excluded):,}" + (", by reason" if len(exclusions) else "")]
    if len(exclusions):
        lines.append(exclusions.to_string(index=False, header=False))
    if dataset.notes:
        lines += ["", "notes", *(f"- {printable(note)}" for note in dataset.notes)]
    return "\n".join(lines)


def printable(text: str) -> str:
    """The text in one line: line breaks and control characters as Python writes them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _ratings(dataset: Dataset, tables: dict[str, pd.DataFrame]) -> list[str]:
    if "ratings_by_group" not in tables:
        return ["ratings: none; these people may enter a contest, but nothing can be learnt from them"]
    source = dataset.manifest["rating_source"].dropna().unique()
    scale = (
        f", possible {dataset.rating_range[0]:g} to {dataset.rating_range[1]:g}"
        if dataset.rating_range
        else ""
    )
    lines = [f"ratings ({'; '.join(source)}{scale})"]
    table = tables["ratings_by_group"]
    if len(table):
        lines.append(table.to_string(index=False, na_rep="–", float_format="{:.2f}".format))
    if dataset.ratings is not None and len(dataset.ratings):
        single = dataset.ratings
        lines.append(f"single ratings: {len(single):,} by {single['rater_id'].nunique():,} raters")
        found = summary.reliability(single, rng=np.random.default_rng(0))
        if found is not None:
            lines.append(
                f"reliability: split-half r {found.split_half:.3f}, Spearman–Brown {found.spearman_brown:.3f} "
                f"({found.pictures:,} pictures, median {found.median_ratings:g} ratings): no judge can be expected "
                f"to correlate above √ of it, {found.spearman_brown**0.5 if found.spearman_brown > 0 else 0:.3f}"
            )
    return lines


def write_all(dataset: Dataset, tables: dict[str, pd.DataFrame], out: Path) -> Path:
    """The page with its figures; every printed table as CSV; manifest, ratings and excluded whole."""
    from judge.report.pages.dataset import write_data_report

    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_csv(table, out / f"{name}.csv", index=name.startswith("counts_"))
    whole = {"manifest": dataset.manifest, "excluded": dataset.excluded, "ratings": dataset.ratings}
    for name, table in whole.items():
        if table is not None:
            write_table(table, out / name)
    if dataset.notes:
        write_text(out / "notes.txt", "\n".join(map(printable, dataset.notes)) + "\n")
    else:
        (out / "notes.txt").unlink(missing_ok=True)  # of an earlier pass
    return write_data_report(
        out,
        name=dataset.name,
        card=dataset.card,
        manifest=dataset.manifest,
        excluded=dataset.excluded,
        rating_range=dataset.rating_range,
        ratings=dataset.ratings,
        real_people=dataset.real_people,
    )


def sheet_of(dataset: Dataset, out: Path, *, show_real_people: bool) -> Path:
    """OUT/sheet.png: as many of each group as fit, drawn at random with a fixed seed."""
    from judge.data.parametric.sheet import contact_sheet

    if dataset.real_people and not show_real_people:
        raise InputError(
            f"{dataset.name} holds photographs of real people. Where their terms allow it, "
            "--sheet-of-real-people makes the sheet all the same; keep it out of anything that is published"
        )
    shown = dataset.manifest.sample(frac=1, random_state=0)
    features = summary.known_features(shown)[:1]
    if features:
        group = shown[features[0]].astype("str").fillna(summary.MISSING)
        place = shown.groupby(group).cumcount()
        chosen = shown.assign(group=group, place=place).sort_values(["place", "group"])
        chosen = chosen.head(SHEET_COLUMNS * SHEET_ROWS).sort_values(["group", "place"])
    else:
        chosen = shown.assign(group="").head(SHEET_COLUMNS * SHEET_ROWS)
    out.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(
        chosen["path"],
        SHEET_COLUMNS,
        chosen["group"].tolist(),
        real_people=dataset.real_people,
        show_real_people=show_real_people,
    )
    with replacing(out / "sheet.png") as part:
        sheet.save(part)
    return out / "sheet.png"
