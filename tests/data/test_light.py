"""Lightness of a picture's middle."""

import numpy as np
from PIL import Image

from judge.data.light import lightness, measured_light


def test_black_white_and_the_middle_grey():
    # 119 of 255 in sRGB is L* 50, by the definition of both (CIE 15:2004; IEC 61966-2-1)
    assert lightness(np.array([[0] * 3, [119] * 3, [255] * 3], np.uint8)).round(1).tolist() == [
        0.0,
        50.0,
        100.0,
    ]


def test_green_is_lighter_than_red_and_red_than_blue():
    red, green, blue = lightness(np.diag([255, 255, 255]).astype(np.uint8)).round(1)
    assert (red, green, blue) == (53.2, 87.7, 32.3)


def test_only_the_middle_counts_and_what_cannot_be_read_says_why(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[10:30, 10:30] = 255
    Image.fromarray(pixels).save(tmp_path / "frame.png")
    pixels[10:30, 10:20] = 0
    Image.fromarray(pixels).save(tmp_path / "half.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    found = measured_light([str(tmp_path / f"{name}.png") for name in ("frame", "half", "broken", "absent")])
    assert found["exposure"].round(6).tolist()[:2] == [100.0, 50.0]
    assert found["contrast"].round(6).tolist()[:2] == [0.0, 50.0]
    assert found["exposure"].isna().tolist() == [False, False, True, True]
    assert found["reason"].str.len().gt(0).tolist() == [False, False, True, True]
