"""How much does a sweep on cached embeddings save? Forty runs in one sweep against forty separate runs.

    python experiments/sweep_speed.py --root ../shared/data/mebeauty [--runs 40] [--separate 40]

Both sides train the same judges (judge=embedding, 340 pictures, skewed and rebalanced, 300 contestants). Separate:
each run is a process of its own with an empty cache. Sweep: one `judge run -m`, started with an empty cache (cold)
and again, for other seeds, with the cache it has filled (warm). The ratio is of seconds a run within this one script.
Writes results/sweep_speed.csv.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parents[1] / "results"
PROGRAM = [sys.executable, "-c", "import sys; from judge.cli import main; sys.exit(main())"]


def seconds(folder: str, cache: str, *arguments: str) -> float:
    started = time.perf_counter()
    environment = {**os.environ, "JUDGE_CACHE": cache}
    subprocess.run(
        [*PROGRAM, "run", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=40, help="runs of the sweep")
    parser.add_argument("--separate", type=int, default=40, help="separate runs that are timed")
    args = parser.parse_args()
    if not args.root.is_dir():
        print(f"skipped: {args.root} is not there")
        return 0
    common = [
        f"data.root={args.root.resolve()}", "data=mebeauty", "judge=embedding", "contest=within_gender",
        "pool.n=340", "report.page=false", "save_judges=false",
    ]  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory() as top:
        for seed in range(args.separate):
            folder, cache = Path(top, f"run{seed}"), Path(top, f"cache{seed}")
            folder.mkdir()
            rows.append(("separate", 1, seconds(str(folder), str(cache), *common, f"seed={seed}")))
        cache = str(Path(top, "cache"))
        for name, first in (("sweep, cold cache", 0), ("sweep, warm cache", 1000)):
            folder = Path(top, name.replace(" ", "_").replace(",", ""))
            folder.mkdir()
            sweep = seconds(str(folder), cache, *common, "-m", f"seed=range({first},{first + args.runs})")
            rows.append((name, args.runs, sweep))
    table = (
        pd.DataFrame(rows, columns=["how", "runs", "seconds"]).groupby("how", sort=False).sum().reset_index()
    )
    table["seconds_a_run"] = table["seconds"] / table["runs"]
    base = table.set_index("how").loc["separate", "seconds_a_run"]
    table["times_faster"] = base / table["seconds_a_run"]
    RESULTS.mkdir(exist_ok=True)
    table.round(3).to_csv(RESULTS / "sweep_speed.csv", index=False)
    print(table.round(2).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
