"""The page of `judge private attack`: who is found, how surely, in which group, and which ε that proves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.report.figures.privacy import rates_by_group, roc_curves
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
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
from judge.report.wording import counted, joined, number, p_said, percent

#: Scopes as judge.privacy.attacks.rates names them: this room does not import that one.
POOLED, OVER, ALL = "all targets", "over targets", "all"
LIMITS = (
    "A member is a person whose picture was in the training. An attack gives each person a score; the threshold is the "
    "one that so many non-members exceed, of all groups together, and holds for every group.",
    "An average over all thresholds (AUC) hides whether anybody is found for sure: read the rate at few false alarms "
    "(Carlini et al. 2022).",
    "The interval of all targets together takes each person in each training as one more person: it holds for these "
    "trainings. That over targets takes each training as one (Student's t, from two on).",
    "Chance is what the same threshold would find if scores had nothing to do with membership, an exact interval.",
    "A rate of false alarms is given where its threshold lets at least 10 non-members through.",
    "An attack that finds nobody proves nothing: another one may. The ε of the one-run audit (Steinke et al. 2023) is "
    "a lower bound, at the confidence stated for all targets together; 0 means that nothing is proved.",
    "The audit holds where each person was in by a coin. In judges that are trained here it is so; of a pool it needs "
    "that its people were drawn at random among the candidates, of whom it takes a part.",
)


def write_attack_page(
    out: Path,
    *,
    rates: pd.DataFrame,
    differences: pd.DataFrame,
    roc: pd.DataFrame,
    audit: pd.DataFrame,
    what: str,
    notes: Sequence[str] = (),
    title: str = "Membership attacks",
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html of the tables of judge.privacy.attacks.study; returns the page.

    what: what was attacked, a sentence without its full stop. notes: what was left out, and why.
    """
    main = main_rows(rates)
    sections = [
        Section(
            "Is it known who was in the training?",
            [
                Text(s, "lead" if i == 0 else "plain")
                for i, s in enumerate(attack_said(rates, differences, audit))
            ],
        ),
        Section("Members found", _rates(rates, roc)),
        Section("By group", _groups(rates, differences, main)),
        Section("The ε that is proved", _audit(audit)),
        Section("How to read this", [Items([*LIMITS, *notes])]),
    ]
    return write_page(Path(out), title=title, subtitle=f"{what}.", sections=sections)


def main_rows(rates: pd.DataFrame) -> pd.DataFrame:
    """All people of all targets (of the only one), a row an attack and rate."""
    scope = POOLED if (rates["scope"] == POOLED).any() else rates["scope"].iloc[0]
    return rates[(rates["scope"] == scope) & (rates["group"] == ALL)]


def attack_said(rates: pd.DataFrame, differences: pd.DataFrame, audit: pd.DataFrame) -> list[str]:
    """Sentences: the attack that finds most at the highest rate that is known, who stands out, the audit."""
    told = []
    main = main_rows(rates)
    known = main.dropna(subset=["tpr"])
    if known.empty:
        told.append(
            f"Too few people for any rate of false alarms that was asked for: {main['note'].iloc[0]}."
        )
    else:
        top = known[known["fpr"] == known["fpr"].max()]
        best = top.loc[top["tpr"].idxmax()]
        beyond = best["tpr"] > best["chance_high"]
        told.append(
            f"Of {counted(len(top), 'attack')} {best['attack']} finds most: {percent(best['tpr'])} "
            f"[{number(100 * best['ci_low'], 1)}, {number(100 * best['ci_high'], 1)}] of members at "
            f"{percent(best['fpr'])} false alarms, where chance finds {number(100 * best['chance_low'], 1)} to "
            f"{percent(best['chance_high'])} ({p_said(best['p_value'])} for this attack alone). "
            + ("Members are found." if beyond else "That is no more than chance.")
        )
        short = main[main["tpr"].isna()].drop_duplicates("fpr")
        told += [
            f"At {percent(row.fpr)} false alarms nothing is said: it {row.note}."
            for row in short.itertuples()
        ]
        told += _groups_said(differences, str(best["attack"]))
    if len(audit):
        told.append(_audit_said(audit))
    return told


def _groups_said(differences: pd.DataFrame, name: str) -> list[str]:
    if differences.empty:
        return []
    rows = differences[differences["attack"] == name]
    low, high = rows["over_low"].fillna(rows["ci_low"]), rows["over_high"].fillna(rows["ci_high"])
    easier, harder = rows.loc[low > 0, "group"].tolist(), rows.loc[high < 0, "group"].tolist()
    parts = [f"easier to find than others: {joined(easier)}"] if easier else []
    parts += [f"harder: {joined(harder)}"] if harder else []
    if not parts:
        return [f"No group's members are found more or less often than others, beyond chance ({name})."]
    text = "; ".join(parts)
    return [f"Members {text}, by intervals that are not adjusted for the number of groups ({name})."]


def _audit_said(audit: pd.DataFrame) -> str:
    best = audit.loc[audit["epsilon"].idxmax()]
    text = (
        f"The one-run audit proves ε ≥ {number(best['epsilon'])} at δ = {best['delta']:.1g} "
        f"({best['correct']:,} of {best['guesses']:,} guesses right)"
    )
    if np.isinf(best["claimed"]):
        return f"{text}; nothing is claimed."
    refuted = int((audit["epsilon"] > audit["claimed"]).sum())
    claim = f"ε = {number(best['claimed'], 1)} is claimed"
    if not refuted:
        return f"{text}; {claim}: the claim is not refuted."
    return f"{text}; {claim}: the claim is refuted, by {refuted} of {counted(len(audit), 'training')}."


