"""What a step of training costs: memory that is kept against memory that is handed back, in turn.

    python experiments/training_speed.py [--judge cnn_depths] [--people 256] [--rounds 5]

Each measurement is a process of its own, on one thread, that trains a judge on rendered people for two epochs, the
second of which is timed. `before` has glibc's own thresholds, `kept` those of judge/storage/memory.py; they take turns,
so that both meet the same neighbours. Time is the process's own (user and system), which other processes disturb less.
Writes results/training_speed.csv, a row a measurement.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"


def measure(judge: str, people: int, kept: bool) -> dict[str, float]:
    """Milliseconds a picture and step, of the second of two epochs, and the peak of memory."""
    import torch
    from hydra.utils import instantiate

    from judge.data.parametric import read_parametric
    from judge.experiment.api import composed
    from judge.jury.network import training
    from judge.storage import memory

    torch.set_num_threads(1)
    if not kept:
        training.keep_freed_memory = lambda: False
    else:
        assert memory.keep_freed_memory(), "not on glibc"
    settings = composed([f"judge={judge}"]).judge
    settings.training.epochs = 2
    if "views" in settings:
        settings.views = min(settings.views, 2)
    made = instantiate(settings, progress=False)
    read = read_parametric(people, seed=3, size=int(settings.size), progress=False)
    times: list[float] = []
    faults: list[int] = []
    step = torch.optim.Optimizer.zero_grad  # called once a step, by every optimizer

    def marked(self: torch.optim.Optimizer, *args: object, **options: object) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        times.append(used.ru_utime + used.ru_stime)
        faults.append(used.ru_minflt)
        step(self, *args, **options)

    torch.optim.Optimizer.zero_grad = marked
    made.fit(read.manifest, rating_range=read.rating_range, seed=0)
    half = times[len(times) // 2 :]
    batch = people / (len(times) / 2)
    return {
        "ms_a_picture": 1000 * (half[-1] - half[0]) / (len(half) - 1) / batch,
        "faults_a_step": (faults[-1] - faults[len(faults) // 2]) / (len(half) - 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judge", default="cnn_depths")
    parser.add_argument("--people", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=("before", "kept"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.judge, args.people, args.one == "kept")))
        return 0
    rows = []
    for round_ in range(args.rounds):
        for which in ("before", "kept"):
            words = [
                sys.executable,
                __file__,
                "--judge",
                args.judge,
                "--people",
                str(args.people),
                "--one",
                which,
            ]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            rows.append(
                {"judge": args.judge, "memory": which, "round": round_}
                | json.loads(done.stdout.splitlines()[-1])
            )
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).round(3)
    file = RESULTS / "training_speed.csv"
    if file.is_file():
        old = pd.read_csv(file)
        table = pd.concat([old[old["judge"] != args.judge], table], ignore_index=True)
    table.to_csv(file, index=False)
    wide = table[table["judge"] == args.judge].pivot(index="round", columns="memory", values="ms_a_picture")
    print(wide.agg(["median", "min"]).round(2))
    print("before / kept, by round:", (wide["before"] / wide["kept"]).round(3).tolist())
    return 0


if __name__ == "__main__":
    sys.exit(main())
