"""A sweep of thousands: seconds and memory of `judge compare` and `judge runs`, and what a run's folder takes.

A few tiny runs are real (`judge run -m`, embeddings, rendered people). Each of the thousands is a copy of one of them
under other settings, with one of 500 kinds of contest: entrants' scores move by chance and by group, the contest is
held again within each bracket, and the rows of the audit that a comparison reads follow. What does not differ between
folders is a hard link, so that they fit on a disk; what they take is counted as if it were not. `--layout whole` makes
folders as earlier versions did: a manifest and a CSV of each table in every one.

    python experiments/many_runs.py make --runs 10000 --out /tmp/many            10 shares × 1,000 seeds
    python experiments/many_runs.py make --runs 10000 --settings 100 --out ...   5 shares × 20 seeds × 100 settings
    python experiments/many_runs.py measure /tmp/many                            → results/many_runs/measured.csv
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from judge.experiment.folder_names import folder_name
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.index import INDEX
from judge.experiment.runs.rows import comparison_of, flattened
from judge.storage import write_json

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "many_runs"
REAL = ["experiment=dose", "data.n=1200", "data.size=32", "pool.n=200", "entrants.n=300", "pool.majority_share=.5,.9",
        "seed=0,1"]  # fmt: skip
SHARES = (0.34, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98)
PLACES = 5
#: Kinds of contest at each share.
KINDS = 50
#: What a done.json of earlier versions has not.
ADDED = ("settings", "comparison", "bytes", "people")
#: How far a group's scores move when the majority's share goes from 0 to 1.
MOVES = {"african": -0.4, "asian": -0.2, "caucasian": 0.3}


@dataclass(frozen=True, eq=False)
class Real:
    """A real run's folder and its tables."""

    folder: Path
    settings: dict[str, Any]
    done: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    group: np.ndarray
    bracket: np.ndarray


def real_runs(out: Path, layout: str) -> list[Real]:
    """The finished tiny runs that the thousands are copies of, made where they are not there."""
    home = out / "real"
    if not list(home.glob("*/done.json")):
        whole = ["report.compact=false"] if layout == "whole" else []
        command = [sys.executable, "-m", "judge", "run", "-m", *REAL, *whole, f"hydra.sweep.dir={home}"]
        subprocess.run(command, check=True)
    found = []
    for folder in sorted(mark.parent for mark in home.glob("*/done.json")):
        run = RunDir(folder)
        names = sorted(path.stem for path in folder.glob("*.parquet"))
        tables = {name: run.table(name) for name in names}
        people = tables["manifest"].set_index("image_id")["ethnicity"]
        ranking = tables["ranking"]
        code = pd.factorize(ranking["condition"].astype(str) + "|" + ranking["bracket"].astype(str))[0]
        settings = yaml.safe_load((folder / "settings.yaml").read_text())
        group = ranking["image_id"].map(people).to_numpy(str)
        found.append(
            Real(folder, settings, json.loads((folder / "done.json").read_text()), tables, group, code)
        )
    return found


