"""Do all launchers give the same tables? One small sweep under each, compared with the one in this process.

    python experiments/launchers.py [--only joblib,ray] [--partition main]

basic, joblib, submitit_local and ray run anywhere; submitit_slurm needs `sbatch` on the path and is left out, and
said to be, without it. Writes results/launchers.csv: launcher, runs, seconds, same_tables.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parents[1] / "results"
PROGRAM = [sys.executable, "-c", "import sys; from judge.cli import main; sys.exit(main())"]
SMALL = [
    "-m", "data.n=150", "data.size=48", "data.progress=false", "data.workers=1", "judge=embedding",
    "judge.embedding.size=64", "pool.n=30", "pool.majority_share=.4,.6", "seed=0,1", "entrants.n=30",
    "audit.n_permutations=99", "report.page=false", "threads=1",
]  # fmt: skip
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "submitit_local": ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=20"],
    "submitit_slurm": [
        "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=20", "hydra.launcher.cpus_per_task=1",
    ],
    "ray": ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"],
}  # fmt: skip


def tables(folder: Path) -> dict[tuple[str, str], pd.DataFrame]:
    return {
        (done.parent.name, name): pd.read_parquet(done.parent / f"{name}.parquet")
        for done in sorted(folder.glob("runs/*/*/done.json"))
        for name in ("scores", "ranking", "audit")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(LAUNCHERS))
    parser.add_argument("--partition", default=None, help="of Slurm")
    args = parser.parse_args()
    chosen = ["basic", *(name for name in args.only.split(",") if name != "basic")]
    rows, expected = [], {}
    for name in chosen:
        options = list(LAUNCHERS[name])
        if name == "submitit_slurm" and shutil.which("sbatch") is None:
            print("submitit_slurm: left out, there is no sbatch")
            continue
        if name == "submitit_slurm" and args.partition:
            options.append(f"hydra.launcher.partition={args.partition}")
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            ended = subprocess.run(
                [*PROGRAM, "run", *options, *SMALL], cwd=folder, capture_output=True, text=True
            )
            seconds = time.perf_counter() - started
            found = tables(Path(folder))
            if ended.returncode:
                print(ended.stdout[-2000:], ended.stderr[-2000:])
        expected = expected or found
        same = bool(found) and found.keys() == expected.keys()
        same = same and all(table.equals(expected[key]) for key, table in found.items())
        rows.append((name, len({key[0] for key in found}), round(seconds, 1), same))
        print(*rows[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    table = pd.DataFrame(rows, columns=["launcher", "runs", "seconds", "same_tables"])
    if (RESULTS / "launchers.csv").is_file():  # --only replaces the rows of what ran
        before = pd.read_csv(RESULTS / "launchers.csv")
        table = pd.concat([before[~before["launcher"].isin(table["launcher"])], table], ignore_index=True)
    table.to_csv(RESULTS / "launchers.csv", index=False)
    return 0 if table["same_tables"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
