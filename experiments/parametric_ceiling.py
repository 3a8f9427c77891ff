"""Can a network learn the known truth? Pearson correlation with ratings against the ceiling of rater noise.

    python experiments/parametric_ceiling.py [--seeds 0,1,2] [--judge cnn_depths] [--unrated 6000] [judge.size=128 …]

Trains a judge on 2,000 rendered people with equal shares of each ethnicity × gender × age group, evenly lit, no
shift of any rating, and lets it judge 2,000 people whom no judge and no choice of a setting has seen. Every seed has
2,000 people and raters of its own. The ceiling of the correlation with mean ratings is the square root of their
reliability (10 raters a picture). Also the correlation of the score with each component of the truth. The backbone
has first seen 6,000 other people whom nobody rated (parametric_pretraining.py); --own: it first learns the landmarks
and labels of the 2,000 rated people themselves; --unrated 0: ImageNet only.
Writes results/parametric_ceiling.csv, a row a seed and judge; rows of other seeds and judges stay.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from parametric_pretraining import backbone

from judge.data.parametric.dataset import read_parametric
from judge.data.parametric.people.truth import COMPONENTS
from judge.experiment import settings as config  # also registers the typed root

FILE = Path(__file__).parents[1] / "results" / "parametric_ceiling.csv"
BACKBONES = Path(__file__).parents[1] / "runs" / "parametric_ceiling"
#: Population seeds: settings were chosen on people of the seeds 0 and 1, and on the unrated.
TAUGHT, UNSEEN, UNRATED = 100, 99, 50


def judged(seed: int, args: argparse.Namespace) -> dict[str, float | int | str]:
    """One training, and how well it judges the unseen."""
    taught = read_parametric(args.people, seed=TAUGHT + seed, size=args.size)
    unseen = read_parametric(args.unseen, seed=UNSEEN, size=args.size).manifest
    overrides = list(args.overrides)
    known, of = (args.people, TAUGHT + seed) if args.own else (args.unrated, UNRATED)
    if known:
        name = config.folder_name(" ".join([args.judge, *args.overrides]))
        file = BACKBONES / f"{name}-{known}-of-{of}-{args.size}.safetensors"
        backbone(args.judge, args.overrides, known, of, args.size, file)
        overrides.append(f"judge.weights={file}")
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=[f"judge={args.judge}", *overrides]).judge
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        judge = instantiate(settings).fit(
            taught.manifest, None, ratings=taught.ratings, rating_range=taught.rating_range, seed=seed,
            workdir=Path(folder),
        )  # fmt: skip
    seconds = time.perf_counter() - started
    table = unseen.merge(judge.score(unseen)[0], on="image_id")

    def pearson(column: str) -> float:
        return float(np.corrcoef(table["score"], table[column])[0, 1])

    ceiling = float(np.sqrt(table["reliability"].mean()))
    return {
        "judge": " ".join([args.judge, *args.overrides]),
        "seed": seed,
        "picture_px": args.size,
        "first_seen": "own" if args.own else "unrated" if args.unrated else "none",
        "n_unrated": 0 if args.own else args.unrated,
        "n_train": len(taught.manifest),
        "n_unseen": len(table),
        "pearson_rating": pearson("rating"),
        "pearson_truth": pearson("truth"),
        "ceiling": ceiling,
        "of_ceiling": pearson("rating") / ceiling,
        **{f"pearson_{name}": pearson(f"truth_{name}") for name in COMPONENTS},
        "seconds": round(seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--judge", default="cnn_depths", help="a file of conf/judge")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--unseen", type=int, default=2000)
    parser.add_argument("--unrated", type=int, default=6000, help="people whom the backbone sees first")
    parser.add_argument(
        "--own", action="store_true", help="the backbone first learns labels of the rated people only"
    )
    parser.add_argument("--size", type=int, default=256, help="of the pictures, px")
    parser.add_argument("overrides", nargs="*", help="settings of the judge")
    args = parser.parse_args()
    for seed in map(int, args.seeds.split(",")):
        row = pd.DataFrame([judged(seed, args)])
        rows = pd.concat([pd.read_csv(FILE), row]) if FILE.is_file() else row
        rows = rows.drop_duplicates(
            ["judge", "seed", "picture_px", "first_seen", "n_unrated", "n_train", "n_unseen"], keep="last"
        )
        rows.sort_values(["judge", "picture_px", "first_seen", "n_unrated", "seed"]).round(4).to_csv(
            FILE, index=False
        )
        print(row.round(3).to_string(index=False), flush=True)
    rows = pd.read_csv(FILE)
    shown = rows.groupby(["judge", "picture_px", "first_seen", "n_unrated", "n_train"])["of_ceiling"]
    print(shown.agg(["mean", "std", "min", "max", "count"]).round(3).to_string())


if __name__ == "__main__":
    main()
