"""What an audit says of each group, in a card and in a word."""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.generator.audit.quality import ALL

#: Coverage and density, as shares of what real people have against real people, from which a group passes.
ENOUGH = 0.8
#: Coverage below which the variety is called an illusion, not only incomplete.
HALF = 0.5
#: Share of those asked for that has to be shown as asked.
SHOWN = 0.9
#: Standard deviations of the parameters (their median), or where they are not known recall, as shares of real people's,
#: below which faces keep to the middle. Coverage does not see that: a neighbourhood in the middle has neighbours.
WIDE, RECALLED = 0.8, 0.5

#: verdict → what it says
VERDICTS = {
    "not shown": "many who are asked for as this group are not shown as it",
    "illusion": "it is shown when asked for, but its faces repeat a few: many kinds of real people are missing",
    "incomplete": "it is shown when asked for and varies, but kinds of real people are missing",
    "narrow": "it covers most kinds of real people and keeps to the middle: extremes are missing",
    "unlike": "its faces vary, but many are unlike real faces of the group",
    "diverse": "it is shown as asked, and varies about as real people of the group do",
    "not measured": "too few people to say",
}


def verdict(
    shown: float, coverage: float, density: float, spread: float = np.nan, recall: float = np.nan
) -> str:
    """One of VERDICTS; coverage, density, recall as shares of those of real people against real people.

    spread  median over parameters of the standard deviation as a share of real people's; NaN: recall is read instead
    NaN of `shown` (nobody reads the group) leaves the shares out of the verdict, NaN of both others the width.
    """
    if not (np.isfinite(coverage) and np.isfinite(density)):
        return "not measured"
    if np.isfinite(shown) and shown < SHOWN:
        return "not shown"
    if coverage < ENOUGH:
        return "illusion" if coverage < HALF else "incomplete"
    if density < ENOUGH:
        return "unlike"
    narrow = spread < WIDE if np.isfinite(spread) else recall < RECALLED
    return "narrow" if narrow else "diverse"


def cards(
    quality: pd.DataFrame, shown: pd.DataFrame, *, space: str, spread: pd.DataFrame | None = None
) -> pd.DataFrame:
    """A row a group: every measure beside real against real, and the verdict.

    quality  long: space, group, measure, value, real_value
    shown    group, share (shown as asked, mistakes of the classifier taken out)
    spread   of `tone.parameter_spread`: gives sd_ratio and sd_ratio_real, medians over the parameters
    """
    here = quality[(quality["space"] == space) & (quality["group"] != ALL)]
    value = here.pivot_table(index="group", columns="measure", values="value", sort=False)
    real = here.pivot_table(index="group", columns="measure", values="real_value", sort=False)
    table = pd.DataFrame({"group": value.index})
    table["shown"] = table["group"].map(shown.set_index("group")["share"]) if len(shown) else np.nan
    for measure in value:
        table[measure] = value[measure].to_numpy()
        if measure in real:
            table[f"{measure}_real"] = real[measure].to_numpy()
    for measure in ("coverage", "density", "recall"):
        base = table.get(f"{measure}_real", pd.Series(np.nan, table.index))
        table[f"{measure}_ratio"] = table.get(measure, np.nan) / base.where(base > 0)
    if spread is not None and len(spread):
        middle = spread.groupby("group")[["sd_ratio", "sd_ratio_real"]].median()
        table = table.join(middle, on="group")
    else:
        table["sd_ratio"] = np.nan
    measured = ["shown", "coverage_ratio", "density_ratio", "sd_ratio", "recall_ratio"]
    table["verdict"] = [verdict(*row) for row in table[measured].to_numpy(float)]
    if table["sd_ratio"].isna().all():
        table = table.drop(columns="sd_ratio")
    return table


def said(table: pd.DataFrame) -> list[str]:
    """The verdicts of `cards` in sentences, the worst first."""

    def names(kind: str) -> str:
        return ", ".join(table.loc[table["verdict"] == kind, "group"])

    lines = []
    if (table["verdict"] == "illusion").any():
        rows = table[table["verdict"] == "illusion"]
        lines.append(
            f"The diversity of {names('illusion')} is an illusion: shown as asked "
            f"({_percents(rows['shown'])}), but covering {_percents(rows['coverage_ratio'])} of what other real "
            "people of the group cover."
        )
    if (table["verdict"] == "not shown").any():
        rows = table[table["verdict"] == "not shown"]
        lines.append(f"Asked for, and not shown: {names('not shown')} ({_percents(rows['shown'])} as asked).")
    if (table["verdict"] == "incomplete").any():
        rows = table[table["verdict"] == "incomplete"]
        lines.append(
            f"Incomplete: {names('incomplete')}, shown as asked ({_percents(rows['shown'])}), covering "
            f"{_percents(rows['coverage_ratio'])} of what other real people of the group cover."
        )
    if (table["verdict"] == "unlike").any():
        rows = table[table["verdict"] == "unlike"]
        lines.append(
            f"Varied, but unlike real faces: {names('unlike')} (density {_percents(rows['density_ratio'])} of that of "
            "real people)."
        )
    if (table["verdict"] == "narrow").any():
        rows = table[table["verdict"] == "narrow"]
        how = f"recall {_percents(rows['recall_ratio'])} of real people's"
        if "sd_ratio" in rows:
            how = f"standard deviations {_percents(rows['sd_ratio'])} of real people's, {how}"
        lines.append(
            f"Shown as asked, covering most kinds of real people, but keeping to the middle: {names('narrow')} ({how})."
        )
    if (table["verdict"] == "diverse").any():
        lines.append(
            f"Shown as asked and varied: {names('diverse')} (coverage and density at least {100 * ENOUGH:.0f} % of "
            "those of real people)."
        )
    if (table["verdict"] == "not measured").any():
        lines.append(f"Too few people to say: {names('not measured')}.")
    return lines


def _percents(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return "not read"
    low, high = (f"{100 * v:.0f} %" for v in (known.min(), known.max()))
    return low if low == high else f"{low} to {high}"
