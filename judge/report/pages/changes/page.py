"""The page of a sweep that changed one thing at a time; see the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.effects import CONDITION
from judge.fairness.sweeps.contestants import REDRAWN, SAME
from judge.report.conditions import TRUTH, with_order
from judge.report.figures import sweeps
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
    Items,
    Picture,
    Section,
    Text,
    count,
    interval,
    label,
    table_from,
    write_page,
)
from judge.report.pages.changes.sentences import lead, reference_gap
from judge.report.pages.changes.words import Words
from judge.report.pages.sweep import unfinished_blocks
from judge.report.sections.provenance import limits_section
from judge.report.sections.tables import folded
from judge.report.wording import counted, joined, named, number, percent

COSTS = (
    "Winners’ truth: mean of the known truth of those who won, in standard deviations among all people, its interval "
    "over seeds: what a cure costs."
)


@dataclass(frozen=True)
class Example:
    """One run beside the sweep, in none of its numbers.

    history  condition, epoch, loss, val_pearson: the epochs of its trainings; may be empty
    winners  condition, group, winners, winner_share: of its contests, the truth's last
    told     what kind of run it is, a line of sentences
    seed     its seed
    """

    history: pd.DataFrame
    winners: pd.DataFrame
    told: str
    seed: int


@dataclass(frozen=True)
class Found:
    """What a sweep's runs say, as `write_changes_page` takes it.

    each     setting, condition, seed, value: the group's share of the winners of each contest
    arms     rows of judge.fairness.effects.arms, the truth's included where it is known; optionally winners_truth with
             truth_low, truth_high, the mean truth of the winners in standard deviations
    changes  rows of judge.fairness.effects.changes, without the truth
    gaps     the same against the truth, each arm minus the truth in its setting; empty where no truth is known
    others   runs that are in no number: folder, state, reason
    """

    each: pd.DataFrame
    arms: pd.DataFrame
    changes: pd.DataFrame
    gaps: pd.DataFrame
    others: pd.DataFrame = field(default_factory=pd.DataFrame)


def write_changes_page(
    out: Path,
    found: Found,
    words: Words,
    *,
    group: str,
    conditions: Sequence[str],
    about: str,
    faces: Sequence[Block] = (),
    example: Example | None = None,
    warnings: Sequence[str] = (),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html; returns the page.

    group       whose share of the winners the page is about
    conditions  those of the runs, in order; the first is the baseline
    about       what the runs are, a line of sentences under the title
    faces       winners of people who do not exist, or whose photographs may be shown
    warnings    sentences that have to be read before any number

    Raises InputError where a table has a condition that is neither in `conditions` nor the truth.
    """
    arms, each = (with_order(table, conditions) for table in (found.arms, found.each))
    seeds = int(arms["n"].max())
    first: list[Block] = [Text(told, "lead") for told in lead(found.changes, words, group=group)]
    first += [Text(told, "caution") for told in warnings]
    first.append(_figure(each, arms, words, group))
    first += [Text(told) for told in reference_gap(found.gaps, found.arms, words, group=group)]
    sections = [
        Section("What moved the winners, and what did not", first),
        Section("Who they are", list(faces)),
        Section("Every change, one at a time", _changes(found, words, conditions[0])),
        Section("Every contest", _arms(arms, found.gaps, words, group)),
        Section("A network trained on these people", _example(example, conditions)),
        limits_section(_limits(found, seeds)),
        Section("Runs that are in no number", unfinished_blocks(found.others)),
    ]
    title = f"What moves {group} people’s share of the winners, and what does not"
    return write_page(Path(out), title=title, subtitle=about, sections=sections)


