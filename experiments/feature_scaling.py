"""What a ridge judge's features are divided by: how far its scores leave the scale, how much of the truth it reads.

    python experiments/feature_scaling.py [--mebeauty DIR] [--seeds 5]

A feature of a frozen network that hardly varies in a pool is not one that hardly varies in its entrants. Divided by the
spread it had in the pool, it makes scores of −50 on a scale from 1 to 10, and the outliers win. Judges of
`judge=embedding` and `judge=embedding_depths` are trained on pools of 50 to 1,500 rendered people (160 px), and of
judge=embedding on MEBeauty where its folder is given, with each feature's variance drawn towards `prior`² times the
median feature's (judge.jury.scaling; 0: each is divided by its own spread, as it was before). The same pools and the
same unseen people for every prior. Writes results/feature_scaling.csv: a row a judge, data set, pool, prior and seed.
About twenty minutes on one core, most of it pools of 1,500.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from judge.data.parametric.dataset import read_parametric
from judge.data.readers.mebeauty import read_mebeauty
from judge.fairness.metrics.soundness import soundness
from judge.jury.embedding import Embedding, embed
from judge.jury.network.depths import Depths
from judge.jury.ridge import ridge
from judge.jury.scaling import PRIOR_SPREAD

RESULTS = Path(__file__).parents[1] / "results"
POOLS = (50, 150, 600, 1500)
PRIORS = (0.0, 0.1, 0.3, PRIOR_SPREAD, 1.0, 3.0)
#: Pools beyond this size cost seconds to half a minute a fit, and only the two that are compared are tried there.
LARGE = 1000
WINNERS = 0.05
RATING_RANGE = (1.0, 10.0)


def embedding_of(name: str) -> Embedding:
    """What a judge of conf/judge reads of a picture."""
    told = OmegaConf.load(Path(__file__).parents[1] / "conf" / "judge" / f"{name}.yaml").embedding
    plain = {key: value for key, value in OmegaConf.to_container(told).items() if key != "_target_"}
    if plain["depths"]:
        plain["depths"] = Depths(**{k: v for k, v in plain["depths"].items() if k != "_target_"})
    return Embedding(**plain)


def trainings(features: np.ndarray, people: pd.DataFrame, pools: list[int], seeds: int) -> pd.DataFrame:
    """A row a pool, prior and seed: where the scores of unseen people lie, and how good the best of them are."""
    rating = people["rating"].to_numpy(float)
    # of photographs there is no truth: what many raters say stands in for it
    truth = people["truth"].to_numpy(float) if "truth" in people else rating
    rows = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(people))
        held_out, rest = np.split(order, [len(order) - max(pools)])
        for n in pools:
            chosen = rest[:n]
            for prior in (0.0, PRIOR_SPREAD) if n > LARGE else PRIORS:
                fit = ridge(features[chosen], rating[chosen], np.ones(n), prior=prior)
                weight = fit.weight / fit.scale
                score = (features[held_out] - fit.mean) @ weight + fit.bias
                found = soundness(score, rating[held_out], rating_range=RATING_RANGE)
                best = held_out[np.argsort(-score)[: round(WINNERS * len(held_out))]]
                rows.append(
                    {"pool": n, "prior": prior, "seed": seed}
                    | {
                        name: found[name]
                        for name in ("score_low", "score_high", "off_scale", "n", "agreement")
                    }
                    | {"pearson_truth": np.corrcoef(score, truth[held_out])[0, 1]}
                    | {"winners_truth": truth[best].mean(), "largest_weight": np.abs(weight).max()}
                    | {"penalty": fit.penalty}
                )
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebeauty", type=Path, help="folder of MEBeauty, if it is to be tried as well")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    composition = {"ethnicity": {"african": 0.25, "asian": 0.25, "caucasian": 0.5}}
    rendered = read_parametric(3000, size=160, mode="natural", composition=composition).manifest
    tried = [("rendered", name, rendered) for name in ("embedding", "embedding_depths")]
    if args.mebeauty:
        photographs = read_mebeauty(args.mebeauty).manifest
        tried.append(("mebeauty", "embedding", photographs[photographs["rating"].notna()]))
    parts = []
    for data, name, people in tried:
        features, people, _ = embed(people, embedding_of(name))
        pools = [n for n in POOLS if n <= len(people) - 300]
        part = trainings(features.astype(float), people, pools, args.seeds)
        parts.append(part.assign(data=data, judge=name))
    table = pd.concat(parts, ignore_index=True)
    first = ["data", "judge", "pool", "prior"]
    table = table[[*first, *table.columns.drop(first)]]
    table.round(4).to_csv(RESULTS / "feature_scaling.csv", index=False)
    shown = table.groupby(first, sort=False).agg(
        lowest=("score_low", "min"), highest=("score_high", "max"), off_scale=("off_scale", "sum"),
        pearson=("pearson_truth", "mean"), sd=("pearson_truth", "std"), winners=("winners_truth", "mean"),
        weight=("largest_weight", "max"),
    )  # fmt: skip
    print(shown.round(3).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
