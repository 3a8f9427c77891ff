"""The page of `judge generate transects`: what moves along, and how wrong a study by generated faces would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.report.figures.generator import effects_against_exact, leakage_matrix
from judge.report.html import (
    P_VALUE,
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
from judge.report.wording import counted, number

#: Movement of another attribute from which on a transect is said to leak, standard deviations.
LEAKS = 0.25
LIMITS = (
    "One standard deviation of an attribute is that among rendered people. A transect moves its own attribute by 1; "
    "leakage is what another one moves along.",
    "On the renderer's own transects nothing else changes, by construction: what is read there is the regressor's own "
    "mistake. Leakage with it taken out (unmixed) takes its responses to add up.",
    "An exact effect is that of the renderer's change on rendered persons, by the same judge. It holds for them, for "
    "this judge, and for what the renderer calls the attribute: age comes with its wrinkles and grey hair, gender is "
    "the shape of the face alone.",
    "The weights of the mean shapes (african, asian, caucasian) sum to 1: where one rises, others fall, in the "
    "renderer, too.",
    "A study's effect is the change of score over the movement that is read, as a study without a renderer would have "
    "it, divided by how much of a true change the regressor reads.",
    "Intervals of bias over judges take each judge as one training run (Student's t, from three on); those over faces "
    "hold for these judges alone.",
)


def write_transects_page(
    out: Path,
    leakage: pd.DataFrame,
    *,
    directions: pd.DataFrame | None = None,
    over: pd.DataFrame | None = None,
    each: pd.DataFrame | None = None,
    faces: Faces | None = None,
    notes: Sequence[str] = (),
    title: str = "Transects: one attribute changed, and what comes along",
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html of a study's tables; returns the page.

    leakage     as of judge.generator.transects.leakage
    directions  of Directions.table
    over, each  as of compare_effects; with a column condition where there are several
    faces       generated faces, of a generator of rendered people or where they may be shown
    notes       what was left out, and why
    """
    sentences = [*leakage_said(leakage), *(effects_said(over) if over is not None and len(over) else [])]
    blocks: list[Block] = [Text(s, "lead" if i == 0 else "plain") for i, s in enumerate(sentences)]
    sections = [
        Section("How wrong is a study by these faces?", blocks),
        Section("Faces", [] if faces is None else [faces]),
        Section("Effects on the score", _effects(over, each)),
        Section("What moves along", _leakage(leakage)),
        Section("Directions of the latent", _directions(directions)),
        Section("How to read this", [Items([*LIMITS, *notes])]),
    ]
    generated = leakage[leakage["space"] != "renderer"]
    people = f"{counted(int(generated['n'].max()), 'generated person')}, " if len(generated) else ""
    changed = (generated if len(generated) else leakage)[
        "target"
    ].nunique()  # the renderer changes all that are read
    subtitle = f"{people}{counted(changed, 'attribute')} changed one at a time."
    return write_page(Path(out), title=title, subtitle=subtitle, sections=sections)


def leakage_said(table: pd.DataFrame) -> list[str]:
    """A sentence a space: how many transects leak more than LEAKS beyond the regressor's own, and the worst."""
    told = []
    for space, part in table[table["space"] != "renderer"].groupby("space", sort=False):
        moving = part[part["moves"].astype(bool)]
        still = sorted(set(part["target"]) - set(moving["target"]))
        other = moving[(moving["target"] != moving["attribute"]) & moving["excess"].notna()]
        clear = other[
            (other["excess"].abs() >= LEAKS) & ((other["excess_low"] > 0) | (other["excess_high"] < 0))
        ]
        known = other["target"].nunique()
        leaking = f"{clear['target'].nunique()} of {counted(known, 'attribute')}"
        text = f"Changed as {space}: others move along with {leaking}"
        if len(clear):
            worst = clear.loc[clear["excess"].abs().idxmax()]
            text += (
                f", most of all with {worst['target']}: {worst['attribute']} moves by "
                f"{number(worst['excess'])} [{number(worst['excess_low'])}, {number(worst['excess_high'])}] standard "
                "deviations more than the regressor's own mistake"
            )
        text += "."
        if still:
            text += f" Not moved at all: {', '.join(still)}."
        told.append(text)
    return told


def effects_said(over: pd.DataFrame) -> list[str]:
    """A sentence a condition and space: how many effects are off, with intervals that leave out 0, and the worst."""
    told = []
    keys = ["condition", "space"] if "condition" in over else ["space"]
    for key, part in over.groupby(keys, sort=False):
        moving = part[part["effect"].notna()]
        if moving.empty:
            continue
        low = moving["ci_low"].fillna(moving["faces_low"])
        high = moving["ci_high"].fillna(moving["faces_high"])
        off = moving[(low > 0) | (high < 0)]
        name = ", ".join(str(k) for k in key)  # type: ignore[union-attr]
        text = f"{name}: {len(off)} of {counted(len(moving), 'effect')} on the score are off beyond chance"
        if len(off):
            worst = off.loc[off["bias"].abs().idxmax()]
            text += (
                f", most of all that of {worst['target']}: {number(worst['effect'])} points a standard deviation, "
                f"where it is {number(worst['exact'])}"
            )
        wrong = int((moving["wrong_sign"] > moving["judges"] / 2).sum())
        told.append(text + (f"; wrong sign for most judges: {wrong}." if wrong else "."))
    return told


