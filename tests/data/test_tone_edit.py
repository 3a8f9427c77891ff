import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from judge.data.tone_edit import (
    face_ellipse,
    own_skin,
    shift_background,
    shift_light,
    shift_lightness,
    skin_tone,
)
from judge.errors import InputError


def portrait(size=96, lightness=65.0, hue=55.0, chroma=22.0):
    """A skin-coloured ellipse with black hair above it on a grey ground, softly shaded."""
    lab = np.zeros((size, size, 3))
    lab[..., 0] = 80
    face = face_ellipse((size, size))
    x = np.linspace(-6, 6, size)[None, :].repeat(size, 0)
    angle = np.deg2rad(hue)
    lab[face] = [lightness, chroma * np.cos(angle), chroma * np.sin(angle)]
    lab[..., 0] += np.where(face, x, 0)
    lab[: size // 4][face[: size // 4]] = [10, 1, 1]
    return np.rint(lab2rgb(lab) * 255).astype(np.uint8), face


@pytest.mark.parametrize("delta", [-25, -10, 10, 20])
def test_lightness_moves_and_hue_stays(delta):
    image, face = portrait()
    skin = own_skin(image, face)
    before, after = skin_tone(image, skin), skin_tone(shift_lightness(image, skin, delta, feather=0), skin)
    assert after["lightness"] - before["lightness"] == pytest.approx(delta, abs=1.0)
    assert after["hue"] == pytest.approx(before["hue"], abs=1.5)


def test_nothing_outside_the_face_changes_by_a_single_bit():
    image, face = portrait()
    edited = shift_lightness(image, face, -20, feather=0)
    assert (edited[~face] == image[~face]).all()
    assert (shift_lightness(image, face, 0) == image).mean() > 0.999
    background = shift_background(image, face, -20, feather=0)
    assert (background[face] == image[face]).all()
    assert (background[~face] != image[~face]).any(axis=-1).all()


def test_out_of_gamut_colours_lose_chroma_but_not_hue():
    image, face = portrait(chroma=40)
    skin = own_skin(image, face)
    after = skin_tone(shift_lightness(image, skin, -55, feather=0), skin)
    assert after["chroma"] < 36
    assert after["hue"] == pytest.approx(55, abs=6)  # dark uint8 colours are coarse in hue


def test_shading_keeps_its_order():
    image, face = portrait()
    for delta in (-30, 30):
        lightness = rgb2lab(shift_lightness(image, face, delta, feather=0))[48, :, 0]
        assert (np.diff(lightness[face[48]]) > -0.6).all()


def test_own_skin_leaves_hair_out_on_dark_and_light_faces_alike():
    sizes = []
    for lightness in (32, 50, 75):
        image, face = portrait(lightness=lightness)
        skin = own_skin(image, face)
        assert not skin[:22].any()
        sizes.append(skin.sum() / face[24:].sum())
    assert min(sizes) > 0.9
    assert max(sizes) - min(sizes) < 0.05


def test_light_from_the_side_keeps_the_faces_mean_lightness():
    image, face = portrait()
    lit = shift_light(image, face, 10)
    lightness = [rgb2lab(i)[..., 0] for i in (image, lit)]
    skin = own_skin(image, face)
    assert lightness[1][skin].mean() == pytest.approx(lightness[0][skin].mean(), abs=0.7)
    change = (lightness[1] - lightness[0])[48]
    assert change[30] < -2 < 2 < change[66]
    above = rgb2lab(shift_light(image, face, 10, angle=90))[..., 0] - lightness[0]
    assert above[30, 48] > 2 > -2 > above[75, 48]


def test_a_wrong_picture_or_mask_is_named():
    image, face = portrait()
    with pytest.raises(InputError, match="uint8"):
        shift_lightness(image / 255.0, face, 5)
    with pytest.raises(InputError, match="the picture"):
        shift_lightness(image, face[:-1], 5)
    with pytest.raises(InputError, match="empty"):
        shift_lightness(image, np.zeros_like(face), 5)
    with pytest.raises(InputError, match="left < right"):
        face_ellipse((10, 10), (5, 0, 2, 9))
