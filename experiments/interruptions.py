"""Killed at every moment, started twice, on full and read-only disks: is anything lost, different or left lying about?

    python experiments/interruptions.py [--kills 1000] [--pairs 20] [--seed 0] [--out results]

Five small jobs (a run with a network, a sweep of two, faces that are drawn, pictures that are scored, a table that is
audited) are each done undisturbed once. Then they are started again and again and killed (SIGKILL): half of the times
at a random moment, half just before or after one of the renames by which every file gets its name, until nothing more
comes to be killed; then the job is let finish and all that it wrote is compared, table by table and byte by byte. Pairs
of equal runs start at the same moment in one folder. Where this process may mount (root on Linux), each job also meets
a disk that fills up and one that is read-only: it has to end in one line that names the place, and to finish well after
room was made.

Jobs are children of one process that has imported everything, so that a kill costs seconds. Writes
OUT/interruptions.csv: a row a kind of interruption and job; ends with 1 if anything was lost, differed or was left.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

TINY = ["judge=cnn", "judge.backbone=test_efficientnet", "judge.weights=none", "judge.size=32",
        "judge.training.epochs=2", "+judge.training.checkpoint_every=0", "data.n=120", "data.size=32", "data.workers=1",
        "data.progress=false", "pool.n=24", "entrants.n=18", "audit.n_permutations=99", "threads=1"]  # fmt: skip
JOBS: dict[str, list[str]] = {
    "run": ["run", *TINY],
    "sweep": ["run", "-m", *TINY, "seed=0,1", "report.page=false"],
    "data": ["data", "parametric", "--n", "24", "--out", "faces", "--set", "size=32", "workers=1"],
    "score": ["score", "--judge", "judge", "--data", "pictures", "--out", "scored/scores.csv"],
    "audit": [
        "audit",
        "people.csv",
        "--feature",
        "group",
        "--score",
        "score",
        "--places",
        "5",
        "--out",
        "audited",
    ],
}
#: What a job leaves that may differ between two of them: times, versions of a changing checkout, Hydra's own log.
APART = (
    "log.txt",
    "environment.json",
    "done.json",
    "started.json",
    "sweep.json",
    "judge.log",
    "page.html",
    "multirun.yaml",
)


def child(job: str, home: Path, *, rename: int = 0, after: bool = False) -> int:
    """Starts a job in a process of its own, which kills itself at its `rename`-th rename (0: never); its number."""
    number = os.fork()
    if number:
        return number
    try:
        os.setsid()
        os.chdir(home)
        os.environ["JUDGE_CACHE"] = str(home / "cache")
        log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = io.TextIOWrapper(os.fdopen(1, "wb")), io.TextIOWrapper(os.fdopen(2, "wb"))
        if rename:
            _dies_at(rename, after)
        from judge.cli import main

        code = main(JOBS[job])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


def _dies_at(number: int, after: bool) -> None:
    """Every file of judge takes its name by Path.replace; folders of old runs by Path.rename."""
    seen = 0

    def counted(function: Callable) -> Callable:
        def rename(self: Path, target: Path) -> Path:
            nonlocal seen
            seen += 1
            if seen == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(self, target)
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return rename

    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.rename = counted(Path.rename)  # type: ignore[method-assign]


def ended(number: int) -> int:
    """Waits for a child; its exit code, negative for a signal. What it had started ends with it."""
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)
    return code


def killed_after(number: int, seconds: float) -> bool:
    """Kills a child that lives so long; False if it ended before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(number, os.WNOHANG)[0]:
            return False
        time.sleep(min(0.005, max(until - time.monotonic(), 0.0)))
    try:
        os.killpg(number, signal.SIGKILL)
    except ProcessLookupError:  # so young that it has no group of its own yet
        os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return True


def home_of(folder: Path, given: Path) -> Path:
    """A folder with what the jobs need, and nothing that they make."""
    shutil.copytree(given, folder)
    return folder


