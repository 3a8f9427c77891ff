"""Selective secrecy: is the closed form reached, and what does hiding a group cost on rendered people?

Two parts, each resumed where it was stopped:

  --part toy     Gaussian people whose best is known (judge.privacy.secrecy.gaussian), 20 seeds, every one counted
                 → results/secrecy/toy_trials.csv, toy_eves.csv
  --part people  10,000 rendered people (natural, 64 px): half train Alice, Bob and the rivals, .35 fresh Eves, and
                 .15 are the contestants, whom nobody has seen; another split and training for each seed; hidden are
                 ethnicity, gender, skin tone. Ratings: honest (truth knows no group), and for ethnicity also shifted,
                 raters giving african people a point less, so that the score itself goes with the group
                 → results/secrecy/runs.csv, winners.csv, equal_secrecy.csv

Pictures and features are computed once and cached ($JUDGE_CACHE). `--figure` writes figures and pages of what is there:
results/secrecy/toy/page.html and results/secrecy/RATINGS_FEATURE/page.html.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from judge.data.parametric import read_parametric
from judge.jury.embedding import Embedding, embed
from judge.privacy.secrecy import (
    FreshEves,
    SecrecyStudy,
    SecrecyTraining,
    ToyStudy,
    at_equal_secrecy,
    winners,
)
from judge.report.pages.secrecy import secrecy_said, toy_said, write_secrecy_page
from judge.storage import locked, write_text

RESULTS = Path(__file__).parents[1] / "results" / "secrecy"
#: Of the raters: none, or a point less for african people.
RATINGS = {"honest": None, "shifted": {"shift": {"african": -1.0}}}
CELLS = [("honest", "ethnicity"), ("shifted", "ethnicity"), ("honest", "gender"), ("honest", "skin_tone")]
KEYS = ["ratings", "feature", "seed"]


def add(file: Path, rows: pd.DataFrame) -> None:
    """Adds rows to a table that another process may write to as well."""
    with locked(file.parent):
        old = pd.read_csv(file) if file.is_file() else None
        write_text(file, pd.concat([old, rows], ignore_index=True).to_csv(index=False))


def toy(options: argparse.Namespace, folder: Path) -> None:
    """Trains the seeds that are missing, `together` at a time."""
    file = folder / "toy_trials.csv"
    there = set(pd.read_csv(file)["seed"]) if file.is_file() else set()
    missing = [seed for seed in range(options.toy_seeds) if seed not in there]
    print(f"toy: {options.toy_seeds - len(missing)} of {options.toy_seeds} seeds are there", flush=True)
    training = SecrecyTraining(ciphertext=1)
    for first in range(0, len(missing), options.together):
        some = missing[first : first + options.together]
        begin = time.process_time()
        study = ToyStudy(seeds=len(some), together=len(some), weight=options.toy_weight)
        # seeds of a study follow each other; a gap is closed one by one
        runs = [(some[0], study)] if some == list(range(some[0], some[0] + len(some))) else [
            (seed, ToyStudy(seeds=1, weight=options.toy_weight)) for seed in some
        ]  # fmt: skip
        for seed, part in runs:
            trials, eves = part.run(training, FreshEves(steps=options.eve_steps, batch=256), seed=seed)
            trials["cpu_seconds"] = round((time.process_time() - begin) / len(some), 1)
            add(folder / "toy_eves.csv", eves)
            add(file, trials)
        print(
            trials[["seed", "public_ratio", "bob_ratio", "eve", "success"]].round(3).to_string(), flush=True
        )


def people(options: argparse.Namespace, folder: Path) -> None:
    """Studies the cells that are missing: ratings, feature and seed."""
    file = folder / "runs.csv"
    there = set(pd.read_csv(file)[KEYS].itertuples(index=False, name=None)) if file.is_file() else set()
    # whole seeds first: what there is can be read off at any time
    wanted = [(*cell, seed) for seed, cell in product(range(options.seeds), CELLS)]
    missing = [cell for cell in wanted if cell not in there]
    print(f"people: {len(wanted) - len(missing)} of {len(wanted)} cells are there", flush=True)
    if not missing:
        return
    how = {"seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png"}
    data = {name: read_parametric(options.people, ratings=r, **how) for name, r in RATINGS.items()}
    features, kept, excluded = embed(data["honest"].manifest, Embedding(), progress=False)
    if len(excluded):
        raise SystemExit(f"{len(excluded)} pictures cannot be read")
    training, eves = SecrecyTraining(), FreshEves(steps=options.eve_steps, batch=256)
    for ratings, feature, seed in missing:
        begin = time.process_time()
        manifest = data[ratings].manifest.set_index("image_id", drop=False).loc[kept["image_id"]]
        manifest = manifest.reset_index(drop=True)
        runs, published = SecrecyStudy(seeds=1).run(features, manifest, feature, training, eves, seed=seed)
        cell = {"ratings": ratings, "feature": feature}
        add(folder / "winners.csv", winners(published, manifest, feature).assign(**cell))
        seconds = round(time.process_time() - begin, 1)
        add(file, runs.assign(**cell, cpu_seconds=seconds))
        print(ratings, feature, seed, seconds, flush=True)
        print(
            runs[["method", "level", "reader", "pearson", "eve"]].round(3).to_string(index=False), flush=True
        )


def figures(folder: Path) -> int:
    """Figures and pages of what is there, and the price at equal secrecy."""
    if (folder / "toy_trials.csv").is_file():
        trials = pd.read_csv(folder / "toy_trials.csv").sort_values("seed", ignore_index=True)
        write_secrecy_page(
            folder / "toy", {"trials": trials, "eves": pd.read_csv(folder / "toy_eves.csv")}, feature=""
        )
        print("\n".join(toy_said(trials)))
    if (folder / "runs.csv").is_file():
        runs, won = pd.read_csv(folder / "runs.csv"), pd.read_csv(folder / "winners.csv")
        prices = []
        for (ratings, feature), part in runs.groupby(["ratings", "feature"], sort=False):
            own = won[(won["ratings"] == ratings) & (won["feature"] == feature)]
            equal = at_equal_secrecy(part)
            tables = {"runs": part, "equal_secrecy": equal, "winners": own}
            write_secrecy_page(folder / f"{ratings}_{feature}", tables, feature=feature)
            prices.append(equal.assign(ratings=ratings, feature=feature))
            print(f"\n{ratings}, {feature}\n" + "\n".join(secrecy_said(tables, feature)))
        write_text(folder / "equal_secrecy.csv", pd.concat(prices).to_csv(index=False))
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("toy", "people", "both"), default="both")
    parser.add_argument("--toy-seeds", type=int, default=20, help="(%(default)s)")
    parser.add_argument("--toy-weight", type=float, default=200.0, help="λ on Gaussian people (%(default)s)")
    parser.add_argument("--together", type=int, default=5, help="trainings side by side (%(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="of rendered people (%(default)s)")
    parser.add_argument("--people", type=int, default=10_000, help="rendered (%(default)s)")
    parser.add_argument("--eve-steps", type=int, default=600, help="of a fresh network (%(default)s)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--figure", action="store_true", help="only draw what is there")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    options.results.mkdir(parents=True, exist_ok=True)
    if not options.figure:
        if options.part in ("toy", "both"):
            toy(options, options.results)
        if options.part in ("people", "both"):
            people(options, options.results)
    return figures(options.results)


if __name__ == "__main__":
    sys.exit(main())
