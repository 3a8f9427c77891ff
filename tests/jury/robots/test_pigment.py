import numpy as np
import pytest
from rendered import of_crops, picture, portraits, rows, skin
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.robots.pigment import Pigment, _median3, _peaks


def spotted(n, light=0.4, red=0.85):
    """Skin with n round spots that take (1 − red) of green and blue."""
    crop = skin(light).astype(float)
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:128, :128]
    places = [(x, y) for x in np.linspace(-0.8, 0.8, 5) for y in (0.45, 0.62, 0.8)]
    for cx, cy in rng.permutation(places)[:n]:
        px, py = regions.to_pixels([cx, cy], 128)
        bump = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.6**2))[..., None]
        crop *= 1 - (1 - red) * bump * np.array([0.15, 1, 1])
    return crop.astype(np.uint8)


def strength(*crops, **settings):
    robot = Pigment(**settings)
    return robot.strength(robot.measure(of_crops(crops)))


@pytest.mark.parametrize("filtering", ["none", "filtered", "both"])
def test_more_spots_are_more_pigment(filtering):
    values = strength(*(spotted(n) for n in (0, 3, 7, 13)), filtering=filtering)
    assert (np.diff(values) > 0).all()


def test_the_log_channels_see_a_spot_alike_on_dark_skin_and_naive_levels_do_not():
    def ratio(channel):
        clean, light, plain, dark = strength(
            skin(0.5), spotted(9, 0.5), skin(0.08), spotted(9, 0.08), channel=channel
        )
        return (dark - plain) / (light - clean)

    assert ratio("log") > 0.6
    assert ratio("naive") < ratio("log") - 0.2


def test_filtering_drops_lines_and_keeps_spots():
    line = skin().astype(float)
    y = int(regions.to_pixels([0, 0.6], 128)[1])
    line[y : y + 2, 35:93, 1:] *= 0.85
    lined = line.astype(np.uint8)
    unfiltered, filtered = (
        strength(skin(), lined, spotted(9), filtering=filtering) for filtering in ("none", "filtered")
    )
    part = [(v[1] - v[0]) / (v[2] - v[0]) for v in (unfiltered, filtered)]
    assert part[1] < 0.7 * part[0]


def test_rendered_blemishes_are_counted_in_order():
    robot = Pigment()
    counts = [0, 20, 50, 90, 140]
    values = robot.strength(robot.measure(portraits([picture(blemishes=n) for n in counts])))
    assert spearmanr(values, counts).statistic > 0.85


def test_the_score_falls_as_spots_rise_and_without_any_it_is_0():
    robot = Pigment()
    clean, few = robot.score(np.array([[0, 0, 0, 0], [0.1, 0.1, 0, 0]], np.float32), rows(2))
    assert clean == 0 and few < 0


def test_weights_learnt_from_labels_find_the_measure_that_matters():
    rng = np.random.default_rng(0)
    measurements = rng.uniform(0.1, 1, (200, 4)).astype(np.float32)
    robot = Pigment(labels="spots").fit(measurements, rows(200, spots=np.log(measurements[:, 3])))
    assert np.corrcoef(robot.score(measurements, rows(200)), np.log(measurements[:, 3]))[0, 1] < -0.95


def test_no_skin_no_score():
    noise = np.random.default_rng(1).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    table = Pigment()(of_crops([noise, skin()]))
    assert table["score"].notna().tolist() == [False, True]


def test_settings_that_cannot_be_are_named():
    with pytest.raises(InputError, match="filtering"):
        Pigment(filtering="yes")
    with pytest.raises(InputError, match="channel"):
        Pigment(channel="lab")


def test_the_median_of_nine_is_that_of_scipy_to_the_bit():
    picture = np.random.default_rng(0).normal(size=(31, 17)).astype(np.float32)
    np.testing.assert_array_equal(_median3(picture), median_filter(picture, 3))


def test_peaks_are_those_of_scikit_image():
    from skimage.feature import peak_local_max

    cube = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32)
    ours = np.stack(_peaks(cube, 0.5), axis=1)
    theirs = peak_local_max(cube, min_distance=1, threshold_abs=0.5, exclude_border=False)
    assert len(ours) > 100
    assert {tuple(p) for p in ours} == {tuple(p) for p in theirs}


def test_of_equal_neighbours_one_is_a_peak():
    cube = np.zeros((1, 5, 5), np.float32)
    cube[0, 2, 1:4] = 1
    np.testing.assert_array_equal(np.stack(_peaks(cube, 0.5), axis=1), [[0, 2, 1]])
