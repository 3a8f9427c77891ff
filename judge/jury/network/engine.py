"""Ratings of any number of pictures in bounded memory: threads decode ahead while the network reads.

On a CPU the network runs in ONNX Runtime where that is installed (three to four times eager PyTorch for the
default backbone), else in PyTorch with channels last. Batches are padded to one size, so that a picture's score
does not depend on which pictures it is judged with.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from judge.errors import InputError, listed
from judge.jury.device import preferred
from judge.jury.network.backbone import RatingNetwork
from judge.jury.network.pictures import decode_stream, excluded_table
from judge.jury.translation import onnx_program

Engine = Callable[[Tensor], np.ndarray]

#: Pictures in one pass of ONNX Runtime: the maps of 8 stay in a core's cache, those of 32 take a quarter longer each.
READ_AT_ONCE = 8


@dataclass(frozen=True)
class Scoring:
    """Settings of scoring.

    engine   torch; onnx; or auto: onnx on a CPU for `onnx_from` pictures or more, where onnxruntime, onnx and
             onnxscript can be imported, else torch. The two agree to about 1e-6 rating points, not to the bit
    onnx_from  fewer pictures than this are read sooner than the network is translated (some seconds)
    batch    pictures the network reads at a time
    mirror   score = mean over the picture and its mirror image (twice the work)
    zooms    score = mean over these magnifications of the picture about its middle; below 1 its rim is mirrored
    threads  decoding threads; None: one a core
    device   of PyTorch; auto: a GPU when there is one
    """

    engine: str = "auto"
    onnx_from: int = 1000
    batch: int = 32
    mirror: bool = False
    zooms: Sequence[float] = (1.0,)
    threads: int | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.engine not in ("auto", "onnx", "torch"):
            raise InputError(f"scoring.engine={self.engine!r}: allowed are auto, onnx and torch")
        for name, most in (("batch", 4096), ("threads", 256)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise InputError(f"scoring.{name}={value!r}: a whole number from 1 to {most}")
        if not len(self.zooms) or min(self.zooms) < 0.6 or max(self.zooms) > 4:
            raise InputError(f"scoring.zooms={listed(self.zooms)}: one or more from 0.6 to 4 are needed")

    def engine_for(self, n: int) -> str:
        """`onnx` or `torch`, for n pictures."""
        if self.engine != "auto":
            return self.engine
        return (
            "onnx"
            if n >= self.onnx_from and self.torch_device().type == "cpu" and onnx_is_there()
            else "torch"
        )

    def torch_device(self) -> torch.device:
        if self.device != "auto":
            return torch.device(self.device)
        return preferred()


def build_engine(
    network: RatingNetwork, size: int, settings: Scoring, *, kind: str, features: bool = False
) -> Engine:
    """A function from uint8 pictures (B, 3, size, size), B = settings.batch, to float32 ratings (B,).

    kind      `onnx` or `torch`, see Scoring.engine_for
    features  what the head reads (B, F) in place of the ratings
    """
    whole = _Views(network, settings.mirror, list(settings.zooms), features).eval()
    if kind == "onnx":
        return _onnx_engine(whole, size, settings.batch)
    return _torch_engine(whole, settings.torch_device())


def score_pictures(
    manifest: pd.DataFrame,
    engine: Engine,
    *,
    size: int,
    settings: Scoring,
    crop: float = 1.0,
    progress: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of the manifest's pictures, and those excluded.

    Returns (image_id, score), one row a readable picture in the manifest's order, and (item, reason, detail).
    Memory: `threads` + 2 batches, whatever the number of pictures.
    """
    ratings, kept, excluded = judged_pictures(
        manifest, engine, size=size, settings=settings, crop=crop, progress=progress
    )
    scores = pd.DataFrame(
        {"image_id": manifest["image_id"].astype(str).to_numpy()[kept], "score": ratings.astype(float)}
    )
    if not np.isfinite(scores["score"]).all():
        raise InputError("the judge gives scores that are not finite: its training did not converge")
    return scores, excluded


