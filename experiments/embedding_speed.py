"""A sweep of 40 trainings of judge=embedding on kept features, against 40 separate runs.

Each training draws a pool of 340 of MEBeauty's pictures and scores all others. The sweep is one process that
starts with an empty cache. A separate run is a process of its own with an empty cache, as it would be without
one; `--separate` of them are measured and their median is multiplied by 40.

    python experiments/embedding_speed.py     → results/embedding_speed.csv
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
TRAININGS, POOL = 40, 340


def trainings(data: Path, cache: str, seeds: range) -> None:
    from judge.jury.embedding import EmbeddingJudge

    manifest = pd.read_csv(data / "manifest.csv").rename(columns={"score": "rating"})
    manifest["path"] = [str(data / file) for file in manifest["file"]]
    for seed in seeds:
        pool = manifest.sample(POOL, random_state=seed)
        judge = EmbeddingJudge(cache=cache, progress=False).fit(pool, rating_range=(1, 10), seed=seed)
        scores, excluded = judge.score(manifest.drop(pool.index))
        assert len(scores) == len(manifest) - POOL and excluded.empty


def timed(data: Path, first: int, last: int) -> float:
    """Seconds of a process that does trainings first … last with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        command = [sys.executable, __file__, "--data", str(data), "--trainings", cache, str(first), str(last)]
        subprocess.run(command, check=True)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "mebeauty")
    parser.add_argument("--separate", type=int, default=3)
    parser.add_argument("--trainings", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.trainings:
        cache, first, last = args.trainings
        trainings(args.data, cache, range(int(first), int(last)))
        return
    separate = [timed(args.data, seed, seed + 1) for seed in range(args.separate)]
    sweep = timed(args.data, 0, TRAININGS)
    each = statistics.median(separate)
    table = pd.DataFrame(
        {
            "what": [
                f"sweep of {TRAININGS}, kept features",
                f"{TRAININGS} separate runs ({args.separate} measured)",
            ],
            "seconds": [sweep, each * TRAININGS],
        }
    )
    table["times"] = table["seconds"] / sweep
    (ROOT / "results").mkdir(exist_ok=True)
    table.round(2).to_csv(ROOT / "results" / "embedding_speed.csv", index=False)
    print(table.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
