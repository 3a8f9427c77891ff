"""The first causal result: which of representation, ratings and camera moves who wins, and by how much?

    python experiments/causes.py [--judge embedding_depths] [--seeds 10] [OVERRIDES]

Rendered people whose truth is known and blind to ethnicity and skin tone. Three causes are set by hand and crossed: the
majority's share of the training pool (.5 … .98), a shift of the ratings of one group in the training data (0 or −0.65
points, half a standard deviation of the truth), and the light in which everybody is photographed at the contest (even
or dim). Every cell is run with a skewed and with a rebalanced pool of the same size, over the same contestants, and
each judge's contest is held again with its scores standardised within groups. Writes results/causes/: runs.csv|parquet
(a row a training run and group), effects.csv|parquet (Shapley-averaged effects of the three causes, intervals over
seeds), reading.csv (how much of the truth the judges read in each group), standardised.csv (what standardising does to
the group's places and to the winners' truth), causes.png|svg. About a quarter of an hour on two cores, with the
drawing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns

import judge
from judge.data.tables import write_table
from judge.fairness.inference import t_interval
from judge.fairness.sweeps import shapley_effects

RESULTS = Path(__file__).parents[1] / "results" / "causes"
GROUP = "african"
JUDGE = "embedding_depths"  # of conf/experiment/causes.yaml
LABELS = {"share": "representation", "shift": "ratings", "light": "camera"}
FACTORS = {"entrants_data.camera": "light", f"pool.rating_shift.{GROUP}": "shift"}
CELL = ["light", "shift", "share"]
JUDGED = ("skewed", "rebalanced")
PARTS = r"truth(_.*)?"


def contests(sweep: judge.Sweep, runs: pd.DataFrame) -> pd.DataFrame:
    """A row an entrant of each contest that a judge decided: cell, condition, score, winner, what is known of them."""
    cells = runs.drop_duplicates("folder").set_index("folder")[CELL]
    found = []
    for run in sweep.runs:
        people = run.table("manifest")
        known = people[["image_id", "ethnicity", "rating", *people.filter(regex=f"^{PARTS}$")]]
        cell = cells.loc[run.folder.name].to_dict()
        ranking = run.ranking[run.ranking["condition"].isin(run.conditions)]
        found.append(ranking.merge(known, on="image_id").assign(folder=run.folder.name, **cell))
    return pd.concat(found, ignore_index=True)


def reading(entered: pd.DataFrame) -> pd.DataFrame:
    """How well each group can be read: means over seeds, a row a cell, condition and group.

    Standard deviation of ratings and of scores among the entrants (points), correlation of the score with the known
    truth, points of score a standard deviation of truth (slope_truth) and of each of its parts.
    """
    entered = entered[entered["condition"].isin(JUDGED)]
    parts = list(entered.filter(regex=f"^{PARTS}$"))
    keys = [*CELL, "condition", "group"]
    found = []
    for key, part in entered.rename(columns={"ethnicity": "group"}).groupby([*keys, "folder"]):
        found.append(
            {**dict(zip(keys, key, strict=False)), "n": len(part)}
            | {"sd_rating": part["rating"].std(), "sd_score": part["score"].std()}
            | {"mean_score": part["score"].mean(), "pearson_truth": part["score"].corr(part["truth"])}
            | {f"slope_{name}": np.polyfit(part[name], part["score"], 1)[0] for name in parts}
        )
    return pd.DataFrame(found).groupby(keys).mean().round(4).reset_index()


def standardised(entered: pd.DataFrame) -> pd.DataFrame:
    """What standardising within groups does: a row a cell, condition and rule (as judged, within groups).

    GROUP's share of the winners and the winners' mean truth, means and t intervals over seeds.
    """
    won = entered[entered["winner"]].assign(winner_share=lambda t: t["ethnicity"] == GROUP)
    won["rule"] = np.where(won["condition"].isin(JUDGED), "as judged", "within groups")
    won["condition"] = won["condition"].str.removesuffix("_within")
    keys = [*CELL, "condition", "rule"]
    outcomes = {"winner_share": "winner_share", "truth_of_winners": "truth"}
    of_run = won.groupby([*keys, "folder"])[list(outcomes.values())].mean()
    rows = []
    for key, part in of_run.groupby(level=keys):
        row = dict(zip(keys, key, strict=True))
        for outcome, column in outcomes.items():
            names = (outcome, f"{outcome}_low", f"{outcome}_high")
            row |= dict(zip(names, t_interval(part[column].to_numpy()), strict=True))
        rows.append(row | {"n": len(part)})
    return pd.DataFrame(rows)


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """Shapley-averaged effect of each cause on the group's share of the winners, by condition."""
    group = runs[runs["group"] == GROUP]
    low, high = group["share"].min(), group["share"].max()
    factors = {"share": (low, high), "shift": (0.0, group["shift"].min()), "light": ("even", "dim")}
    ends = group[group["share"].isin([low, high])]
    found = []
    for condition in JUDGED:
        part = ends[ends["condition"] == condition]
        found.append(
            shapley_effects(part, factors=factors, outcome="winner_share").assign(condition=condition)
        )
    table = pd.concat(found, ignore_index=True)
    table["cause"] = table["group"].map(LABELS).fillna("all three")
    return table


