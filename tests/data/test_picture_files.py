"""A stranger's picture file is opened by one rule: format, size, orientation, depth; what is refused says why."""

import io
import os
import struct
import threading
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from judge.data.checks import inspect
from judge.data.images import decode
from judge.data.picture_files import MAX_PIXELS, BrokenPicture, opened, read_file, upright_rgb

RNG = np.random.default_rng(13)
GREY = RNG.integers(0, 256, (6, 24, 20), dtype=np.uint8)
QUARTERS = np.zeros((40, 60, 3), np.uint8)
QUARTERS[:20, :30] = (255, 0, 0)
QUARTERS[:20, 30:] = (0, 255, 0)
QUARTERS[20:, :30] = (0, 0, 255)
#: the same picture lying on its side, as each orientation stores it
STORED = {
    1: QUARTERS,
    2: QUARTERS[:, ::-1],
    3: QUARTERS[::-1, ::-1],
    4: QUARTERS[::-1],
    5: QUARTERS.transpose(1, 0, 2),
    6: np.rot90(QUARTERS, 1),
    7: QUARTERS[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(QUARTERS, -1),
}


def upright_of(path):
    with opened(read_file(path), name=str(path)) as picture:
        return upright_rgb(picture, name=str(path))


def same_quarters(pixels: np.ndarray, *, exact: bool) -> bool:
    """Whether the picture is QUARTERS; JPEG blurs the edges between them."""
    if pixels.shape != QUARTERS.shape:
        return False
    difference = np.abs(pixels.astype(int) - QUARTERS)
    return difference.max() == 0 if exact else difference.mean() < 8


def tiff_exif(*entries: bytes, tail: bytes = b"") -> bytes:
    return (
        b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0" + tail
    )


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_is_turned_upright_in_every_format(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "a"
    Image.fromarray(np.ascontiguousarray(STORED[orientation])).save(path, kind, exif=exif, **options)
    assert same_quarters(upright_of(path), exact=kind != "JPEG")
    assert same_quarters(decode(path).permute(1, 2, 0).numpy(), exact=kind != "JPEG")


@pytest.mark.parametrize(
    "block",
    [
        # a resolution of -1/0, one stored as text, an orientation of seven values, directories that point anywhere
        tiff_exif(
            entry(0x112, 3, 1, 6), entry(0x11A, 10, 1, 50), tail=b"\0" * 12 + struct.pack("<ii", -1, 0)
        ),
        tiff_exif(entry(0x112, 3, 1, 6), entry(0x11A, 2, 4, 0x30303037)),
        tiff_exif(entry(0x112, 3, 1, 6), entry(0x8769, 4, 1, 0xFFFFFFF0)),
        tiff_exif(entry(0x112, 3, 1, 6), entry(0x8769, 4, 1, 8)),
        tiff_exif(entry(0x112, 3, 1, 6), entry(0x8825, 13, 0xFFFFFFFF, 8)),
    ],
    ids=["rational", "text", "far directory", "circle", "huge count"],
)
def test_impossible_exif_costs_neither_the_picture_nor_its_orientation(tmp_path, block):
    path = tmp_path / "a.jpg"
    Image.fromarray(np.ascontiguousarray(STORED[6])).save(path, "JPEG", quality=95, exif=block)
    assert same_quarters(upright_of(path), exact=False)
    assert same_quarters(decode(path).permute(1, 2, 0).numpy(), exact=False)
    assert inspect([str(path)], "decode")["reason"].isna().all()


def test_sixteen_bits_are_the_picture_of_eight_bits_in_png_and_tiff(tmp_path):
    hashes: dict[str, list[str]] = {}
    for i, grey in enumerate(GREY):
        wide = grey.astype(np.uint16) * 257
        Image.fromarray(grey).save(tmp_path / f"{i}_8.png")
        Image.fromarray(wide).save(tmp_path / f"{i}_16.png")
        Image.fromarray(wide).save(tmp_path / f"{i}_16.tif")
        Image.fromarray(wide.astype(">u2")).save(tmp_path / f"{i}_16b.tif")
        for kind in ("8.png", "16.png", "16.tif", "16b.tif"):
            path = tmp_path / f"{i}_{kind}"
            assert np.array_equal(decode(path).numpy(), np.stack([grey] * 3)), kind
            hashes.setdefault(kind, []).append(inspect([str(path)], "decode").loc[0, "pixel_hash"])
    assert hashes["8.png"] == hashes["16.png"] == hashes["16.tif"] == hashes["16b.tif"]
    assert len(set(hashes["8.png"])) == 6


def test_floats_are_read_from_0_to_1_and_other_ranges_are_refused(tmp_path):
    Image.fromarray((GREY[0] / 255).astype(np.float32)).save(tmp_path / "a.tif")
    assert np.array_equal(decode(tmp_path / "a.tif")[0].numpy(), GREY[0])
    for name, values in {
        "nan": np.full((4, 4), np.nan, np.float32),
        "bytes": GREY[0].astype(np.float32),
        "infinite": np.array([[0, np.inf]], np.float32),
    }.items():
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
        with pytest.raises(BrokenPicture, match=f"{name}.tif: float pixels"):
            decode(tmp_path / f"{name}.tif")
    Image.fromarray(GREY[0].astype(np.int32)).save(tmp_path / "whole.tif")
    with pytest.raises(BrokenPicture, match="32-bit whole numbers"):
        decode(tmp_path / "whole.tif")


def png_that_declares(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg_that_declares(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_that_declares(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0" * 6 + b"!\xf9\x04" + b"\0" * 20


@pytest.mark.parametrize(
    "data",
    [
        png_that_declares(60_000, 60_000),
        jpeg_that_declares(65_000, 65_000),
        gif_that_declares(65_535, 65_535),
    ],
    ids=["png", "jpeg", "gif"],
)
def test_a_small_file_that_declares_gigabytes_is_refused_by_its_header(tmp_path, data):
    assert len(data) < 1200
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for look in (lambda: decode(path), lambda: upright_of(path)):
        with pytest.raises(BrokenPicture, match=rf"at most {MAX_PIXELS:,} pixels|not a"):
            look()
    for check in ("header", "decode"):
        assert inspect([str(path)], check).loc[0, "reason"] == "broken picture"


@pytest.mark.parametrize("name", ["a.jpg", "a.eps", "a.png"])
def test_postscript_is_never_run_whatever_it_is_called(tmp_path, name):
    trace = tmp_path / "it-ran"
    head = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n"
    (tmp_path / name).write_text(f"{head}({trace}) (w) file closefile\nshowpage\n")
    with pytest.raises(BrokenPicture, match="not a picture of a format"):
        decode(tmp_path / name)
    assert inspect([str(tmp_path / name)], "decode").loc[0, "reason"] == "broken picture"
    assert not trace.exists()


def test_pipes_devices_and_folders_are_no_regular_files_and_nobody_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    paths = [str(tmp_path / name) for name in ("pipe.jpg", "folder.jpg", "zero.jpg")]
    found: list = []
    worker = threading.Thread(target=lambda: found.append(inspect(paths)), daemon=True)
    worker.start()
    worker.join(10)
    assert found, "waits for a pipe"
    assert found[0]["reason"].tolist() == ["broken picture"] * 3
    for path in paths:
        with pytest.raises(BrokenPicture, match="no regular file"):
            decode(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_a_damaged_byte_gives_a_picture_or_one_error(kind):
    """300 pictures a format with one to eight bytes changed, cut or doubled: no crash, no other exception."""
    file = io.BytesIO()
    Image.fromarray(QUARTERS).save(file, kind)
    whole, rng = file.getvalue(), np.random.default_rng(8)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 9)):
            data[at] = rng.integers(0, 256)
        if rng.random() < 0.2:
            data = data[: rng.integers(1, len(data))]
        try:
            from judge.data.images import decode_bytes

            tensor = decode_bytes(bytes(data))
            assert tensor.dtype == torch.uint8
            assert tensor.shape[0] == 3
        except BrokenPicture:
            refused += 1
    assert 0 < refused < 300
