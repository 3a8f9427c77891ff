"""`judge audit` out of core: a hundred million people in 4 GiB, a billion of counts-only columns; time and memory.

    python experiments/audit_scale.py                    all → results/audit_scale/scale.csv, some 15 minutes and 10 GiB
    python experiments/audit_scale.py --only billion     one part; its rows of the table are replaced

winner    100,000,000 people in 20 Parquet files, ten brackets, six groups, a winner column
ids       the same with ids: text that rises from row to row (one look at each), and whole numbers in no order
scores    the same with a score, a rating and five places a bracket; and a score that is rounded, so that people tie
groups    the same with a second feature, its intersections, and groups of a dozen people
billion   1,000,000,000 people in 100 files, counts-only columns, written and read in pieces
equal     5,000,000 people in one file, in memory and out of core: the largest difference of any number
memory    the same file, both engines: seconds and memory
digits    NDKL of 3,000,000 people in one bracket, in double precision against extended: as it is computed, and as a
          difference of running sums, which it was before

Each audit is a program of its own, its imports included. The processor time of all its threads, its peak memory and the
load of the machine (other programs run on it) stand in the row. What it counts is compared with what was written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from audit_cpu import measured

from judge.fairness.metrics.divergence import ndkl_of_codes

GROUPS = ("african", "asian", "caucasian", "hispanic", "indian", "mideastern")
SHARES = (0.04, 0.10, 0.60, 0.12, 0.08, 0.06)
AGES = ("18-29", "30-39", "40-49", "50-59", "60-69")
BASIC = [
    "--feature",
    "ethnicity",
    "--bracket",
    "gender",
    "--bracket",
    "age_group",
    "--reference",
    "caucasian",
]
BY_SCORE = ["--score", "score", "--rating", "rating", "--places", "5"]


def written(folder: Path, rows: int, files: int, columns: set[str]) -> dict[str, tuple[int, int]]:
    """Writes the files one by one; entrants and winners of each group."""
    counts = np.zeros((2, len(GROUPS)), np.int64)
    for i in range(files):
        n = rows // files
        rng = np.random.default_rng([5, i])
        code = np.searchsorted(np.cumsum(SHARES)[:-1], rng.random(n, np.float32)).astype(np.int8)
        won = rng.integers(0, 100, n, np.uint8) == 0
        counts += [np.bincount(code, minlength=len(GROUPS)), np.bincount(code[won], minlength=len(GROUPS))]
        table = {
            "ethnicity": _words(GROUPS, code),
            "gender": _words(("female", "male"), rng.integers(0, 2, n, np.int8)),
            "age_group": _words(AGES, rng.integers(0, 5, n, np.int8)),
            "won": won,
        }
        first = i * n
        if "score" in columns:
            rating = rng.normal(5, 1, n)
            score = 0.6 * rating + 2 + rng.normal(0, 0.8, n)
            table |= {"score": score, "rating": rating, "rounded": score.round(2)}
        if "ids" in columns:
            number = pa.array(np.arange(first, first + n)).cast(pa.string())
            table["text_id"] = pc.utf8_lpad(number, 12, padding="0")
            # odd multiples modulo a power of two: each once, in no order
            table["whole_id"] = (
                np.arange(first, first + n, dtype=np.uint64) * np.uint64(0x9E3779B1) % 2**32
            ).astype(np.int64)
        if "rare" in columns:
            town = rng.integers(0, 40, n, np.int8)
            rare = np.where(rng.random(n, np.float32) < 2e-6, 40 + rng.integers(0, 4, n), town)
            table["town"] = _words([f"town {j}" for j in range(44)], rare.astype(np.int8))
        # as Arrow would write a column of text, but without making the text
        pq.write_table(pa.table(table), folder / f"part-{i:04d}.parquet", row_group_size=1_000_000)
    return {group: (int(counts[0, g]), int(counts[1, g])) for g, group in enumerate(GROUPS)}


def _words(names: tuple[str, ...] | list[str], code: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(code), pa.array(list(names)))


def audited(
    part: str, task: str, table: Path, options: list[str], counts: dict[str, tuple[int, int]]
) -> dict:
    """The row of one audit, run as a program."""
    command = [sys.executable, "-m", "judge", "audit", str(table), *options, "--json"]
    before, start = os.getloadavg()[0], time.perf_counter()
    cpu, peak, text = measured(command)
    seconds = time.perf_counter() - start
    rates = {
        row["group"]: row
        for row in json.loads(text)
        if row["metric"] == "selection_rate" and row["bracket"] == "all" and row["feature"] == "ethnicity"
    }
    agree = all(
        rates[group]["n"] == n and ("--winner" not in options or round(rates[group]["value"] * n) == won)
        for group, (n, won) in counts.items()
    )
    files = sorted(table.rglob("*.parquet")) if table.is_dir() else [table]
    row = {
        "part": part,
        "task": task,
        "rows": sum(n for n, _ in counts.values()),
        "files": len(files),
        "gib_on_disk": round(sum(file.stat().st_size for file in files) / 2**30, 2),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gib": round(peak, 2),
        "counts_agree": agree,
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "command": " ".join(["judge audit FOLDER" if table.is_dir() else "judge audit FILE", *options]),
    }
    print(row, flush=True)
    return row


@contextmanager
def _folder(temp: Path | None, gib: float) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=temp) as folder:
        free = shutil.disk_usage(folder).free / 2**30
        if free < gib:
            raise SystemExit(f"{gib:.0f} GiB are needed in {folder}, {free:.0f} are free: --temp DIR")
        yield Path(folder)


def hundred_million(part: str, rows: int, temp: Path | None) -> list[dict]:
    columns = {"winner": set(), "ids": {"ids"}, "scores": {"score"}, "groups": {"score", "rare"}}[part]
    with _folder(temp, rows / 1e8 * (12 if columns else 2)) as folder:
        counts = written(folder, rows, 20, columns)
        if part == "winner":
            return [audited(part, "winner column", folder, [*BASIC, "--winner", "won"], counts)]
        if part == "ids":
            return [
                audited(
                    part, f"winner column, {what}", folder, [*BASIC, "--winner", "won", "--id", name], counts
                )
                for what, name in (
                    ("text ids that rise", "text_id"),
                    ("whole numbers in no order", "whole_id"),
                )
            ]
        if part == "scores":
            rounded = [
                option.replace("score", "rounded") if option == "score" else option for option in BY_SCORE
            ]
            return [
                audited(part, "score and rating", folder, [*BASIC, *BY_SCORE], counts),
                audited(part, "score of two digits and rating", folder, [*BASIC, *rounded], counts),
            ]
        several = ["--feature", "ethnicity", "--feature", "town", "--bracket", "gender", "--score", "score"]
        return [audited(part, "44 towns, four of a few people", folder, [*several, "--places", "5"], counts)]


def billion(rows: int, temp: Path | None) -> list[dict]:
    with _folder(temp, rows / 1e9 * 6) as folder:
        counts = written(folder, rows, 100, set())
        return [audited("billion", "winner column", folder, [*BASIC, "--winner", "won"], counts)]


def both_engines(part: str, rows: int, temp: Path | None) -> list[dict]:
    """Either the seconds of both engines, or how far their numbers are apart."""
    found = []
    with _folder(temp, 4) as folder:
        counts = written(folder, rows, 1, {"score"})
        file = folder / "part-0000.parquet"
        for column in ("score", "rounded"):
            options = [*BASIC, *(column if option == "score" else option for option in BY_SCORE)]
            if part == "memory":
                for engine in ("memory", "duckdb"):
                    found.append(
                        audited(part, f"{column}, {engine}", file, [*options, "--engine", engine], counts)
                    )
                continue
            tables = []
            for engine in ("memory", "duckdb"):
                command = [
                    sys.executable,
                    "-m",
                    "judge",
                    "audit",
                    str(file),
                    *options,
                    "--json",
                    "--engine",
                    engine,
                ]
                tables.append(pd.DataFrame(json.loads(measured(command)[2])))
            found.append({"part": part, "task": column, "rows": rows, "files": 1, **_differences(*tables)})
            print(found[-1], flush=True)
    return found


def _differences(memory: pd.DataFrame, duckdb: pd.DataFrame) -> dict:
    """Largest difference of any number, ÷ max(1, its size); whether all other columns are equal."""
    largest = 0.0
    numeric = ["value", "ci_low", "ci_high", "p_value", "p_adjusted"]
    for name in numeric:
        a, b = (
            pd.to_numeric(table[name].replace({"Infinity": np.inf, "-Infinity": -np.inf}))
            for table in (memory, duckdb)
        )
        gap = ((a - b).abs() / np.maximum(a.abs(), 1)).where(~((a == b) | (a.isna() & b.isna())), 0)
        largest = max(largest, float(gap.fillna(np.inf).max()))
    words = [name for name in memory.columns if name not in numeric]
    return {
        "numbers": 5 * len(memory),
        "largest_difference": float(f"{largest:.2g}"),
        "words_agree": bool(memory[words].equals(duckdb[words])),
    }


def digits(rows: int) -> list[dict]:
    """Relative errors of NDKL, from random groups in order."""
    group = np.searchsorted(np.cumsum(SHARES)[:-1], np.random.default_rng(1).random(rows))
    count = np.bincount(group, minlength=len(GROUPS))
    nth = np.empty(rows, np.int64)
    for g, members in enumerate(count):
        nth[group == g] = np.arange(1, members + 1)
    place = np.arange(1, rows + 1)
    log_share = np.log(count.astype(np.longdouble) / rows)[group]

    def change(k: np.ndarray) -> np.ndarray:
        """k log k − (k − 1) log (k − 1)"""
        return np.log(k) - np.where(k > 1, (k - 1) * np.log1p(-1 / np.maximum(k, 2)), 0)

    def weighted(divergence: np.ndarray) -> np.longdouble:
        weight = 1 / np.log2(place.astype(divergence.dtype) + 1)
        return (weight * divergence).sum() / weight.sum()

    i, k = place.astype(np.longdouble), nth.astype(np.longdouble)
    exact = weighted(np.cumsum(change(k) - change(i) - log_share) / i)
    sums = np.cumsum(nth * np.log(nth) - (nth - 1) * np.log(np.maximum(nth - 1, 1)) - log_share.astype(float))
    before = weighted(sums / place - np.log(place))
    now = ndkl_of_codes(group, bracket=np.zeros(rows, np.int64), n_groups=len(GROUPS))
    return [
        {
            "part": "digits",
            "task": task,
            "rows": rows,
            "largest_difference": float(f"{abs(found / exact - 1):.2g}"),
        }
        for task, found in (("NDKL, relative error", now), ("of a difference of running sums", before))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ("winner", "ids", "scores", "groups", "billion", "equal", "memory", "digits")
    parser.add_argument("--only", choices=parts, nargs="+", default=parts)
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of rows, to try it out")
    parser.add_argument("--temp", type=Path, help="folder for the tables, which are deleted (the system's)")
    parser.add_argument("--out", type=Path, default=Path("results/audit_scale/scale.csv"))
    args = parser.parse_args()
    rows: list[dict] = []
    for part in args.only:
        if part == "billion":
            rows += billion(round(1e9 * args.scale), args.temp)
        elif part == "digits":
            rows += digits(round(3e6 * args.scale))
        elif part in ("equal", "memory"):
            rows += both_engines(part, round(5e6 * args.scale), args.temp)
        else:
            rows += hundred_million(part, round(1e8 * args.scale), args.temp)
        table = pd.DataFrame(rows).assign(cores=os.cpu_count())
        if args.out.is_file():  # the parts that were not run again stay as they are
            before = pd.read_csv(args.out)
            table = pd.concat([before[~before["part"].isin(table["part"])], table], ignore_index=True)
        table = table.sort_values("part", key=lambda part: part.map(list(parts).index), kind="stable")
        args.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(args.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
