"""Does a run that is killed at any moment end in the tables of one that was not?

    python experiments/kill_and_resume.py [--kills 10] [--seed 0] [OVERRIDES]

One run of seven conditions (baseline, redraw, reweight, resample_up, scores standardised within groups, a balanced
reference set, the gate off) before the whole jury is done undisturbed and timed. The same run is then started again and
again and killed (SIGKILL, with its children) at random moments, spread over all of its time, until it has been killed
as often as asked; then it is let finish. Prints each kill and what was there, compares every table cell by cell, and
ends with 1 if one differs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

RUN = [
    "judge=cnn", "judge.size=64", "judge.training.epochs=3", "+judge.training.checkpoint_every=0", "jury=full",
    "gate@jury.gate=beauty_ai_2016", "jury.models.n=30", "data.n=500", "data.size=96", "data.workers=1", "pool.n=90",
    "pool.majority_share=.7", "entrants.n=60", "audit.n_permutations=99", "threads=1", "+conditions.reweight=reweight",
    "+conditions.up=resample_up", "+conditions.within=standardise_within",
    "+conditions.reference={jury: {models: {shares: equal}}}", "+conditions.gate_off={jury: {gate: null}}",
]  # fmt: skip


def start(folder: Path, cache: Path, overrides: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "JUDGE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "judge", "run", *RUN, *overrides], cwd=folder, env=environment,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def kill(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table of the run, without the paths of pictures: the two runs have caches of their own."""
    (done,) = folder.glob("runs/*/*/done.json")
    return {
        path.name: pd.read_parquet(path).drop(columns="path", errors="ignore")
        for path in sorted(done.parent.glob("*.parquet"))
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        for folder in (whole, killed):
            folder.mkdir()
        began = time.monotonic()
        if start(whole, Path(name) / "cache_whole", args.overrides).wait():
            print((whole / "log.txt").read_text()[-2000:])
            return 1
        seconds = time.monotonic() - began
        print(f"undisturbed: {seconds:.0f} s")
        for i in range(args.kills):
            process = start(killed, Path(name) / "cache_killed", args.overrides)
            wait = rng.uniform(0.5, seconds / 2)
            try:
                process.wait(wait)
                print(f"kill {i + 1}: not needed, it was done after less than {wait:.1f} s")
                break
            except subprocess.TimeoutExpired:
                kill(process)
            there = sorted(path.parent.name for path in killed.glob("runs/*/*/judges/*/scores.parquet"))
            print(f"kill {i + 1} after {wait:.1f} s; judges done: {', '.join(there) or 'none'}", flush=True)
        if start(killed, Path(name) / "cache_killed", args.overrides).wait():
            print((killed / "log.txt").read_text()[-2000:])
            return 1
        expected, found = tables(whole), tables(killed)
        differing = [name for name in expected if not expected[name].equals(found.get(name))]
        print(f"{len(expected)} tables, differing: {', '.join(differing) or 'none'}")
        return int(bool(differing) or expected.keys() != found.keys())


if __name__ == "__main__":
    sys.exit(main())
