"""A sweep of trainings as stacks against the same sweep, each training by itself.

    python experiments/stacked_speed.py [--trainings 40] [--stage 7] [--views 16] [--stack auto] [--rounds 1]

Both are `judge run -m`, end to end, in a process of its own on one thread: data, draws, trainings, scores, audit. Runs
differ in their seed, so in pool, order, dropout and head; people who enter are the same (entrants.seed=0). In turn, so
that both meet the same neighbours. Seconds are the process's own (user and system), which other processes disturb less.
The scores of both are compared, over all runs. `--cache` gives the separate runs a cache of views (judge.cache), which
stacks do not need. `--stage 3` is a sweep whose trained part dominates. Writes results/stacked_speed/speed.csv.
`--side-by-side` measures what a step costs each of K networks in one: results/stacked_speed/side_by_side.csv.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
FILE = ROOT / "results" / "stacked_speed" / "speed.csv"


def sweep(folder: Path, args: argparse.Namespace, stack: str) -> dict[str, float]:
    """Runs one sweep; seconds of its process, wall clock and peak memory."""
    words = [
        f"seed=range(0,{args.trainings})", "judge=cnn_photo", "~conditions.rebalanced", f"name={folder.name}",
        f"judge.training.train_from_stage={args.stage}", f"judge.views={args.views}", f"judge.size={args.size}",
        "+judge.training.accelerator=cpu", "+judge.progress=false", "report.page=false", "save_judges=false",
        "entrants.seed=0", "entrants.n=100", "pool.majority_share=0.34", f"pool.n={args.pool}",
        f"data.n={args.people}", "data.seed=15", "data.size=64",
        "data.mode=natural", "data.camera=even", "data.picture_format=png", "threads=1", f"stack={stack}",
    ]  # fmt: skip
    if args.cache and stack == "null":
        words.append(f"judge.cache={folder.parent / 'views'}")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    command = [sys.executable, "-m", "judge", "run", "-m", *words]
    done = subprocess.run(
        command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    if args.verbose:
        print(done.stdout[-2000:], done.stderr[-2000:])
    return {
        "seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": time.time() - start,
    }


def side_by_side(size: int, repeats: int) -> pd.DataFrame:
    """CPU milliseconds of a step (forward and backward of 32 pictures) for each of K networks in one, one thread."""
    import torch

    from judge.jury.network.spec import NetworkSpec, build_network
    from judge.jury.network.stacked.network import Draws, StackedNetwork

    torch.set_num_threads(1)
    rows = []
    for stage in (7, 5, 3):
        for bmm, k in [(False, 1), (False, 2), (False, 4), (False, 8), (True, 4)]:
            spec = NetworkSpec("tf_efficientnet_lite0", size)
            networks = [build_network(spec, "packaged") for _ in range(k)]
            for network in networks:
                network.freeze_before(stage)
            model = StackedNetwork(
                networks, stage, Draws([torch.Generator() for _ in networks]), bmm=bmm
            ).train()
            with torch.no_grad():
                x = model.stem()(model.normalised(torch.rand(32, 3, size, size) * 255)).repeat(1, k, 1, 1)
            x = x.to(memory_format=torch.channels_last)
            took = []
            for _ in range(repeats + 1):
                start = time.process_time()
                model(x).rating.sum().backward()
                took.append(time.process_time() - start)
            rows.append(
                {
                    "size": size,
                    "stage": stage,
                    "networks": k,
                    "bmm": bmm,
                    "ms_a_network": 1000 * min(took[1:]) / k,
                }
            )
            print(rows[-1], flush=True)
    return pd.DataFrame(rows).round(2)


def scores(folder: Path) -> pd.DataFrame:
    """image_id, seed, score of all runs of a sweep."""
    parts = [
        pd.read_parquet(file)
        for file in sorted((folder.parent / "runs" / folder.name).glob("*/scores.parquet"))
    ]
    table = pd.concat(parts)
    return table[table["condition"] != "truth"][["image_id", "seed", "score"]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--stage", type=int, default=7)
    parser.add_argument("--views", type=int, default=16)
    parser.add_argument("--pool", type=int, default=300)
    parser.add_argument("--people", type=int, default=2000, help="of whom 60 % may train")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--stack", default="auto")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cache", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--side-by-side", action="store_true", help="steps of K networks in one, no sweep")
    args = parser.parse_args()
    if args.side_by_side:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        side_by_side(args.size, 4).to_csv(FILE.with_name("side_by_side.csv"), index=False)
        return 0
    rows = []
    for round_ in range(args.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            for stack in (args.stack, "null"):
                name = "separate" if stack == "null" else "stacked"
                took = sweep(Path(scratch) / name, args, stack)
                rows.append(
                    {
                        "trainings": args.trainings, "stage": args.stage, "views": args.views,
                        "pool": args.pool, "size": args.size, "people": args.people,
                        "cache": args.cache, "way": name, "stack": "" if stack == "null" else stack,
                        "round": round_, **took,
                    }
                )  # fmt: skip
                print(json.dumps(rows[-1]), flush=True)
            both = scores(Path(scratch) / "stacked").merge(
                scores(Path(scratch) / "separate"), on=["image_id", "seed"]
            )
        apart = (both["score_x"] - both["score_y"]).abs().max()
        for row in rows[-2:]:
            row["scores_apart"] = apart
            row["score_sd"] = both["score_y"].std()
        print(
            f"separate / stacked: {rows[-1]['seconds'] / rows[-2]['seconds']:.2f}; scores apart {apart:.2g}"
        )
    FILE.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows).round(6)
    if FILE.is_file():
        table = pd.concat([pd.read_csv(FILE), table], ignore_index=True)
    table.to_csv(FILE, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