def jobs(runs: int, settings: int) -> Iterator[tuple[float, int, int]]:
    """share, seed, setting of each run."""
    shares = SHARES if settings == 1 else SHARES[::2]
    seeds = -(-runs // (len(shares) * settings))
    yield from itertools.islice(itertools.product(shares, range(seeds), range(settings)), runs)


def settings_of(real: Real, share: float, seed: int, setting: int) -> dict[str, Any]:
    settings = json.loads(json.dumps(real.settings))
    settings["seed"] = settings["entrants"]["seed"] = seed
    settings["pool"]["majority_share"] = share
    if setting:
        settings["pool"]["rating_shift"] = {"african": -0.1 * (setting % 10)}
        settings["judge"]["steps"] = 400 + setting // 10
    return settings


@cache
def varied(real: Real, share: float, kind: int) -> Path:
    """A folder with the tables of a run that differ from the real one's, made once for each kind."""
    rng = np.random.default_rng([kind, round(100 * share)])
    ranking = real.tables["ranking"].copy()
    move = (
        pd.Series(real.group).map(MOVES).to_numpy(float) * share * ranking["condition"].ne("truth").to_numpy()
    )
    score = ranking["score"].to_numpy(float) + rng.normal(0, 0.3, len(ranking)) + move
    order = np.lexsort((-score, real.bracket))
    start = np.flatnonzero(np.r_[True, np.diff(real.bracket[order]) != 0])
    rank = np.empty(len(score), int)
    rank[order] = np.arange(len(score)) - np.repeat(start, np.diff(np.r_[start, len(score)])) + 1
    ranking["score"], ranking["rank"], ranking["winner"] = score, rank, rank <= PLACES
    audit = _audit(real, ranking, rng)
    folder = real.folder.parent / "kinds" / f"{real.folder.name}-{share}-{kind}"
    run = RunDir(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run.write_compact("", ranking=ranking, audit=audit)
    numbers = comparison_of({"judges": real.tables["judges"], "audit": audit})
    write_json(folder / "comparison.json", numbers)
    return folder


def _audit(real: Real, ranking: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    audit = real.tables["audit"].copy()
    counted = pd.DataFrame({"condition": ranking["condition"], "group": real.group, "winner": ranking["winner"],
                            "score": ranking["score"]})  # fmt: skip
    cells = counted.groupby(["condition", "group"]).agg(n=("winner", "size"), winners=("winner", "sum"),
                                                        score=("score", "mean"))  # fmt: skip
    cells["rate"] = cells["winners"] / cells["n"]
    total = cells.groupby("condition")["winners"].sum()
    base = cells.xs("caucasian", level="group")["rate"]
    condition = cells.index.get_level_values("condition")
    cells["share"] = cells["winners"] / condition.map(total)
    cells["ratio"] = cells["rate"] / condition.map(base)
    overall = audit["bracket"].isna() | audit["bracket"].isin(["", "all", "within"])
    key = pd.MultiIndex.from_frame(audit[["condition", "group"]].astype(str))
    for metric, column in (("winner_share", "share"), ("selection_rate", "rate"), ("selection_rate_ratio", "ratio"),
                           ("mean_score", "score")):  # fmt: skip
        mine = (audit["metric"] == metric) & overall
        audit.loc[mine, "value"] = cells[column].reindex(key[mine]).to_numpy(float)
        if metric == "winner_share":
            audit.loc[mine, "n"] = (
                cells["winners"].groupby("condition").sum().reindex(audit.loc[mine, "condition"]).to_numpy()
            )
    noisy = audit["metric"].isin(["signed_error", "mae", "pearson", "spread"]) & audit["value"].notna()
    audit.loc[noisy, "value"] += rng.normal(0, 0.05, int(noisy.sum()))
    return audit


def write_run(
    real: Real, kind: Path, target: Path, settings: dict[str, Any], done: dict[str, Any], whole: bool
) -> None:
    """A finished run's folder; what does not differ from another is a hard link."""
    for path in real.folder.rglob("*"):
        if path.is_file() and path.name not in ("settings.yaml", "done.json", "started.json"):
            there = target / path.relative_to(real.folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            os.link(
                kind / path.name if (kind / path.name).is_file() and there.parent == target else path, there
            )
    (target / "settings.yaml").write_text(yaml.dump(settings, Dumper=yaml.CSafeDumper, sort_keys=False))
    write_json(
        target / "started.json",
        {"settings_hash": done["settings_hash"], "command": f"judge run {target.name}"},
    )
    if whole:
        write_json(target / "done.json", {k: v for k, v in done.items() if k not in ADDED})
    else:
        told = {
            key: value
            for key, value in done.items()
            if key not in ("settings_hash", "seconds", "rows", "bytes")
        }
        numbers = json.loads((kind / "comparison.json").read_text())
        run = RunDir(target)
        run.finish(
            done["settings_hash"],
            time.time(),
            {**told, "settings": flattened(settings), "comparison": numbers},
        )


def make(args: argparse.Namespace) -> None:
    reals = real_runs(args.out, args.layout)
    home = args.out / "runs"
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    if args.layout == "compact":
        shutil.copytree(reals[0].folder.parent / "people", home / "people")
    began = time.time()
    for i, (share, seed, setting) in enumerate(jobs(args.runs, args.settings)):
        real = reals[(seed + 2 * (share > 0.7)) % len(reals)]
        kind = varied(real, share, seed % KINDS)
        settings = settings_of(real, share, seed, setting)
        words = [f"pool.majority_share={share}", f"seed={seed}", *([f"setting={setting}"] if setting else [])]
        digest = hashlib.blake2b(json.dumps([share, seed, setting]).encode(), digest_size=8).hexdigest()
        done = {**real.done, "settings_hash": digest, "seed": seed, "majority_share": share}
        write_run(real, kind, home / folder_name(words), settings, done, args.layout == "whole")
        if i % 1000 == 999:
            print(f"{i + 1} folders, {time.time() - began:.0f} s", flush=True)


def watched(words: list[str]) -> dict[str, Any]:
    """Wall seconds, CPU seconds and greatest memory of a `judge` command."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "judge", *words], stdout=subprocess.DEVNULL)
    _, code, used = os.wait4(process.pid, 0)
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "exit": os.waitstatus_to_exitcode(code),
    }


def on_disk(folder: Path) -> tuple[int, int, int]:
    """Files, bytes and KiB of blocks of a folder and all in it; a file with several names counts in full."""
    stats = [path.lstat() for path in (folder, *folder.rglob("*"))]
    files = [s for s in stats if not stat.S_ISDIR(s.st_mode)]
    return len(files), sum(s.st_size for s in files), sum(s.st_blocks for s in stats) // 2


def measure(args: argparse.Namespace) -> None:
    home = args.out / "runs"
    folders = [mark.parent for mark in home.glob("*/done.json")]
    (home / INDEX).unlink(missing_ok=True)
    sizes = np.array([on_disk(folder) for folder in folders[:200]])
    files, size, blocks = sizes.mean(0)
    store = on_disk(home / "people")[1] // 1024 if (home / "people").is_dir() else 0
    shared = {"runs": len(folders), "files_a_run": round(files), "bytes_a_run": round(size),
              "kib_on_disk_a_run": round(blocks), "kib_of_people": store}  # fmt: skip
    commands = {
        "judge compare": ["compare", str(home), "--out", str(args.out / "compare")],
        "judge runs, no index": ["runs", str(home)],
        "judge runs, index there": ["runs", str(home), "--where", "share=.9", "seed=3"],
        "judge compare, index there": ["compare", str(home), "--out", str(args.out / "compare")],
    }
    rows = []
    for what, words in commands.items():
        if what == "judge runs, no index":
            (home / INDEX).unlink(missing_ok=True)
        rows.append({"layout": args.label, "command": what, **watched(words), **shared})
        print(rows[-1], flush=True)
    page = args.out / "compare" / "page.html"
    rows[0]["page_kib"] = round(page.stat().st_size / 1024) if page.is_file() else None
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "measured.csv"
    before = pd.read_csv(file) if file.is_file() else pd.DataFrame()
    if len(before):
        before = before[~((before["layout"] == args.label) & (before["runs"] == len(folders)))]
    pd.concat([before, pd.DataFrame(rows)], ignore_index=True).to_csv(file, index=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("make")
    one.add_argument("--runs", type=int, default=10_000)
    one.add_argument("--settings", type=int, default=1)
    one.add_argument("--layout", choices=["whole", "compact"], default="compact")
    one.add_argument("--out", type=Path, required=True)
    one.set_defaults(do=make)
    two = commands.add_parser("measure")
    two.add_argument("out", type=Path)
    two.add_argument("--label", default="compact", help="what the rows of the table are called")
    two.set_defaults(do=measure)
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
