"""The first causal result: which of representation, ratings and camera moves who wins, and by how much?

    python experiments/causes.py [--judge embedding_depths] [--seeds 10]

Rendered people whose truth is known and blind to ethnicity and skin tone. Three causes are set by hand and
crossed: the majority's share of the training pool (.5 … .98), a shift of the ratings of one group in the
training data (0 or −0.65 points, half a standard deviation of the truth), and the light in which everybody is
photographed at the contest (even or dim). Every cell is run with a skewed and with a rebalanced pool of the
same size, over the same contestants. Writes results/causes/: runs.csv|parquet (a row a training run and group),
effects.csv|parquet (Shapley-averaged effects of the three causes, intervals over seeds), reading.csv (how much of the
truth the judges read in each group), standardised.csv (the same contests with scores standardised within groups),
causes.png|svg. About a quarter of an hour on two cores, with the drawing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns

from judge.data.tables import write_table
from judge.experiment.compare import run_table
from judge.experiment.run_folder import find_runs
from judge.fairness.inference.randomisation import t_interval
from judge.fairness.sweeps.factorial import shapley_effects

RESULTS = Path(__file__).parents[1] / "results" / "causes"
GROUP = "african"
JUDGE = "embedding_depths"  # of conf/experiment/causes.yaml
LABELS = {"share": "representation", "shift": "ratings", "light": "camera"}


def cells(folder: Path) -> pd.DataFrame:
    """One row a training run of each group, with the columns share, shift (points) and light."""
    finished, others = find_runs([folder])
    if len(others):
        print(others.to_string(index=False))
    runs = run_table(finished)
    parts = (
        runs["setting"]
        .str.extract(r"camera=(?P<light>\w+)")
        .join(runs["setting"].str.extract(rf"rating_shift\.{GROUP}=(?P<shift>[-.\d]+)"))
    )
    runs["light"] = parts["light"].fillna("even")
    runs["shift"] = parts["shift"].astype(float).fillna(0.0)
    return runs


def contests(runs: pd.DataFrame, sweep: Path) -> Iterator[tuple[dict, pd.DataFrame]]:
    """The cell and condition of each contest that a judge decided, and its entrants with what is known of them."""
    for folder, cell in runs.drop_duplicates("folder").set_index("folder").iterrows():
        people = pd.read_parquet(sweep / folder / "manifest.parquet").drop_duplicates("image_id")
        parts = [column for column in people if column == "truth" or column.startswith("truth_")]
        entered = pd.read_parquet(sweep / folder / "ranking.parquet")
        entered = entered[entered["condition"] != "truth"]
        entered = entered.merge(people[["image_id", "ethnicity", "rating", *parts]], on="image_id")
        for condition, part in entered.groupby("condition"):
            yield {**cell[["light", "shift", "share"]], "condition": condition}, part


def reading(runs: pd.DataFrame, sweep: Path) -> pd.DataFrame:
    """How well each group can be read: means over seeds, a row a cell, condition and group.

    Standard deviation of ratings and of scores among the entrants (points), correlation of the score with the known
    truth, points of score a standard deviation of truth (slope_truth) and of each of its parts.
    """
    found = []
    for cell, entered in contests(runs, sweep):
        parts = [column for column in entered if column == "truth" or column.startswith("truth_")]
        for group, part in entered.groupby("ethnicity"):
            found.append(
                {**cell, "group": group, "n": len(part)}
                | {"sd_rating": part["rating"].std(), "sd_score": part["score"].std()}
                | {"mean_score": part["score"].mean(), "pearson_truth": part["score"].corr(part["truth"])}
                | {f"slope_{name}": np.polyfit(part[name], part["score"], 1)[0] for name in parts}
            )
    keys = ["light", "shift", "share", "condition", "group"]
    return pd.DataFrame(found).groupby(keys).mean().round(4).reset_index()


def standardised(runs: pd.DataFrame, sweep: Path) -> pd.DataFrame:
    """What if each group's scores were given one mean and one spread before the places are filled?

    GROUP's share of the winners and the winners' mean truth, a row a cell, condition and rule (as judged, within
    groups), means and t intervals over seeds. Brackets and their places stay.
    """
    found = []
    for cell, part in contests(runs, sweep):
        z = part.groupby("ethnicity")["score"].transform(lambda v: (v - v.mean()) / v.std())
        places = part.groupby("bracket")["winner"].transform("sum")
        rank = z.groupby(part["bracket"]).rank(ascending=False, method="first")
        for rule, won in (("as judged", part["winner"].astype(bool)), ("within groups", rank <= places)):
            share, truth = (part.loc[won, "ethnicity"] == GROUP).mean(), part.loc[won, "truth"].mean()
            found.append({**cell, "rule": rule, "winner_share": share, "truth_of_winners": truth})
    keys = ["light", "shift", "share", "condition", "rule"]
    rows = []
    for cell, part in pd.DataFrame(found).groupby(keys):
        row = dict(zip(keys, cell, strict=True))
        for outcome in ("winner_share", "truth_of_winners"):
            names = (outcome, f"{outcome}_low", f"{outcome}_high")
            row |= dict(zip(names, t_interval(part[outcome].to_numpy()), strict=True))
        rows.append(row | {"n": len(part)})
    return pd.DataFrame(rows)


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """Shapley-averaged effect of each cause on the group's share of the winners, by condition."""
    group = runs[runs["group"] == GROUP]
    low, high = group["share"].min(), group["share"].max()
    factors = {"share": (low, high), "shift": (0.0, group["shift"].min()), "light": ("even", "dim")}
    ends = group[group["share"].isin([low, high])]
    found = []
    for condition in ("skewed", "rebalanced"):
        part = ends[ends["condition"] == condition]
        found.append(
            shapley_effects(part, factors=factors, outcome="winner_share").assign(condition=condition)
        )
    table = pd.concat(found, ignore_index=True)
    table["cause"] = table["group"].map(LABELS).fillna("all three")
    return table


