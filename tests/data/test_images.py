"""Pictures are read by content, upright, as RGB bytes; broken ones say so."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from judge.data import images, picture_files
from judge.data.images import decode, load_square, square
from judge.data.picture_files import BrokenPicture

QUARTERS = np.zeros((40, 60, 3), np.uint8)
QUARTERS[:20, :30] = (255, 0, 0)
QUARTERS[:20, 30:] = (0, 255, 0)
QUARTERS[20:, :30] = (0, 0, 255)


def written(path, picture=QUARTERS, kind="JPEG", **options):
    Image.fromarray(picture).save(path, kind, **({"quality": 95} | options if kind == "JPEG" else options))
    return path


def colour(tensor, y, x):
    return [int(v > 127) for v in tensor[:, y, x]]


def test_a_png_called_jpg_is_read_exactly(tmp_path):
    tensor = decode(written(tmp_path / "face.jpg", kind="PNG"))
    assert tensor.dtype == torch.uint8
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), QUARTERS)


def test_exif_orientation_turns_the_picture_upright(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6  # the camera was turned: rotate by 90° clockwise
    tensor = decode(written(tmp_path / "a.jpg", exif=exif))
    assert tensor.shape == (3, 60, 40)
    assert colour(tensor, 5, 35) == [1, 0, 0]  # red: from top left to top right
    assert colour(tensor, 5, 5) == [0, 0, 1]  # blue: from bottom left to top left


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    Image.fromarray(QUARTERS).convert(mode).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png").shape == (3, 40, 60)


def test_cmyk_jpeg_keeps_its_colours(tmp_path):
    Image.fromarray(QUARTERS).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert colour(decode(tmp_path / "a.jpg"), 5, 5) == [1, 0, 0]


def test_sixteen_bit_png_is_scaled_not_wrapped(tmp_path):
    Image.fromarray(np.full((4, 4), 0x8001, np.uint16)).save(tmp_path / "a.png")
    assert int(decode(tmp_path / "a.png")[0, 0, 0]) == 0x80


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "GIF", "WEBP"])
def test_rarer_formats_are_read(tmp_path, kind):
    assert colour(decode(written(tmp_path / "a", kind=kind)), 5, 5) == [1, 0, 0]


def test_the_shorter_side_is_kept_and_the_middle_is_cut_out(tmp_path):
    picture = np.zeros((20, 60, 3), np.uint8)
    picture[:, 20:40] = 255  # exactly the centred square is white
    tensor = load_square(written(tmp_path / "a.png", picture, "PNG"), 8)
    assert tensor.shape == (3, 8, 8)
    assert int(tensor.min()) == 255


def test_resizing_is_antialiased():
    stripes = torch.zeros(3, 64, 64, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    grey = square(stripes, 8)
    assert grey.dtype == torch.uint8
    assert 110 < int(grey.min()) <= int(grey.max()) < 145  # without antialiasing: 0 or 255


def test_broken_files_raise_one_error_that_names_them(tmp_path):
    whole = written(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("<html>not found</html>")
    (tmp_path / "folder.jpg").mkdir()
    for name in ("cut.jpg", "empty.jpg", "text.jpg", "folder.jpg", "absent.jpg"):
        with pytest.raises(BrokenPicture, match=name):
            decode(tmp_path / name)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_files, "MAX_PIXELS", 2000)
    with pytest.raises(BrokenPicture, match="60 × 40 px"):
        decode(written(tmp_path / "a.jpg"))


def test_without_torchvisions_decoder_pillow_gives_the_same_picture(tmp_path, monkeypatch):
    path = written(tmp_path / "a.jpg")
    fast = decode(path).int()
    monkeypatch.setattr(images, "decode_jpeg", None)
    assert (decode(path).int() - fast).abs().max() <= 2  # two builds of libjpeg may round differently


def test_bytes_and_file_agree(tmp_path):
    path = written(tmp_path / "a.jpg")
    assert torch.equal(images.decode_bytes(io.BytesIO(path.read_bytes()).getvalue()), decode(path))


def test_a_crop_is_the_middle_of_the_centred_square():
    picture = torch.zeros((3, 40, 60), dtype=torch.uint8)
    picture[:, 10:30, 20:40] = 255  # half the shorter side, in the middle
    assert square(picture, 8, 0.5).min() == 255
    assert square(picture, 8, 1.0).min() == 0
