"""Opening a stranger's picture file without torch and without surprises: which formats, how large, which way up.

One rule for every command: a regular file of a named format, its declared size looked at before a pixel is decoded,
turned upright by its orientation whatever else its EXIF says, and brought to 8-bit RGB by a stated rule for each depth.
Everything else is refused with a reason, as `BrokenPicture`, and the caller excludes the picture and goes on.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from judge.errors import InputError

#: What is opened, by Pillow's names. Left to itself Pillow opens forty formats, and hands EPS to Ghostscript, which
#: runs the program that the file is. MPO, the JPEG of some phones, comes under JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM")
#: More pixels than this are refused before decoding: a file of a few bytes can declare gigabytes.
MAX_PIXELS = 100_000_000
#: Bytes of a file that is read; an uncompressed picture of the most pixels has less.
MAX_BYTES = 500_000_000
#: Pictures of more pixels than this are decoded one at a time, so that threads do not add up to the memory of many.
LARGE_PIXELS = 25_000_000
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_one_large = threading.Lock()
# Pillow's own limit is warned of at 89 and enforced at 179 million pixels; ours comes first and is an error
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")


class BrokenPicture(InputError):
    """A file that is missing, no regular file, empty, truncated, too large or no picture: it is excluded."""


def read_file(path: str | Path) -> bytes:
    """The content of a regular file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    bytes
        At most `MAX_BYTES`.

    Raises
    ------
    BrokenPicture
        Where there is no file, it cannot be read, or it is a folder, pipe, socket or device (opening a pipe would
        wait for ever for a writer), empty or too large.

    Examples
    --------
    >>> read_file("/dev/null")
    Traceback (most recent call last):
    judge.data.picture_files.BrokenPicture: /dev/null: no regular file
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BrokenPicture(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise BrokenPicture(f"{path}: no regular file")
    with os.fdopen(handle, "rb") as file:
        if status.st_size > MAX_BYTES:
            raise BrokenPicture(f"{path}: {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise BrokenPicture(f"{path}: {error.strerror or error}") from error
    if not data:
        raise BrokenPicture(f"{path}: the file is empty (0 bytes)")
    if len(data) > MAX_BYTES:  # a file of /proc or a growing one says another size than it has
        raise BrokenPicture(f"{path}: more than {MAX_BYTES:,} bytes")
    return data


@contextmanager
def opened(data: bytes, *, name: str = "picture") -> Iterator[Image.Image]:
    """The picture in `data`, its header read and its size checked, not a pixel decoded yet.

    Parameters
    ----------
    data : bytes
        Content of a file.
    name : str
        What an error calls it.

    Yields
    ------
    PIL.Image.Image
        Of one of `FORMATS`, at most `MAX_PIXELS`.

    Raises
    ------
    BrokenPicture
        For another format and for more pixels; also for whatever goes wrong while the picture is in use, since
        damage shows only when pixels are decoded.

    Examples
    --------
    >>> with opened(b"%!PS-Adobe-3.0 EPSF-3.0"):
    ...     pass
    Traceback (most recent call last):
    judge.data.picture_files.BrokenPicture: picture: not a picture of a format that is read (JPEG, PNG, …)
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise BrokenPicture(f"{name}: {width} × {height} px; at most {MAX_PIXELS:,} pixels are read")
            if width * height > LARGE_PIXELS:
                with _one_large:
                    yield picture
            else:
                yield picture
    except InputError:
        raise
    except UnidentifiedImageError as error:  # its words name a buffer in memory
        raise BrokenPicture(f"{name}: not a picture of a format that is read (JPEG, PNG, …)") from error
    except (MemoryError, RecursionError) as error:
        raise BrokenPicture(f"{name}: not a readable picture ({type(error).__name__})") from error
    except Exception as error:  # Pillow's plugins raise struct.error, KeyError, zlib.error … on damage
        raise BrokenPicture(f"{name}: not a readable picture ({error})") from error


def upright_rgb(picture: Image.Image, *, name: str = "picture") -> NDArray[np.uint8]:
    """Pixels as 8-bit RGB, turned upright by the EXIF orientation.

    Parameters
    ----------
    picture : PIL.Image.Image
        As `opened` gives it.
    name : str
        What an error calls it.

    Returns
    -------
    (height, width, 3) uint8 array
        Grey, palette and CMYK become RGB, transparency is dropped, of an animation the first frame is taken. 16 bits
        lose the low byte, so that a picture saved with 8 or 16 bits has the same pixels. Floats are taken from 0 to 1,
        as TIFF means them.

    Raises
    ------
    BrokenPicture
        For 32-bit whole numbers and for floats beyond 0 to 1 or not finite: their range is not known, and a guess
        would turn one picture white and the next black.

    Examples
    --------
    >>> upright_rgb(Image.fromarray(np.array([[0x8012]], np.uint16))).tolist()
    [[[128, 128, 128]]]
    """
    picture.seek(0)
    picture.load()
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = Image.fromarray(_as_bytes(picture, name))
    turn = _TURNS.get(_orientation(picture))
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    if turn is not None:
        rgb = rgb.transpose(turn)
    return np.asarray(rgb)


def _as_bytes(picture: Image.Image, name: str) -> NDArray[np.uint8]:
    values = np.asarray(picture)
    if picture.mode == "F":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise BrokenPicture(f"{name}: float pixels are read from 0 to 1, these are not")
        return np.rint(values * 255).astype(np.uint8)
    if picture.mode == "I" and picture.format not in ("PPM", "PNG"):  # these two mean 16 bits by it
        raise BrokenPicture(f"{name}: pixels of 32-bit whole numbers, whose range is not known")
    return (np.clip(values, 0, 65535) >> 8).astype(np.uint8)


def _orientation(picture: Image.Image) -> int:
    """1 (upright) to 8 (EXIF 2.3, table 6); 1 where there is none.

    Only this one value is read: `ImageOps.exif_transpose` writes the whole EXIF block again, and one impossible
    resolution in it costs the picture.
    """
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
        return int(value) if isinstance(value, (int, float)) else 1
    except Exception:  # damaged EXIF raises whatever its parser stumbles over; the pixels are whole
        return 1
