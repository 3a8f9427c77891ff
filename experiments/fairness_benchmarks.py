"""How fast is the audit, against a peer on the same task in the same run?

    python experiments/fairness_benchmarks.py                 all → results/fairness_benchmarks.csv
    python experiments/fairness_benchmarks.py --only audit              one part; its rows of the table are replaced

1  the exact test within brackets, 1,000,000 entrants in 60 brackets; peer: the whole support of scipy's hypergeometric
   distribution, bracket by bracket, convolved; and the test alone, from counts, against R's mantelhaen.test(exact =
   TRUE), which is the serious peer (C code; where Rscript is installed)
2  10,000 permutations of who wins, within brackets; peer: scipy.stats.permutation_test
3  95 % intervals of ten metrics by six groups, in closed form; peer: fairlearn's MetricFrame(n_boot=1000)
4  `judge audit` of a Parquet file of ten million entrants, as a program of its own: seconds and peak memory
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.counts import Counts
from judge.fairness.inference import permutation, stratified_exact
from judge.fairness.metrics import group_metrics, selection_rate

GROUPS = ("african", "asian", "caucasian", "hispanic", "indian", "mideastern")
SHARES = (0.04, 0.10, 0.60, 0.12, 0.08, 0.06)
PROGRAM = "import sys; from judge.cli import main; sys.exit(main(sys.argv[1:]))"


def timed(task: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    """(fastest seconds of so many runs, result)."""
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.perf_counter()
        result = task()
        best = min(best, time.perf_counter() - start)
    return best, result


def exact_test() -> dict:
    from scipy.stats import hypergeom

    rng = np.random.default_rng(0)
    n, brackets, chosen = 1_000_000, 60, 0.05
    group = rng.choice(len(GROUPS), n, p=SHARES)
    bracket = rng.integers(0, brackets, n)
    winner = rng.random(n) < chosen
    names = [f"b{i:02d}" for i in range(brackets)]

    def ours() -> float:
        counts = Counts.from_codes(winner, group, bracket, GROUPS, names)
        return stratified_exact(counts, "african", alternative="less")

    def peer() -> float:
        counts = Counts.from_codes(winner, group, bracket, GROUPS, names)
        pmf = np.ones(1)
        for b in range(brackets):
            total, g, m = counts.entrants[b].sum(), counts.entrants[b, 0], counts.winners[b].sum()
            pmf = np.convolve(pmf, hypergeom.pmf(np.arange(min(g, m) + 1), total, g, m))
        return float(pmf[: counts.winners[:, 0].sum() + 1].sum())

    seconds, p = timed(ours)
    peer_seconds, peer_p = timed(peer)
    agreed = abs(float(p) - float(peer_p)) < 1e-9
    return _row(
        "exact test, 1,000,000 entrants, 60 brackets",
        seconds,
        "scipy hypergeom, convolved",
        peer_seconds,
        agreed,
    )


def exact_test_and_r() -> list[dict]:
    """The test itself, counts given, where R is installed: best of 20 in both, R's own start not counted."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return []
    rng = np.random.default_rng(0)
    found = []
    for people in (100, 1_000, 16_667):
        entrants = rng.multinomial(people, SHARES, size=60)
        pair = np.column_stack([entrants[:, 0], entrants[:, 1:].sum(axis=1)])
        won = rng.binomial(pair, 0.05)
        counts = Counts(pair, won, ("african", "others"), tuple(map(str, range(60))))
        seconds, p = timed(lambda counts=counts: stratified_exact(counts, "african"), repeats=20)
        cells = np.stack(
            [won[:, 0], pair[:, 0] - won[:, 0], won[:, 1], pair[:, 1] - won[:, 1]], axis=1
        ).ravel()
        program = (
            f"x <- array(c({','.join(map(str, cells))}), dim = c(2, 2, 60)); best <- Inf;"
            "for (i in 1:20) { s <- proc.time()[['elapsed']];"
            "for (j in 1:10) p <- mantelhaen.test(x, exact = TRUE)$p.value;"
            "best <- min(best, (proc.time()[['elapsed']] - s) / 10) }; cat(best, format(p, digits = 15))"
        )
        output = subprocess.run([rscript, "-e", program], check=True, capture_output=True, text=True).stdout
        peer_seconds, peer_p = map(float, output.split())
        found.append(
            _row(
                f"exact test from counts, {60 * people:,} entrants, 60 brackets",
                seconds,
                "R mantelhaen.test(exact = TRUE)",
                peer_seconds,
                abs(p / peer_p - 1) < 1e-6,  # type: ignore[operator]
            )
        )
    return found


