"""Two thousand hostile inputs and ten thousand damaged pictures: crashes, silent errors, things let through.

    python experiments/hostile.py [--inputs 2000] [--pictures 10000] [--out results] [--no-throughput]

The makers of tests/hostile, with other seeds than the tests have: tables as spreadsheets and other programs write
them and damaged ones, each read and audited; folders of pictures with children, people who withdrew, links, pipes and
odd names; judges' folders with damaged files. Pictures of every format that is read, with bytes changed, cut or
doubled, are decoded in a process of its own, whose death counts as a crash. Counted:

crash         an exception that is no InputError, or the death of the process
silent        a value, a group or a person that differs from what was written, and nothing is said
let through   a child, or somebody who withdrew, among those who stay

Then throughput: whole scorings with the decoder before (torchvision for every format) and the one now, in turn, JPEG
and PNG. Writes OUT/hostile.csv and OUT/hostile_throughput.csv; ends with 1 if anything was counted.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

HOSTILE = Path(__file__).parents[1] / "tests"
#: Seeds below this are the tests' own.
FIRST = 100_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")


def of_tables(n: int, folder: Path) -> list[Counter]:
    """Tables of odd but clear writing, and damaged ones: read, and audited by a column that some have."""
    from hostile_tables import damaged_table, hostile_table
    from test_hostile_tables import outcome

    from judge.errors import InputError
    from judge.fairness.audit import open_columns, read_entrants

    written: Counter = Counter()
    for seed in range(FIRST, FIRST + n // 2):
        made = hostile_table(seed)
        kind, _ = outcome(made, folder)
        written[{"wrong": "silent"}.get(kind, kind)] += 1
    damaged: Counter = Counter()
    for seed in range(FIRST, FIRST + n // 2):
        name, content = damaged_table(seed)
        path = folder / name
        path.write_bytes(content)
        try:
            columns = open_columns(path, groups=["group"], others=["score"])
            read_entrants(columns, features=["group"], score=["score"])
            damaged["read"] += 1
        except InputError:
            damaged["refused"] += 1
        except Exception as error:
            print(f"  table {seed}: {error!r}")
            damaged["crash"] += 1
    return [written, damaged]


def of_folders(n: int, folder: Path) -> Counter:
    from test_hostile_folders import faults

    found: Counter = Counter()
    for seed in range(FIRST, FIRST + n):
        root = folder / str(seed)
        root.mkdir()
        crash, silent, through = faults(seed, root)
        for kind, what in (("crash", crash), ("silent", silent), ("let through", through)):
            if what:
                print(f"  folder {seed}: {kind} {what}")
                found[kind] += 1
        found["right"] += not (crash or silent or through)
    return found


def of_judges(n: int, folder: Path) -> Counter:
    """Saved judges, a network and a regression, with a damaged file each."""
    from rated_squares import rated_squares
    from test_judge_folders import damaged_bytes, damaged_facts

    from judge.errors import InputError
    from judge.jury.beauty import CnnJudge, Training
    from judge.jury.embedding import Embedding, EmbeddingJudge
    from judge.jury.loading import load_judge

    people = rated_squares(folder / "pictures", n=24)
    small = {"backbone": "test_efficientnet", "weights": "none", "size": 32}
    network = CnnJudge(**small, training=Training(epochs=1, batch=8), progress=False)
    network.fit(people, people.head(6), rating_range=(1, 9), seed=0, workdir=folder / "work").save(
        folder / "cnn"
    )
    ridge = EmbeddingJudge(embedding=Embedding(**small), cache=str(folder / "cache"), progress=False)
    ridge.fit(people, rating_range=(1, 9), seed=0).save(folder / "embedding")
    found: Counter = Counter()
    broken = folder / "broken"
    broken.mkdir()
    for seed in range(n):
        rng = np.random.default_rng([FIRST, seed])
        whole = folder / ("cnn" if seed % 2 else "embedding")
        for name in ("judge.json", "model.safetensors"):
            (broken / name).write_bytes((whole / name).read_bytes())
        if seed % 4 < 2:
            (broken / "judge.json").write_text(damaged_facts((whole / "judge.json").read_text(), rng))
        else:
            content = damaged_bytes((whole / "model.safetensors").read_bytes(), rng)
            (broken / "model.safetensors").write_bytes(content)
        try:
            scores, _ = load_judge(broken).score(people.head(3))
            found["right" if np.isfinite(scores["score"]).all() else "silent"] += 1
        except InputError:
            found["refused"] += 1
        except Exception as error:
            print(f"  judge {seed}: {error!r}")
            found["crash"] += 1
    return found


def damaged_picture(seed: int) -> tuple[str, bytes]:
    rng = np.random.default_rng([FIRST, seed])
    kind = FORMATS[seed % len(FORMATS)]
    size = rng.integers(8, 64, 2)
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    mode = rng.choice(["RGB", "L", "P", "CMYK", "RGBA"])
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    try:
        image.convert(mode).save(file, kind)
    except (OSError, ValueError, KeyError):  # a mode that the format has not
        file = io.BytesIO()
        image.save(file, kind)
    data = bytearray(file.getvalue())
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        data[at] = rng.integers(0, 256)
    if rng.random() < 0.15:
        data = data[: rng.integers(1, len(data))]
    elif rng.random() < 0.1:
        start, stop = sorted(rng.integers(0, len(data), 2))
        data[start:start] = data[start:stop]
    return kind, bytes(data)


def _decode(seeds: range, results: multiprocessing.SimpleQueue) -> None:
    import torch

    from judge.data.images import decode_bytes
    from judge.data.picture_files import BrokenPicture

    torch.set_num_threads(1)
    for seed in seeds:
        kind, data = damaged_picture(seed)
        try:
            decode_bytes(data)
            results.put((seed, kind, "read"))
        except BrokenPicture:
            results.put((seed, kind, "refused"))
        except Exception as error:
            print(f"  picture {seed} ({kind}): {error!r}")
            results.put((seed, kind, "crash"))


def of_pictures(n: int) -> dict[str, Counter]:
    """By format. A process that dies took the picture with it on which it was; the next one goes on behind it."""
    found: dict[str, Counter] = {kind: Counter() for kind in FORMATS}
    context, start = multiprocessing.get_context("spawn"), 0
    while start < n:
        results = context.SimpleQueue()
        process = context.Process(target=_decode, args=(range(start, n), results))
        process.start()
        while process.is_alive() or not results.empty():
            if results.empty():
                time.sleep(0.01)
                continue
            seed, kind, what = results.get()
            found[kind][what] += 1
            start = seed + 1
        process.join()
        if process.exitcode:
            kind, _ = damaged_picture(start)
            print(f"  picture {start} ({kind}): the process died with {process.exitcode}")
            found[kind]["crash"] += 1
            start += 1
    return found


def throughput(folder: Path, pictures: int = 600, rounds: int = 5) -> pd.DataFrame:
    """Pictures a second of whole scorings, decoders in turn; the best round of each."""
    import torch
    from torchvision.io import ImageReadMode, decode_image

    from judge.data import images
    from judge.jury.network.backbone import RatingNetwork, create_backbone
    from judge.jury.network.engine import Scoring, build_engine, score_pictures

    def before(path: str | Path) -> torch.Tensor:
        raw = torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8)
        return decode_image(raw, mode=ImageReadMode.RGB, apply_exif_orientation=True)

    now = images.decode
    rng = np.random.default_rng(0)
    settings = Scoring(engine="onnx")
    engine = build_engine(
        RatingNetwork(create_backbone("tf_efficientnet_lite0", "packaged", size=160)),
        160,
        settings,
        kind="onnx",
    )
    rows = []
    for kind in ("JPEG", "PNG"):
        home = folder / kind
        home.mkdir()
        for i in range(pictures):
            low = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(low).resize((224, 224), Image.Resampling.BICUBIC).save(
                home / f"{i}.{kind.lower()}", kind
            )
        manifest = pd.DataFrame(
            {"image_id": range(pictures), "path": [str(p) for p in sorted(home.iterdir())]}
        )
        rate: dict[str, list[float]] = {"before": [], "now": []}
        for _ in range(rounds):
            for name, decode in (("before", before), ("now", now)):
                images.decode = decode
                start = time.perf_counter()
                score_pictures(manifest, engine, size=160, settings=settings, progress=False)
                rate[name].append(pictures / (time.perf_counter() - start))
        images.decode = now
        best = {name: max(values) for name, values in rate.items()}
        rows.append({"format": kind, "pictures": pictures, "px": 224, **{k: round(v, 1) for k, v in best.items()},
                     "ratio": round(best["now"] / best["before"], 3)})  # fmt: skip
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=2000, help="tables, folders and judges (2000)")
    parser.add_argument("--pictures", type=int, default=10_000, help="damaged pictures (10000)")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--no-throughput", action="store_true")
    args = parser.parse_args()
    sys.path += [str(HOSTILE / "hostile"), str(HOSTILE / "jury")]
    rows: list[dict] = []

    def told(kind: str, found: Counter) -> None:
        n = sum(found.values())
        row = {"input": kind, "n": n, **{key: found[key] for key in ("right", "read", "refused", "told")},
               "crashes": found["crash"], "silent": found["silent"], "let_through": found["let through"]}  # fmt: skip
        rows.append(row)
        print(row, flush=True)

    parts: list[tuple[list[str], Callable[[Path], list[Counter]]]] = [
        (["tables, oddly written", "tables, damaged"], lambda home: of_tables(args.inputs * 7 // 10, home)),
        (["folders"], lambda home: [of_folders(args.inputs // 10, home)]),
        (["judges, damaged"], lambda home: [of_judges(args.inputs // 5, home)]),
    ]
    for kinds, part in parts:
        with tempfile.TemporaryDirectory() as folder:
            for kind, found in zip(kinds, part(Path(folder)), strict=True):
                told(kind, found)
    for kind, found in of_pictures(args.pictures).items():
        told(f"pictures, damaged {kind}", found)
    args.out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    table.to_csv(args.out / "hostile.csv", index=False)
    print(table.to_string(index=False))
    if not args.no_throughput:
        with tempfile.TemporaryDirectory() as folder:
            speed = throughput(Path(folder))
        speed.to_csv(args.out / "hostile_throughput.csv", index=False)
        print(speed.to_string(index=False))
    return int(table[["crashes", "silent", "let_through"]].to_numpy().sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
