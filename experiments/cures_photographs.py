"""The cures of cures.py on photographs, where nobody knows a truth: agreement with raters, and who wins.

    python experiments/cures_photographs.py --root ../shared/data [--seeds 10] [--jobs 2] [OVERRIDES]

Judges learn from 300 photographs of MEBeauty of which 95 % are caucasian, uncured and with each cure of
conf/conditions/cures_photographs.yaml. (1) Held-out people of MEBeauty enter, 40 of each ethnicity, 22 places
within each gender (conf/experiment/cures_mebeauty.yaml): their raters' own winners stand beside the judges'. (2)
People of FairFace enter, who were never rated (cures_fairface.yaml): only who wins can be told.

Raters' means are opinions with prejudices of their own (a group's mean may be low because its members were rated by
others), so that "nearer to the raters' winners" is agreement, not correctness; and a cure that evens out shares
moves away from raters whose means differ. Which of the two is wanted is not for the numbers to say.

Writes results/cures_photographs/: mebeauty and fairface (a row a run, condition and group), mebeauty_cures (a row a
cure: share of the winners of GROUP against the raters' own, mean rating of the winners lost, lowest Pearson of any
group, probes; tested against SUBG), fairface_cures (shares with intervals), page.html. Needs both data sets;
without them it says so.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import judge
from judge.data.tables import write_table
from judge.errors import InputError
from judge.fairness.sweeps import compare_cures, means_over_seeds
from judge.report.figures.style import GREY, INK, VERMILLION, new_figure, plain, rows_axis, styled
from judge.report.html import (
    P_VALUE,
    Code,
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
from judge.report.wording import percent

RESULTS = Path(__file__).parents[1] / "results" / "cures_photographs"
GROUP = "black"
UNKNOWN = [
    "Who should have won. Ratings are opinions of raters, their prejudices included; no cure can be called right "
    "or wrong "
    "here, only nearer to those raters or further from them.",
    "Whether a group is read less well because its faces show less, because few of them were learnt from, or "
    "because its "
    "raters disagree more: on rendered people these are told apart (cures.py), here they are not.",
    "What correct_ratings would do: hardly any rater’s group is known.",
    "For people of FairFace not even agreement: nobody rated them.",
]


def runs_of(name: str, roots: list[str], seeds: int, jobs: int, overrides: list[str]) -> list[judge.Run]:
    words = [f"experiment={name}", *roots, f"seed=range(0,{seeds})", "threads=1", *overrides]
    if jobs > 1:
        words += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={jobs}"]
    return judge.sweep(words).runs


def by_group(runs: list[judge.Run]) -> pd.DataFrame:
    """A row a run, condition and group: entrants, winners, share; Pearson, mean error and n where people are "
    "rated."""
    found = []
    for run in runs:
        people = run.table("manifest").set_index("image_id")
        ranked = run.ranking
        for name, column in (("group", "ethnicity"), ("rating", "rating")):
            ranked = ranked.assign(**{name: ranked["image_id"].map(people[column])})
        rated = ranked["rating"].notna().all() and run.summary["entrants"] > 0
        own = run.winners.assign(seed=run.summary["seed"])
        if rated:
            error = ranked.assign(error=ranked["score"] - ranked["rating"])
            parts = error.groupby(["condition", "group"])
            told = parts["error"].mean().rename("mean_error").to_frame()
            told["pearson"] = parts[["score", "rating"]].corr().iloc[0::2]["rating"].droplevel(-1)
            won = ranked[ranked["winner"]].groupby("condition")["rating"].mean()
            own = own.merge(told.reset_index(), on=["condition", "group"], how="left")
            own["winners_rating"] = own["condition"].map(won)
            own = pd.concat([own, raters_contest(run, ranked)], ignore_index=True)
        found.append(own.assign(**probes_of(run, own)))
    return pd.concat(found, ignore_index=True)


