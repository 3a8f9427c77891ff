"""The page of `judge private secrecy`: what hiding the group costs, what Eves still read, and who then wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from judge.fairness.sweeps import mean_interval
from judge.report.figures.privacy import secrecy_curve, secret_winners, toy_trials
from judge.report.html import (
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
from judge.report.wording import counted, number, percent

NAMES = {
    ("alice", "public"): "Alice, public",
    ("alice", "bob"): "Alice, read by Bob",
    ("leace", "public"): "LEACE",
    ("noise", "public"): "noise",
    ("ratings", "public"): "the ratings themselves",
    ("independent", "public"): "independent of a known group",
}
LIMITS = (
    "What an Eve reads is the balanced accuracy with which she puts people into their group: chance is 1 over the "
    "number of groups. Five kinds are trained afresh on messages about people of their own; the strongest is "
    "chosen on others and tested on third ones. That no Eve of these finds anything shows nothing of others.",
    "Eve sees all that is published, the ciphertext included. Bob has the key, which serves for one person only.",
    "This is secrecy against networks of this size, not a cipher: to hide a number from everybody, encrypt it.",
)
OF_PEOPLE = (
    "Within is the mean over the groups of Pearson's r within each: what no difference of the groups' means can raise.",
    "The ratings themselves: what Eve reads of them is what the correlation of rating and group forces on whoever "
    "publishes them.",
    "Independent of a known group: scores of a ridge regression that is told the group, moved so that all groups have "
    "one distribution. It reads the contestants' group; no score that is independent of the group is nearer to the "
    "regression's (Chzhen et al. 2020). Whoever estimates better than the regression may pass it.",
    "Without secrecy (λ = 0) Alice's ciphertext is no secret either, and tells Eve more than a score alone could.",
    "Intervals are over seeds (splits and trainings, Student's t) of one set of people.",
)


def write_secrecy_page(out: Path, tables: Mapping[str, pd.DataFrame], *, feature: str) -> Path:
    """Writes out/figures and out/page.html of trials (toy) or of runs, equal_secrecy and winners; returns the page."""
    if "trials" in tables:
        trials = tables["trials"]
        sections = _toy(trials, tables["eves"])
        title, told = (
            "Selective secrecy on Gaussian people",
            f"{counted(len(trials), 'training')}, every one counted.",
        )
    else:
        sections = _people(tables, feature)
        runs = tables["runs"]
        title = f"Selective secrecy: a score that hides {feature}"
        told = f"{counted(runs['seed'].nunique(), 'seed')}, {int(runs['n_contestants'].iloc[0]):,} contestants each."
    return write_page(Path(out), title=title, subtitle=told, sections=sections)


def toy_said(trials: pd.DataFrame) -> list[str]:
    """How many trainings succeeded, and what failed in the others."""
    n = len(trials)
    failed = {
        "public error off by more than 5 %": int((~trials["public_close"].astype(bool)).sum()),
        "Bob's error off by more than 5 %": int((~trials["bob_close"].astype(bool)).sum()),
        "Eve more than 2 points above the bound": int((~trials["eve_close"].astype(bool)).sum()),
    }
    told = f"{int(trials['success'].sum())} of {counted(n, 'training')} reached the closed form."
    reasons = "; ".join(f"{reason}: {k}" for reason, k in failed.items() if k)
    row = trials.mean(numeric_only=True)
    means = (
        f"On average the public error was {number(row['public_error'], 3)} (closed form "
        f"{number(row['public_best'], 3)}), Bob's {number(row['bob_error'], 3)} ({number(row['bob_best'], 3)}), "
        f"without the key {number(row['no_key_error'], 3)}; the strongest fresh Eve put {percent(row['eve'])} "
        f"into their group, where secrecy leaves {percent(row['eve_bound'])} and the score without secrecy "
        f"{percent(row['eve_of_score'])}."
    )
    return [told + (f" What failed, each counted: {reasons}." if reasons else ""), means]


def secrecy_said(tables: Mapping[str, pd.DataFrame], feature: str) -> list[str]:
    """What the honest score tells, and the best at equal secrecy."""
    means = over_seeds(tables["runs"], ["method", "level", "reader"], ("pearson", "eve"))
    lines = []
    plain = means[(means["method"] == "leace") & (means["level"] == 0)]
    if len(plain):
        row = plain.iloc[0]
        lines.append(
            f"A ridge regression without secrecy reaches r = {number(row['pearson'])}, and the strongest Eve reads "
            f"{feature} of {percent(row['eve'])} from its score (chance {percent(row['chance'])})."
        )
    forced = means[means["method"] == "ratings"]
    if len(forced):
        lines.append(
            f"The ratings themselves would tell her {percent(forced['eve'].iloc[0])}: that much the correlation of "
            f"rating and {feature} forces on whoever publishes them."
        )
    for margin, part in tables["equal_secrecy"].groupby("margin"):
        found = []
        for (method, reader), rows in part.groupby(["method", "reader"], sort=False):
            if (method, reader) not in NAMES or method in ("ratings", "independent"):
                continue
            known = rows["pearson"].dropna()
            found.append(
                f"{NAMES[method, reader]} {number(known.mean()) if len(known) else 'never'}"
                + (f" (in {len(known)} of {len(rows)} seeds)" if len(known) < len(rows) else "")
            )
        lines.append(f"Where Eve reads at most {percent(margin, 0)} above chance, r is: {', '.join(found)}.")
    return lines


def over_seeds(table: pd.DataFrame, keys: list[str], columns: tuple[str, ...]) -> pd.DataFrame:
    """A row a key: means over seeds with low and high (NaN below three seeds), and the columns that do not vary."""
    rows = []
    for key, part in table.groupby(keys, sort=False, dropna=False):
        row = {**dict(zip(keys, key, strict=True)), "seeds": part["seed"].nunique()}
        for column in columns:
            known = part[column].dropna()
            mean, low, high = mean_interval(known.to_numpy())
            row |= {column: mean, f"{column}_low": low, f"{column}_high": high}
        for column in ("chance", "share_entrants"):
            if column in part:
                row[column] = part[column].mean()
        rows.append(row)
    return pd.DataFrame(rows)


def _toy(trials: pd.DataFrame, eves: pd.DataFrame) -> list[Section]:
    sentences: list[Block] = [Text(s, "lead" if i == 0 else "plain") for i, s in enumerate(toy_said(trials))]
    table = trials.copy()
    table["interval"] = interval(table, "eve_low", "eve_high", share=True)
    table["eve"] = 100 * table["eve"]
    columns = {
        "seed": Column("seed", count),
        "public_error": Column("public error", decimals(3)),
        "public_ratio": Column("of the best", decimals(3)),
        "bob_error": Column("Bob's", decimals(3)),
        "bob_ratio": Column("of the best", decimals(3)),
        "no_key_error": Column("without a key", decimals(3)),
        "wrong_key_error": Column("with a wrong key", decimals(3)),
        "eve": Column("Eve, %", decimals(1)),
        "interval": Column("", label, numeric=False, whole=True),
        "strongest_eve": Column("strongest", label, numeric=False),
        "success": Column("all three", lambda v: "yes" if v else "no", numeric=False),
    }
    kinds = eves.groupby("eve", sort=False)["balanced_accuracy"].agg(["mean", "max"]).reset_index()
    kinds[["mean", "max"]] *= 100
    each = {
        "eve": Column("Eve", label, numeric=False),
        "mean": Column("mean, %", decimals(1)),
        "max": Column("most, %", decimals(1)),
    }
    alt = "; ".join(
        f"seed {r.seed}: public {number(r.public_ratio, 3)}, Bob {number(r.bob_ratio, 3)}, Eve {percent(r.eve)}"
        for r in trials.head(24).itertuples()
    )
    best = trials.iloc[0]
    return [
        Section("Does training reach the closed form?", sentences),
        Section(
            "Trainings",
            [
                Picture(
                    "trials", toy_trials(trials), "A point a training; grey: what counts as success.", alt
                ),
                folded(table_from(table, columns, "Every training.")),
                table_from(kinds, each, "What each kind of fresh Eve reads, over all trainings."),
            ],
        ),
        Section(
            "How to read this",
            [
                Items(
                    [
                        f"The best public estimate that is independent of the group has the error "
                        f"{number(best['public_best'], 3)}; Bob's best is {number(best['bob_best'], 3)}, the noise "
                        "that nobody sees. An error below the public one tells of the group.",
                        "Success was fixed beforehand: both errors within 5 % of the closed form, Eve within 2 points "
                        "of one half.",
                        *LIMITS,
                    ]
                )
            ],
        ),
    ]


def _people(tables: Mapping[str, pd.DataFrame], feature: str) -> list[Section]:
    said = secrecy_said(tables, feature)
    means = over_seeds(tables["runs"], ["method", "level", "reader"], ("pearson", "within", "eve"))
    shown = means.assign(score=[_name(r) for r in means.itertuples()])
    for name in ("pearson", "within", "eve"):
        shown[f"{name} interval"] = interval(shown, f"{name}_low", f"{name}_high")
    columns = {"score": Column("published", label, numeric=False)}
    for name, heading in (("pearson", "r"), ("within", "r within groups"), ("eve", "read by Eve")):
        columns[name] = Column(heading, decimals(2))
        columns[f"{name} interval"] = Column("", label, numeric=False, whole=True)
    alt = "; ".join(
        f"{_name(r)}: Eve {percent(r.eve)}, r {number(r.pearson)}"
        for r in means.dropna(subset=["eve"]).itertuples()
    )
    won = over_seeds(tables["winners"], ["contest", "method", "level", "reader", "group"], ("share_winners",))
    won = won.assign(
        score=[_name(r) for r in won.itertuples()],
        low=won["share_winners_low"],
        high=won["share_winners_high"],
    )
    won["interval"] = interval(won, "low", "high", share=True)
    won_columns = {
        "contest": Column("contest", label, numeric=False),
        "score": Column("published", label, numeric=False),
        "group": Column(feature, label, numeric=False),
        "share_entrants": Column("of entrants", percent),
        "share_winners": Column("of winners", percent),
        "interval": Column("", label, numeric=False, whole=True),
    }
    told = "; ".join(
        f"{r.contest}, {r.score}, {r.group}: {percent(r.share_winners)}" for r in won.head(24).itertuples()
    )
    return [
        Section("What does secrecy cost?", [Text(s, "lead" if i == 0 else "plain") for i, s in enumerate(said)]),
        Section(
            "The curve",
            [
                Picture(
                    "curve", secrecy_curve(means),
                    "Each point is a level of secrecy, mean over seeds; nearer to the line of chance is more secret, "
                    "higher is better.", alt,
                ),
                folded(table_from(shown, columns, "All levels, means over seeds.")),
            ],
        ),
        Section(
            "Who wins",
            [
                Picture(
                    "winners", secret_winners(won), "Shares of the winners when the published score decides.", told
                ),
                folded(table_from(won, won_columns, "Winners by group, means over seeds.")),
            ],
        ),
        Section("How to read this", [Items([*LIMITS, *OF_PEOPLE])]),
    ]  # fmt: skip


def _name(row: object) -> str:
    """The published score of a row with method, level and reader."""
    method, level, reader = row.method, row.level, row.reader  # type: ignore[attr-defined]
    name = NAMES[method, reader]
    if method == "alice":
        return f"{name}, λ = {level:g}"
    if method == "leace":
        return "no secrecy (ridge)" if level == 0 else f"LEACE, {level:g} of it"
    return f"noise, {level:g} sd" if method == "noise" else name