def _figure(each: pd.DataFrame, arms: pd.DataFrame, words: Words, group: str) -> Picture:
    judged = each[each["condition"] != TRUTH]
    figure = sweeps.arms(judged, arms, words.heads, label=f"share of the winners who are {group}")
    known = (arms["condition"] == TRUTH).any()
    caption = (
        f"Share of the winners who are {group}. A dot is one training and its contest, a marker the mean of "
        f"{_of_seeds(arms)} with its 95 % interval{_whose(arms)}."
        + (" Dashed: what the known truth of the same contestants gives them." if known else "")
    )
    said = "; ".join(
        f"{words.heads[row.setting]}, {row.condition}: {percent(row.value)}" for row in arms.itertuples()
    )
    return Picture(
        "winners", figure, caption, f"Share of the winners who are {group}, by setting and condition. {said}."
    )


def _of_seeds(arms: pd.DataFrame) -> str:
    low, high = int(arms["n"].min()), int(arms["n"].max())
    return counted(high, "seed") if low == high else f"{low} to {high} seeds"


def _whose(table: pd.DataFrame) -> str:
    """Over what an interval is."""
    both = table["contestants"].iloc[0] if len(table) else REDRAWN
    return " over seeds" if both == REDRAWN else " over seeds and contestants"


def _changes(found: Found, words: Words, baseline: str) -> list[Block]:
    table = found.changes
    if table.empty:
        return [Text("One setting and one condition: there is no change.")]
    frame = table.assign(
        changed=[
            words.does[c] if what == CONDITION else words.planted[s]
            for what, s, c in zip(table["what"], table["setting"], table["condition"], strict=True)
        ],
        where=[
            words.heads[s] if what == CONDITION else f"{named(baseline)}, against {words.heads[words.first]}"
            for what, s in zip(table["what"], table["against_setting"], strict=True)
        ],
        said=[_points(v) for v in table["value"]],
        range=_range(table, "ci_low", "ci_high"),
        people=_range(table, "ci_people_low", "ci_people_high"),
    )
    frame["changed"] = frame["changed"].str.replace("`", "")
    frame["where"] = frame["where"].str.replace("`", "")
    columns = {
        "changed": Column("what was changed", label, numeric=False),
        "where": Column("where", label, numeric=False),
        "n": Column("seeds", count),
        "said": Column("change", label),
        "range": Column("95 %, these contestants", label),
        "people": Column("95 %, for others, too", label),
        "p_value": P_VALUE,
        "p_holm": Column("p, Holm", P_VALUE.write),
    }
    if found.changes["contestants"].iloc[0] == REDRAWN:
        columns.pop("range")
    note = (
        "Differences within a seed, whose arms share contestants, raters and random numbers; without an interval where "
        "they are the same in every seed. p by sign flips of seeds, of other trainings only; Holm’s over this table."
    )
    caption = "What each change does to the share of the winners, in percentage points, the rest as it was."
    return [folded(table_from(frame, columns, caption, note=note))]


def _arms(arms: pd.DataFrame, gaps: pd.DataFrame, words: Words, group: str) -> list[Block]:
    # the truth is the same whatever was planted in the pool: once is enough
    truth = arms[arms["condition"] == TRUTH]
    again = truth[truth["setting"] != words.first] if truth["value"].nunique() == 1 else truth.head(0)
    arms = arms.drop(again.index)
    frame = arms.assign(
        head=arms["setting"]
        .map(words.heads)
        .where((arms["condition"] != TRUTH) | again.empty, "whatever the pool"),
        said=arms["value"].map(percent),
        people=interval(arms, "ci_people_low", "ci_people_high", share=True),
    ).sort_values(["setting", "condition"], kind="stable")
    columns = {
        "head": Column("pool", label, numeric=False),
        "condition": Column("condition", label, numeric=False, whole=True),
        "n": Column("seeds", count),
        "said": Column(f"winners who are {group}", label),
        "people": Column("95 % interval", label),
    }
    if len(gaps):
        known = gaps.set_index(["setting", "condition"])
        rows = [
            known.loc[key] if key in known.index else None
            for key in zip(frame["setting"], frame["condition"].astype(str), strict=True)
        ]
        frame["gap"] = ["–" if row is None else _points(row["value"]) for row in rows]
        columns["gap"] = Column("minus the truth’s", label)
    if "winners_truth" in frame and frame["winners_truth"].notna().any():
        frame["truth"] = [
            number(v) if pd.isna(a) else f"{number(v)} [{number(a)}, {number(b)}]"
            for v, a, b in zip(frame["winners_truth"], frame["truth_low"], frame["truth_high"], strict=True)
        ]
        columns["truth"] = Column("winners’ truth, SD", label)
    blocks: list[Block] = [
        folded(
            table_from(
                frame.assign(condition=frame["condition"].astype(object)), columns,
                f"Every setting under every condition: means over seeds, with intervals{_whose(arms)}.",
                note=COSTS if "truth" in columns else "",
            )
        )
    ]  # fmt: skip
    told = [f"{named(name)}: {what}" for name, what in words.told.items() if what != "–"]
    if told:
        blocks.append(Items([*told]))
    return blocks


