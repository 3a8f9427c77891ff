"""The first causal result: which of representation, ratings and camera moves who wins, and by how much?

    python experiments/causes.py [OVERRIDES]

Rendered people whose truth is known and blind to ethnicity and skin tone. Three causes are set by hand and crossed: the
majority's share of the training pool (.5 … .98), a shift of one group's ratings in the training data (0 or −0.65
points, half a standard deviation of the truth) and the light at the contest (even or dim), each with a skewed and a
rebalanced pool of one size, over the same contestants; each judge's contest is held again with its scores standardised
within groups (conf/experiment/causes.yaml). Writes results/causes/: runs (a row a training run and group), effects
(Shapley-averaged effects of the causes, intervals over seeds), reading.csv (how much of the truth the judges read in
each group), standardised.csv (what standardising does to the group's places and the winners' truth, with the
difference paired by run), causes.png|svg. `effects` has the rebalanced pool's effects minus the skewed pool's, paired
by seed, as well.
About a quarter of an hour on two cores, with the drawing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import judge
from judge.data.tables import write_table
from judge.fairness.sweeps import means_over_seeds, means_with_people, shapley_effects
from judge.report import figures
from judge.report.conditions import with_order
from judge.report.wording import number

RESULTS = Path(__file__).parents[1] / "results"
GROUP = "african"
LABELS = {"share": "representation", "shift": "ratings", "light": "camera"}
FACTORS = {"entrants_data.camera": "light", f"pool.rating_shift.{GROUP}": "shift"}
CELL = ["light", "shift", "share"]
JUDGED = ("skewed", "rebalanced")
PARTS = "^truth(_|$)"  # the known truth and its parts


def contests(sweep: judge.Sweep, runs: pd.DataFrame) -> pd.DataFrame:
    """A row an entrant of each contest that a judge decided: cell, condition, score, winner, what is known of them."""
    cells = runs.drop_duplicates("folder").set_index("folder")[["seed", *CELL]]
    found = []
    for run in sweep.runs:
        people = run.table("manifest")
        known = people[["image_id", "ethnicity", "rating", *people.filter(regex=PARTS)]]
        cell = cells.loc[run.folder.name].to_dict()
        ranking = run.ranking[run.ranking["condition"].isin(run.conditions)]
        found.append(ranking.merge(known, on="image_id").assign(folder=run.folder.name, **cell))
    return pd.concat(found, ignore_index=True)


def reading(entered: pd.DataFrame) -> pd.DataFrame:
    """How well each group can be read: means over seeds, a row a cell, condition and group.

    Standard deviation of ratings and of scores among the entrants (points), correlation of the score with the known
    truth, points of score a standard deviation of truth (slope_truth) and of each of its parts.
    """
    parts, keys = list(entered.filter(regex=PARTS)), [*CELL, "condition", "group"]
    of_judges = entered[entered["condition"].isin(JUDGED)].rename(columns={"ethnicity": "group"})
    found = []
    for key, part in of_judges.groupby([*keys, "folder"]):
        row = dict(zip(keys, key, strict=False)) | {"n": len(part), "sd_rating": part["rating"].std()}
        row |= {"sd_score": part["score"].std(), "mean_score": part["score"].mean()}
        row |= {"pearson_truth": part["score"].corr(part["truth"])}
        found.append(row | {f"slope_{name}": np.polyfit(part[name], part["score"], 1)[0] for name in parts})
    return pd.DataFrame(found).groupby(keys).mean().round(4).reset_index()


def standardised(entered: pd.DataFrame) -> pd.DataFrame:
    """What standardising within groups does to GROUP's share of the winners and to the winners' mean truth.

    A row a cell, condition, rule (as judged, within groups) and outcome: means with intervals over seeds, of the share
    also with the contestants, whom the seeds partly share, as a sample (ci_people_low, ci_people_high).
    The rule "difference" is within groups minus as judged, of the same judge, its interval over the seeds' own
    differences.
    """
    people = entered.assign(
        rule=np.where(entered["condition"].isin(JUDGED), "as judged", "within groups"),
        condition=entered["condition"].str.removesuffix("_within"),
        person=entered["image_id"], group=entered["ethnicity"], error=np.nan,
    )  # fmt: skip
    keys = [*CELL, "condition", "rule"]
    shares = means_with_people(people, by=keys)
    shares = shares[shares["group"] == GROUP].drop(columns=["group", "contestants"])
    won = people[people["winner"]].assign(winner_share=lambda t: t["group"] == GROUP)
    runs = won.groupby([*keys, "folder"])[["winner_share", "truth"]].mean()
    before, after = (runs.xs(rule, level="rule") for rule in ("as judged", "within groups"))
    paired = (after - before).reset_index().assign(rule="difference")
    truth = means_over_seeds(runs.reset_index(), by=keys, outcome="truth")
    tables = {
        "winner_share": [shares, means_over_seeds(paired, by=keys, outcome="winner_share")],
        "truth": [truth, means_over_seeds(paired, by=keys, outcome="truth")],
    }
    return pd.concat(
        [part.assign(outcome=name) for name, parts in tables.items() for part in parts], ignore_index=True
    )


def effects(runs: pd.DataFrame) -> pd.DataFrame:
    """Shapley-averaged effect of each cause on the group's share of the winners, by condition and between them.

    The last rows are the rebalanced pool's effects minus the skewed pool's in the same seed and cell: two intervals
    beside one another are no test of a difference between runs that share seeds.
    """
    group = runs[runs["group"] == GROUP]
    ends = (group["share"].min(), group["share"].max())
    factors = {"share": ends, "shift": (0.0, group["shift"].min()), "light": ("even", "dim")}
    found = []
    group = group[group["share"].isin(ends)]
    skewed, rebalanced = (
        group[group["condition"] == condition].set_index([*CELL, "seed"])["winner_share"]
        for condition in JUDGED
    )
    compared = {"skewed": skewed, "rebalanced": rebalanced, "rebalanced - skewed": rebalanced - skewed}
    for condition, won in compared.items():
        part = won.rename("winner_share").reset_index()
        found.append(
            shapley_effects(part, factors=factors, outcome="winner_share").assign(condition=condition)
        )
    table = pd.concat(found, ignore_index=True)
    return table.assign(cause=table["group"].map(LABELS).fillna("all three"))


def figure(runs: pd.DataFrame) -> Figure:
    """GROUP's share of the winners against the training share: a panel a cell of light and ratings."""
    shifted = f"ratings {number(runs['shift'].min())}"
    runs = runs[(runs["group"] == GROUP) & runs["condition"].isin([*JUDGED, "truth"])]
    cells = runs["light"] + " light" + np.where(runs["shift"] == 0, "", f", {shifted}")
    runs = with_order(runs.assign(group=cells), JUDGED)
    judged, truth = (runs[(runs["condition"] == "truth") == of] for of in (False, True))
    means = means_over_seeds(
        judged, by=["group", "condition", "share"], outcome="winner_share", bounds=(0, 1)
    )
    return figures.dose_response(
        judged, means.rename(columns={"share": "dose"}), outcome="winner_share", is_share=True,
        label=f"share of the winners who are {GROUP}", dose_label="share of caucasian people in the skewed pool",
        lines=[(truth["winner_share"].mean(), "share if the truth decided")],
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "overrides", nargs="*", help="settings, such as judge=embedding name=causes_embedding"
    )
    sweep = judge.sweep(["experiment=causes", *parser.parse_args().overrides])
    runs = sweep.table.rename(columns=FACTORS)
    runs["shift"] = runs["shift"].astype(float).fillna(0.0)
    out = RESULTS / sweep.folder.name
    write_table(runs.drop(columns="folder"), out / "runs")
    table, entered = effects(runs), contests(sweep, runs)
    write_table(table, out / "effects")
    reading(entered).to_csv(out / "reading.csv", index=False)
    equal = standardised(entered).round(4)
    equal.to_csv(out / "standardised.csv", index=False)
    figures.save(figure(runs), out / "causes")
    print(table[["condition", "cause", "value", "ci_low", "ci_high", "p_value", "n"]].round(4).to_string())
    print(equal[(equal["shift"] == 0) & (equal["share"] == equal["share"].min())].round(3).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
