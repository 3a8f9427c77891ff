"""The same files for both kinds of pictures, and what happens to pictures on their way.

A photograph comes out of a JPEG and a resize, a generated face out of neither. A detector that is shown them as they
are learns the file format and is right for the wrong reason (Grommelt et al. 2024, arXiv:2403.17608; cf. Wang et al.
2020, arXiv:1912.11035). So every picture of either kind is brought to the same side by the same resize and, where files
of real people are lossy, through the same JPEG, before a detector sees it; `Encoded` is the only thing a trial takes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from judge.data.images import square
from judge.errors import InputError

#: Files that are looked at to see whether, and how strongly, real pictures were compressed.
LOOKED_AT = 200


@dataclass(frozen=True)
class Encoding:
    """What every picture goes through before a detector sees it, whatever it is of.

    size  side in px, at least 16
    jpeg  quality of a JPEG (without chroma subsampling) after the resize, 1 to 100; None: none
    """

    size: int
    jpeg: int | None = None

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 1024:
            raise InputError(f"encoding.size={self.size}: pictures have 16 to 1024 px")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise InputError(f"encoding.jpeg={self.jpeg}: a quality is 1 to 100, or none")

    def __call__(self, pictures: Tensor) -> Encoded:
        """uint8 (n, 3, height, width) → the same pictures, encoded. Raises InputError for anything else."""
        check_pictures(pictures)
        small = torch.stack([square(p, self.size) for p in pictures]) if len(pictures) else pictures
        return Encoded(small if self.jpeg is None else jpeg(small, self.jpeg), self)


@dataclass(frozen=True)
class Encoded:
    """Pictures (uint8 (n, 3, size, size)) and the encoding that they went through. Made by `Encoding` alone."""

    pictures: Tensor
    encoding: Encoding

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, rows: np.ndarray | slice) -> Encoded:
        return Encoded(self.pictures[rows], self.encoding)


def same_encoding(parts: Sequence[Encoded]) -> Encoding:
    """The one encoding of all parts. Raises InputError where there are two: their difference would be detected."""
    if not all(isinstance(part, Encoded) for part in parts):
        raise InputError("pictures of both kinds go through one Encoding first; these did not")
    found = {part.encoding for part in parts}
    if len(found) != 1:
        said = " and ".join(sorted(f"{e.size} px, JPEG {e.jpeg or 'none'}" for e in found))
        raise InputError(f"pictures of both kinds need one encoding, these have {said}: it would be detected")
    return found.pop()


def quality_of_files(paths: Sequence[str | Path]) -> int | None:
    """The quality of the JPEGs among the first LOOKED_AT files, their median; None where there is none.

    Read off the luminance table of the file: the quality of libjpeg whose table is nearest (ITU T.81, annex K).
    """
    found = []
    for path in list(paths)[:LOOKED_AT]:
        try:
            with Image.open(path) as picture:
                tables = getattr(picture, "quantization", None)
        except OSError:  # broken pictures are counted where they are decoded
            continue
        if tables:
            found.append(np.sort(np.asarray(next(iter(tables.values())), float)))
    if not found:
        return None
    usual = np.stack([np.sort(_luminance_table(q)) for q in range(1, 101)])
    return int(np.median([1 + np.abs(usual - table).sum(1).argmin() for table in found]))


def jpeg(pictures: Tensor, quality: int) -> Tensor:
    """uint8 (n, 3, h, w) through a JPEG of that quality, 4:4:4."""
    out = torch.empty_like(pictures)
    for i, picture in enumerate(pictures):
        file = io.BytesIO()
        Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(
            file, "JPEG", quality=quality, subsampling=0
        )
        with Image.open(file) as again:
            out[i] = torch.from_numpy(np.array(again.convert("RGB"))).permute(2, 0, 1)
    return out


def blur(pictures: Tensor, sigma: float) -> Tensor:
    """uint8 pictures under a Gaussian of `sigma` px, cut at 3 sigma; edges are mirrored."""
    reach = max(1, int(np.ceil(3 * sigma)))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    line = (line / line.sum()).view(1, 1, 1, -1)
    x = pictures.float().flatten(0, 1)[:, None]
    x = functional.conv2d(functional.pad(x, (reach, reach, 0, 0), mode="reflect"), line)
    x = functional.conv2d(functional.pad(x, (0, 0, reach, reach), mode="reflect"), line.transpose(2, 3))
    return x[:, 0].unflatten(0, pictures.shape[:2]).round().clamp(0, 255).to(torch.uint8)


def shrunk(pictures: Tensor, factor: float) -> Tensor:
    """uint8 pictures resized to `factor` of their side and back, bicubic."""
    side = pictures.shape[-1]
    small = functional.interpolate(pictures, (round(side * factor),) * 2, mode="bicubic", antialias=True)
    return functional.interpolate(small, (side, side), mode="bicubic", antialias=True)


#: What happens to test pictures of both kinds; nothing is trained or calibrated on it.
PERTURBATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "none": lambda x: x,
        "JPEG 90": lambda x: jpeg(x, 90),
        "JPEG 50": lambda x: jpeg(x, 50),
        "blur .5 px": lambda x: blur(x, 0.5),
        "blur 1 px": lambda x: blur(x, 1.0),
        "half size and back": lambda x: shrunk(x, 0.5),
    }
)


def check_pictures(pictures: Tensor) -> None:
    """Raises InputError for anything but uint8 (n, 3, height, width)."""
    if not isinstance(pictures, Tensor) or pictures.dtype != torch.uint8 or pictures.ndim != 4:
        what = (
            f"{tuple(pictures.shape)} {pictures.dtype}"
            if isinstance(pictures, Tensor)
            else type(pictures).__name__
        )
        raise InputError(f"pictures are uint8 (n, 3, height, width), not {what}")
    if pictures.shape[1] != 3:
        raise InputError(f"pictures have 3 channels, not {pictures.shape[1]}")


def _luminance_table(quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as again:
        return np.asarray(vars(again)["quantization"][0], float)