def written(home: Path) -> dict[str, str]:
    """What a job made: file → digest of its content."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        given = name.parts[0] in ("cache", "judge", "pictures", "people.csv") or ".hydra" in name.parts
        if given or not path.is_file() or path.name in APART:
            continue
        content = path.read_bytes().replace(str(home).encode(), b"HOME")
        if path.suffix == ".parquet":  # paths of pictures have another length in each home
            table = pd.read_parquet(path).drop(columns=["path"], errors="ignore")
            content = table.to_csv(index=False).replace(str(home), "HOME").encode()
        found[str(name)] = hashlib.blake2b(content, digest_size=8).hexdigest()
    return found


def strays(home: Path) -> list[str]:
    return [
        str(p.relative_to(home))
        for p in home.rglob("*")
        if p.name.startswith((".part-", ".lock", ".writable"))
    ]


def compared(home: Path, wanted: dict[str, str]) -> tuple[int, int, int]:
    """(files lost, files that differ or are too many, strays)"""
    there = written(home)
    lost = [name for name in wanted if name not in there]
    other = [name for name in there if there[name] != wanted.get(name)]
    left = strays(home)
    for kind, names in (("lost", lost), ("differs", other), ("stray", left)):
        for name in names:
            print(f"    {kind}: {name}", flush=True)
    return len(lost), len(other), len(left)


def interrupted(
    job: str, given: Path, wanted: dict[str, str], seconds: float, kills: int, rng: random.Random
) -> dict:
    """So many kills of a job, in episodes that each end in a job that is let finish and compared."""
    done, episodes, codes = 0, 0, 0
    lost = differing = left = 0
    while done < kills:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            home = home_of(Path(folder).resolve() / "home", given)
            for _ in range(rng.randint(1, 6)):
                if done >= kills:
                    break
                if rng.random() < 0.5:
                    gone = killed_after(child(job, home), rng.uniform(0, seconds))
                else:
                    code = ended(child(job, home, rename=rng.randint(1, 40), after=rng.random() < 0.5))
                    gone = code == -signal.SIGKILL
                done += gone
                if not gone:
                    break
            code = ended(child(job, home))
            codes += code != 0
            if code:
                print(f"    exit {code}: {(home / 'log.txt').read_text()[-300:]}", flush=True)
            found = compared(home, wanted)
            lost, differing, left = lost + found[0], differing + found[1], left + found[2]
            episodes += 1
    return {"interruption": "killed", "job": job, "times": done, "finished": episodes, "failed": codes,
            "lost": lost, "differing": differing, "strays": left}  # fmt: skip


def in_pairs(job: str, given: Path, wanted: dict[str, str], pairs: int) -> dict:
    lost = differing = left = codes = 0
    for _ in range(pairs):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            home = home_of(Path(folder).resolve() / "home", given)
            both = [child(job, home) for _ in range(2)]
            codes += sum(ended(one) != 0 for one in both)
            found = compared(home, wanted)
            lost, differing, left = lost + found[0], differing + found[1], left + found[2]
    return {"interruption": "two at once", "job": job, "times": pairs, "finished": pairs, "failed": codes,
            "lost": lost, "differing": differing, "strays": left}  # fmt: skip


def on_disk(job: str, given: Path, wanted: dict[str, str], state: str) -> dict | None:
    """On a disk that is full or read-only: one line and another exit code; after room was made, all of it."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder).resolve() / "disk"
        disk.mkdir()
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True
        ).returncode:
            return None
        try:
            home = home_of(disk / "home", given)
            log = Path(folder) / "log"
            log.mkdir()
            (home / "log.txt").symlink_to(log / "log.txt")
            if state == "full":
                room = home / "cache" / "filler"
                room.parent.mkdir(exist_ok=True)
                size = os.statvfs(disk)
                room.write_bytes(b"\0" * (size.f_bavail * size.f_frsize))
            else:
                subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            code = ended(child(job, home))
            told = (log / "log.txt").read_text()
            clear = code not in (0, 70) and "Traceback" not in told and "cannot be written" in told
            if not clear:
                print(f"    {state} disk, {job}: exit {code}\n{told[-1500:]}", flush=True)
            if state == "full":
                room.unlink()
            else:
                subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            again = ended(child(job, home))
            found = compared(home, wanted)
            return {"interruption": f"{state} disk", "job": job, "times": 1, "finished": int(again == 0),
                    "failed": int(not clear) + int(again != 0), "lost": found[0], "differing": found[1],
                    "strays": found[2]}  # fmt: skip
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)


def prepared(home: Path) -> None:
    """Pictures to score, a judge that scores them, a table to audit; made once by jobs of its own."""
    import numpy as np

    home.mkdir(parents=True)
    assert ended(child("run", home)) == 0, (home / "log.txt").read_text()[-2000:]
    (trained,) = home.glob("runs/*/*/judges/skewed/judge.json")
    shutil.copytree(trained.parent, home / "judge")
    faces = sorted((home / "cache").rglob("*.jpg"))[:30]
    (home / "pictures").mkdir()
    for i, face in enumerate(faces):
        shutil.copy(face, home / "pictures" / f"{i}.jpg")
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {"image_id": range(90), "group": rng.choice(["a", "b"], 90), "score": rng.normal(size=90)}
    )
    people.to_csv(home / "people.csv", index=False)
    for made in ("runs", "cache", "log.txt"):
        path = home / made
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000, help="over all jobs (1000)")
    parser.add_argument("--pairs", type=int, default=20, help="of equal runs at once (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS), help="only these")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for interruptions.csv")
    args = parser.parse_args()
    # imported before the children are forked: a kill then costs what the job costs, not four seconds of imports
    import judge.experiment.run
    import judge.jury.beauty
    import judge.report.pages.audit
    import judge.report.pages.run  # noqa: F401

    rng = random.Random(args.seed)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder).resolve() / "given"
        prepared(given)
        for job in args.jobs:
            home = home_of(Path(folder).resolve() / job, given)
            start = time.monotonic()
            code = ended(child(job, home))
            seconds = time.monotonic() - start
            assert code == 0, (home / "log.txt").read_text()[-2000:]
            wanted = written(home)
            print(f"{job}: {seconds:.1f} s undisturbed, {len(wanted)} files compared", flush=True)
            rows.append(interrupted(job, given, wanted, seconds, args.kills // len(args.jobs), rng))
            if job in ("run", "score"):
                rows.append(in_pairs(job, given, wanted, args.pairs))
            rows += filter(None, (on_disk(job, given, wanted, state) for state in ("full", "read-only")))
            for row in rows[-4:]:
                print(row, flush=True)
    table = pd.DataFrame(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(args.out / "interruptions.csv", index=False)
    print(table.to_string(index=False))
    return int(table[["failed", "lost", "differing", "strays"]].to_numpy().sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
