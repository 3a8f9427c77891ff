import numpy as np
import pytest
from rendered import of_crops, picture, portraits, rows
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.stats import spearmanr

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.robots.symmetry import PATCHES, Symmetry, _matched, _without_common_motion

PLACED, UNLIKE = 0, 1


def face():
    """An aligned rendered face, made exactly mirror symmetric."""
    crop = portraits([picture()]).crops[0].astype(float)
    return ((crop + crop[:, ::-1]) / 2).astype(np.uint8)


def with_moved_mouth_corner(crop, shift):
    """The left mouth corner is moved down by `shift` eye distances, smoothly."""
    size = len(crop)
    y, x = np.mgrid[:size, :size].astype(float)
    cx, cy = regions.to_pixels([-0.38, 1.12], size)
    bump = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (0.22 * size / regions.EXTENT) ** 2))
    at = [y - shift * size / regions.EXTENT * bump, x]
    return np.stack([map_coordinates(crop[..., c].astype(float), at, order=1) for c in range(3)], -1).astype(
        np.uint8
    )


def measure(*crops):
    return Symmetry().measure(of_crops(crops))


def test_a_mirror_symmetric_face_has_no_asymmetry():
    measurements = measure(face())[0]
    assert measurements[PLACED] < 0.002
    assert measurements[UNLIKE] < 0.01


def test_a_moved_mouth_corner_is_measured_by_its_displacement():
    corner = 3 + 2 * 9 + 1  # the patch at the mouth's corner, along the midline
    moved = [0.0, 0.03, 0.06, 0.09]
    measurements = measure(*(with_moved_mouth_corner(face(), s) for s in moved))
    assert PATCHES[9, :2] == pytest.approx([-0.38, 1.12])
    assert (np.diff(measurements[:, corner]) > 0.005).all()
    assert measurements[:, corner] == pytest.approx(np.array(moved), abs=0.03)
    assert measurements[1:, PLACED].min() > measurements[0, PLACED]


def test_a_face_and_its_mirror_image_are_equally_symmetric():
    moved = with_moved_mouth_corner(face(), 0.08)
    one, two = measure(moved, moved[:, ::-1])
    assert one[PLACED] == pytest.approx(two[PLACED], rel=1e-3)


def test_an_error_of_the_midline_is_no_asymmetry():
    symmetric = face()
    shifted = np.roll(symmetric, 2, axis=1)
    values = measure(symmetric, shifted, with_moved_mouth_corner(symmetric, 0.08))[:, PLACED]
    assert values[1] < 0.3 * values[2]


def test_brightness_that_grows_from_left_to_right_is_no_asymmetry():
    ramp = np.linspace(0.4, 1.0, 128)[None, :, None]
    lit = (face() * ramp).astype(np.uint8)
    values = measure(face(), lit, with_moved_mouth_corner(face(), 0.08))[:, PLACED]
    assert values[1] < 0.3 * values[2]


def test_a_shift_a_turn_and_a_turned_head_leave_no_displacement():
    x, y, depth = PATCHES.T
    shifts = np.stack([0.02 - 0.05 * y + 0.1 * depth, -0.01 + 0.05 * x], axis=1)
    assert np.abs(_without_common_motion(shifts, np.ones(len(shifts)))).max() < 1e-3


def test_rendered_asymmetry_of_one_person_is_seen_in_order():
    pattern = {
        "asym_mouth_1": 0.8,
        "asym_nose_1": 0.8,
        "asym_eye_1": 0.8,
        "asym_brown_1": 0.8,
        "asym_jaw_1": 0.8,
    }
    strengths = [0.0, 0.25, 0.5, 0.75, 1.0]
    crops = portraits([picture(asymmetry=a, light_azimuth=0.0, **pattern) for a in strengths])
    values = Symmetry().measure(crops)[:, PLACED]
    assert spearmanr(values, strengths).statistic > 0.85


def test_more_asymmetric_scores_lower():
    table = Symmetry()(of_crops([face(), with_moved_mouth_corner(face(), 0.1)]))
    assert table["score"][1] < table["score"][0]


def test_weights_learnt_from_labels_find_the_patch_that_matters():
    rng = np.random.default_rng(0)
    measurements = rng.uniform(0.01, 0.2, (300, 3 + 3 * len(PATCHES))).astype(np.float32)
    label = np.log(measurements[:, 10])
    robot = Symmetry(labels="truth").fit(measurements, rows(300, truth=label))
    assert np.corrcoef(robot.score(measurements, rows(300)), label)[0, 1] < -0.9


def test_a_patch_is_found_where_the_weighted_correlation_of_numpy_is_highest():
    rng = np.random.default_rng(3)
    smooth, rest = (gaussian_filter(rng.normal(size=(96, 96)), 2).astype(np.float32) for _ in range(2))
    picture = np.roll(5 * (smooth + smooth[:, ::-1]), (0, 1), (0, 1)) + rest  # nearly its own mirror image
    radius, reach = 8, 4
    shifts, peaks, back, peaks_back = _matched(picture, radius, reach)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1] / radius
    weight = np.exp(-(x**2 + y**2) / 0.72)
    ways = [(picture, picture[:, ::-1], shifts, peaks), (picture[:, ::-1], picture, back, peaks_back)]
    for one, other, shifts_of, peaks_of in ways:
        a, b = (np.pad(p, radius + reach, mode="reflect") for p in (one, other))
        for k in (4, 7, 12):
            column, row = np.round(regions.to_pixels(PATCHES[k, :2], 96) - 0.5).astype(int) + radius + reach
            cut = np.s_[row - radius : row + radius + 1, column - radius : column + radius + 1]
            found = {}
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    there = np.s_[cut[0].start + dy : cut[0].stop + dy, cut[1].start + dx : cut[1].stop + dx]
                    covariance = np.cov(a[cut].ravel(), b[there].ravel(), aweights=weight.ravel())
                    found[dx, dy] = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
            best = max(found, key=found.get)
            assert np.abs(shifts_of[k] - best).max() <= 0.5
            assert peaks_of[k] == pytest.approx(found[best], abs=1e-3)
    assert np.median(shifts[:, 0]) == pytest.approx(-2, abs=0.5)  # the mirror image of a shift to the right


def test_a_robot_that_is_to_learn_labels_does_not_score_before_it_has():
    with pytest.raises(InputError, match="has to be fitted"):
        Symmetry(labels="param_asymmetry")(portraits([picture()]))