def figure(runs: pd.DataFrame) -> sns.FacetGrid:
    group = runs[runs["group"] == GROUP].copy()
    group["ratings"] = np.where(
        group["shift"] == 0, "ratings not shifted", f"ratings of {GROUP} people shifted by −0.65"
    )
    group["camera"] = group["light"].map({"even": "even light", "dim": "dim light for all"})
    entered = group["entrant_share"].mean()
    truth = group.loc[group["condition"] == "truth", "winner_share"].mean()
    palette = {"skewed": "#D55E00", "rebalanced": "#0072B2"}
    grid = sns.FacetGrid(
        group, row="ratings", col="camera", col_order=["even light", "dim light for all"],
        row_order=sorted(group["ratings"].unique(), reverse=True), height=2.7, aspect=1.35, margin_titles=False,
    )  # fmt: skip
    for (row, col), ax in grid.axes_dict.items():
        part = group[(group["ratings"] == row) & (group["camera"] == col)]
        for offset, (condition, colour) in zip((-0.006, 0.006), palette.items(), strict=True):
            mine = part[part["condition"] == condition]
            ax.scatter(
                mine["share"] + offset, mine["winner_share"], s=9, alpha=0.35, color=colour, linewidths=0
            )
            spread = mine.groupby("share")["winner_share"].apply(lambda v: t_interval(v.to_numpy()))
            mean, down, up = (np.array([v[i] for v in spread]) for i in range(3))
            ax.errorbar(
                spread.index + offset, mean, [mean - down, up - mean], color=colour, capsize=2, lw=1.4,
                marker="o" if condition == "skewed" else "s", ms=4, ls="-" if condition == "skewed" else "--",
                label=f"{condition} pool",
            )  # fmt: skip
        ax.axhline(entered, color="0.35", lw=0.8, ls=":", label="share of the entrants")
        ax.axhline(truth, color="0.1", lw=0.8, ls="-.", label="share if the truth decided")
        ax.set_title(f"{col}, {row}", fontsize=8)
        ax.set_ylim(0, None)
    grid.set_axis_labels("share of caucasian people in the skewed pool", f"share of winners who are {GROUP}")
    handles, names = grid.axes.flat[0].get_legend_handles_labels()
    grid.figure.legend(handles, names, loc="lower center", ncols=4, frameon=False, fontsize=8)
    grid.figure.subplots_adjust(bottom=0.17, hspace=0.32)
    return grid


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", default=JUDGE, help="a file of conf/judge")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--no-run", action="store_true", help="use the finished runs")
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    name = "causes" if args.judge == JUDGE else f"causes_{args.judge}"
    command = [
        "run",
        "-m",
        "experiment=causes",
        f"name={name}",
        f"judge={args.judge}",
        f"seed=range(0,{args.seeds})",
    ]
    if not args.no_run:
        program = [sys.executable, "-c", "from judge.cli import main; main()"]
        subprocess.run([*program, *command, *args.overrides], check=False)
    sweep = Path("runs") / name
    runs = cells(sweep)
    out = RESULTS if args.judge == JUDGE else RESULTS.with_name(name)
    write_table(runs.drop(columns=["folder", "setting"]), out / "runs")
    table = effects(runs)
    write_table(table, out / "effects")
    read = reading(runs, sweep)
    read.to_csv(out / "reading.csv", index=False)
    equal = standardised(runs, sweep)
    equal.round(4).to_csv(out / "standardised.csv", index=False)
    grid = figure(runs)
    for ending in ("png", "svg"):
        grid.savefig(out / f"causes.{ending}", dpi=160)
    shown = table[["condition", "cause", "value", "ci_low", "ci_high", "p_value", "n"]]
    print(shown.round(4).to_string(index=False))
    plain = read[(read["shift"] == 0) & (read["share"] == read["share"].min())]
    columns = ["light", "condition", "group", "sd_rating", "sd_score", "pearson_truth", "slope_truth"]
    print(plain[columns].to_string(index=False))
    plain = equal[(equal["shift"] == 0) & (equal["share"] == equal["share"].min())]
    print(plain.drop(columns=["shift", "share"]).round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
