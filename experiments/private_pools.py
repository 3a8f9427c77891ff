"""Train on a private synthetic pool, test on real people: rendered private people, candidates of another population.

    python experiments/private_pools.py --n 1500 --epsilon 1 3 10 inf --seeds 0 1 2 3 4 --out runs/private_pools

Private people are of seed 15, mode natural; the candidates of Sim-PE are of mode independent (tone, hair and eyes have
one distribution for everybody) and other seeds. A judge (ridge on lite0 features) is trained on each pool, and on the
private people themselves; both judge 2,000 others, whom neither saw. A row of the table is a pool and a group.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from judge.data.parametric import read_parametric
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.privacy.budget import Budget
from judge.privacy.pools import Release, SimPE, make_pool
from judge.storage import write_text

GROUPS = {"ethnicity": ["african", "asian", "caucasian"], "gender": ["female", "male"]}
PEOPLE = {"seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=5000, help="private people, and pictures of a pool")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1, 3, 10, math.inf])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--candidates", type=int)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    private = read_parametric(args.n, **PEOPLE, workers=1).manifest
    test = read_parametric(2000, **PEOPLE, start=20_000, workers=1).manifest
    rows = judged(private, test, {"pool": "real", "epsilon": math.nan, "seed": 0})
    for seed in args.seeds:
        for epsilon in args.epsilon:
            method = SimPE(
                population={"mode": "independent", "camera": "even"},
                rounds=args.rounds, candidates=args.candidates, side=args.side, workers=1,
            )  # fmt: skip
            release = Release(Budget(epsilon), list(GROUPS), GROUPS, (1.0, 10.0), leave_out=True)
            start = time.perf_counter()
            pool = make_pool(
                method,
                private,
                release,
                noise=np.random.default_rng([seed, 99]),
                seed=seed,
                progress=False,
            )
            seconds = time.perf_counter() - start
            folder = args.out / f"pictures-{epsilon:g}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            paths = [str(folder / f"{name}.png") for name in pool.manifest["image_id"]]
            for picture, path in zip(pool.pictures, paths, strict=True):
                Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)
            facts = {"pool": "sim_pe", "epsilon": epsilon, "seed": seed, "seconds": round(seconds)}
            rows += judged(pool.manifest.assign(path=paths), test, facts)
            table = pd.DataFrame(rows)
            write_text(args.out / "judges.csv", table.to_csv(index=False))
            print(pool.tables["labels"].to_string(), pool.tables["rounds"].to_string(), sep="\n")
            print(shift(private, pool.manifest).to_string())
            print(table.to_string(), flush=True)


def judged(pool: pd.DataFrame, test: pd.DataFrame, facts: dict) -> list[dict]:
    """Pearson correlation with the real people's ratings and truth, everybody's and by group."""
    judge = EmbeddingJudge(Embedding(size=128), progress=False)
    judge.fit(pool, rating_range=(1.0, 10.0), seed=0)
    scores, _ = judge.score(test)
    table = test.merge(scores, on="image_id")
    groups = {"all": table} | {
        f"{a}/{b}": part for (a, b), part in table.groupby(["ethnicity", "gender"], sort=True)
    }
    return [
        {
            **facts,
            "group": name,
            "n_train": len(pool),
            "n_test": len(part),
            "pearson": round(float(part["score"].corr(part["rating"])), 4),
            "pearson_truth": round(float(part["score"].corr(part["truth"])), 4),
        }
        for name, part in groups.items()
    ]


def shift(private: pd.DataFrame, pool: pd.DataFrame) -> pd.DataFrame:
    """Mean of some parameters by ethnicity: what candidates of another population became."""
    names = ["param_melanin", "param_hair_melanin", "param_eye_melanin", "param_age", "param_blemishes"]
    both = {"private": private, "pool": pool}
    return pd.concat({name: table.groupby("ethnicity")[names].mean() for name, table in both.items()})


if __name__ == "__main__":
    main()
