"""What a GPU does for judge: one script that somebody with a GPU runs once, at most eight minutes.

    python experiments/on_a_gpu.py [--out results/gpu] [--parts precision renderer …] [--minutes 8]
    python experiments/on_a_gpu.py --tiny --device cpu --out DIR      every part in miniature, as the tests run it

Parts, each a process of its own, so that its peak of memory is its own and its failure nobody else's:

    precision    a CNN trained in bf16-mixed and in 32-true, three seeds each: Pearson on others, seconds
    neighbours   two trainings on one GPU at the same time against one after the other
    devices      DDP over two GPUs against one, where there are two
    renderer     the renderer on torch against the CPU's: mean difference (goal: under 2 of 255), faces a second
    scoring      judge's scoring of JPEG files against a timm loader with as many workers as cores (goal: 5 times)
    stacked      100 trainings of one sweep in stacks against the same trainings one by one, of which four are timed
                 (goal: 20 times), with the frozen part of the backbone shared; the largest difference of a score
    generator    conf/generator/gpu_64.yaml: pictures a second, and the distance while it trains

Writes table.csv (part, what, value, unit, peer, ratio, goal, met, note), machine.json and page.html into OUT. A part
that fails or has no time left is a row with the reason. No photograph is used: people are rendered.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[1]
COLUMNS = ("part", "what", "value", "unit", "peer", "ratio", "goal", "met", "note")
#: Seconds of the eight minutes that each part may take at most, setting up included.
SHARE = {
    "precision": 110, "neighbours": 60, "devices": 40, "renderer": 40, "scoring": 60, "stacked": 90, "generator": 80,
}  # fmt: skip


def row(part: str, what: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | {"part": part, "what": what, "value": value, "unit": unit} | more


def people(n: int, size: int, *, start: int = 0) -> Any:
    from judge.data.parametric import read_parametric

    return read_parametric(n, seed=40, start=start, size=size, progress=False)


def judge_of(args: argparse.Namespace, **training: Any) -> Any:
    from hydra.utils import instantiate

    from judge.experiment.api import composed

    settings = composed(["judge=cnn"]).judge
    OmegaConf.set_struct(settings, False)
    settings.training.update({"accelerator": args.device, "epochs": 2 if args.tiny else 8, **training})
    settings.scoring.device = args.device
    if args.tiny:
        settings.update({"backbone": "test_efficientnet", "weights": "none", "size": 32})
        settings.training.train_from_stage = training.get("train_from_stage", 0)
    return instantiate(settings, progress=False)


def trained(args: argparse.Namespace, seed: int, **training: Any) -> tuple[Any, float]:
    """A judge, and the seconds that its training took with the pictures in memory (decoding included)."""
    read = people(40 if args.tiny else 2000, 32 if args.tiny else 96)
    judge = judge_of(args, **training)
    begin = time.perf_counter()
    judge.fit(read.manifest, rating_range=read.rating_range, seed=seed)
    return judge, time.perf_counter() - begin


def precision(args: argparse.Namespace) -> list[dict[str, Any]]:
    test = people(40 if args.tiny else 1000, 32 if args.tiny else 96, start=5000).manifest
    found: dict[str, list[tuple[float, float]]] = {"32-true": [], "bf16-mixed": []}
    trained(args, 0)  # what a first training sets up is nobody's time
    for seed in range(1 if args.tiny else 3):
        for kind, rows in found.items():
            judge, seconds = trained(args, seed, precision=kind)
            scores, _ = judge.score(test)
            rows.append((float(scores["score"].corr(test["rating"].reset_index(drop=True))), seconds))
    whole, half = (np.array(found[kind]) for kind in ("32-true", "bf16-mixed"))
    apart = half[:, 0] - whole[:, 0]
    return [
        row("precision", "Pearson, float32", whole[:, 0].mean(), "r"),
        row(
            "precision", "Pearson, bf16", half[:, 0].mean(), "r", peer=whole[:, 0].mean(), goal="within .02",
            met=bool(abs(apart.mean()) <= 0.02), note=f"by seed {np.round(apart, 4).tolist()}",
        ),
        row(
            "precision", "training, bf16", half[:, 1].mean(), "s", peer=whole[:, 1].mean(),
            ratio=whole[:, 1].mean() / half[:, 1].mean(),
        ),
    ]  # fmt: skip


def neighbours(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Two processes beside one another, then one after the other; each trains once before the clock starts."""

    def started(out: str) -> subprocess.Popen:
        words = [sys.executable, __file__, "--device", args.device, "--one", "training", "--out", out]
        return subprocess.Popen([*words, *(["--tiny"] if args.tiny else [])])

    with tempfile.TemporaryDirectory() as folder:

        def seconds(names: Sequence[str]) -> list[float]:
            running = [started(str(Path(folder) / name)) for name in names]
            if any(process.wait() for process in running):
                raise RuntimeError("a training failed")
            return [json.loads((Path(folder) / name / "seconds.json").read_text()) for name in names]

        alone = seconds(["a"])[0]
        beside = seconds(["b", "c"])
    return [
        row(
            "neighbours", "two trainings at once", max(beside), "s", peer=2 * alone, ratio=2 * alone / max(beside),
            note="peer: one after the other",
        )
    ]  # fmt: skip


