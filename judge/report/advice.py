"""Advice in words: a paragraph a skew, its numbers, the cures that the comparison supports, and the limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.advice import Advice
from judge.fairness.advice.cures import LEAST_RECOVERED, MOST_RECOVERED
from judge.fairness.audit import records_json
from judge.fairness.sweeps.cures import LOST
from judge.report.sentences import Said
from judge.report.wording import joined, number, p_said, percent

TITLES = {
    "representation": "Representation",
    "ratings": "Ratings",
    "camera": "Camera",
    "reading": "Reading",
    "reference": "Reference set",
}
#: What the evidence for a skew would mean, and what it cannot tell.
MEANINGS = {
    "representation": "the training pictures hold fewer of a group than enter",
    "ratings": "people of other groups rate a group otherwise than its own people do",
    "camera": "a group’s pictures changed more than the others’ between training and contest",
    "reading": "a group’s scores are pressed together, so that few of it are among the best",
    "reference": "the people whom entrants are compared with are hardly of a group",
}
CAVEATS = {
    "representation": "Few pictures of a group make a judge know little about it; that need not push it out.",
    "ratings": "A view that a group’s own raters share does not show here, nor does who is right.",
    "camera": "A group’s level of lightness by itself says nothing about a camera: skin tones differ.",
    "reading": "It may be a consequence of another skew, of light or of few pictures, or of ratings that are less "
    "reliable for one group.",
    "reference": "A share says whom entrants are compared with, not how much that counts in the panel.",
}
LIMITS = (
    "A cure that uses the group of the contestants (scores within groups, quotas, re-ranking) treats people by group; "
    "whether that is lawful and right is for those who hold the contest to decide, before they look at who wins.",
    "Where the groups’ truths differ, equal shares are a decision and no correction; no number here says what "
    "the truth is.",
    "No cure after the training knows what the pictures never showed or the raters never said: for few pictures and "
    "skewed ratings, new pictures and other raters are the cure, and for a camera, the same light for all.",
    "The comparison was made on rendered people whose truth is known; on photographs it is a hint.",
)
_MEASURES = {
    "pool_ratio": "share of the training pictures over that of the entrants",
    "reference_ratio": "share of the reference set over that of the entrants",
    "rating_shift": "rated by others, against its own raters",
    "exposure_change": "mean lightness, training to contest, against the other groups",
    "contrast_change": "spread of lightness, training to contest, against the other groups",
    "spread_ratio": "spread of the scores over the other groups’",
    "slope_ratio": "slope of score on rating over the other groups’",
    "pearson": "correlation of score and rating",
    "pool_share": "share of the training pictures",
    "reference_share": "share of the reference set",
    "exposure_mean": "mean lightness",
    "contrast_mean": "mean spread of lightness",
}
MOST_CURES = 5


def advice_said(advice: Advice) -> list[Said]:
    """What is found by skew, in words: kind (the skew), text, items (the numbers that it rests on, then cures).

    Found skews come first, then those of which nothing was found, then those of which nothing can be known.
    """
    order = {"clear": 0, "weak": 1, "none": 2, "unknown": 3}
    rows = advice.skews.assign(_order=advice.skews["strength"].map(order)).sort_values(
        "_order", kind="stable"
    )
    return [_skew(row, advice) for row in rows.to_dict("records")]


def cures_said(advice: Advice, skew: str) -> list[str]:
    """The cures that the comparison supports for a skew, one line each, and how many it does not."""
    if advice.cures is None:
        return []
    own = advice.cures[advice.cures["skew"] == skew]
    if own.empty:
        return ["The comparison has no cure for this skew."]
    helps = own[own["verdict"].isin(["supported", "costly"])]
    lines = [_cure(row) for row in helps.head(MOST_CURES).to_dict("records")]
    far = int((own["verdict"] == "too far").sum())
    rest = len(own) - len(helps) - far
    if not lines:
        best = own.loc[own["recovered"].idxmax()] if own["recovered"].notna().any() else None
        most = f" (most: {best['cure']}, {percent(best['recovered'], 0)})" if best is not None else ""
        return [
            f"No cure of {len(own)} brought the winners’ shares {percent(LEAST_RECOVERED, 0)} to "
            f"{percent(MOST_RECOVERED, 0)} of the way back{most}."
        ]
    more = len(helps) - len(lines)
    told = [f"{more} more help as well"] if more > 0 else []
    told += [f"too far, past {percent(MOST_RECOVERED, 0)}: {far}"] if far else []
    told += (
        [f"less than {percent(LEAST_RECOVERED, 0)} of the way back: {rest} of {len(own)} cures"]
        if rest
        else []
    )
    return [*lines, *([f"{'; '.join(told)}."] if told else [])]


def measure_said(row: Mapping[str, Any]) -> str:
    """One number in a line: what, of which group, interval, adjusted p, how strong."""
    digits = 2
    value = number(row["value"], digits)
    if row["measure"].endswith("_share"):
        value = percent(row["value"])
    text = f"{row['group']}: {_MEASURES.get(row['measure'], row['measure'])} {value}"
    if not np.isnan(row["ci_low"]):
        low, high = (
            (
                percent(row[end]).removesuffix(" %")
                if row["measure"].endswith("_share")
                else number(row[end], digits)
            )
            for end in ("ci_low", "ci_high")
        )
        text += f" [{low}, {high}]"
    if row["measure"] == "rating_shift":
        text += f" points ({number(row['size'])} sd)"
    if row["measure"].endswith("_change"):
        text += f" ({number(row['size'])} sd)"
    p = p_said(row["p_adjusted"])
    text += f", adjusted {p}" if p else ""
    detail = row["detail"] if isinstance(row["detail"], str) else ""
    return f"{text} ({detail})" if detail else text


def advice_json(advice: Advice) -> str:
    """Skews, evidence, cures, limits and notes as one JSON object."""
    records = {
        "confidence": advice.confidence,
        "skews": [
            {**row, "title": TITLES[row["skew"]], "text": _skew(row, advice).text}
            for row in advice.skews.to_dict("records")
        ],
        "evidence": json.loads(records_json(advice.evidence)),
        "cures": None if advice.cures is None else json.loads(records_json(advice.cures)),
        "limits": list(LIMITS),
        "notes": list(advice.notes),
    }
    return json.dumps(records, ensure_ascii=False, allow_nan=False, indent=1)


def _skew(row: Mapping[str, Any], advice: Advice) -> Said:
    skew, strength = row["skew"], row["strength"]
    title = TITLES[skew]
    if strength == "unknown":
        return Said(skew, f"{title}: not looked at: {row['unknown'] or 'nothing was measured'}.")
    own = advice.evidence[(advice.evidence["skew"] == skew)]
    rest = f" Not known: {row['unknown']}." if row["unknown"] else ""
    if strength == "none":
        tested = own[own["p_adjusted"].notna()]
        nearest = tested.loc[tested["p_adjusted"].idxmin()].to_dict()
        return Said(
            skew, f"{title}: no evidence that {MEANINGS[skew]}. Nearest: {measure_said(nearest)}.{rest}"
        )
    named = own[own["strength"].isin(["weak", "clear"]) & own["group"].isin(row["groups"])]
    named = named.sort_values("p_adjusted", kind="stable")
    text = f"{title}: {strength} evidence for {joined(row['groups'])} that {MEANINGS[skew]}. {CAVEATS[skew]}{rest}"
    return Said(skew, text, tuple(f"{measure_said(r)}: {r['strength']}" for r in named.to_dict("records")))


def _cure(row: Mapping[str, Any]) -> str:
    low, high = percent(row["ci_low"], 0).removesuffix(" %"), percent(row["ci_high"], 0).removesuffix(" %")
    text = f"{row['cure']} ({row['seam']}): {percent(row['recovered'], 0)} [{low}, {high}] of the way back"
    lost = row["truth_lost"]
    if pd.isna(lost):
        text += "; what it costs of the winners’ truth is not known"
    elif lost > LOST:
        text += f"; COSTLY: the winners’ truth is lower by {number(lost)} sd"
    else:
        text += f"; the winners’ truth {'lower' if lost > 0 else 'higher'} by {number(abs(lost))} sd"
    if row["needs"]:
        text += f"; needs {row['needs']}"
    return f"{text}; {row['note']}" if row["note"] else text
