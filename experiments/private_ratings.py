"""How ratings of a private pool are best paid for: by candidate, or one moment of rating × appearance?

    python experiments/private_ratings.py --out results/private_ratings.csv

Candidates are 1,500 rendered people of mode independent, private ones are 5,000 (or 1,500) of mode natural. Released is
(a) for each candidate the number and the summed ratings of those who are nearest to it, or (b) one noisy moment of
rating × appearance (judge.privacy.pools.ratings). What (a) gives is smoothed by the ridge regression that a judge is
trained with; both are then read as scores of 2,000 other people. `noise` is the standard deviation that is added to
every released number at sensitivity 1; a draw of the noise is a row.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.parametric import read_parametric
from judge.jury.embedding import Embedding, embed
from judge.jury.ridge import PENALTIES, ridge
from judge.privacy.pools.appearance import Appearance, nearest
from judge.storage import write_text

PEOPLE = {"size": 64, "camera": "even", "picture_format": "png", "workers": 1}
NOISE = (0.0, 1.0, 2.0, 5.0, 15.0)
MIDDLE, HALF = 5.5, 4.5  # of the scale from 1 to 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    candidates, parameters = features(read_parametric(1500, seed=77, mode="independent", **PEOPLE).manifest)
    private, people = features(
        read_parametric(20_000, seed=15, mode="natural", render=False, **PEOPLE).manifest[:5000]
    )
    test, others = features(read_parametric(2000, seed=15, start=20_000, mode="natural", **PEOPLE).manifest)
    known = parameters.filter(like="param_").drop(columns="param_stream")
    read = Appearance.of(candidates, pd.get_dummies(known, dtype=float))
    rating = people["rating"].to_numpy(float)
    rows = []

    def judged(scores: NDArray, **facts: object) -> None:
        rows.append({**facts, "pearson": round(float(np.corrcoef(scores, others["rating"])[0, 1]), 4)})

    for n in (1500, 5000):
        judged(test @ weight(private[:n], rating[:n], np.ones(n)), way="the private people", n=n)
        for draw in range(args.draws):
            rng = np.random.default_rng([draw, n])
            for noise in NOISE:
                for m in (200, 1500):
                    w = by_candidate(candidates[:m], read, private[:n], rating[:n], noise, rng)
                    judged(test @ w, way=f"by candidate, {m}", n=n, noise=noise, draw=draw)
                moment = one_moment(read, private[:n], rating[:n], noise, rng)
                judged(read(test) @ moment, way=f"one moment, {read.width}", n=n, noise=noise, draw=draw)
    table = pd.DataFrame(rows)
    write_text(args.out, table.to_csv(index=False))
    shown = table.fillna({"noise": -1}).groupby(["n", "way", "noise"])["pearson"].agg(["mean", "min", "max"])
    print(shown.round(3).to_string())


def features(manifest: pd.DataFrame) -> tuple[NDArray, pd.DataFrame]:
    found, rows, _ = embed(manifest, Embedding(size=128), progress=False)
    return found.astype(np.float64), rows


def weight(x: NDArray, y: NDArray, weights: NDArray) -> NDArray:
    fit = ridge(x, y, weights, PENALTIES)
    return fit.weight / fit.scale


def by_candidate(
    candidates: NDArray, read: Appearance, x: NDArray, rating: NDArray, noise: float, rng: np.random.Generator
) -> NDArray:
    """(count, summed rating) of each candidate's voters, in one vector of norm at most √2: noise × √2."""
    m = len(candidates)
    votes = nearest(read(x), read(candidates), np.zeros(len(x), int), np.zeros(m, int), 1)
    scaled = (rating - MIDDLE) / HALF
    count = np.bincount(votes, minlength=m) + rng.normal(0, noise * np.sqrt(2), m)
    total = np.bincount(votes, scaled, minlength=m) + rng.normal(0, noise * np.sqrt(2), m)
    count = np.maximum(count, 1.0)
    return weight(candidates, total / count, count)


def one_moment(
    read: Appearance, x: NDArray, rating: NDArray, noise: float, rng: np.random.Generator
) -> NDArray:
    seen = read(x) / np.sqrt(read.width)
    seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1)
    standard = np.clip((rating - rating.mean()) / (2 * rating.std()), -1, 1)
    return standard @ seen + rng.normal(0, noise, read.width)


if __name__ == "__main__":
    main()
