"""Which engine and number format may score: how fast each is, how far from float32, and whether the same people win.

    python experiments/precision.py [--people 600] [--test 2000] [--seeds 0 1 2]

A judge of conf/judge/cnn.yaml is trained on rendered people a seed, and then scores others on one thread by

    torch float32   the reference
    torch bf16      autocast
    onnx float32    ONNX Runtime, as judge runs it
    onnx int8       the same, quantised (QDQ, a scale a channel, calibrated on training pictures)
    openvino …      float32 and bf16, where openvino can be imported (extra `benchmarks`)

A row of results/precision.csv is an engine and seed: ms_a_picture (processor time of this process, the least of passes
that take turns with the others'), sd_off (largest difference from the reference in standard deviations of its scores),
rank_correlation (Spearman), contests_equal (of 20 contests of 500 people and 5 % places: in how many the same won). An
engine may be chosen by judge itself where sd_off is at most .01.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from scipy.stats import spearmanr

from judge.contest import fill_places
from judge.data.parametric import read_parametric
from judge.experiment.api import composed
from judge.jury.network.engine import Scoring, _Views, build_engine
from judge.jury.network.pictures import load_pictures
from judge.jury.translation import onnx_program

ROOT = Path(__file__).parents[1]
PEOPLE = {"seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png"}
BATCH, ALLOWED = 32, 0.01
Engine = Callable[[torch.Tensor], NDArray[np.float32]]


def engines(judge: Any, calibration: torch.Tensor) -> dict[str, Engine]:
    settings = Scoring(batch=BATCH, device="cpu")
    network, size = judge.network, judge.size
    views = _Views(network, False, [1.0]).eval()
    example = torch.zeros((BATCH, 3, size, size), dtype=torch.uint8)
    found: dict[str, Engine] = {"onnx float32": build_engine(network, size, settings, kind="onnx")}
    program = onnx_program(views, example, told=views.settings())
    found["onnx int8"] = quantised(program, calibration)
    found |= by_openvino(program)
    found["torch float32"] = build_engine(network, size, settings, kind="torch")

    @torch.inference_mode()
    def bf16(pixels: torch.Tensor) -> NDArray[np.float32]:
        with torch.autocast("cpu", torch.bfloat16):
            return views(pixels.to(memory_format=torch.channels_last)).float().numpy()

    found["torch bf16"] = bf16
    return found


def quantised(program: bytes, calibration: torch.Tensor) -> Engine:
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):
        def __init__(self) -> None:
            whole = len(calibration) // BATCH * BATCH
            self.parts = iter(calibration[:whole].split(BATCH))

        def get_next(self) -> dict[str, NDArray] | None:
            part = next(self.parts, None)
            return None if part is None else {"pixels": part.numpy()}

    with tempfile.TemporaryDirectory() as folder:
        whole, ready, small = (Path(folder) / name for name in ("whole.onnx", "ready.onnx", "small.onnx"))
        whole.write_bytes(program)
        quant_pre_process(whole, ready)
        quantize_static(
            ready, small, Pictures(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Gemm", "MatMul", "Add"],
        )  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            small.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    return lambda pixels: session.run(None, {"pixels": pixels.numpy()})[0]


def by_openvino(program: bytes) -> dict[str, Engine]:
    try:
        import openvino
    except ImportError:
        print("openvino cannot be imported and is left out: pip install 'judge[benchmarks]'")
        return {}
    core = openvino.Core()
    model = core.read_model(program)
    found = {}
    for name, precision in (("float32", "f32"), ("bf16", "bf16")):
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
        compiled = core.compile_model(model, "CPU", options)
        found[f"openvino {name}"] = lambda pixels, compiled=compiled: compiled(pixels.numpy())[0]
    return found


def winners(scores: NDArray, ids: Sequence[str], draw: int) -> set[str]:
    rows = np.random.default_rng([draw, 20]).choice(len(ids), 500, replace=False)
    filled = fill_places([ids[row] for row in rows], scores[rows], places=25)
    return {ids[row] for row, won in zip(rows, filled.winner, strict=True) if won}


def compared(seed: int, args: argparse.Namespace, test: pd.DataFrame) -> list[dict[str, Any]]:
    people = read_parametric(args.source, **PEOPLE)
    rows = np.random.default_rng([seed, 17]).permutation(len(people.manifest))[: args.people]
    settings = composed(["judge=cnn"]).judge
    judge = instantiate(settings, progress=False)
    manifest = people.manifest.iloc[rows].reset_index(drop=True)
    judge.fit(manifest, rating_range=people.rating_range, seed=seed)
    pixels, kept, _ = load_pictures(test, judge.size)
    calibration, _, _ = load_pictures(manifest.head(8 * BATCH), judge.size)
    pixels = pixels[: len(pixels) // BATCH * BATCH]
    parts, ids = pixels.split(BATCH), kept["image_id"].tolist()[: len(pixels)]
    made, times = {}, {}
    found = engines(judge, calibration)
    for name, engine in found.items():
        made[name] = np.concatenate([engine(part) for part in parts]).astype(float)
    for _ in range(args.repeat):
        for name, engine in found.items():
            begin = time.process_time()
            for part in parts[:16]:
                engine(part)
            taken = (time.process_time() - begin) / (16 * BATCH) * 1000
            times[name] = min(taken, times.get(name, np.inf))
    reference = made["torch float32"]
    truth = kept["rating"].to_numpy(float)[: len(pixels)]
    return [
        {
            "seed": seed, "engine": name, "ms_a_picture": times[name],
            "times_torch": times["torch float32"] / times[name],
            "sd_off": np.abs(scores - reference).max() / reference.std(),
            "rank_correlation": spearmanr(scores, reference).statistic,
            "contests_equal": sum(winners(scores, ids, k) == winners(reference, ids, k) for k in range(20)),
            "pearson": np.corrcoef(scores, truth)[0, 1],
        }
        for name, scores in made.items()
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--source", type=int, default=20_000)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "precision.csv")
    args = parser.parse_args()
    torch.set_num_threads(1)
    test = read_parametric(args.test, **PEOPLE, start=args.source).manifest
    rows = []
    for seed in args.seeds:
        rows += compared(seed, args, test)
        print(pd.DataFrame(rows[-6:]).round(5).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    table.round(6).to_csv(args.out, index=False)
    worst = table.groupby("engine").agg(
        ms_a_picture=("ms_a_picture", "median"), times_torch=("times_torch", "median"), sd_off=("sd_off", "max"),
        rank_correlation=("rank_correlation", "min"), contests_equal=("contests_equal", "min"),
    )  # fmt: skip
    print(worst.assign(allowed=worst["sd_off"] <= ALLOWED).round(4).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
