"""Does `judge score` in pieces give the table of one process, whatever is killed on the way?

    python experiments/score_scale.py                 100,000 pictures, some 15 minutes of a core
    python experiments/score_scale.py --n 20000 --only one,shards,store

The pictures are 20,000 rendered people under several names each (hard links; each name is read and judged anew);
one in 1,000 is a broken file. The judge is an efficientnet-lite0 at 32 px, its head begun as a ridge. Passes:

one     one process, at once: the table that all others are compared with, byte by byte, exclusions too
pieces  one process in pieces, killed (SIGKILL) after a third of them and started again
shards  four shards, two processes at a time; the first is killed in the middle, `merge` must refuse and name it, the
        same command does what is missing, `merge` gives the table
ray     Ray Data with two actors, one of which is killed in the middle; one command
slurm   an array of four tasks, one of which is killed in the middle and put back by `sbatch --array` alone; left out,
        and said to be, where there is no sbatch
store   a tenth of the pictures in a local S3 server (moto): pictures, pieces and table in it, two shards

Writes results/score_scale/passes.csv: pass, n, seconds, per_second, killed, pieces, kept (pieces that were there at the
second start), refused (what merge said meanwhile), same_table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

RESULTS = Path(__file__).parents[1] / "results" / "score_scale"
PROGRAM = [sys.executable, "-c", "import sys; from judge.cli import main; sys.exit(main())", "score"]
COLUMNS = ["pass", "n", "seconds", "per_second", "killed", "pieces", "kept", "refused", "same_table"]
RENDERED, SIZE, READ_AT, BROKEN_EVERY = 20_000, 64, 32, 1000


def make_pictures(folder: Path, n: int) -> None:
    """n names of rendered people, and broken files among them."""
    from judge.data.parametric import read_parametric

    people = read_parametric(
        RENDERED, seed=15, size=SIZE, mode="natural", camera="even", picture_format="png"
    ).manifest["path"]
    for k in range(n):
        file = folder / f"{k // 1000:04d}" / f"{k:07d}.png"
        file.parent.mkdir(exist_ok=True)
        if k % BROKEN_EVERY == BROKEN_EVERY - 1:
            file.write_bytes(b"no picture")
            continue
        try:
            os.link(people.iloc[k % len(people)], file)
        except OSError:  # another file system
            shutil.copyfile(people.iloc[k % len(people)], file)


def make_judge(folder: Path) -> None:
    from judge.data.parametric import read_parametric
    from judge.jury.beauty import CnnJudge
    from judge.jury.network.losses import SquaredError
    from judge.jury.network.training import Training

    people = read_parametric(
        RENDERED, seed=15, size=SIZE, mode="natural", camera="even", picture_format="png"
    )
    training = Training(epochs=1, lr=1e-4)
    judge = CnnJudge(
        size=READ_AT, probe=True, loss=SquaredError(), dropout=0.0, training=training, progress=False
    )
    judge.fit(people.manifest.iloc[:300].assign(weight=1.0), rating_range=people.rating_range, seed=0)
    judge.save(folder)


class Passes:
    def __init__(self, room: Path, n: int) -> None:
        self.room, self.n, self.rows = room, n, []
        self.common = ["--judge", str(room / "judge"), "--data", str(room / "photos")]

    def start(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *words],
            cwd=self.room,
            env=env,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *words: str, env: dict[str, str] | None = None) -> str:
        """Standard error of a command that has to succeed."""
        process = self.start(*words, env=env)
        said = process.communicate()[1]
        if process.returncode:
            raise RuntimeError(f"judge score {' '.join(words)}: {said[-2000:]}")
        return said

    def refused(self, *words: str) -> str:
        process = self.start(*words)
        said = process.communicate()[1]
        if process.returncode != 2:
            raise RuntimeError(f"not refused: judge score {' '.join(words)}: {said[-2000:]}")
        return said.strip().replace(str(self.room), "…").removeprefix("judge score: ")

    def killed_at(
        self,
        process: subprocess.Popen[str],
        pieces: Path,
        at: int,
        victim: Callable[[int], int] = lambda p: p,
    ) -> None:
        """Kills a process, or one that `victim` finds of it, when there are so many pieces."""
        while process.poll() is None and len(list(pieces.glob("piece-*"))) < at:
            time.sleep(0.05)
        if process.poll() is not None:
            raise RuntimeError(f"it had ended before it could be killed: {process.communicate()[1][-1000:]}")
        os.kill(victim(process.pid), signal.SIGKILL)

    def note(
        self, name: str, began: float, out: Path, n: int | None = None, one: str = "one", **facts: Any
    ) -> None:
        same = all(
            content(self.room / f"{one}{ending}") == content(out.with_name(f"{out.stem}{ending}"))
            for ending in (".parquet", ".excluded.csv")
        )
        seconds, n = time.perf_counter() - began, n or self.n
        self.rows.append(
            {"pass": name, "n": n, "seconds": round(seconds, 1), "per_second": round(n / seconds), **facts}
            | {"same_table": same}
        )
        print(self.rows[-1], flush=True)
        self.write()

    def write(self) -> None:
        """The rows so far, in place of those of the same passes."""
        from judge.data.spreadsheets import write_csv

        table, file = pd.DataFrame(self.rows).reindex(columns=COLUMNS), RESULTS / "passes.csv"
        if file.is_file():
            before = pd.read_csv(file)
            table = pd.concat([before[~before["pass"].isin(table["pass"])], table], ignore_index=True)
        write_csv(table.astype({"pieces": "Int64", "kept": "Int64"}), file)


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def total(pieces: Path) -> int:
    from judge.jury.scoring.plan import PictureList
    from judge.storage.stores import folder

    return PictureList(folder(pieces)).plan.pieces


def kept(said: str) -> int:
    return int(re.search(r"(\d+) of them done before", said)[1])  # type: ignore[index]


def one(p: Passes) -> None:
    began = time.perf_counter()
    p.run(*p.common, "--out", "one.parquet")
    p.note("one", began, p.room / "one.parquet")


def pieces(p: Passes) -> None:
    where, began = p.room / "parts-pieces", time.perf_counter()
    words = [*p.common, "--pieces", str(where), "--out", "pieces.parquet"]
    first = p.start(*words)
    p.killed_at(first, where, p.n // 1200)
    first.communicate()
    said = p.run(*words)
    p.note("pieces", began, p.room / "pieces.parquet", killed="process", pieces=total(where), kept=kept(said))


def shards(p: Passes) -> None:
    where, began = p.room / "parts-shards", time.perf_counter()
    words = [*p.common, "--pieces", str(where)]
    running = [p.start(*words, "--shard", f"{k}/4") for k in (1, 2)]
    p.killed_at(running[0], where, p.n // 1600)
    for process in running:
        process.communicate()
    for k in (3, 4):
        p.run(*words, "--shard", f"{k}/4")
    refused = p.refused("merge", str(where), "--out", "shards.parquet")
    said = p.run(*words, "--shard", "1/4")
    p.run("merge", str(where), "--out", "shards.parquet")
    p.note(
        "shards", began, p.room / "shards.parquet", killed="shard 1/4", pieces=total(where), kept=kept(said),
        refused=refused,
    )  # fmt: skip


def actor_of(driver: int) -> int:
    """An actor that judges, among the processes that a driver started."""
    parents: dict[int, int] = {}
    actors = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if b"ray::" in (words := (entry / "cmdline").read_bytes()) and b"PieceActor" in words:
                    actors.append(int(entry.name))
    for actor in actors:
        above = actor
        while above in parents and above != driver:
            above = parents[above]
        if above == driver:
            return actor
    raise RuntimeError(f"no actor of {driver} was found among {actors}")


def ray(p: Passes) -> None:
    where, began = p.room / "parts-ray", time.perf_counter()
    words = ["--pieces", str(where), "--engine", "ray", "--workers", "2", "--out", "ray.parquet"]
    process = p.start(*p.common, *words)
    p.killed_at(process, where, p.n // 800, actor_of)
    said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(said[-3000:])
    p.note("ray", began, p.room / "ray.parquet", killed="actor", pieces=total(where), kept=kept(said))


def slurm(p: Passes) -> None:
    if shutil.which("sbatch") is None:
        print("slurm: left out, there is no sbatch")
        return
    where, began = p.room / "parts-slurm", time.perf_counter()
    words = [*PROGRAM, *p.common, "--pieces", str(where)]
    script = p.room / "array.sh"
    quoted = " ".join(f"'{word}'" for word in words)
    script.write_text(f"#!/bin/bash\n{quoted} --shard $SLURM_ARRAY_TASK_ID/4\n")

    def submitted(array: str, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sbatch", "--wait", "--parsable", "--cpus-per-task=1", f"--array={array}", "--output=slurm-%a.txt",
             *more, str(script)],
            cwd=p.room, text=True, stdout=subprocess.PIPE,
        )  # fmt: skip

    first = submitted("1-4")
    job = first.stdout.readline().strip().partition(";")[0]  # type: ignore[union-attr]
    while len(list(where.glob("piece-*"))) < p.n // 1600:
        time.sleep(0.05)
    subprocess.run(["scancel", "--signal=KILL", "--full", f"{job}_1"], check=True)
    first.communicate()
    refused = p.refused("merge", str(where), "--out", "slurm.parquet")
    missing = re.search(r"start again --shard (.*)$", refused)[1]  # type: ignore[index]
    submitted(",".join(re.findall(r"(\d+)/4", missing))).communicate()
    said = (p.room / "slurm-1.txt").read_text()
    p.run("merge", str(where), "--out", "slurm.parquet")
    p.note(
        "slurm", began, p.room / "slurm.parquet", killed="array task 1", pieces=total(where), kept=kept(said),
        refused=refused,
    )  # fmt: skip


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """A local S3 server, and the environment in which it is the one."""
    code = (
        "import logging, time; logging.getLogger('werkzeug').disabled = True\n"
        "from moto.server import ThreadedMotoServer\n"
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False); server.start()\n"
        "print(server.get_host_and_port()[1], flush=True); time.sleep(10**6)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], text=True, stdout=subprocess.PIPE)
    try:
        port = int(process.stdout.readline())  # type: ignore[union-attr]
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
        yield {**os.environ, **keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    finally:
        process.kill()
        process.wait()


def store(p: Passes) -> None:
    n = p.n // 10
    some = sorted((p.room / "photos").rglob("*.png"))[:n]
    local = p.room / "tenth"
    for file in some:
        other = local / file.relative_to(p.room / "photos")
        other.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, other)
    judge = ["--judge", str(p.room / "judge")]
    p.run(*judge, "--data", str(local), "--out", "tenth.parquet")
    with s3_server() as env:
        os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})
        import s3fs

        fs = s3fs.S3FileSystem(use_listings_cache=False)
        fs.mkdir("bucket")
        fs.put(f"{local}/", "bucket/photos/", recursive=True)
        began = time.perf_counter()
        words = [*judge, "--data", "s3://bucket/photos", "--pieces", "s3://bucket/parts"]
        said = [p.run(*words, "--shard", f"{k}/2", env=env) for k in (1, 2)]
        p.run("merge", "s3://bucket/parts", "--out", "s3://bucket/store.parquet", env=env)
        for name in ("store.parquet", "store.excluded.csv"):
            if fs.exists(f"bucket/{name}"):  # addresses and paths of broken pictures differ
                there = fs.cat_file(f"bucket/{name}").replace(b"s3://bucket/photos/", f"{local}/".encode())
                (p.room / name).write_bytes(there)
        pieces = sum("piece-" in name for name in fs.ls("bucket/parts", detail=False))
        p.note(
            "store",
            began,
            p.room / "store.parquet",
            n=n,
            one="tenth",
            pieces=pieces,
            kept=sum(map(kept, said)),
        )


PASSES = {
    "one": one, "pieces": pieces, "shards": shards, "ray": ray, "slurm": slurm, "store": store,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(PASSES), help="of the passes; one is always run")
    args = parser.parse_args()
    chosen = [name for name in PASSES if name == "one" or name in args.only.split(",")]
    with tempfile.TemporaryDirectory(prefix="score-scale-") as folder:
        room = Path(folder)
        (room / "photos").mkdir()
        make_pictures(room / "photos", args.n)
        make_judge(room / "judge")
        p = Passes(room, args.n)
        for name in chosen:
            PASSES[name](p)
    return 0 if all(row["same_table"] for row in p.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
