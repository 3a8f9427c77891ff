"""Colours are CIELAB under D65; ITA = atan((L* − 50)/b*) in degrees (Chardon et al. 1991)."""

import numpy as np
import pytest
from scipy.optimize import minimize
from skimage.color import xyz2lab

from judge.data.parametric.person import neutral
from judge.data.parametric.picture import raster, skin

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
# mean L*, a*, b*: Xiao et al. (2017) by group and place; the last two read off a graph of de Rigal et al. (2010)
PUBLISHED = {
    "Caucasian cheek": (59.6, 11.8, 14.6),
    "Caucasian forearm": (63.0, 5.6, 14.0),
    "Chinese cheek": (58.9, 11.4, 14.2),
    "Thai cheek": (60.7, 10.5, 17.2),
    "Kurdish forehead": (56.1, 11.3, 16.4),
    "African American cheek": (48.0, 15.0, 20.0),
    "African American forehead": (44.0, 14.0, 19.0),
}


def lab(depth, blood):
    return xyz2lab(skin.albedo(np, np.asarray(depth, float), np.asarray(blood, float)) @ TO_XYZ.T)


def ita(colour):
    return np.degrees(np.arctan2(colour[..., 0] - 50, colour[..., 2]))


def painted(**columns):
    texture = np.zeros((*skin.texture_shape(128), 3), np.float32)
    raster.dabs(texture, *skin.details(neutral() | columns, 128))
    return texture


@pytest.mark.parametrize("blood", [0.2, 0.45, 0.7])
def test_ita_falls_strictly_from_the_lightest_to_the_darkest_measured_skin(blood):
    depth = skin.melanin_depth(np.linspace(0, 1, 101))
    angles = ita(lab(depth, np.full(101, blood)))
    assert np.all(np.diff(angles) < 0)
    assert angles[0] > 55
    assert angles[-1] < -58


@pytest.mark.parametrize("name", PUBLISHED)
def test_some_melanin_and_blood_give_each_published_mean_within_delta_e_2_5(name):
    found = minimize(
        lambda x: np.linalg.norm(lab(skin.melanin_depth(x[0]), x[1]) - PUBLISHED[name]),
        (0.2, 0.4),
        method="Nelder-Mead",
    )
    assert found.fun < 2.5
    assert 0 < found.x[0] < 1
    assert 0 < found.x[1] < 1


def test_blood_reddens_and_melanin_hides_it():
    def reddening(depth):
        pale, red = lab(depth, 0.2), lab(depth, 0.8)
        return red[1] - pale[1]

    assert 0 < reddening(3.0) < reddening(0.6)


def test_blemishes_are_the_first_of_one_list():
    few, many = (skin.details(neutral() | {"blemishes": n}, 128) for n in (10, 40))
    red = few[3] == skin.SPOT
    assert red.sum() == 10
    assert np.array_equal(few[0][red], many[0][many[3] == skin.SPOT][:10])


def test_freckles_are_the_first_of_one_list():
    few, many = (skin.details(neutral() | {"freckles": share}, 128)[0] for share in (0.2, 0.5))
    assert (len(few), len(many)) == (84, 210)
    assert np.array_equal(few, many[:84])


def test_wrinkles_deepen_and_multiply():
    energy = [painted(wrinkles=w)[..., skin.HEIGHT].sum() for w in np.linspace(0, 1, 9)]
    assert energy[0] == 0
    assert np.all(np.diff(energy) > 0)


def test_the_sum_of_a_wrinkle_does_not_depend_on_the_size_of_the_picture():
    person = neutral() | {"wrinkles": 1.0}
    totals = []
    for size in (48, 96, 256):
        texture = np.zeros((*skin.texture_shape(size), 3), np.float32)
        raster.dabs(texture, *skin.details(person, size))
        totals.append(texture[..., skin.HEIGHT].sum() / skin.texture_scale(size) ** 2)
    assert totals == pytest.approx([totals[-1]] * 3, rel=0.05)


def test_each_feature_has_its_own_stream():
    base = painted(wrinkles=0.8, blemishes=20, freckles=0.4)
    other = painted(wrinkles=0.8, blemishes=60, freckles=0.4)
    assert np.array_equal(base[..., skin.HEIGHT], other[..., skin.HEIGHT])
