"""The page of `judge generate audit`: is a generator's diversity an illusion, and whose?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judge.report.figures.generator import coverage_card, truncation_lines
from judge.report.html import (
    Block,
    Column,
    Faces,
    Items,
    Picture,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
    write_page,
)
from judge.report.sections.tables import folded
from judge.report.wording import number, percent

SPACES = {
    "parameters": "the parameters of the renderer, as a regressor reads them off the faces",
    "pixels": "the pixels at 16 × 16",
    "lite1": "pooled features of EfficientNet-Lite1",
}
LIMITS = (
    "Every measure stands beside its value for real people against other real people at the same number: under "
    "equality none of them is exactly 0 or 1.",
    "Coverage is the share of real people who have a generated face as near as their fifth real neighbour "
    "(Naeem et al. 2020): a generator that repeats a few good faces has nearly none, however real each looks.",
    "Groups of generated faces are those that were asked for; whether they are shown is read by a classifier whose own "
    "mistakes are taken out, and the interval counts that these were counted on few people.",
    "No space is one that a discriminator was trained in. Another space may say another thing: all are in the tables.",
)


def write_generator_report(
    out: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    verdict: Sequence[str],
    facts: Mapping[str, Any],
    notes: Sequence[str] = (),
    title: str = "Is the diversity of these faces an illusion?",
    faces: Faces | None = None,
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html of an audit's tables; returns the page.

    tables   cards, quality, shares, shown, faces, lightening, spread, truncation, copies; empty ones are left out
    verdict  sentences          facts   n_per_group, groups, verdict_in, spaces, n_train, n_held_out
    faces    generated beside real ones: rendered people only
    """
    found = {name: table for name, table in tables.items() if len(table)}
    space = str(facts["verdict_in"])
    first: list[Block] = [Text(line, "lead" if i == 0 else "plain") for i, line in enumerate(verdict)]
    sections = [
        Section("Whose diversity is an illusion", [*first, *_cards(found["cards"], space)]),
        Section("Faces", [faces] if faces is not None else []),
        Section("Asked and shown", [*_shares(found), *_found(found)]),
        Section("Lightening", _lightening(found)),
        Section("Does each parameter vary as it should?", _spread(found)),
        Section("Truncation", _truncation(found)),
        Section("Copies of training people", _copies(found)),
        Section("All measures of quality", _quality(found)),
        Section("How to read this", [Items([*LIMITS, *notes])]),
    ]
    subtitle = (
        f"{facts['n_per_group']:,} people in each of {len(facts['groups'])} groups, generated and real; compared in "
        f"{SPACES.get(space, space)}."
    )
    return write_page(Path(out), title=title, subtitle=subtitle, sections=sections)


def _cards(cards: pd.DataFrame, space: str) -> list[Block]:
    two = decimals(2)
    wanted = {
        "group": Column("group", label, numeric=False),
        "shown": Column("shown as asked", percent),
        "coverage": Column("coverage", two),
        "coverage_real": Column("… of real", two),
        "recall": Column("recall", two),
        "recall_real": Column("… of real", two),
        "density": Column("density", two),
        "density_real": Column("… of real", two),
        "mind": Column("MIND", two),
        "mind_real": Column("… of real", two),
        "vendi": Column("Vendi", decimals(1)),
        "vendi_real": Column("… of real", decimals(1)),
        "sd_ratio": Column("sd / real", two),
        "lightening": Column("lighter, °", decimals(1)),
        "verdict": Column("verdict", label, numeric=False),
    }
    columns = {name: column for name, column in wanted.items() if name in cards}
    note = (
        "… of real: other real people in the place of generated ones. sd: standard deviations of the parameters among "
        "generated faces over those of real people, the median."
    )
    caption = f"Each group’s card, in {SPACES.get(space, space)}."
    said = "; ".join(
        f"{r.group}: coverage {number(r.coverage)}, {r.verdict}" for r in cards.head(24).itertuples()
    )
    return [
        table_from(cards, columns, caption, note=note),
        Picture("card", coverage_card(cards), "Shown as asked, coverage and density by group.", said),
    ]