def _rates(rates: pd.DataFrame, roc: pd.DataFrame) -> list[Block]:
    main = main_rows(rates).copy()
    over = rates[(rates["scope"] == OVER) & (rates["group"] == ALL)].set_index(["attack", "fpr"])
    main["exact"] = interval(main, digits=3)
    main["chance"] = interval(main, "chance_low", "chance_high", digits=3)
    columns = {
        "attack": Column("attack", label, numeric=False),
        "fpr": Column("false alarms asked for", lambda v: f"{v:g}"),
        "tpr": Column("members found", decimals(3)),
        "exact": Column("exact interval", label, numeric=False, whole=True),
    }
    if len(over):
        keys = pd.MultiIndex.from_frame(main[["attack", "fpr"]])
        main["mean over targets"] = interval(over, digits=3).reindex(keys).to_numpy()
        columns["mean over targets"] = Column("over targets", label, numeric=False, whole=True)
    columns |= {
        "chance": Column("chance", label, numeric=False, whole=True),
        "p_value": P_VALUE,
        "auc": Column("AUC", decimals(3)),
        "members": Column("members", count),
        "non_members": Column("non-members", count),
        "note": Column("", label, numeric=False),
    }
    alt = "; ".join(f"{r.attack}: {number(r.tpr, 3)} at {r.fpr:g}" for r in main.itertuples())
    each = rates[~rates["scope"].isin([POOLED, OVER]) & (rates["group"] == ALL)].copy()
    blocks: list[Block] = [
        Picture(
            "roc", roc_curves(roc),
            "Members found against false alarms, both logarithmic; dashed: attacks whose shadows never saw the person.",
            alt,
        ),
        table_from(main, columns, "Members found, of all targets together.", note="False alarms are of non-members."),
    ]  # fmt: skip
    if each["scope"].nunique() > 1:
        each["exact"] = interval(each, digits=3)
        shown = {
            "scope": Column("target", label),
            **{k: columns[k] for k in ("attack", "fpr", "tpr", "exact", "auc", "note")},
        }
        blocks.append(folded(table_from(each, shown, "Each target at its own threshold.")))
    return blocks


def _groups(rates: pd.DataFrame, differences: pd.DataFrame, main: pd.DataFrame) -> list[Block]:
    known = main.dropna(subset=["tpr"])
    if differences.empty or known.empty:
        return []
    top = known[known["fpr"] == known["fpr"].max()]
    best = top.loc[top["tpr"].idxmax()]
    rows = rates[
        (rates["scope"] == best["scope"])
        & (rates["attack"] == best["attack"])
        & (rates["fpr"] == best["fpr"])
    ].copy()
    rows["tpr interval"] = interval(rows, digits=3)
    rows["fpr interval"] = interval(rows, "fpr_low", "fpr_high", digits=3)
    each = {
        "group": Column("group", label, numeric=False),
        "members": Column("members", count),
        "tpr": Column("members found", decimals(3)),
        "tpr interval": Column("", label, numeric=False, whole=True),
        "fpr_reached": Column("false alarms", decimals(3)),
        "fpr interval": Column("", label, numeric=False, whole=True),
        "auc": Column("AUC", decimals(3)),
    }
    pairs = differences.copy()
    pairs["over members"] = interval(pairs, digits=3)
    pairs["over targets"] = interval(pairs, "over_low", "over_high", digits=3)
    between = {
        "attack": Column("attack", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "tpr": Column("found", decimals(3)),
        "tpr_others": Column("of others", decimals(3)),
        "difference": Column("difference", decimals(3)),
        "over members": Column("over members", label, numeric=False, whole=True),
        "over targets": Column("over targets", label, numeric=False, whole=True),
        "members": Column("members", count),
    }
    alt = "; ".join(f"{r.group}: {number(r.tpr, 3)} found" for r in rows.itertuples())
    caption = f"{best['attack']} at {percent(best['fpr'])} false alarms of all people: members found and false alarms."
    against = "Members of a group against all other members, each target at its own threshold."
    return [
        Picture("groups", rates_by_group(rows), caption, alt),
        table_from(rows, each, f"{best['attack']}, by group, at the threshold of all."),
        folded(table_from(pairs, between, against)),
    ]


def _audit(audit: pd.DataFrame) -> list[Block]:
    if audit.empty:
        return []
    columns = {
        "target": Column("target", label),
        "attack": Column("guesses by", label, numeric=False),
        "canaries": Column("people", count),
        "guesses": Column("guesses", count),
        "correct": Column("right", count),
        "epsilon": Column("ε proved", decimals(2)),
        "claimed": Column("ε claimed", lambda v: "none" if np.isinf(v) else number(v)),
        "delta": Column("δ", lambda v: f"{v:.1g}"),
        "p_value": P_VALUE,
        "verdict": Column("verdict", label, numeric=False),
    }
    note = "p: at most the probability of so many right guesses, were the claim true."
    return [
        table_from(
            audit, columns, "Half of the guesses say in, half say out; nothing of the rest.", note=note
        )
    ]