def figure(runs: pd.DataFrame) -> sns.FacetGrid:
    group = runs[runs["group"] == GROUP]
    shifted = f"ratings of {GROUP} people shifted by {group['shift'].min():g}"
    group = group.assign(
        ratings=np.where(group["shift"] == 0, "ratings not shifted", shifted),
        camera=group["light"].map({"even": "even light", "dim": "dim light for all"}),
    )
    shown = {
        "data": group[group["condition"].isin(JUDGED)], "x": "share", "y": "winner_share", "hue": "condition",
        "style": "condition", "hue_order": JUDGED, "style_order": JUDGED, "palette": ["#D55E00", "#0072B2"],
    }  # fmt: skip
    grid = sns.relplot(
        **shown, kind="line", row="ratings", row_order=[shifted, "ratings not shifted"], col="camera",
        markers=["o", "s"], err_style="bars", errorbar=lambda v: t_interval(v.to_numpy())[1:], height=2.7, aspect=1.35,
    )  # fmt: skip
    grid.map_dataframe(sns.scatterplot, **{k: v for k, v in shown.items() if k != "data"}, s=9, alpha=0.35)
    truth = group.loc[group["condition"] == "truth", "winner_share"].mean()
    grid.refline(y=group["entrant_share"].mean(), ls=":", label="share of the entrants")
    grid.refline(y=truth, ls="-.", label="share if the truth decided")
    grid.set_titles("{col_name}, {row_name}", size=8).set(ylim=(0, None))
    return grid.set_axis_labels(
        "share of caucasian people in the skewed pool", f"share of winners who are {GROUP}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", default=JUDGE, help="a file of conf/judge")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    name = "causes" if args.judge == JUDGE else f"causes_{args.judge}"
    settings = ["experiment=causes", f"name={name}", f"judge={args.judge}", f"seed=range(0,{args.seeds})"]
    sweep = judge.sweep([*settings, *args.overrides])
    runs = sweep.table.rename(columns=FACTORS)
    runs["shift"] = runs["shift"].astype(float).fillna(0.0)
    out = RESULTS.with_name(name)
    write_table(runs.drop(columns="folder"), out / "runs")
    table, entered = effects(runs), contests(sweep, runs)
    write_table(table, out / "effects")
    read, equal = reading(entered), standardised(entered)
    read.to_csv(out / "reading.csv", index=False)
    equal.round(4).to_csv(out / "standardised.csv", index=False)
    grid = figure(runs)
    for ending in ("png", "svg"):
        grid.savefig(out / f"causes.{ending}", dpi=160)
    print(
        table[["condition", "cause", "value", "ci_low", "ci_high", "p_value", "n"]]
        .round(4)
        .to_string(index=False)
    )
    for told in (read, equal):
        print(
            told[(told["shift"] == 0) & (told["share"] == told["share"].min())]
            .round(3)
            .to_string(index=False)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