def _found(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    """Faces that a detector finds in what was drawn."""
    if "faces" not in found:
        return []
    rows = found["faces"]
    rows = rows.assign(
        ci=interval(rows, "ci_low", "ci_high", share=True),
        real_ci=interval(rows, "real_low", "real_high", share=True),
    )
    columns = {
        "group": Column("group", label, numeric=False),
        "n": Column("generated", count),
        "share": Column("found", percent),
        "ci": Column("interval", label),
        "n_real": Column("real", count),
        "real": Column("found", percent),
        "real_ci": Column("interval", label),
    }
    note = "RetinaFace at a score of .5, pictures enlarged to 256 px; intervals of Clopper and Pearson."
    return [table_from(rows, columns, "In how many pictures a face detector finds a face.", note=note)]


def _shares(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    blocks: list[Block] = []
    if "shares" in found:
        rows = found["shares"]
        rows = rows.assign(
            read=interval(rows, "read_low", "read_high", share=True),
            out=interval(rows, "out_low", "out_high", share=True),
        )
        columns = {
            "feature": Column("feature", label, numeric=False),
            "group": Column("group", label, numeric=False),
            "share_in": Column("training data", percent),
            "share_asked": Column("asked for", percent),
            "share_read": Column("read", percent),
            "read": Column("interval", label),
            "share_out": Column("shown", percent),
            "out": Column("interval", label),
            "amplification": Column("shown / asked", decimals(2)),
        }
        note = (
            "Asked for as in the training data. Read: by the classifier, Clopper and Pearson’s interval. Shown: its "
            "mistakes taken out."
        )
        blocks.append(table_from(rows, columns, "Shares in, asked and out.", note=note))
    if "shown" in found:
        rows = found["shown"]
        rows = rows.assign(
            exact=interval(rows, share=True),
            right=interval(rows, "real_low", "real_high", share=True),
            fixed=interval(rows, "corrected_low", "corrected_high", share=True),
        )
        columns = {
            "within": Column("people asked for", label, numeric=False),
            "feature": Column("feature", label, numeric=False),
            "group": Column("asked", label, numeric=False),
            "n": Column("n", count),
            "share": Column("read as asked", percent),
            "exact": Column("interval", label),
            "real": Column("real people", percent),
            "right": Column("interval", label),
            "corrected": Column("shown as asked", percent),
            "fixed": Column("interval", label),
            "mostly": Column("else mostly", label, numeric=False),
        }
        note = "Real people: how often the classifier reads held-out people of the group rightly."
        blocks.append(
            folded(table_from(rows, columns, "Shown as asked, each group of each feature.", note=note), 0)
        )
    return blocks


def _lightening(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    if "lightening" not in found:
        return []
    rows = found["lightening"]
    rows = rows.assign(
        range=interval(rows, "lightening_low", "lightening_high", digits=1),
        steep=interval(rows, "slope_low", "slope_high"),
    )
    one = decimals(1)
    columns = {
        "group": Column("group", label, numeric=False),
        "asked": Column("asked, °", one),
        "shown": Column("shown, °", one),
        "reader_bias": Column("reader’s bias, °", one),
        "lightening": Column("lighter by, °", one),
        "range": Column("interval", label),
        "slope": Column("slope", decimals(2)),
        "steep": Column("interval", label),
        "slope_real": Column("slope of real", decimals(2)),
    }
    asked = bool(rows["asked_for"].iloc[0]) if "asked_for" in rows else True
    note = (
        "ITA: the higher, the lighter. Lighter by: beyond what the regressor would say of real people of the tones "
        "asked for; above 0 is lighter. Slope: degrees shown for one asked; a slope below that of real people draws "
        "tones towards the middle."
    )
    if not asked:
        note = "Tone could not be asked for: asked are the tones of training people of the group. " + note
    return [table_from(rows, columns, "Tone asked and shown.", note=note)]


def _spread(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    if "spread" not in found:
        return []
    rows = found["spread"].sort_values("sd_ratio")
    rows = rows.assign(parameter=rows["parameter"].str.replace("_", " "))
    two = decimals(2)
    columns = {
        "group": Column("group", label, numeric=False),
        "parameter": Column("parameter", label, numeric=False),
        "sd_ratio": Column("sd / real", two),
        "sd_ratio_real": Column("… other real", two),
        "wasserstein": Column("Wasserstein, sd", two),
        "wasserstein_real": Column("… other real", two),
        "ks": Column("KS", two),
        "ks_real": Column("… other real", two),
    }
    narrow = rows.head(12)
    note = (
        "sd / real: standard deviation among generated faces over that of real people; Wasserstein: distance of the "
        "two distributions, in standard deviations of real people; KS: the largest difference of their "
        "cumulative shares; … other real: the same of other real people."
    )
    return [
        table_from(
            narrow, columns, "The parameters that vary least, against real people of the group.", note=note
        ),
        folded(table_from(rows, columns, "All parameters by group.")),
    ]


def _truncation(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    if "truncation" not in found:
        return []
    rows = found["truncation"]
    said = "; ".join(
        f"ψ {psi:g}: mean coverage {number(part['value'].mean())}"
        for psi, part in rows[rows["measure"] == "coverage"].groupby("psi", sort=False)
    )
    wide = rows.pivot_table(index=["feature", "group", "measure"], columns="psi", values="value", sort=False)
    wide = wide[sorted(wide, reverse=True)].reset_index()
    columns = {name: Column(name, label, numeric=False) for name in ("feature", "group", "measure")}
    columns |= {psi: Column(f"ψ {psi:g}", decimals(2)) for psi in wide.columns[3:]}
    caption = "The smaller ψ, the nearer latents are to the middle of what is asked for."
    return [
        Picture("truncation", truncation_lines(rows), caption, said),
        folded(table_from(wide, columns, "Truncation.")),
    ]


def _copies(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    return [_whole(found["copies"], "Copies of training people, by group.")] if "copies" in found else []


def _quality(found: Mapping[str, pd.DataFrame]) -> list[Block]:
    if "quality" not in found:
        return []
    return [
        folded(_whole(found["quality"], "Every measure in every space: generated, and real in its place."))
    ]


def _whole(table: pd.DataFrame, caption: str):  # type: ignore[no-untyped-def]
    """A table as it is: numbers with three decimals, text as text."""
    columns = {
        name: Column(str(name).replace("_", " "), decimals(3))
        if pd.api.types.is_float_dtype(table[name])
        else Column(str(name).replace("_", " "), count)
        if pd.api.types.is_integer_dtype(table[name])
        else Column(str(name).replace("_", " "), label, numeric=False)
        for name in table
    }
    return table_from(table, columns, caption)