def devices(args: argparse.Namespace) -> list[dict[str, Any]]:
    there = torch.cuda.device_count() if args.device == "cuda" else 2
    if there < 2:
        return [row("devices", "DDP", np.nan, "", note=f"not run: {there} GPU is there, two are needed")]
    _, one = trained(args, 0, devices=1)
    _, two = trained(args, 0, devices=2)
    return [row("devices", "DDP on two", two, "s", peer=one, ratio=one / two, note="starting both included")]


def renderer(args: argparse.Namespace) -> list[dict[str, Any]]:
    from judge.data.parametric.people.population import sample
    from judge.data.parametric.picture import render_raw
    from judge.data.parametric.picture.render_torch import render_torch

    size, n, batch = (32, 6, 3) if args.tiny else (96, 1024, 256)
    rows = sample(n, seed=41).to_dict("records")
    few = rows[: min(n, 128)]
    render_raw(rows[0], size)  # compiles
    begin = time.perf_counter()
    single = np.stack([render_raw(person, size) for person in few])
    cpu = len(few) / (time.perf_counter() - begin)
    render_torch(rows[:batch], size, args.device)
    begin = time.perf_counter()
    made = np.concatenate([render_torch(rows[i : i + batch], size, args.device) for i in range(0, n, batch)])
    gpu = n / (time.perf_counter() - begin)
    apart = float(np.abs(made[: len(few)].astype(int) - single).mean())
    return [
        row(
            "renderer", "mean absolute difference", apart, "of 255", goal="under 2", met=apart < 2,
            note=f"{len(few)} faces, {size} px",
        ),
        row(
            "renderer", "faces", gpu, "a second", peer=cpu, ratio=gpu / cpu,
            note="peer: one core of the CPU; scenes are prepared on the CPU in both",
        ),
    ]  # fmt: skip