def _example(example: Example | None, conditions: Sequence[str]) -> list[Block]:
    if example is None:
        return []
    blocks: list[Block] = [
        Text(example.told),
        Text(
            "It is one training in each condition: an illustration, in no number above, and no evidence of an effect.",
            "caution",
        ),
    ]
    names = list(dict.fromkeys(example.winners["condition"]))
    order = [name for name in names if name != TRUTH]
    if len(example.history):
        history = with_order(example.history, order)
        last = history.sort_values("epoch").groupby("condition", observed=True)["loss"].agg(["first", "last"])
        said = joined(
            [f"{name} from {number(row['first'])} to {number(row['last'])}" for name, row in last.iterrows()]
        )
        blocks.append(
            Picture(
                "losses", sweeps.losses(history),
                f"How the networks learnt, seed {example.seed}: the training loss of {said}.",
                f"Training loss by epoch: {said}.",
            )
        )  # fmt: skip
    table = with_order(example.winners, order)
    wide = table.pivot_table(
        index="condition", columns="group", values="winners", aggfunc="first", observed=True
    )
    frame = wide.reset_index()
    frame["condition"] = frame["condition"].astype(object)
    columns = {"condition": Column("judge", label, numeric=False, whole=True)}
    columns |= {name: Column(str(name), count) for name in wide.columns}
    blocks.append(
        table_from(frame, columns, "Winners by group, of the networks’ contests and by the known truth.")
    )
    return blocks


def _limits(found: Found, seeds: int) -> list[str]:
    items = [
        "What is planted is known because it was planted: this shows what a cause does where it is there, and not that "
        "it is there in anybody’s data.",
        "The replicate is the seed: another draw of training pictures from the same people, other contestants. Other "
        "data sets and other kinds of judge are in no interval here.",
        "An interval that includes zero does not show that there is no effect: it says how large one may be.",
    ]
    how = found.arms["contestants"].iloc[0]
    if how == SAME:
        items.append(
            "All seeds judged the same contestants; the intervals count these as a sample of people."
        )
    elif how != REDRAWN:
        items.append("The seeds share some contestants; the intervals count these as a sample of people.")
    if len(found.changes) > 1:
        items.append(
            f"{counted(len(found.changes), 'change')} were looked at, and each interval stands for itself: of twenty "
            "without an effect one is expected to leave zero out. Holm’s p-values are for all of them together."
        )
    if seeds < 5:
        items.insert(0, f"There are {counted(seeds, 'seed')}: too few to lean on.")
    return items


def _points(share: float) -> str:
    text = number(100 * share, 1)
    return f"+{text}" if share > 0 and float(f"{100 * share:.1f}") else text


def _range(table: pd.DataFrame, low: str, high: str) -> list[str]:
    return [
        "–" if np.isnan(a) or np.isnan(b) else f"[{_points(a)}, {_points(b)}]"
        for a, b in zip(table[low], table[high], strict=True)
    ]
