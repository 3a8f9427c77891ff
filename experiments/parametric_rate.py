"""How fast faces are rendered, and in how much memory.

    python experiments/parametric_rate.py              about two minutes on two cores that do nothing else

Renders the same people into an empty folder with one process and with two, each from a fresh interpreter, and
reads the proportional set size (Linux) of the program and its workers ten times a second. Warm-up
(imports, compiled code) is in `seconds` and left out of `faces_per_minute`. Writes
results/parametric_rate.csv.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd


def pss_of_tree(pid: int) -> int:
    """Bytes of memory of a process and its descendants; what they share is counted once."""
    total, todo = 0, [pid]
    while todo:
        here = Path(f"/proc/{todo.pop()}")
        try:
            for line in (here / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
            for task in (here / "task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # ended in the meantime
    return total


def child(n: int, size: int, workers: int, folder: str) -> None:
    from judge.data.parametric.cache import picture_paths, render_missing
    from judge.data.parametric.people.population import sample

    people = sample(n + 64, seed=90, camera="even")
    table = people.join(picture_paths(people, size=size, cache_dir=folder))
    started = time.perf_counter()
    render_missing(table.tail(64), size=size, workers=workers, progress=False)
    warm = time.perf_counter()
    render_missing(table.head(n), size=size, workers=workers, progress=False)
    print(json.dumps({"seconds": time.perf_counter() - started, "drawing": time.perf_counter() - warm}))


def measure(n: int, size: int, workers: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", "--n", str(n), "--size", str(size)]
        run = subprocess.Popen(
            [*command, "--workers", str(workers), "--folder", folder], stdout=subprocess.PIPE, text=True
        )
        peak = [0]

        def watch() -> None:
            while run.poll() is None:
                peak[0] = max(peak[0], pss_of_tree(run.pid))
                time.sleep(0.1)

        watcher = threading.Thread(target=watch)
        watcher.start()
        out, _ = run.communicate()
        watcher.join()
        if run.returncode:
            raise SystemExit(run.returncode)
        times = json.loads(out.splitlines()[-1])
    return {
        "size": size, "workers": workers, "faces": n, "seconds": round(times["seconds"], 1),
        "faces_per_minute": round(60 * n / times["drawing"]), "peak_memory_mib": round(peak[0] / 2**20),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=800)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.n, args.size, args.workers, args.folder)
        return
    table = pd.DataFrame([measure(args.n, args.size, workers) for workers in sorted({1, args.workers})])
    table["speedup"] = (table["faces_per_minute"] / table["faces_per_minute"].iloc[0]).round(2)
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / "parametric_rate.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
