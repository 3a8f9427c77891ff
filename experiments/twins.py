"""The same person in another skin tone: does the judge's score change, and more than by a placebo edit?

    python experiments/twins.py [--seeds 5] [--people 200] [--judge embedding_depths]

Trains judges on a skewed (95 % caucasian) and a rebalanced pool of rendered people for several seeds, saves them,
lets each score exact twins (five tones; background, light and exposure as placebo edits) and puts each twin in its
person's place in the contest of the originals. A person's changes are averaged over the seeds' judges; intervals
and tests take people as units. An edit may leave the mean score alone and still move the places: slopes.csv says how
much of the truth it takes out of the scores. Writes results/twins/: changes.csv|parquet, slopes.csv, twins.png|svg.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
from scipy import stats

import judge
from judge.contest import Contest
from judge.data.parametric.twins import read_twins
from judge.data.tables import write_table
from judge.fairness.attribution import replace_in_contest, twin_changes
from judge.jury.loading import judge_folders, load_judge
from judge.report import figures

RESULTS = Path(__file__).parents[1] / "results" / "twins"
PLACEBO = ("background", "light", "exposure")
NAME = "twins"


def changes_of(folder: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Paired changes of every twin under one saved judge."""
    scores, excluded = load_judge(folder).score(manifest)
    assert excluded.empty
    table = manifest.merge(scores, on="image_id")
    tone = table["twin_edit"] == "tone"  # one melanin is a few degrees more or less with each person's blood
    ita = table[tone].groupby("melanin")["ita"].transform("mean").round().astype(int)
    table["edit"] = table["twin_edit"].mask(tone, "ITA " + ita.astype(str) + "°")
    original = table[table["twin_edit"] == "original"].assign(image_id=lambda t: t["person_id"])
    ranking = Contest(places=5, brackets=("gender",))(original[["image_id", "score"]], original).ranking
    twins = table[table["twin_edit"] != "original"].assign(image_id=lambda t: t["person_id"])
    changes = replace_in_contest(ranking, twins[["image_id", "edit", "score"]])
    return changes.merge(original[["image_id", "truth"]], on="image_id")


def slopes(person: pd.DataFrame) -> pd.DataFrame:
    """Least-squares slope of a person's change of score on the person's truth, a row an edit; people are units.

    Points of score a standard deviation of truth, with its t interval and test. Below 0: the edit takes from those of
    high truth and gives to those of low truth, so it moves places even where the mean change is 0.
    """
    rows = []
    for (condition, edit), part in person.groupby(["condition", "edit"]):
        fit = stats.linregress(part["truth"], part["change"])
        half = fit.stderr * stats.t.ppf(0.975, len(part) - 2)
        rows.append(
            {"condition": condition, "edit": edit, "mean_change": part["change"].mean(), "slope": fit.slope}
            | {"ci_low": fit.slope - half, "ci_high": fit.slope + half, "p_value": fit.pvalue, "n": len(part)}
        )
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--judge", default="embedding_depths", help="a file of conf/judge")
    parser.add_argument("--size", type=int, default=160, help="of the pictures, px")
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    settings = [
        "experiment=dose", f"name={NAME}", "save_judges=true", "pool.majority_share=0.95", f"judge={args.judge}",
        f"data.size={args.size}", "data.n=3000", "data.mode=natural", "pool.n=600", "entrants.held_out=0.5",
        "data.composition={ethnicity:{african:0.25,asian:0.25,caucasian:0.5}}", f"seed=range(0,{args.seeds})",
    ]  # fmt: skip
    sweep = judge.sweep([*settings, *args.overrides])
    manifest = read_twins(args.people, tones=5, size=args.size, seed=1_000_000, mode="natural").manifest
    parts = [
        changes_of(folder, manifest).assign(condition=condition, seed=run.summary["seed"])
        for run in sweep.runs
        for condition, folder in judge_folders(run.folder).items()
    ]
    changes = pd.concat(parts, ignore_index=True)
    tables = [
        twin_changes(part, placebo=PLACEBO).assign(condition=condition)
        for condition, part in changes.groupby("condition")
    ]
    table = pd.concat(tables, ignore_index=True)
    write_table(table, RESULTS / "changes")
    person = changes.groupby(["condition", "edit", "image_id"], as_index=False)[
        ["score_change", "truth"]
    ].mean()
    person = person.rename(columns={"score_change": "change"}).assign(placebo=person["edit"].isin(PLACEBO))
    degrees = person["edit"].str.extract(r"(-?\d+)°")[0].astype(float)
    person = person.iloc[(-degrees).argsort(kind="stable")]  # from light to dark; other edits last
    lines = slopes(person)
    lines.round(4).to_csv(RESULTS / "slopes.csv", index=False)
    figures.save(figures.twin_changes(person), RESULTS / "twins")
    shown = table[table["metric"].isin(["twin_score_change", "twin_win_change"])]
    print(
        shown[["condition", "metric", "group", "value", "ci_low", "ci_high", "p_value", "n"]]
        .round(4)
        .to_string()
    )
    print(lines.round(4).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