def permutations() -> dict:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(1)
    n, winners, n_permutations = 6_000, 44, 10_000
    group = rng.choice(len(GROUPS), n, p=SHARES)
    winner = np.zeros(n, bool)
    winner[rng.choice(n, winners, replace=False)] = True
    counts = Counts.from_codes(winner, group, np.zeros(n, int), GROUPS, ("all",))
    expected = winners * counts.entrants[0] / n
    member = (group[:, None] == np.arange(len(GROUPS))).astype(float)

    def statistic(chosen: np.ndarray, axis: int) -> np.ndarray:
        # one matrix product for all permutations at hand: the fastest form that scipy's interface allows
        return ((np.moveaxis(chosen, axis, -1) @ member - expected) ** 2 / expected).sum(axis=-1)

    def peer() -> float:
        found = permutation_test(
            (winner.astype(float),),
            statistic,
            permutation_type="pairings",
            n_resamples=n_permutations,
            batch=500,
            vectorized=True,
            alternative="greater",
            rng=np.random.default_rng(2),
        )
        return float(found.pvalue)

    seconds, (_, p) = timed(lambda: permutation(counts, n_permutations=n_permutations, rng=2))
    peer_seconds, peer_p = timed(peer, repeats=1)
    # two estimates of one p-value from 10,000 permutations each
    agreed = abs(p - peer_p) < 5 * np.sqrt(2 * p * (1 - p) / n_permutations)
    return _row(
        "10,000 permutations, 6 groups, 6,000 entrants",
        seconds,
        "scipy.stats.permutation_test",
        peer_seconds,
        agreed,
    )


