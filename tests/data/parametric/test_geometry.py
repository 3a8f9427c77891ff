import numpy as np
import pytest

from judge.data.parametric import geometry
from judge.data.parametric.person import neutral

PLACE = {name: i for i, name in enumerate(geometry.LANDMARKS)}


def someone(**columns):
    rng = np.random.default_rng(0)
    person = neutral() | {name: rng.normal() * 0.3 for name in geometry.LOCAL_NAMES}
    return person | {name: rng.uniform(-1, 1) for name in geometry.ASYM_NAMES} | columns


def point(person, name):
    return geometry.landmarks(person, 128)["points"][PLACE[name]]


def pixel(person, name, size=128):
    return geometry.landmarks(person, size)["pixels"][PLACE[name]]


def test_the_file_holds_78_local_deltas_and_29_asymmetries_and_stays_small():
    assert len(set(geometry.LOCAL_NAMES)) == 78
    assert len(set(geometry.ASYM_NAMES)) == 29
    assert all(name.startswith("local_") for name in geometry.LOCAL_NAMES)
    assert all(name.startswith("asym_") for name in geometry.ASYM_NAMES)
    assert geometry.FILE.stat().st_size < 1_300_000
    assert geometry.FILE.with_name("NOTICE.md").read_text().count("CC0") >= 2


@pytest.mark.parametrize("columns", [{}, {"age": 75, "african": 1.0}, {"masculinity": 1, "weight": 0.9}])
def test_the_eyes_are_one_apart_about_the_origin(columns):
    vertices = geometry.shape(someone(asymmetry=0.8, **columns))
    d = geometry.data()
    left, right = vertices[d.eye_l].mean(0), vertices[d.eye_r].mean(0)
    assert np.linalg.norm(left - right) == pytest.approx(1, abs=1e-5)
    assert (left + right) / 2 == pytest.approx(0, abs=1e-5)


def test_a_face_without_asymmetry_is_its_own_mirror_image():
    vertices = geometry.shape(someone(asymmetry=0.0))
    d = geometry.data()
    outer = d.skin & (d.mean[:, 2] > -1.5) & (d.inside_mouth < 0.5)
    mirrored = vertices[d.mirror] * [-1, 1, 1]
    assert np.abs(mirrored - vertices)[outer].max() < 0.01


def test_landmark_asymmetry_rises_with_asymmetry():
    def unevenness(strength):
        points = geometry.landmarks(someone(asymmetry=strength), 128)["points"]
        pairs = [(PLACE[n], PLACE[n[:-1] + "r"]) for n in PLACE if n.endswith("_l")]
        return np.mean([np.linalg.norm(points[a] * [-1, 1, 1] - points[b]) for a, b in pairs])

    values = [unevenness(s) for s in (0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    assert np.all(np.diff(values) > 0)
    assert values[0] < 0.003 < 0.02 < values[-1]


@pytest.mark.parametrize(
    ("name", "one", "other", "axis"),
    [
        ("local_nose_width3", "nostril_l", "nostril_r", 0),
        ("local_mouth_scale_horiz", "mouth_corner_l", "mouth_corner_r", 0),
        ("local_head_scale_horiz", "cheek_l", "cheek_r", 0),
        ("local_eye_height2", "upper_lid_l", "lower_lid_l", 1),
    ],
)
def test_a_positive_delta_widens_what_it_names_and_a_negative_one_narrows_it(name, one, other, axis):
    def span(value):
        person = neutral() | {name: value}
        return point(person, one)[axis] - point(person, other)[axis]

    assert span(-1) < span(0) < span(1)


def test_every_delta_of_the_lists_moves_the_head():
    rest = geometry.shape(neutral())
    for name in geometry.LOCAL_NAMES:
        for sign in (-1, 1):
            assert np.abs(geometry.shape(neutral() | {name: sign}) - rest).max() > 0.005, (name, sign)
    for name in geometry.ASYM_NAMES:
        for sign in (-1, 1):
            moved = geometry.shape(neutral() | {name: sign, "asymmetry": 1.0})
            assert np.abs(moved - rest).max() > 0.005, (name, sign)


def test_expressions_move_the_right_parts():
    corner = [point(neutral() | {"smile": s}, "mouth_corner_l") for s in (-1, 0, 1)]
    assert corner[0][1] < corner[1][1] < corner[2][1]
    brow = [point(neutral() | {"brow_raise": b}, "brow_peak_l")[1] for b in (-1, 0, 1)]
    assert brow[0] < brow[1] < brow[2]

    def opening(eye_open):
        person = neutral() | {"eye_open": eye_open}
        return point(person, "upper_lid_l")[1] - point(person, "lower_lid_l")[1]

    assert opening(0.3) < 0.6 * opening(1.0) < opening(1.0) < opening(1.2)
    still = geometry.shape(someone(smile=0.7, brow_raise=0.5), expression=False)
    assert np.array_equal(still, geometry.shape(someone(), expression=False))


def test_eyes_fall_on_fixed_pixels_whoever_it_is():
    for columns in ({}, {"african": 1.0, "age": 70}, {"masculinity": 0.0, "weight": 0.2}):
        person = someone(asymmetry=0.0, **columns)
        middle = (pixel(person, "pupil_l", 200) + pixel(person, "pupil_r", 200)) / 2
        assert middle == pytest.approx([100, 94], abs=0.3)
        # .22 of the width at the eyeballs' centres, a little more at the pupils, which are nearer
        gap = pixel(person, "pupil_l", 200)[0] - pixel(person, "pupil_r", 200)[0]
        assert gap == pytest.approx(0.22 * 200 * 17 / (17 - 0.27), rel=0.01)


def test_yaw_turns_to_the_pictures_right_pitch_up_and_roll_counter_clockwise():
    front = pixel(neutral(), "nose_tip")
    assert pixel(neutral() | {"yaw": 20}, "nose_tip")[0] > front[0] + 3
    assert pixel(neutral() | {"pitch": 15}, "nose_tip")[1] < front[1] - 3
    assert pixel(neutral() | {"roll": 10}, "pupil_l")[1] < pixel(neutral() | {"roll": 10}, "pupil_r")[1] - 3
    assert pixel(neutral() | {"gaze_x": 15}, "pupil_l")[0] > pixel(neutral(), "pupil_l")[0]


def test_landmarks_scale_with_the_picture():
    small, large = (geometry.landmarks(someone(), s)["pixels"] for s in (100, 300))
    assert large == pytest.approx(3 * small, rel=1e-4)