def scoring(args: argparse.Namespace) -> list[dict[str, Any]]:
    from timm.data import ImageDataset, create_loader

    from judge.jury.network.backbone import RatingNetwork, create_backbone
    from judge.jury.network.engine import Scoring, build_engine, score_pictures

    size, n, batch = (32, 40, 8) if args.tiny else (160, 8000, 256)
    name, weights = ("test_efficientnet", "none") if args.tiny else ("tf_efficientnet_lite0", "packaged")
    workers = 1 if args.tiny else min(os.cpu_count() or 1, 16)
    base = people(20 if args.tiny else 1000, size).manifest["path"].tolist()
    paths = (base * -(-n // len(base)))[:n]
    network = RatingNetwork(create_backbone(name, weights, size=size), centre=5.0).eval().to(args.device)

    class Listed:
        """timm's reader of a given list of files."""

        def __getitem__(self, at: int) -> tuple[Any, int]:
            return Path(paths[at]).open("rb"), 0

        def __len__(self) -> int:
            return len(paths)

    loader = create_loader(
        ImageDataset(".", reader=Listed()), input_size=(3, size, size), batch_size=batch, interpolation="bicubic",
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), crop_pct=1.0, num_workers=workers, use_prefetcher=False,
        device=torch.device(args.device),
    )  # fmt: skip
    begin = time.perf_counter()
    with torch.inference_mode():
        for pictures, _ in loader:
            logits = network.head(network.backbone(pictures.to(args.device)))
            (network.scale[0] + network.scale[1] * logits[:, 0]).cpu()
    theirs = n / (time.perf_counter() - begin)
    settings = Scoring(engine="torch", batch=batch, device=args.device)
    table = pd.DataFrame({"image_id": [str(i) for i in range(n)], "path": paths})
    begin = time.perf_counter()
    engine = build_engine(network, size, settings, kind="torch")
    score_pictures(table, engine, size=size, settings=settings, progress=False)
    ours = n / (time.perf_counter() - begin)
    return [
        row(
            "scoring", "pictures", ours, "a second", peer=theirs, ratio=ours / theirs, goal="5 times",
            met=ours / theirs >= 5, note=f"{n} JPEG files of {size} px; peer: timm loader, {workers} workers, eager",
        )
    ]  # fmt: skip


def stacked(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Pools of 300 of 1,200 people, other seeds; the last stages are trained (conf/judge/cnn.yaml from stage 7)."""
    from judge.jury.network.stacked import Shelf, side_by_side, together, train_stacked
    from judge.jury.network.stacked.loop import Activations

    read = people(60 if args.tiny else 1200, 32 if args.tiny else 96)
    many, alone, pool = (3, 2, 20) if args.tiny else (100, 4, 300)
    options = {"train_from_stage": 3 if args.tiny else 7, "devices": 1, "precision": "32-true"}
    others = people(20 if args.tiny else 200, 32 if args.tiny else 96, start=5000).manifest

    def told(seed: int) -> dict[str, Any]:
        drawn = read.manifest.sample(pool, random_state=seed)
        return {"train_manifest": drawn, "rating_range": read.rating_range, "seed": seed}

    def judge() -> Any:
        one = judge_of(args, **options)
        one.views = 2 if args.tiny else 16
        return one

    judge().fit(**told(10_000))  # what a first training sets up is nobody's time
    separate = []
    begin = time.perf_counter()
    for seed in range(alone):
        separate.append(judge().fit(**told(seed)))
    one_by_one = (time.perf_counter() - begin) / alone
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shelves = {"shelf": Shelf(), "val_shelf": Shelf()}
        judges = [judge() for _ in range(many)]
        planned = [
            one.planned(**told(seed), workdir=Path(folder) / str(seed), **shelves)
            for seed, one in enumerate(judges)
        ]
        shared = Activations()
        for stack in together(planned, side_by_side(args.device)):
            train_stacked(stack, Path(folder) / "state", activations=shared, progress=False)
        for one, plan in zip(judges, planned, strict=True):
            one.take(plan)
    took = time.perf_counter() - begin
    apart = max(
        float((a.score(others)[0]["score"] - b.score(others)[0]["score"]).abs().max())
        for a, b in zip(separate, judges, strict=False)
    )
    return [
        row(
            "stacked", f"{many} trainings", took, "s", peer=many * one_by_one, ratio=many * one_by_one / took,
            goal="20 times", met=many * one_by_one / took >= 20,
            note=f"peer: one by one, {alone} of them timed; {side_by_side(args.device)} side by side, pools of {pool}",
        ),
        row("stacked", "largest difference of a score", apart, "rating points", note="dropout draws differ on a GPU"),
    ]  # fmt: skip


def generator(args: argparse.Namespace) -> list[dict[str, Any]]:
    from judge.generator import GeneratorTraining, train_generator

    own = OmegaConf.load(ROOT / "conf" / "generator" / "gpu_64.yaml")
    default = OmegaConf.load(ROOT / "conf" / "generator" / "default.yaml")
    settings = {**OmegaConf.to_container(default), **OmegaConf.to_container(own)}
    for key in ("defaults", "_target_", "_convert_"):
        settings.pop(key, None)
    settings |= {"accelerator": args.device, "pictures": 60_000, "warm_up": 20_000, "evaluate_every": 20_000}
    if args.tiny:
        settings |= {
            "size": 16,
            "widths": [8, 8],
            "batch": 8,
            "pictures": 64,
            "warm_up": 16,
            "evaluate_every": 32,
        }
    read = people(60 if args.tiny else 3000, 32 if args.tiny else 64)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = train_generator(
            read.manifest, GeneratorTraining(**settings), seed=0, workdir=folder, progress=False,
            facts={"data": "parametric", "real_people": False, "rating_range": list(read.rating_range)},
        )  # fmt: skip
    seconds = time.perf_counter() - begin
    shown = settings["pictures"] + settings["warm_up"]
    far = [told["distance"] for told in made.facts["history"] if "distance" in told]
    return [
        row("generator", "training, gpu_64", shown / seconds, "pictures a second", note=f"{shown} shown"),
        row(
            "generator", "distance, first and last", far[-1], "", peer=far[0], ratio=far[0] / far[-1],
            note="of pictures that nothing was trained on; peer: before the adversarial training",
        ),
    ]  # fmt: skip


PARTS: dict[str, Callable[[argparse.Namespace], list[dict[str, Any]]]] = {
    "precision": precision, "neighbours": neighbours, "devices": devices, "renderer": renderer, "scoring": scoring,
    "stacked": stacked, "generator": generator,
}  # fmt: skip


def one(args: argparse.Namespace) -> int:
    """A part in this process; its rows go to OUT/rows.json."""
    args.out.mkdir(parents=True, exist_ok=True)
    if args.one == "training":
        trained(args, 0)
        (args.out / "seconds.json").write_text(json.dumps(trained(args, 1)[1]))
        return 0
    rows = PARTS[args.one](args)
    if args.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
        rows.append(row(args.one, "peak memory of the GPU", peak, "GiB", note="of this process"))
    (args.out / "rows.json").write_text(json.dumps(rows))
    return 0


def run_part(name: str, args: argparse.Namespace, seconds: float) -> list[dict[str, Any]]:
    if seconds < 5:
        return [row(name, "", np.nan, "", note="not run: no time was left")]
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--one", name, "--device", args.device, "--out", folder]
        begin = time.perf_counter()
        try:
            done = subprocess.run(
                [*words, *(["--tiny"] if args.tiny else [])], capture_output=True, text=True, timeout=seconds,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [row(name, "", np.nan, "", note=f"stopped after its {seconds:.0f} s")]
        file = Path(folder) / "rows.json"
        if done.returncode or not file.is_file():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return [row(name, "", np.nan, "", note=f"failed: {last[:300]}")]
        rows = json.loads(file.read_text())
    return [*rows, row(name, "whole part", time.perf_counter() - begin, "s")]


def machine(device: str) -> dict[str, Any]:
    gpus = (
        [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())] if device == "cuda" else []
    )
    return {
        "gpus": gpus, "cores": os.cpu_count(), "python": platform.python_version(), "torch": torch.__version__,
        "cuda": torch.version.cuda, "device": device,
    }  # fmt: skip


def page(table: pd.DataFrame, about: dict[str, Any]) -> str:
    shown = table.copy()
    for name in ("value", "peer", "ratio"):
        shown[name] = [("" if pd.isna(v) else f"{v:.4g}") for v in shown[name]]
    shown["met"] = ["" if v is None or v != v else ("yes" if v else "no") for v in shown["met"]]
    told = html.escape(", ".join(about["gpus"]) or f"no GPU: {about['device']}")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'><title>judge on a GPU</title>"
        "<style>body{font:16px/1.5 serif;max-width:70rem;margin:2rem auto;padding:0 1rem}div{overflow-x:auto}"
        "table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:left;border-bottom:1px solid #ddd}</style>"
        f"<h1>judge on a GPU</h1><p>{told}; {about['cores']} cores, Python {about['python']}, torch "
        f"{html.escape(about['torch'])}. Ratios are of two measurements of one run.</p><div>"
        + shown.fillna("").to_html(index=False, border=0)
        + "</div></html>\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gpu")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--tiny", action="store_true", help="miniatures: that everything runs, no measurement"
    )
    parser.add_argument("--one", choices=[*PARTS, "training"], help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here; allowed is --tiny --device cpu")
    if args.device == "cpu" and not args.tiny:
        parser.error("--device cpu goes with --tiny: nothing that is measured on a CPU says what a GPU does")
    if args.one:
        return one(args)
    end = time.monotonic() + 60 * args.minutes
    rows: list[dict[str, Any]] = []
    args.out.mkdir(parents=True, exist_ok=True)
    about = machine(args.device)
    (args.out / "machine.json").write_text(json.dumps(about, indent=2) + "\n")
    for name in args.parts:
        left = end - time.monotonic()
        rows += run_part(name, args, min(left, SHARE[name] * args.minutes / 8))
        table = pd.DataFrame(rows, columns=list(COLUMNS))  # what is there survives a kill
        table.to_csv(args.out / "table.csv", index=False)
        (args.out / "page.html").write_text(page(table, about), encoding="utf-8")
        print(table[table["part"] == name].drop(columns=["part"]).to_string(index=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
