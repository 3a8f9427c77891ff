"""Which cure for which skew? Fourteen and more cures compared by who wins, on rendered people whose truth is known.

    python experiments/cures.py [--judge embedding_depths|cnn] [--skews …] [--seeds 10] [--jobs 2] [OVERRIDES]
    python experiments/cures.py --tables                    from finished runs only, whatever is there

Each skew alone (none, representation, ratings, camera, reference) and all together (conf/skew), the uncured judge and
every cure of conf/conditions/cures.yaml over the same contestants, who are drawn anew with each seed
(conf/experiment/cures.yaml). Nothing but head shape goes with ethnicity in the truth, so african people, who are a
third of the entrants, are about a third of the winners where the truth decides.

Writes results/cures/: JUDGE_runs (a row a skew, run and condition), JUDGE_cures (a row a skew and cure: share of the
winners against the truth's, what is given back, mean truth of the winners lost, worst-group Pearson, largest signed
error, what fresh probes read, levelling down, test against SUBG paired by seed with Holm), JUDGE_probes,
JUDGE_composition (every group), cures.png|svg and page.html. Started again, it does what is missing: a training that
was killed goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from cures_page import CURES, write_report
from omegaconf import OmegaConf

import judge
from judge.data.tables import read_table, write_table
from judge.experiment.api import SweepError
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.contests import people_of
from judge.fairness.sweeps import compare_cures, means_with_people

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "cures"
GROUP = "african"
SKEWS = ("none", "representation", "ratings", "camera", "reference", "all")
#: judge → what it takes besides experiment=cures
JUDGES = {"embedding_depths": [], "cnn": ["judge=cnn", "conditions=cures_cnn"]}
UNCURED, BAR = "uncured", "subg"
ADVICE = ROOT / "judge" / "fairness" / "advice" / "cures.csv"
#: What a cure has to be given, besides rated pictures of people whose group is known.
NEEDS = {
    "redraw": "new rated pictures of the small groups",
    "correct_ratings": "single ratings, raters' groups, and raters of the picture's own group",
    "just_train_twice": "no groups at all",
    "last_layer": "rated people of each group (here 300) who neither train nor enter",
    "leace": "people of each group (here 300) who neither train nor enter",
    "calibrate_within": "rated people of each group who neither train nor enter; the groups of the contestants",
    "group_thresholds": "rated people of each group who neither train nor enter; the groups of the contestants",
    "redraw_within": "new rated pictures of the small groups; people of each group who neither train nor enter; the "
    "groups of the contestants",
    "reference_set": "models of each group",
}
NEEDED_BY_SEAM = {
    "scores": "people of each group who neither train nor enter; the groups of the contestants",
    "ranking": "the groups of the contestants",
}


def sweep(
    name: str, skew: str, seeds: int, jobs: int, overrides: list[str], folder: str | None = None
) -> list[Path]:
    """Folders of the finished runs of one skew; what did not finish is told and left out."""
    folder = folder or name
    words = [
        "experiment=cures",
        *JUDGES[name],
        f"name=cures/{folder}/{skew}",
        f"skew={skew}",
        "threads=1",
        *overrides,
    ]
    if jobs > 1:
        words += ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={jobs}"]
    left: dict[tuple[str, ...], list[int]] = {(): list(range(seeds))}
    while left:
        without, of_these = left.popitem()
        try:
            judge.sweep(
                [*words, *(f"~conditions.{cure}" for cure in without), f"seed={','.join(map(str, of_these))}"]
            )
        except SweepError as error:
            print(f"{name}, {skew}: {error}", file=sys.stderr)
            for job in error.jobs:
                cures = refused(job["reason"])
                if cures and not set(cures) & set(without):
                    seed = int(re.search(r"seed=(\d+)", f"{job['folder']} {job['overrides']}")[1])
                    left.setdefault(tuple(sorted({*without, *cures})), []).append(seed)
    return finished(folder, skew)


def refused(reason: str) -> list[str]:
    """The cures that refused, by the words of their refusal: that seed is run again without them.

    A method that has too few people, or scores that tell it nothing, ends its run; the others need not be lost.
    """
    return [name for names in CURES.values() for name in names if re.search(rf"\b{name}: ", reason or "")]


def finished(name: str, skew: str) -> list[Path]:
    return sorted(done.parent for done in Path("runs/cures", name, skew).glob("*/done.json"))


def rows_of(folder: Path, skew: str) -> pd.DataFrame:
    """A row a condition of one run: GROUP's share of the winners, the truth's, and what is known of its judge."""
    run = judge.load_run(folder)
    told = OmegaConf.load(folder / "settings.yaml")
    people = run.table("manifest")[["image_id", "ethnicity", "truth"]]
    ranked = run.ranking.merge(people, on="image_id")
    by_truth = ranked[(ranked["condition"] == "truth") & ranked["winner"]]
    truth_share = float((by_truth["ethnicity"] == GROUP).mean())
    sits = bool(told.jury and told.jury.get("robots"))
    raters = told.entrants_data.ratings
    probes = run.table("probes") if (folder / "probes.parquet").is_file() else None
    agreement = run.table("agreement").set_index(["condition", "people", "group"])
    found = []
    for condition in run.conditions:
        own = ranked[ranked["condition"] == condition]
        won = own[own["winner"]]
        trained = run.summary["trained_as"][condition]
        row = {
            "skew": skew, "seed": run.summary["seed"], "condition": condition, "trained_as": trained,
            "pool_n": run.summary["pool_n"][condition], "winners": len(won),
            "share": float((won["ethnicity"] == GROUP).mean()), "truth_share": truth_share,
            "winners_truth": float(won["truth"].mean()), "best_truth": float(by_truth["truth"].mean()),
        }  # fmt: skip
        groups = dict(iter(own.groupby("ethnicity")))
        pearson = pd.Series({g: part["score"].corr(part["truth"]) for g, part in groups.items()})
        row |= {f"pearson_{g}": r for g, r in pearson.items()}
        row |= {"worst_pearson": pearson.min(), "pearson_gap": pearson.max() - pearson.min()}
        if not sits:  # a panel's score is no rating
            expected = raters.centre + raters.spread * own["truth"]
            row |= {
                f"error_{g}": float((own["score"] - expected)[part.index].mean())
                for g, part in groups.items()
            }
        row |= probed(probes, condition, trained)
        for who, group, column in (
            ("validation", "all", "mse_validation"),
            ("calibration", "all", "mse_held_out"),
        ):
            row[column] = float(agreement["mse"].get((trained, who, group), np.nan))
        of_groups = [agreement["mse"].get((trained, "calibration", g), np.nan) for g in groups]
        row["worst_mse_held_out"] = float(np.max(of_groups))
        found.append(row)
    return pd.DataFrame(found)


def probed(probes: pd.DataFrame | None, condition: str, trained: str) -> dict[str, float]:
    """Balanced accuracy of the strongest of three fresh probes of the score, and of the linear one of the features."""
    if probes is None:
        return {}
    score = probes[(probes["condition"] == condition) & (probes["reads"] == "score")]
    features = probes[(probes["condition"] == trained) & (probes["reads"] == "features")].set_index("probe")
    row = {"probe_score": float(score["balanced_accuracy"].max())}
    for kind, value in features["balanced_accuracy"].items():
        row[f"probe_features_{kind}"] = float(value)
    row["probe_features"] = row.get("probe_features_linear", np.nan)
    return row


def composition(folders: dict[str, list[Path]]) -> pd.DataFrame:
    """Share of the winners by skew, condition and group, with both intervals: over seeds, and for other contestants."""
    people = [
        people_of(RunDir(folder)).assign(skew=skew) for skew, runs in folders.items() for folder in runs
    ]
    table = pd.concat(people, ignore_index=True)
    return means_with_people(table, by=["skew", "condition"])


def compared(runs: pd.DataFrame) -> pd.DataFrame:
    """compare_cures for each skew, with the effect that the skew itself has on the uncured judge."""
    parts = []
    for skew in [s for s in SKEWS if s in set(runs["skew"])]:
        own = runs[runs["skew"] == skew]
        bar = BAR if BAR in set(own["condition"]) else None
        step = 1 / own["winners"].median()
        parts.append(compare_cures(own, baseline=UNCURED, bar=bar, step=step).assign(skew=skew))
    return pd.concat(parts, ignore_index=True)


def tables(name: str, folders: dict[str, list[Path]]) -> dict[str, pd.DataFrame]:
    """All tables of one judge, written to RESULTS."""
    runs = pd.concat([rows_of(f, skew) for skew, fs in folders.items() for f in fs], ignore_index=True)
    found = {"runs": runs, "cures": compared(runs), "composition": composition(folders)}
    found["probes"] = pd.concat(
        [
            run.table("probes").assign(skew=skew, seed=run.summary["seed"])
            for skew, fs in folders.items() for run in map(judge.load_run, fs)
            if (run.folder / "probes.parquet").is_file()
        ],
        ignore_index=True,
    )  # fmt: skip
    for table, frame in found.items():
        write_table(frame.round(5), RESULTS / f"{name}_{table}")
    return found


def advice(cures: pd.DataFrame) -> pd.DataFrame:
    """The table that `judge advise` reads: of one judge, a row a skew and cure."""
    seams = {name: seam for seam, names in CURES.items() for name in names}
    rows = cures[cures["condition"] != UNCURED]
    seam = rows["condition"].map(seams)
    columns = {"condition": "cure", "recovered_low": "ci_low", "recovered_high": "ci_high"}
    table = rows.rename(columns={**columns, "worst_pearson_change": "worst_group_pearson_change"}).assign(
        # nothing planted: what is left is that dark skin shows less
        skew=rows["skew"].replace("none", "reading"),
        seam=seam,
        needs=rows["condition"].map(NEEDS).fillna(seam.map(NEEDED_BY_SEAM)).fillna(""),
        note=np.where(rows["levelling_down"], "levelling down: the gap falls, no group is read better", ""),
    )  # fmt: skip
    wanted = [
        "skew",
        "cure",
        "seam",
        "recovered",
        "ci_low",
        "ci_high",
        "truth_lost",
        "worst_group_pearson_change",
    ]
    return table[[*wanted, "needs", "note"]].round(4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", choices=JUDGES, default="embedding_depths")
    parser.add_argument(
        "--skews", nargs="+", choices=SKEWS, default=list(SKEWS), metavar="SKEW", help=", ".join(SKEWS)
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument(
        "--tables", action="store_true", help="train nothing: tables, figure and page of what is there"
    )
    parser.add_argument(
        "--advice", action="store_true", help=f"also write {ADVICE.relative_to(ROOT)}, for judge advise"
    )
    parser.add_argument("overrides", nargs="*", help="settings, such as pool.n=300")
    told = parser.parse_args()
    if not told.tables:
        started = time.monotonic()
        for skew in told.skews:
            runs = sweep(told.judge, skew, told.seeds, told.jobs, told.overrides)
            print(
                f"{told.judge}, {skew}: {len(runs)} runs, {(time.monotonic() - started) / 60:.1f} minutes so far"
            )
    found = {}
    for name in JUDGES:
        folders = {skew: runs for skew in SKEWS if (runs := finished(name, skew))}
        if folders:
            found[name] = tables(name, folders)
    if not found:
        parser.error("no finished run under runs/cures; leave --tables out")
    if told.advice:
        advice(found[told.judge]["cures"]).to_csv(ADVICE, index=False)
    file = RESULTS / "selection.parquet"
    page = write_report(
        RESULTS,
        found,
        command="python experiments/cures.py " + " ".join(sys.argv[1:]),
        selection=read_table(file) if file.is_file() else None,
    )
    for name, parts in found.items():
        shown = [
            "skew",
            "condition",
            "share",
            "truth_share",
            "recovered",
            "truth_lost",
            "probe_score",
            "p_holm",
        ]
        print(name, parts["cures"][shown].round(3).to_string(), sep="\n")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
