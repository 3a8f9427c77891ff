"""The jury itself: whom its gate turned away, by rule and group, and what a fresh probe reads of its judges."""

from __future__ import annotations

import pandas as pd

from judge.report import figures
from judge.report.conditions import in_order
from judge.report.html import Block, Column, Picture, Section, Text, count, interval, label
from judge.report.sections.tables import by_condition, folded, told_by
from judge.report.wording import level, named, p_said, percent

#: Probes in words, in the order in which they are shown.
PROBES = {"linear": "linear", "two_layer": "two-layer", "boosted_trees": "boosted trees"}


def gate_section(rates: pd.DataFrame | None) -> Section:
    """rates: condition, rule, feature, group, n, refused, rate, ci_low, ci_high; no blocks where there is no gate.

    A gate that is the same in every condition is told once.
    """
    title = "Whom the gate turned away"
    if rates is None or rates.empty:
        return Section(title)
    rates = rates.assign(range=interval(rates, share=True), group=rates["group"].map(str))
    gated = in_order(rates["condition"])
    numbers = [
        rates[rates["condition"] == name].drop(columns="condition").reset_index(drop=True) for name in gated
    ]
    note = "A picture that breaks several rules counts under each."
    if all(part.equals(numbers[0]) for part in numbers[1:]):
        rates = numbers[0].assign(condition="")
        note += " The same people are turned away in each condition." if len(gated) > 1 else ""
    rates = by_condition(rates, ["feature", "rule", "group"])
    columns = {
        "rule": Column("rule", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "condition": Column("condition", label, numeric=False, whole=True),
        "n": Column("entrants", count),
        "refused": Column("refused", count),
        "rate": Column("rate", percent),
        "range": Column("95 % interval", label),
    }
    brackets = rates["feature"] == "bracket"
    whole = rates[brackets & (rates["rule"] == "any")]
    caption = "Refusals by rule and group, with Wilson intervals."
    blocks: list[Block] = [folded(told_by(rates[~brackets], columns, caption, note=note))]
    columns.pop("rule")
    blocks.append(folded(told_by(whole, columns, "Refusals by bracket, by any rule.")))
    return Section(title, blocks)


def probes_section(probes: pd.DataFrame | None) -> Section:
    """What freshly trained probes read of the group; no blocks where a run has none.

    probes: the run's table of that name, perhaps with the column `confidence`
    """
    title = "What a fresh probe can read"
    if probes is None or probes.empty:
        return Section(title)
    lines = _lines(probes)
    chance = float(probes["chance"].iloc[0])
    said = [_most(reads, part, chance) for reads, part in lines.groupby("reads", sort=False)]
    how = (
        "Each probe was trained after the judge on half of the entrants and tested on the other half, so nobody here "
        "taught the judge or is tested by a probe that has seen them. An adversary’s own accuracy is no evidence: one "
        "that is at chance in training (FairViT-GAN’s 52.1 % is its own adversary’s) says that it lost, not that the "
        "group cannot be read. Nor is a probe at chance proof that nothing is there. That the group can be read harms "
        "nobody by itself: see who wins."
    )
    columns = {
        "reads": Column("read from", label, numeric=False),
        "condition": Column("condition", label, numeric=False, whole=True),
        "n_test": Column("tested", count),
        **{kind: Column(word, label) for kind, word in PROBES.items()},
    }
    shuffled = probes["shuffled"]
    note = (
        f"Balanced accuracy, the mean of the groups’ shares; chance {percent(chance)}. In brackets: {level(probes)} "
        "intervals over people, the probe taken as taught; p: one-sided, by permuting the test labels. The same "
        f"classifiers, taught and tested under shuffled labels, reach {percent(shuffled.min())} to "
        f"{percent(shuffled.max())}."
    )
    excluded = int(probes["n_excluded"].max()) if "n_excluded" in probes else 0
    if excluded:
        note += (
            f" Left out, at most, for a group of fewer than 4 or numbers that are not finite: {excluded:,}."
        )
    picture = Picture(
        "probes",
        figures.probes(probes),
        "Balanced accuracy of freshly trained probes, by what they read; the line is chance. A condition that uses "
        f"another’s judge has that judge’s features. {level(probes)} intervals over people.",
        "What a fresh probe can read: " + "; ".join(said),
    )
    table = told_by(lines, columns, "The group, read from each judge by three fresh probes.", note=note)
    return Section(title, [*(Text(sentence, "lead") for sentence in said), Text(how), picture, folded(table)])


def _most(reads: str, part: pd.DataFrame, chance: float) -> str:
    """The conditions that the best of three probes reads best and worst."""
    most, least = part.loc[part["best"].idxmax()], part.loc[part["best"].idxmin()]
    source = "From the features of a judge" if reads == "features" else "From the score alone"
    rest, where = "", named(most["condition"]) if len(part) == 1 else "in all conditions"
    if most["best"] > least["best"]:
        where = named(most["condition"])
        rest = f"; of {named(least['condition'])}, where least can be read, {percent(least['best'])}"
    return (
        f"{source} the best of three probes puts {percent(most['best'])} of the people into their own group "
        f"({where}){rest}. Chance gives {percent(chance)}."
    )


def _lines(probes: pd.DataFrame) -> pd.DataFrame:
    """A row for what is read and condition: each probe in words, and the one that reads most."""
    probes = probes.assign(
        range=interval(probes, share=True).str.removesuffix(" %"),
        reads=pd.Categorical(probes["reads"], ["features", "score"]),
    )
    rows = []
    for (reads, condition), part in probes.groupby(["reads", "condition"], sort=True, observed=True):
        best = part.loc[part["balanced_accuracy"].idxmax()]
        cells = {
            row["probe"]: f"{percent(row['balanced_accuracy'])} {row['range']} {p_said(row['p_value'])}"
            for row in part.to_dict("records")
        }
        rows.append(
            {"reads": str(reads), "condition": condition, "n_test": int(best["n_test"]), **cells,
             "best": best["balanced_accuracy"], "best_probe": best["probe"]}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(condition=table["condition"].astype(probes["condition"].dtype))
