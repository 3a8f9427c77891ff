"""Picture files as uint8 tensors: the one place of the data room that needs torch.

torchvision's decoder is used where it can read the file: on 160 px JPEG it takes about .55 of Pillow's time,
and it releases the GIL, so that threads decode in parallel. The content decides about the format, never the
name: a PNG called .jpg is read. Pillow reads the rest (BMP, TIFF …), and all should a later torchvision
drop its decoder, as 0.29 announces.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn.functional import interpolate

from judge.data.checks import MAX_PIXELS
from judge.errors import InputError

try:
    from torchvision.io import decode_image as _decode_image
except ImportError:  # announced by torchvision 0.29
    _decode_image = None

warnings.filterwarnings("ignore", message="The image decoding and encoding capabilities of TorchVision")

#: Below this size a file cannot unfold to more than about half a gigabyte, so its header is not looked at.
_SMALL_FILE = 500_000


class BrokenPicture(InputError):
    """A file that is missing, empty, truncated or no picture: scoring excludes it and goes on."""


def decode(path: str | Path) -> Tensor:
    """The picture at `path`: uint8 (3, height, width), RGB, 0–255, turned upright by its EXIF orientation.

    Grey, palette and CMYK files become RGB, transparency is dropped, 16-bit PNG loses its low byte, and of an
    animation the first frame is taken. Raises BrokenPicture.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BrokenPicture(f"{path}: {error.strerror or error}") from error
    return decode_bytes(data, name=str(path))


def decode_bytes(data: bytes, *, name: str = "picture") -> Tensor:
    """`decode` for the content of a file; `name` is what an error calls it."""
    if not data:
        raise BrokenPicture(f"{name}: the file is empty (0 bytes)")
    if len(data) > _SMALL_FILE:
        _refuse_huge(data, name)
    if _decode_image is None:
        return _decode_with_pillow(data, name)
    # a bytearray because torch warns of read-only buffers, and warnings cannot be silenced safely in threads
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    try:
        picture = _decode_image(raw, mode="RGB", apply_exif_orientation=True)
    except RuntimeError:
        return _decode_with_pillow(data, name)
    if picture.ndim == 4:
        picture = picture[0]
    if picture.dtype == torch.uint16:
        picture = (picture.to(torch.int32) >> 8).to(torch.uint8)
    return picture


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


def _refuse_huge(data: bytes, name: str) -> None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:
        raise BrokenPicture(f"{name}: {error}") from error
    except (OSError, ValueError, SyntaxError):
        return  # the decoder says what is wrong
    if width * height > MAX_PIXELS:
        raise BrokenPicture(f"{name}: {width} × {height} px; at most {MAX_PIXELS:,} pixels are read")


def _decode_with_pillow(data: bytes, name: str) -> Tensor:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            array = np.asarray(upright).transpose(2, 0, 1)
    except UnidentifiedImageError as error:  # its words name a buffer in memory
        raise BrokenPicture(f"{name}: not a readable picture (no known image format)") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenPicture(f"{name}: not a readable picture ({error})") from error
    return torch.from_numpy(np.ascontiguousarray(array))
