"""The model card of a folder of generated people (Mitchell et al. 2019, arXiv:1810.03993): what it is and is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

#: Rows of an audit's table that the card shows; the table itself lies beside the audit.
SHOWN = 40


def model_card(
    manifest: pd.DataFrame,
    settings: Mapping[str, Any],
    *,
    replaced: int | None = None,
    audit: Mapping[str, pd.DataFrame] | None = None,
) -> str:
    """README.md of the folder, with the header that data set hubs read.

    settings  those of settings.json
    replaced  faces redrawn as too near to a training picture; None: no such check was made
    audit     tables of judge generate audit, by name
    """
    told = settings["generator"]
    real = bool(settings["real_people"])
    parts = [
        f"""---
pretty_name: Generated faces of people who do not exist
tags: [synthetic, generated, faces, fairness]
---
# {len(manifest):,} generated faces of people who do not exist

Drawn by a face generator (digest {told["digest"]}), {told["size"]} × {told["size"]} px, with \
`judge generate sample`. Labels are what was asked for, not what anybody saw or said: how often a face shows what it \
was asked for, `judge generate audit` measures. Ratings, too, are asked for: nobody rated these pictures.""",
        _who_it_may_resemble(real, replaced, told),
        "## Who was asked for\n\n" + _counts(manifest),
        "## How the generator was made\n\n" + _training(told),
        "## Audit\n\n" + _audit(audit),
        """## Limits

- A generator shows less variety than its training data, most of all in groups that were few there; equal shares do \
not mend that. Coverage by group is in the audit.
- Two faces of a folder can look alike; they are not two people.
- psi below 1 draws nearer to the middle of what was asked for: less variety, by choice.
- Not for identifying, judging or describing anybody who exists.
- Nobody under 18 was asked for; a face may look younger than its label.""",
        "## Settings\n\n```json\n"
        + json.dumps({k: v for k, v in settings.items() if k != "generator"}, indent=2, ensure_ascii=False)
        + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _who_it_may_resemble(real: bool, replaced: int | None, told: Mapping[str, Any]) -> str:
    if not real:
        return (
            f"The generator learnt from people who do not exist either ({told['data']}), so no face here was taken "
            "from a real one."
        )
    checked = (
        ""
        if replaced is None
        else f" Every face was held against all {_number(told['training_pictures'])} training pictures; {replaced:,} "
        "drawn faces were too near to one and were replaced. The measure finds most copies, not all."
    )
    return (
        "**Warning: the generator learnt from photographs of real people, who were not asked whether their faces may "
        f"be used for this. A face here may resemble one of them.**{checked} Do not publish these faces unless the "
        "terms of the photographs allow it; reports of judge leave them out."
    )


def _number(count: int | None) -> str:
    return "an unknown number of" if count is None else f"{count:,}"


def _counts(manifest: pd.DataFrame) -> str:
    features = [name for name in ("ethnicity", "gender", "age_group", "skin_tone") if name in manifest]
    rows = [
        f"| {feature} | {group} | {count} |"
        for feature in features
        for group, count in manifest[feature].value_counts(dropna=False).sort_index().items()
    ]
    text = (
        "\n".join(["| feature | group | faces |", "|---|---|---|", *rows])
        if rows
        else "Nothing: no groups were taught."
    )
    numbers = [name for name in ("age", "ita", "rating") if name in manifest and manifest[name].notna().any()]
    if numbers:
        text += "\n\n" + "\n".join(
            f"- {name}: {manifest[name].min():g} to {manifest[name].max():g}, mean {manifest[name].mean():.2f}"
            for name in numbers
        )
    return text


def _training(told: Mapping[str, Any]) -> str:
    taught = ", ".join(told["conditions"]) or "no labels"
    text = f"{_number(told['training_pictures'])} pictures of {told['data']}; taught: {taught}."
    if told["settings"]:
        named = ", ".join(f"{k}={v}" for k, v in told["settings"].items() if v is not None)
        text += f" Seed {told['seed']}; {named}."
    history = pd.DataFrame(told["history"], columns=["pictures", "distance"])
    history = history[history["pictures"] > 0]  # those before are of the warm-up
    if len(history):
        rows = "\n".join(f"| {row.pictures:,.0f} | {row.distance:.3f} |" for row in history.itertuples())
        text += (
            "\n\nDistance of pixels to people whom it did not learn from, by pictures seen; the generator kept is that "
            f"of the smallest:\n\n| pictures | distance |\n|---|---|\n{rows}"
        )
    return text


def _audit(audit: Mapping[str, pd.DataFrame] | None) -> str:
    if not audit:
        return "None lies beside the generator: whether its variety is real is not known (`judge generate audit`)."
    parts = []
    for name, table in audit.items():
        shown = table.head(SHOWN)
        lines = [" | ".join(map(str, shown.columns)), "|".join(["---"] * len(shown.columns))]
        lines += [" | ".join(_cell(v) for v in row) for row in shown.itertuples(index=False)]
        more = f"\n\n… {len(table) - SHOWN} more rows in the audit's folder" if len(table) > SHOWN else ""
        parts.append(f"### {name}\n\n" + "\n".join(f"| {line} |" for line in lines) + more)
    return "\n\n".join(parts)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "\\|")
