"""How many pictures a second do the gate's measures and the five robots take, and does memory stay flat?

    python experiments/robots_throughput.py [--pictures 512] [--repeat 3]

Rendered faces at 128 px as JPEG files, read from disk. The peer in the same run is the embedding network alone (decode
and one eager forward pass), since a ratio survives a busy machine and a rate does not. Every measurement is its own
process, so that its peak memory is its own. Imports, compilation and translation of the network, some seconds once, are
behind it when the clock starts, but for the processes of the two-process row. Writes results/robots_throughput.csv.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parents[1] / "results"
TASKS = ("peer", "jury", "jury, two processes", "faces", "wrinkles", "pigment", "symmetry", "resemblance+age")


def measure(task: str, n: int) -> dict[str, float | str | int]:
    """Pictures a second and peak memory of one task over n pictures (repeated from 256 rendered ones)."""
    import joblib
    import numpy as np
    import torch

    from judge.data.parametric.dataset import read_parametric
    from judge.jury.faces.alignment import PortraitReader
    from judge.jury.robots import protocol as robots
    from judge.jury.robots.age import Age
    from judge.jury.robots.features import Features
    from judge.jury.robots.measurements import cached_measurements
    from judge.jury.robots.pigment import Pigment
    from judge.jury.robots.resemblance import Resemblance
    from judge.jury.robots.symmetry import Symmetry
    from judge.jury.robots.wrinkles import Wrinkles

    folder = tempfile.mkdtemp()
    base = read_parametric(256, seed=3, size=128, progress=False).manifest
    manifest = pd.concat(
        [base.assign(image_id=base["image_id"] + f"-{k}") for k in range(-(-n // 256))]
    ).head(n)
    reader = PortraitReader()
    chosen = {
        **{name: [Wrinkles(), Pigment(), Symmetry(), Resemblance(), Age()] for name in TASKS[1:3]},
        "faces": [],
        "wrinkles": [Wrinkles()],
        "pigment": [Pigment()],
        "symmetry": [Symmetry()],
        "resemblance+age": [Resemblance(), Age()],
    }.get(task)
    if chosen is None:
        from judge.data.images import load_square
        from judge.jury.faces.alignment import Portraits

        def work(rows: pd.DataFrame) -> None:
            for start in range(0, len(rows), 32):
                part = rows.iloc[start : start + 32]
                crops = torch.stack([load_square(p, 128) for p in part["path"]]).permute(0, 2, 3, 1).numpy()
                Features()(Portraits(part, crops, np.zeros((len(part), 5, 2))))
    else:
        fitted = robots.fit(chosen, robots.measure(chosen, reader(base.head(96)))) if chosen else []

        def work(rows: pd.DataFrame) -> None:
            if task == TASKS[2]:
                copies = rows.drop(columns="content_hash").assign(path=copied(rows["path"], folder))
                robots.scores(fitted, cached_measurements(chosen, reader, copies, folder, workers=2))
            elif fitted:
                robots.judge(fitted, reader(rows))
            else:
                for _ in reader(rows):
                    pass

    warm = (
        576 if task == TASKS[1] else 64
    )  # the translation to ONNX is behind it, as are imports and compilation
    work(pd.concat([manifest] * (1 + warm // len(manifest))).head(warm).reset_index(drop=True))
    for file in Path(folder).rglob("*"):
        if file.is_file():
            file.unlink()
    started = time.perf_counter()
    work(manifest)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if task == TASKS[2]:  # loky's workers are no children that have been waited for: their own peak, twice
        peak += 2 * max(joblib.Parallel(2)(joblib.delayed(own_peak)() for _ in range(4)))
    return {"task": task, "pictures": n, "a_second": n / seconds, "peak_mib": peak}


def own_peak() -> float:
    """MiB, of the process that runs this."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def copied(paths: pd.Series, folder: str) -> list[str]:
    """Copies, so that no picture was seen before."""
    out = []
    for k, path in enumerate(paths):
        copy = Path(folder) / f"{k}{Path(path).suffix}"
        copy.write_bytes(Path(path).read_bytes())
        out.append(str(copy))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        print(json.dumps(measure(args.task, args.pictures)))
        return
    rows = []
    for task, n, repeat in [
        *((task, args.pictures, args.repeat) for task in TASKS[:2]),
        (TASKS[2], 4 * args.pictures, args.repeat),
        *((task, args.pictures, 1) for task in TASKS[3:]),
        ("jury", 4 * args.pictures, 1),
    ]:
        for _ in range(repeat):
            command = [sys.executable, __file__, "--task", task, "--pictures", str(n)]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows.append(json.loads(out.strip().splitlines()[-1]))
    table = (
        pd.DataFrame(rows)
        .groupby(["task", "pictures"], sort=False)
        .agg(
            a_second=("a_second", "median"),
            slowest=("a_second", "min"),
            peak_mib=("peak_mib", "max"),
            runs=("a_second", "size"),
        )
    )
    table["over_peer"] = table["a_second"] / table.loc[("peer", args.pictures), "a_second"]
    RESULTS.mkdir(exist_ok=True)
    table.round(3).to_csv(RESULTS / "robots_throughput.csv")
    print(table.round(2))


if __name__ == "__main__":
    main()
