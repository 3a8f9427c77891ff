"""Pictures a second and peak memory of scoring from JPEG files, against timm's loader with eager forward.

Both use the same network (tf_efficientnet_lite0 with its ImageNet weights, 160 px, a rating head), the same files
and all cores. The peer is what one would write with timm: ImageDataset, create_loader (Pillow decoding in worker
processes, one batch of 32 after another), eager PyTorch; it gets the better of one and of two workers. Every
measurement is a process of its own, peers take turns, medians are reported. `seconds` runs from the manifest to the
scores and so holds the translation to ONNX; imports are left out. Peak memory is the process's largest resident
set (its workers' beside it), so it holds Python, PyTorch and the network as well.

    python experiments/scoring_throughput.py --folder ../shared/data/fairface     → results/scoring_throughput.csv
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
SIZE, BATCH = 160, 32


def measure(what: str, paths: list[str]) -> dict[str, float]:
    """Scores all paths once in this process."""
    import numpy as np
    import torch

    from judge.jury.network.backbone import RatingNetwork, create_backbone
    from judge.jury.network.engine import Scoring, build_engine, score_pictures

    torch.manual_seed(0)
    network = RatingNetwork(
        create_backbone("tf_efficientnet_lite0", "packaged", size=SIZE), centre=5.0
    ).eval()
    torch.nn.init.normal_(network.head.weight, std=0.05)
    start = time.perf_counter()
    if what.startswith("timm"):
        scores = timm_scores(network, paths, workers=int(what[-1]))
        loop = time.perf_counter() - start
    else:
        settings = Scoring(engine=what, batch=BATCH, device="cpu")
        engine = build_engine(network, SIZE, settings, kind=what)
        ready = time.perf_counter()
        table = pd.DataFrame({"image_id": paths, "path": paths})
        scores = score_pictures(table, engine, size=SIZE, settings=settings, progress=False)[0][
            "score"
        ].to_numpy()
        loop = time.perf_counter() - ready
    usage = [
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return {
        "seconds": time.perf_counter() - start,
        "loop_seconds": loop,
        "peak_mib": usage[0],
        "worker_peak_mib": usage[1],
        "mean_score": float(np.mean(scores)),
        "first_scores": [float(s) for s in scores[:200]],
    }


def timm_scores(network, paths: list[str], *, workers: int):
    import numpy as np
    import torch
    from timm.data import ImageDataset, create_loader

    class Listed:
        """timm's reader of a given list of files."""

        def __getitem__(self, row):
            return Path(paths[row]).open("rb"), 0

        def __len__(self):
            return len(paths)

    loader = create_loader(
        ImageDataset(".", reader=Listed()),
        input_size=(3, SIZE, SIZE),
        batch_size=BATCH,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        crop_pct=1.0,
        num_workers=workers,
        use_prefetcher=False,
        device=torch.device("cpu"),
    )
    scores = []
    with torch.inference_mode():
        for pictures, _ in loader:
            logits = network.head(network.backbone(pictures))
            scores.append((network.scale[0] + network.scale[1] * logits[:, 0]).numpy())
    return np.concatenate(scores)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT.parent / "shared" / "data" / "fairface")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument(
        "--rounds", type=int, default=3, help="repeats of each measurement of the smallest count"
    )
    parser.add_argument("--measure", nargs=2, metavar=("ENGINE", "N"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    paths = sorted(str(path.resolve()) for path in args.folder.rglob("*.jpg"))
    if args.measure:
        print(json.dumps(measure(args.measure[0], paths[: int(args.measure[1])])))
        return
    if len(paths) < max(args.counts):
        parser.error(f"{args.folder} holds {len(paths)} .jpg files, --counts asks for {max(args.counts)}")
    rows = []
    for n in args.counts:
        for round_ in range(args.rounds if n == min(args.counts) else 1):
            for what in ("onnx", "torch", "timm-1", "timm-2"):
                if what != "onnx" and n != min(args.counts):
                    continue  # the peers' rate does not depend on the count
                command = [sys.executable, __file__, "--folder", str(args.folder), "--measure", what, str(n)]
                line = subprocess.run(
                    command, capture_output=True, text=True, check=True
                ).stdout.splitlines()[-1]
                rows.append({"engine": what, "n": n, "round": round_, **json.loads(line)})
                print({k: v for k, v in rows[-1].items() if k != "first_scores"}, flush=True)
    runs = pd.DataFrame(rows)
    runs["per_second"] = runs["n"] / runs["loop_seconds"]
    runs["per_second_with_translation"] = runs["n"] / runs["seconds"]
    first = {row["engine"]: pd.Series(row["first_scores"]) for row in rows}
    runs["difference_to_torch"] = [float((first[e] - first["torch"]).abs().max()) for e in runs["engine"]]
    columns = [
        "per_second",
        "per_second_with_translation",
        "peak_mib",
        "worker_peak_mib",
        "difference_to_torch",
    ]
    summary = runs.groupby(["engine", "n"], sort=False)[columns].median().reset_index()
    peer = summary.loc[summary["engine"].str.startswith("timm"), "per_second"].max()
    summary["times_timm"] = summary["per_second"] / peer
    (ROOT / "results").mkdir(exist_ok=True)
    summary.round(4).to_csv(ROOT / "results" / "scoring_throughput.csv", index=False)
    print(summary.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
