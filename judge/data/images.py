"""Picture files as uint8 tensors: the one place of the data room that needs torch.

JPEG is decoded by torchvision: on 160 px it takes about .55 of Pillow's time and releases the GIL, so that threads
decode in parallel. Everything else is Pillow's: torchvision's decoders of PNG and WebP bring the process down on
single damaged bytes (0.29), and leave WebP lying on its side. The content decides about the format, never the name: a
PNG called .jpg is read.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from judge.data.picture_files import opened, read_file, upright_rgb

try:
    from torchvision.io import ImageReadMode, decode_jpeg
except ImportError:  # announced by torchvision 0.29
    decode_jpeg = None

warnings.filterwarnings("ignore", message="The image decoding and encoding capabilities of TorchVision")

_JPEG = b"\xff\xd8\xff"


def decode(path: str | Path) -> Tensor:
    """The picture at `path`: uint8 (3, height, width), RGB, 0–255, turned upright by its EXIF orientation.

    Depths, palettes and animations as `picture_files.upright_rgb` says. Raises BrokenPicture.
    """
    return decode_bytes(read_file(path), name=str(path))


def decode_bytes(data: bytes, *, name: str = "picture") -> Tensor:
    """`decode` for the content of a file; `name` is what an error calls it. Raises BrokenPicture."""
    with opened(data, name=name) as picture:
        if decode_jpeg is not None and data.startswith(_JPEG):
            # a bytearray because torch warns of read-only buffers, and warnings cannot be silenced safely in threads
            raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            try:
                return decode_jpeg(raw, mode=ImageReadMode.RGB, apply_exif_orientation=True)
            except RuntimeError:
                pass  # Pillow reads some that this decoder does not, and says what is wrong with the rest
        pixels = upright_rgb(picture, name=name)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def square(picture: Tensor, size: int, crop: float = 1.0) -> Tensor:
    """The centred square of a uint8 (3, height, width) picture, resized to uint8 (3, size, size).

    crop  share of the shorter side that the square has, over 0 to 1

    Bicubic with antialiasing. Cropping comes first: it is the same as resizing the shorter side to `size` and
    then cropping, up to the last rows of the filter, and cheaper.
    """
    _, height, width = picture.shape
    side = max(1, round(crop * min(height, width)))
    top, left = (height - side) // 2, (width - side) // 2
    picture = picture[:, top : top + side, left : left + side]
    if side == size:
        return picture.contiguous()
    return interpolate(picture[None], (size, size), mode="bicubic", antialias=True)[0].contiguous()


def load_square(path: str | Path, size: int, crop: float = 1.0) -> Tensor:
    """The picture at `path` as uint8 (3, size, size): decoded, cut to its centred square (see `square`), resized.

    Raises BrokenPicture where `decode` does.
    """
    return square(decode(path), size, crop)