def _effects(over: pd.DataFrame | None, each: pd.DataFrame | None) -> list[Block]:
    if over is None or over.empty:
        return [Text("No judge was given, so that no effect on a score is known.")]
    table = over.copy()
    table["over judges"] = interval(table, "ci_low", "ci_high")
    table["over faces"] = interval(table, "faces_low", "faces_high")
    several = {"condition": Column("judge", label, numeric=False)} if "condition" in table else {}
    columns = {
        **several,
        "target": Column("attribute", label, numeric=False),
        "space": Column("changed as", label, numeric=False),
        "exact": Column("exact", decimals(2)),
        "effect": Column("study", decimals(2)),
        "bias": Column("bias", decimals(2)),
        "over judges": Column("over judges", label, numeric=False, whole=True),
        "over faces": Column("over faces", label, numeric=False, whole=True),
        "explained": Column("leaks explain", decimals(2)),
        "p_value": P_VALUE,
        "wrong_sign": Column("wrong sign", count),
        "judges": Column("judges", count),
    }
    alt = "; ".join(
        f"{r.target}, {r.space}: exact {number(r.exact)}, study {number(r.effect)}"
        for r in over.head(24).itertuples()
    )
    blocks: list[Block] = [
        Picture(
            "effects", effects_against_exact(over),
            "Effect on the score: exact, by the renderer, and as a study by generated faces finds it. Bars: 95 % "
            "interval of the bias, over judges where there are three, else over faces.",
            alt,
        ),
        table_from(table, columns, "Points of score for one standard deviation of the attribute; means over judges."),
    ]  # fmt: skip
    if each is not None and len(each):
        rows = each.copy()
        for name in ("exact", "effect", "bias"):
            rows[f"{name} interval"] = interval(rows, f"{name}_low", f"{name}_high")
        shown = {
            **several,
            "judge": Column("judge", label, numeric=False),
            "target": Column("attribute", label, numeric=False),
            "space": Column("changed as", label, numeric=False),
            **{
                key: column
                for name in ("exact", "effect", "bias")
                for key, column in (
                    (name, Column(name, decimals(2))),
                    (f"{name} interval", Column("", label, numeric=False, whole=True)),
                )
            },
        }
        blocks.append(folded(table_from(rows, shown, "Each judge, with intervals over faces.")))
    return blocks


def _leakage(leakage: pd.DataFrame) -> list[Block]:
    others = leakage[leakage["target"] != leakage["attribute"]].copy()
    for name, low, high in (
        ("leakage", "ci_low", "ci_high"), ("own", "own_low", "own_high"), ("excess", "excess_low", "excess_high"),
        ("unmixed", "unmixed_low", "unmixed_high"),
    ):  # fmt: skip
        others[f"{name} interval"] = interval(others, low, high)
    columns = {
        "space": Column("changed as", label, numeric=False),
        "target": Column("changed", label, numeric=False),
        "attribute": Column("read", label, numeric=False),
    }
    for name, heading in (
        ("leakage", "moves by"), ("own", "regressor's own"), ("excess", "excess"), ("unmixed", "unmixed"),
    ):  # fmt: skip
        columns[name] = Column(heading, decimals(2))
        columns[f"{name} interval"] = Column("", label, numeric=False, whole=True)
    worst = others[others["space"] != "renderer"].dropna(subset=["excess"])
    worst = worst.loc[worst["excess"].abs().sort_values(ascending=False).index].head(8)
    alt = "Largest: " + "; ".join(
        f"{r.space}, {r.target} into {r.attribute} {number(r.leakage)}" for r in worst.itertuples()
    )
    blocks: list[Block] = [
        Picture(
            "leakage", leakage_matrix(leakage),
            "Standard deviations that each attribute (columns) moves while another (rows) is moved by one, as read. "
            "The renderer's panel is the regressor's own mistake: there nothing else moves.",
            alt,
        )
    ]  # fmt: skip
    if others["unmixed"].notna().any():
        blocks.append(
            Picture(
                "leakage_unmixed", leakage_matrix(leakage[leakage["space"] != "renderer"], value="unmixed"),
                "The same with the regressor's own responses taken out.", "As the figure before, corrected.",
            )
        )  # fmt: skip
    ordered = others.loc[others["excess"].abs().sort_values(ascending=False, na_position="last").index]
    blocks.append(
        folded(table_from(ordered, columns, "Leakage, with intervals over faces; largest excess first."))
    )
    return blocks


def _directions(directions: pd.DataFrame | None) -> list[Block]:
    if directions is None:
        return []
    columns = {
        "attribute": Column("attribute", label, numeric=False),
        "correlation": Column("correlation with the latent", decimals(2)),
        "kept": Column("left when orthogonalised", decimals(2)),
        "n": Column("faces", count),
    }
    note = "Correlation in faces that the direction was not fitted on, after what was asked for is taken out."
    return [table_from(directions, columns, "How far the latent governs each attribute.", note=note)]