def stratified_permutations() -> dict:
    """Ten brackets. scipy has no brackets: one call each; sums of its null distributions are stratified draws."""
    from scipy.stats import permutation_test

    rng = np.random.default_rng(3)
    n, brackets, places, n_permutations = 6_000, 10, 5, 10_000
    group = (rng.random(n) < 0.25).astype(int)
    bracket = np.repeat(np.arange(brackets), n // brackets)
    winner = np.zeros(n, bool)
    for b in range(brackets):
        winner[b * (n // brackets) + rng.choice(n // brackets, places, replace=False)] = True
    counts = Counts.from_codes(winner, group, bracket, ("others", "few"), [str(b) for b in range(brackets)])
    observed = int(winner[group == 1].sum())

    def peer() -> float:
        total = np.zeros(n_permutations)
        for b in range(brackets):
            inside = bracket == b
            few = group[inside].astype(float)
            found = permutation_test(
                (winner[inside].astype(float),),
                lambda chosen, axis, few=few: np.moveaxis(chosen, axis, -1) @ few,
                permutation_type="pairings",
                n_resamples=n_permutations,
                batch=2_000,
                vectorized=True,
                rng=np.random.default_rng(b),
            )
            total += found.null_distribution
        expected = float((counts.entrants[:, 1] / counts.entrants.sum(axis=1) * places).sum())
        return float(
            (1 + (abs(total - expected) >= abs(observed - expected) - 1e-9).sum()) / (1 + n_permutations)
        )

    seconds, (_, p) = timed(lambda: permutation(counts, n_permutations=n_permutations, rng=2))
    peer_seconds, peer_p = timed(peer, repeats=1)
    agreed = abs(p - peer_p) < 5 * np.sqrt(2 * p * (1 - p) / n_permutations) + 1e-3
    name = "10,000 permutations within 10 brackets, 2 groups, 6,000 entrants"
    return _row(name, seconds, "scipy.stats.permutation_test, a call a bracket", peer_seconds, agreed)


def intervals() -> dict:
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error

    rng = np.random.default_rng(4)
    n = 3_000
    group = rng.choice(GROUPS, n, p=SHARES)
    rating = rng.normal(5, 1, n)
    score = 0.6 * rating + 2 + rng.normal(0, 0.8, n)

    def top(scores: np.ndarray) -> float:
        return float(np.sort(scores)[-max(1, int(np.ceil(0.05 * len(scores)))) :].mean())

    metrics = {
        "mean_score": lambda r, s: float(np.mean(s)),
        "spread": lambda r, s: float(np.std(s, ddof=1)),
        "top_tail_score": lambda r, s: top(np.asarray(s)),
        "mean_rating": lambda r, s: float(np.mean(r)),
        "pearson": lambda r, s: float(np.corrcoef(r, s)[0, 1]),
        "mae": mean_absolute_error,
        "rmse": root_mean_squared_error,
        "signed_error": lambda r, s: float(np.mean(s) - np.mean(r)),
        "calibration_slope": lambda r, s: float(np.cov(r, s)[0, 1] / np.var(s, ddof=1)),
        "selection_rate": lambda r, s: float(np.mean(np.asarray(s) > cut)),
    }
    cut = np.quantile(score, 0.9)

    def ours_all() -> pd.DataFrame:
        errors = group_metrics(score, rating=rating, sensitive_feature=group)
        rates = selection_rate(score > cut, sensitive_feature=group).assign(metric="selection_rate")
        return pd.concat([errors, rates], ignore_index=True)

    seconds, table = timed(ours_all)
    assert table["metric"].nunique() == len(metrics) == 10
    peer_seconds, frame = timed(
        lambda: MetricFrame(
            metrics=metrics,
            y_true=rating,
            y_pred=score,
            sensitive_features=pd.Series(group, name="group"),
            n_boot=1000,
            ci_quantiles=[0.025, 0.975],
            random_state=0,
        ),
        repeats=1,
    )
    ours = table[table["metric"] == "mae"].set_index("group")
    low, high = (part["mae"] for part in frame.by_group_ci)
    width = (ours["ci_high"] - ours["ci_low"]) / (high - low)
    return _row(
        "intervals of ten metrics × six groups, 3,000 people",
        seconds,
        "fairlearn MetricFrame(n_boot=1000)",
        peer_seconds,
        bool(width.between(0.8, 1.25).all()),
    )


def whole_audit(rows: int) -> list[dict]:
    """The program itself on a file; the peer is only pandas reading the same columns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entrants.parquet"
        _write_entrants(path, rows)
        options = "--feature ethnicity --score score --rating rating --bracket gender --bracket age_group --places 5"
        command = [
            sys.executable,
            "-m",
            "judge",
            "audit",
            str(path),
            *options.split(),
            "--reference",
            "caucasian",
        ]
        read = (
            "import pandas as pd; pd.read_parquet"
            f"({str(path)!r}, columns=['ethnicity', 'gender', 'age_group', 'score', 'rating', 'image_id'])"
        )
        peer_seconds, _ = _program([sys.executable, "-c", read])
        found = []
        for what, extra in (
            ("table only", ["--json"]),
            ("with page and figures", ["--out", f"{folder}/out"]),
        ):
            seconds, gigabytes = _program([*command, *extra])
            row = _row(
                f"judge audit, {rows:,} rows of Parquet, {what}",
                seconds,
                "pandas reading the columns",
                peer_seconds,
                True,
            )
            found.append({**row, "peak_gib": round(gigabytes, 2)})
        return found


def _write_entrants(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(5)
    writer = None
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        rating = rng.normal(5, 1, n)
        part = pa.table(
            {
                "image_id": [f"p{i:08d}" for i in range(start, start + n)],
                "path": [f"faces/{i % 1000:03d}/{i:08d}.png" for i in range(start, start + n)],
                "ethnicity": np.array(GROUPS)[rng.choice(len(GROUPS), n, p=SHARES)],
                "gender": np.array(["female", "male"])[rng.integers(0, 2, n)],
                "age_group": np.array(["18-29", "30-39", "40-49", "50-59", "60-69"])[rng.integers(0, 5, n)],
                "score": 0.6 * rating + 2 + rng.normal(0, 0.8, n),
                "rating": rating,
            }
        )
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer:
        writer.close()


def _program(command: list[str]) -> tuple[float, float]:
    """(seconds, peak GiB) of a program; raises if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def _row(task: str, seconds: float, peer: str, peer_seconds: float, agreed: bool) -> dict:
    return {
        "task": task,
        "seconds": float(f"{seconds:.4g}"),
        "peer": peer,
        "peer_seconds": float(f"{peer_seconds:.4g}"),
        "times_faster": float(f"{peer_seconds / seconds:.3g}"),
        "results_agree": agreed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("exact", "permutation", "intervals", "audit"))
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the audited Parquet file")
    parser.add_argument("--out", type=Path, default=Path("results/fairness_benchmarks.csv"))
    args = parser.parse_args()
    tasks: dict[str, list[Callable[[], dict | list[dict]]]] = {
        "exact": [exact_test, exact_test_and_r],
        "permutation": [permutations, stratified_permutations],
        "intervals": [intervals],
        "audit": [lambda: whole_audit(args.rows)],
    }
    rows: list[dict] = []
    for name, parts in tasks.items():
        if args.only in (None, name):
            for part in parts:
                found = part()
                found = found if isinstance(found, list) else [found]
                rows += [{"part": name, **row} for row in found]
                print(*found, sep="\n", flush=True)
    table = pd.DataFrame(rows).assign(cores=os.cpu_count(), machine=platform.machine())
    if args.out.is_file():  # the parts that were not run again stay as they are
        before = pd.read_csv(args.out)
        table = pd.concat([before[~before["part"].isin(table["part"])], table], ignore_index=True)
        table = table.sort_values("part", key=lambda part: part.map(list(tasks).index), kind="stable")
    print(table.to_string(index=False))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
