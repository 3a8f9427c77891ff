"""Claims on pixels: what each control does, and what it leaves alone. Fixed light unless said otherwise."""

import hashlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_laplace, maximum_filter
from scipy.stats import spearmanr
from skimage.color import rgb2lab

from judge.data.parametric import geometry
from judge.data.parametric.person import neutral
from judge.data.parametric.picture.masks import PARTS, masks
from judge.data.parametric.picture.render import SIZES, render, render_jpeg, render_raw
from judge.errors import InputError

PLACE = {name: i for i, name in enumerate(geometry.LANDMARKS)}


def someone(number=0, **columns):
    rng = np.random.default_rng(number)
    person = neutral() | {"stream": int(rng.integers(2**62)), "masculinity": float(rng.random())}
    person |= {name: float(0.3 * rng.normal()) for name in geometry.LOCAL_NAMES}
    person |= {name: float(rng.uniform(-1, 1)) for name in geometry.ASYM_NAMES}
    return person | {"hair_style": "short", "light_azimuth": 0.0} | columns


def cheeks(person, size=96):
    picture = render_raw(person, size)
    pixels = geometry.landmarks(person, size)["pixels"]
    patches = []
    for side in "lr":
        ends = [pixels[PLACE[f"{name}_{side}"]] for name in ("lower_lid", "mouth_corner", "cheek")]
        column, row = np.mean(ends, 0).astype(int)
        patches.append(picture[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3))
    return np.median(rgb2lab(np.concatenate(patches)[None] / 255)[0], 0)


def ita(person):
    lightness, _, yellow = cheeks(person)
    return np.degrees(np.arctan2(lightness - 50, yellow))


def face_box(picture):
    size = len(picture)
    return picture[int(0.3 * size) : int(0.84 * size), int(0.3 * size) : int(0.7 * size)]


def test_a_picture_is_what_its_jpeg_decodes_to():
    person = someone(1, jpeg_quality=70)
    picture = render(person, 64)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    decoded = np.asarray(Image.open(io.BytesIO(render_jpeg(person, 64))))
    assert np.array_equal(picture, decoded)
    assert len(render_jpeg(person, 64)) < len(render_jpeg(person | {"jpeg_quality": 95}, 64))


@pytest.mark.parametrize("size", [SIZES[0] - 1, SIZES[1] + 1])
def test_a_size_out_of_range_is_refused_with_the_allowed_range(size):
    with pytest.raises(InputError, match="32 to 512"):
        render_raw(neutral(), size)


@pytest.mark.slow
def test_the_same_row_gives_the_same_bytes_in_another_process_and_order():
    styles = [("short", "coiled"), ("long", "wavy"), ("none", "straight")]
    people = [
        someone(i, hair_style=s, hair_texture=t, beard=0.6 * i / 2, noise=0.02)
        for i, (s, t) in enumerate(styles)
    ]
    here = [hashlib.sha256(render_jpeg(p, 48)).hexdigest() for p in people]
    code = (
        "import hashlib, sys, json; from judge.data.parametric.picture.render import render_jpeg\n"
        "for p in reversed(json.load(sys.stdin)): print(hashlib.sha256(render_jpeg(p, 48)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(people), capture_output=True, text=True, check=True
    ).stdout.split()
    assert there[::-1] == here


def test_another_stream_is_another_picture():
    assert not np.array_equal(render_raw(someone(0), 64), render_raw(someone(0, stream=5), 64))


def test_masks_divide_the_picture():
    parts = masks(someone(2, beard=0.8, glasses="thick"), 64)
    assert set(parts) == set(PARTS)
    total = sum(parts[name] for name in PARTS if name != "pupils")
    assert total == pytest.approx(1)
    assert np.all(parts["pupils"] <= parts["eyes"])
    assert all(part.any() for part in parts.values())


def test_twins_in_another_skin_tone_have_the_same_background_cloth_and_pupils():
    light, dark = someone(3, melanin=0.05), someone(3, melanin=0.9)
    a, b = render_raw(light, 192), render_raw(dark, 192)
    parts = masks(light, 192)
    for name in ("background", "cloth", "eyes", "pupils"):
        where = parts[name] == 1
        assert where.sum() > 4, name
        assert np.array_equal(a[where], b[where]), name
    skin = parts["skin"] == 1
    assert (a[skin] != b[skin]).any(-1).mean() > 0.99


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"light_azimuth": 50.0}, "background"),
        ({"background_hue": 0.1, "background_value": 0.3}, "skin"),
        ({"hair_melanin": 0.1}, "cloth"),
        ({"wrinkles": 1.0, "blemishes": 80, "freckles": 1.0}, "eyes"),
        ({"eye_melanin": 0.0}, "skin"),
        ({"clothing_hue": 0.5}, "skin"),
    ],
)
def test_a_change_leaves_the_other_parts_alone(change, kept):
    person = someone(4)
    a, b = render_raw(person, 96), render_raw(person | change, 96)
    where = masks(person, 96)[kept] == 1
    assert np.array_equal(a[where], b[where])
    assert not np.array_equal(a, b)


