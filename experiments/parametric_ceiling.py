"""Can a network learn the known truth? Pearson correlation with ratings against the ceiling of rater noise.

    python experiments/parametric_ceiling.py [--seeds 3] [--size 96] [judge.training.epochs=12 …]

Trains judge=cnn on 2,000 rendered people with equal shares of each ethnicity × gender × age group, evenly lit, no
shift of any rating, and lets it judge 600 people it has never seen. The ceiling of the correlation with mean ratings
is the square root of their reliability (10 raters a picture). Writes results/parametric_ceiling.csv, a row a seed.
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

from judge import config  # noqa: F401  registers the typed root
from judge.data.parametric.dataset import read_parametric

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--size", type=int, default=96, help="of the pictures and of the network's input, px")
    parser.add_argument("overrides", nargs="*", help="settings of the judge")
    args = parser.parse_args()
    taught = read_parametric(args.people, seed=0, size=args.size)
    unseen = read_parametric(600, seed=1, size=args.size).manifest
    manifest = taught.manifest
    rows = []
    for seed in range(args.seeds):
        with initialize_config_module("judge.conf", version_base="1.3"):
            settings = compose(
                "config", overrides=["judge=cnn", f"judge.size={args.size}", *args.overrides]
            ).judge
        rng = np.random.default_rng(seed)
        held = np.zeros(len(manifest), bool)
        held[rng.permutation(len(manifest))[: len(manifest) // 10]] = True
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            judge = instantiate(settings).fit(
                manifest[~held], manifest[held], ratings=taught.ratings, rating_range=taught.rating_range,
                seed=seed, workdir=Path(folder),
            )  # fmt: skip
        seconds = time.perf_counter() - started
        scores, _ = judge.score(unseen)
        table = unseen.merge(scores, on="image_id")
        ceiling = float(np.sqrt(table["reliability"].mean()))
        rating = float(np.corrcoef(table["score"], table["rating"])[0, 1])
        truth = float(np.corrcoef(table["score"], table["truth"])[0, 1])
        rows.append(
            (
                seed,
                args.size,
                len(manifest),
                len(table),
                rating,
                truth,
                ceiling,
                rating / ceiling,
                round(seconds),
            )
        )
        print(rows[-1], flush=True)
    columns = [
        "seed",
        "size",
        "n_train",
        "n_unseen",
        "pearson_rating",
        "pearson_truth",
        "ceiling",
        "of_ceiling",
        "seconds",
    ]
    table = pd.DataFrame(rows, columns=columns)
    table.round(4).to_csv(RESULTS / "parametric_ceiling.csv", index=False)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