def judged_pictures(
    manifest: pd.DataFrame,
    engine: Engine,
    *,
    size: int,
    settings: Scoring,
    crop: float = 1.0,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """What the engine makes of the readable pictures (n, …), which rows they are (bool), and those excluded."""
    out: list[np.ndarray] = []
    broken: dict[int, str] = {}
    bar = tqdm(total=len(manifest), desc="scoring", unit="picture", disable=not progress, leave=False)
    stream = decode_stream(
        manifest["path"].tolist(), size, batch=settings.batch, threads=settings.threads, crop=crop
    )
    for decoded in stream:
        pixels, n = decoded.pixels, len(decoded.rows)
        if n < settings.batch:
            pixels = torch.cat([pixels, pixels.new_zeros((settings.batch - n, *pixels.shape[1:]))])
        out.append(engine(pixels)[:n])
        broken |= decoded.broken
        bar.update(n)
    bar.close()
    kept = np.ones(len(manifest), bool)
    kept[list(broken)] = False
    whole = np.concatenate(out) if out else np.empty(0, np.float32)
    return whole[kept], kept, excluded_table(manifest, broken)


def onnx_is_there() -> bool:
    return all(importlib.util.find_spec(name) for name in ("onnxruntime", "onnx", "onnxscript"))


class _Views(nn.Module):
    """The mean rating over a picture's views, or the mean of what the head reads of them."""

    def __init__(
        self, network: RatingNetwork, mirror: bool, zooms: list[float], features: bool = False
    ) -> None:
        super().__init__()
        self.network, self.mirror, self.zooms, self.features = network, mirror, zooms, features

    def settings(self) -> str:
        """What it computes besides what its modules and tensors say."""
        network = self.network
        name = network.backbone.pretrained_cfg.get("architecture")
        return repr((name, self.mirror, self.zooms, self.features, network.depths, network.levels is None))

    def forward(self, pixels: Tensor) -> Tensor:
        views = [_zoomed(pixels, zoom) for zoom in self.zooms]
        if self.mirror:
            views += [view.flip(3) for view in views]
        total = self._of(views[0])
        for view in views[1:]:
            total = total + self._of(view)
        return total / len(views)

    def _of(self, view: Tensor) -> Tensor:
        return self.network.read(view) if self.features else self.network(view).rating


def _zoomed(pixels: Tensor, zoom: float) -> Tensor:
    """(B, 3, S, S) magnified about the middle, the size kept; uint8 as it is where zoom is 1, else float 0–255."""
    if zoom == 1:
        return pixels
    side = int(pixels.shape[-1])  # a tensor while the network is traced
    off = round((side - side / zoom) / 2)
    cut = functional.pad(pixels.float(), [-off] * 4, mode="constant" if off >= 0 else "reflect")
    return functional.interpolate(cut, size=(side, side), mode="bilinear", align_corners=False)


def _torch_engine(network: nn.Module, device: torch.device) -> Engine:
    network = network.to(device, memory_format=torch.channels_last)
    half = device.type == "cuda" and torch.cuda.is_bf16_supported()

    @torch.inference_mode()
    def run(pixels: Tensor) -> np.ndarray:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            pixels = pixels.to(device, non_blocking=True).to(memory_format=torch.channels_last)
            return network(pixels).float().cpu().numpy()

    return run


def _onnx_engine(network: _Views, size: int, batch: int) -> Engine:
    if not onnx_is_there():
        raise InputError(
            "scoring.engine=onnx needs onnxruntime, onnx and onnxscript: pip install 'judge[onnx]'"
        )
    import onnxruntime

    part = next(n for n in range(min(batch, READ_AT_ONCE), 0, -1) if batch % n == 0)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    # threads that spin while they wait for the next pictures take the cores from those that decode them
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        onnx_program(network, torch.zeros((part, 3, size, size), dtype=torch.uint8), told=network.settings()),
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name

    def run(pixels: Tensor) -> np.ndarray:
        return np.concatenate([session.run(None, {name: few.numpy()})[0] for few in pixels.split(part)])

    return run