def raters_contest(run: judge.Run, ranked: pd.DataFrame) -> pd.DataFrame:
    """The contest as the raters' own means decide it, as the condition "raters"."""
    first = ranked[ranked["condition"] == run.baseline]
    places = first.groupby("bracket")["winner"].transform("sum")
    rank = first.groupby("bracket")["rating"].rank(ascending=False, method="first")
    people = first.assign(winner=rank <= places)
    table = people.groupby("group")["winner"].agg(entrants="size", winners="sum").reset_index()
    return table.assign(
        condition="raters", ranked=table["entrants"], seed=run.summary["seed"],
        winner_share=table["winners"] / table["winners"].sum(),
        winners_rating=people.loc[people["winner"], "rating"].mean(),
    )  # fmt: skip


def probes_of(run: judge.Run, own: pd.DataFrame) -> dict[str, pd.Series]:
    if not (run.folder / "probes.parquet").is_file():
        return {}
    probes = run.table("probes")
    best = probes[probes["reads"] == "score"].groupby("condition")["balanced_accuracy"].max()
    linear = probes[(probes["reads"] == "features") & (probes["probe"] == "linear")]
    read = linear.set_index("condition")["balanced_accuracy"]
    return {
        "probe_score": own["condition"].map(best),
        "probe_features": own["condition"].map(run.summary["trained_as"]).map(read),
    }


def cures(table: pd.DataFrame) -> pd.DataFrame:
    """compare_cures with the raters' own contest in the place of a truth, and columns named after that."""
    judged = table[table["condition"] != "raters"]
    group = judged[judged["group"] == GROUP].set_index(["seed", "condition"])
    worst = judged.groupby(["seed", "condition"])["pearson"].agg(["min", "max"])
    raters = table[(table["condition"] == "raters") & (table["group"] == GROUP)].set_index("seed")[
        "winner_share"
    ]
    runs = pd.DataFrame(
        {"share": group["winner_share"], "winners_truth": group["winners_rating"],
         "worst_pearson": worst["min"], "pearson_gap": worst["max"] - worst["min"],
         "probe_score": group["probe_score"], "probe_features": group["probe_features"]}
    ).reset_index()  # fmt: skip
    order = list(dict.fromkeys(judged["condition"]))
    runs = runs.sort_values(
        ["seed", "condition"], key=lambda c: c if c.name == "seed" else c.map(order.index)
    )
    found = compare_cures(runs.assign(truth_share=runs["seed"].map(raters)), baseline=order[0], bar="subg")
    renamed = {
        c: c.replace("truth_share", "raters_share").replace("truth_lost", "rating_lost") for c in found
    }
    # "recovered" and "costs_truth" are words about a truth, which is not known here
    return found.rename(columns=renamed).drop(
        columns=[c for c in found if c.startswith(("recovered", "costs_"))]
    )