def test_hair_does_not_depend_on_ancestry_or_tone():
    kinds = [("short", "coiled"), ("long", "coiled"), ("short", "straight"), ("long", "curly")]
    for style, texture in kinds:
        asked = {
            "hair_style": style,
            "hair_texture": texture,
            "melanin": 0.1,
            "caucasian": 1.0,
            "african": 0.0,
        }
        one, other = someone(5, **asked), someone(5, **asked) | {"melanin": 0.9}
        a, b = masks(one, 64)["strands"], masks(other, 64)["strands"]
        assert np.array_equal(a, b)
        assert a.sum() > 150


def test_exposure_is_linear_before_srgb():
    person = someone(6)

    def linear(exposure):
        srgb = render_raw(person | {"exposure": exposure}, 64) / 255
        return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)

    one, half = linear(1.0), linear(0.5)
    clear = (one > 0.05) & (one < 0.95)
    assert half[clear] == pytest.approx(one[clear] / 2, abs=0.006)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_ita_falls_strictly_with_melanin_from_light_to_dark(number):
    values = [ita(someone(number, melanin=m)) for m in np.linspace(0, 1, 11)]
    assert np.all(np.diff(values) < 0)
    assert values[0] > 55
    assert values[-1] < -50


def test_ita_ranks_random_people_by_melanin_at_fixed_light():
    people = [someone(100 + i, melanin=(i + 0.5) / 24) for i in range(24)]
    measured = [ita(person) for person in people]
    assert spearmanr([p["melanin"] for p in people], measured).statistic < -0.97


@pytest.mark.parametrize("melanin", [0.15, 0.8])
def test_wrinkles_raise_ridge_energy(melanin):
    def energy(amount):
        person = someone(7, melanin=melanin, wrinkles=amount)
        tone = face_box(render_raw(person, 128)).astype(float).mean(-1)
        return np.abs(gaussian_laplace(np.log(tone + 1), 1.2)).mean()

    amounts = np.linspace(0, 1, 7)
    assert spearmanr(amounts, [energy(a) for a in amounts]).statistic > 0.95


@pytest.mark.parametrize("melanin", [0.15, 0.8])
def test_blemishes_raise_the_count_of_blobs(melanin):
    def count(number):
        person = someone(8, melanin=melanin, blemishes=number, hair_style="none")
        picture = face_box(render_raw(person, 128)).astype(float)
        red = np.log(picture[..., 0] + 1) - np.log(picture[..., 1] + 1)
        blobs = -gaussian_laplace(red, 1.8)
        peak = (blobs == maximum_filter(blobs, 5)) & (blobs > 0.01)
        return peak.sum()

    numbers = [0, 10, 20, 40, 60, 80]
    counts = [count(n) for n in numbers]
    assert spearmanr(numbers, counts).statistic > 0.95
    assert counts[-1] > counts[0] + 8


def test_asymmetry_raises_the_difference_from_the_mirror_image():
    def difference(strength):
        person = someone(9, asymmetry=strength, hair_style="none", light_azimuth=0.0)
        tone = gaussian_filter(face_box(render_raw(person, 128)).astype(float).mean(-1), 1)
        return np.abs(tone - tone[:, ::-1]).mean()

    values = [difference(s) for s in (0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(values) > 0)


def test_the_light_comes_from_where_it_is_said_to():
    def balance(azimuth):
        box = face_box(render_raw(someone(10, light_azimuth=azimuth, hair_style="none"), 64)).astype(float)
        return box[:, box.shape[1] // 2 :].mean() - box[:, : box.shape[1] // 2].mean()

    assert balance(-60) < -10 < 10 < balance(60)


def test_noise_has_the_given_deviation_and_blur_removes_detail():
    person = someone(11)
    clean = render_raw(person, 96).astype(float)
    noisy = render_raw(person | {"noise": 0.04}, 96).astype(float)
    middle = (clean > 60) & (clean < 200)
    assert (noisy - clean)[middle].std() / 255 == pytest.approx(0.04, rel=0.05)
    blurred = render_raw(person | {"blur": 2.0}, 96).astype(float)
    assert np.abs(np.diff(blurred, axis=1)).mean() < 0.7 * np.abs(np.diff(clean, axis=1)).mean()


@pytest.mark.parametrize(
    "change", [{"beard": 0.25}, {"beard": 1.0}, {"glasses": "thin"}, {"makeup": 1.0}, {"smile": 1.0}]
)
def test_what_a_gate_can_meet_shows_in_the_face(change):
    person = someone(12, smile=0.0)
    a, b = (face_box(render_raw(p, 96)).astype(float) for p in (person, person | change))
    assert np.abs(a - b).mean() > 0.8


def test_pupils_lie_at_their_landmarks():
    person = someone(13, gaze_x=8.0, eye_melanin=0.1)
    pupils = masks(person, 256)["pupils"] > 0.5
    pixels = geometry.landmarks(person, 256)["pixels"]
    for side in "lr":
        column, row = pixels[PLACE[f"pupil_{side}"]].astype(int)
        assert pupils[row - 2 : row + 3, column - 2 : column + 3].any()
