"""`judge audit` beside the same counts in DuckDB and polars: processor time and memory of whole programs.

Parts "cpu …" of fairness_benchmarks.py. Ten million entrants in Parquet, ten brackets, six groups. Each program
is a process of its own, its imports included, and they take turns; the least processor time (user and system, all
threads) of each is compared, because what else runs on the machine only adds. Peers:

winners           DuckDB: entrants and winners by bracket and group. The audit adds its tests and intervals
winners and ids   the same, and whether an id comes twice
scores            polars: ranks within brackets, the best five win, and by group the counts, mean, spread, top tail,
                  correlation, errors, exposure and the rank sums behind the outranking probability. The audit adds
                  tests, intervals, NDKL and odds

The peers' counts and means are compared with the audit's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

REPEATS = 4
OPTIONS = "--feature ethnicity --bracket gender --bracket age_group --reference caucasian --json"
#: A process starts with the peak memory of the one that forked it, so a small one launches the program.
LAUNCHER = """
import os, sys
pid = os.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
DUCKDB = """
import duckdb, json, sys
path, ids = sys.argv[1], sys.argv[2] == "ids"
duckdb.sql("set enable_progress_bar = false")  # it would go to standard output
if ids:
    (distinct, n), = duckdb.sql(f"select count(distinct image_id), count(*) from '{path}'").fetchall()
    assert distinct == n
rows = duckdb.sql(
    f"select gender, age_group, ethnicity, count(*), count(*) filter (won) from '{path}' group by all order by all"
).fetchall()
counts = {}
for _, _, group, entrants, winners in rows:
    before = counts.get(group, [0, 0])
    counts[group] = [before[0] + entrants, before[1] + winners]
print(json.dumps(counts))
"""
POLARS = """
import json, sys
import polars as pl
table = pl.read_parquet(sys.argv[1], columns=["ethnicity", "gender", "age_group", "score", "rating"])
bracket = pl.concat_str("gender", "age_group").cast(pl.Categorical).alias("bracket")
table = table.select(pl.col("ethnicity").cast(pl.Categorical), bracket, "score", "rating")
table = table.with_columns(
    rank=pl.col("score").rank("ordinal", descending=True).over("bracket"),
    average=pl.col("score").rank("average").over("bracket"),
)
error = pl.col("score") - pl.col("rating")
top = (pl.len() * 0.05).ceil().cast(pl.UInt32)
by_bracket = table.group_by("bracket", "ethnicity").agg(pl.len(), (pl.col("rank") <= 5).sum(), pl.col("average").sum())
by_group = table.group_by("ethnicity").agg(
    pl.len(), (pl.col("rank") <= 5).sum().alias("won"), pl.col("score").mean(), pl.col("score").std().alias("sd"),
    pl.col("score").top_k(top).mean().alias("top"), pl.col("rating").mean(), pl.corr("score", "rating").alias("r"),
    pl.cov("score", "rating").alias("cov"), error.abs().mean().alias("mae"), (error**2).mean().alias("mse"),
    error.mean().alias("e"), (1 / (pl.col("rank") + 1).log(2)).mean().alias("exposure"),
)
print(json.dumps({row[0]: list(row[1:4]) for row in by_group.rows()}))
"""


def audit_cpu(rows: int, task: str) -> list[dict]:
    """The row of a task: processor seconds and peak memory of both programs, and whether their numbers agree."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entrants.parquet"
        _write(path, rows)
        audit = [sys.executable, "-m", "judge", "audit", str(path), *OPTIONS.split()]
        plain = Path(folder) / "winners.parquet"
        _write(plain, rows, ids=False)
        without = [sys.executable, "-m", "judge", "audit", str(plain), *OPTIONS.split()]
        by_score = ["--score", "score", "--rating", "rating", "--places", "5"]
        tasks = {
            "winners": (
                [*without, "--winner", "won"],
                [sys.executable, "-c", DUCKDB, str(plain), ""],
                "DuckDB",
            ),
            "winners and ids": (
                [*audit, "--winner", "won"],
                [sys.executable, "-c", DUCKDB, str(path), "ids"],
                "DuckDB",
            ),
            "scores": ([*without, *by_score], [sys.executable, "-c", POLARS, str(plain)], "polars"),
        }
        return [_compared(task, rows, *tasks[task])]


def _compared(name: str, rows: int, ours: list[str], peer: list[str], library: str) -> dict:
    found: list[tuple[float, float, str]] = []
    theirs: list[tuple[float, float, str]] = []
    for _ in range(REPEATS):
        theirs.append(measured(peer))
        found.append(measured(ours))
    cpu, peer_cpu = min(run[0] for run in found), min(run[0] for run in theirs)
    said = " ".join(ours[1:]).replace(ours[4], "FILE")
    return {
        "task": f"judge audit, {rows:,} rows of Parquet, {name}: processor seconds",
        "seconds": round(cpu, 2),
        "peer": f"{library}, the same counts",
        "peer_seconds": round(peer_cpu, 2),
        "times_faster": float(f"{peer_cpu / cpu:.3g}"),
        "results_agree": _agree(json.loads(found[0][2]), json.loads(theirs[0][2])),
        "peak_gib": round(max(run[1] for run in found), 2),
        "times_peer_cpu": float(f"{cpu / peer_cpu:.3g}"),
        "peer_peak_gib": round(max(run[1] for run in theirs), 2),
        "command": f"python {said}",
    }


def _agree(audit: list[dict], peer: dict[str, list]) -> bool:
    rates = {
        row["group"]: row for row in audit if row["metric"] == "selection_rate" and row["bracket"] == "all"
    }
    means = {row["group"]: row["value"] for row in audit if row["metric"] == "mean_score"}
    for group, (entrants, winners, *mean) in peer.items():
        row = rates[group]
        if row["n"] != entrants or round(row["value"] * entrants) != winners:
            return False
        if mean and not np.isclose(means[group], mean[0], rtol=1e-9):
            return False
    return len(rates) == len(peer)


def measured(command: list[str]) -> tuple[float, float, str]:
    """(processor seconds of user and system, peak GiB, standard output) of a program; raises if it fails."""
    with tempfile.TemporaryFile() as out:
        launched = [sys.executable, "-S", "-c", LAUNCHER, *command]
        usage = subprocess.run(launched, stdout=out, stderr=subprocess.PIPE, check=False, text=True)
        if usage.returncode:
            raise RuntimeError(f"failed: {' '.join(command)}: {usage.stderr}")
        seconds, kilobytes = usage.stderr.splitlines()[-1].split()
        out.seek(0)
        return float(seconds), float(kilobytes) / 2**20, out.read().decode("utf-8")


def _write(path: Path, rows: int, *, ids: bool = True) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    groups = np.array(["african", "asian", "caucasian", "hispanic", "indian", "mideastern"])
    rng = np.random.default_rng(5)
    writer = None
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        rating = rng.normal(5, 1, n)
        columns = {
            "ethnicity": groups[rng.choice(6, n, p=(0.04, 0.10, 0.60, 0.12, 0.08, 0.06))],
            "gender": np.array(["female", "male"])[rng.integers(0, 2, n)],
            "age_group": np.array(["18-29", "30-39", "40-49", "50-59", "60-69"])[rng.integers(0, 5, n)],
            "score": 0.6 * rating + 2 + rng.normal(0, 0.8, n),
            "rating": rating,
            "won": rng.random(n) < 0.01,
        }
        if ids:
            columns = {"image_id": [f"p{i:08d}" for i in range(start, start + n)], **columns}
        part = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer:
        writer.close()