@styled
def shares(table: pd.DataFrame, means: pd.DataFrame) -> object:
    """GROUP's share of the winners by cure: a dot a seed, the mean with its interval."""
    names = list(dict.fromkeys(means["condition"]))
    figure, axes = new_figure(0.6 + 0.2 * len(names))
    ax = axes[0, 0]
    rows_axis(ax, [plain(name, 30) for name in names])
    for y, name in enumerate(names):
        dots = table.loc[(table["condition"] == name) & (table["group"] == GROUP), "winner_share"].to_numpy()
        ax.plot(dots, y + np.linspace(-0.2, 0.2, len(dots)), "o", color=VERMILLION, markersize=2.6, alpha=0.6,
                markeredgewidth=0)  # fmt: skip
        row = means[means["condition"] == name].iloc[0]
        ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=INK, linewidth=1.2)
        ax.plot([row["value"]], [y], "s", color=INK, markersize=3.5)
    first = table[(table["group"] == GROUP)].iloc[0]
    entered = (
        first["entrants"]
        / table[table["condition"] == first["condition"]].groupby("seed")["entrants"].sum().iloc[0]
    )
    ax.axvline(entered, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    ax.grid(axis="x")
    ax.set_xlabel(f"share of the winners who are {GROUP} (dashed: of the entrants)")
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder that holds mebeauty/ and fairface/")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("overrides", nargs="*", help="further settings for both sweeps")
    told = parser.parse_args()
    mebeauty, fairface = told.root / "mebeauty", told.root / "fairface"
    for folder in (mebeauty, fairface):
        if not folder.is_dir():
            print(f"skipped: {folder} is not there")
            return 0
    rated = by_group(
        runs_of("cures_mebeauty", [f"data.root={mebeauty}"], told.seeds, told.jobs, told.overrides)
    )
    roots = [f"data.root={mebeauty}", f"entrants_data.root={fairface}"]
    unrated = by_group(runs_of("cures_fairface", roots, told.seeds, told.jobs, told.overrides))
    sections = [Section("What cannot be known here", [Items(UNKNOWN)])]
    for name, table in {"mebeauty": rated, "fairface": unrated}.items():
        if GROUP not in set(table["group"]):
            raise InputError(f"{name}: nobody {GROUP} entered; groups: {sorted(set(table['group']))}")
        write_table(table.round(5), RESULTS / name)
        means = means_over_seeds(
            table[table["group"] == GROUP], by="condition", outcome="winner_share", bounds=(0, 1)
        )
        order = list(dict.fromkeys(table["condition"]))
        means = means.sort_values("condition", key=lambda c: c.map(order.index)).reset_index(drop=True)
        found = means.rename(columns={"value": "share", "ci_low": "share_low", "ci_high": "share_high"})
        if name == "mebeauty":
            found = cures(table)
        write_table(found.round(5), RESULTS / f"{name}_cures")
        sections.append(section(name, table, means, found))
    command = "python experiments/cures_photographs.py --root ../shared/data"
    sections.append(Section("How this was made", [Code(command)]))
    page = write_page(
        RESULTS, title="Cures on photographs, without a truth",
        subtitle=f"Judges of 300 MEBeauty photographs, 95 % of caucasian people; {told.seeds} seeds.",
        sections=sections,
    )  # fmt: skip
    print(page)
    return 0


def section(name: str, table: pd.DataFrame, means: pd.DataFrame, found: pd.DataFrame) -> Section:
    title = (
        "Held-out people of MEBeauty, within gender"
        if name == "mebeauty"
        else "People of FairFace, who have no ratings"
    )
    columns = {
        "condition": Column("cure", label, numeric=False),
        "n": Column("seeds", count),
        "share": Column(f"{GROUP} winners", percent),
        "range": Column("95 % interval", label),
    }
    if name == "mebeauty":
        columns |= {
            "raters_share": Column("raters’ own", percent),
            "rating_lost": Column("rating lost, points", decimals(2)),
            "worst_pearson": Column("lowest r of a group", decimals(2)),
            "probe_score": Column("probe of scores", decimals(2)),
            "probe_features": Column("of features", decimals(2)),
            "p_holm": P_VALUE,
        }
    note = "Intervals over seeds. " + (
        "Rating lost: mean rating of the winners without a cure minus with it. p: distance from the raters’ "
        "share against "
        "SUBG’s, sign flips, Holm."
        if name == "mebeauty"
        else "Nothing but composition can be told."
    )
    shown = found.assign(range=interval(found, "share_low", "share_high", share=True))
    return Section(
        title,
        [
            Picture(f"{name}_shares", shares(table, means),
                    "A dot is a seed, the square the mean with its 95 % interval.",
                    ", ".join(f"{r.condition} {percent(r.value)}" for r in means.itertuples())),
            Text(f"{means['n'].max()} seeds; contestants are drawn anew with each."),
            table_from(shown, columns, f"Cures, {name}.", note=note, limit=40),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
