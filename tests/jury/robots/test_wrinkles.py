import numpy as np
import pandas as pd
import pytest
from rendered import of_crops, picture, portraits, rows, skin

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.robots.wrinkles import ANY_AGE, Wrinkles


def lined(light=0.4, depth=0.15, across=True):
    """Skin with four dark lines on the forehead, running across it or up and down."""
    crop = skin(light).astype(float)
    x0, y0 = regions.to_pixels([-0.5, -0.8], 128).astype(int)
    x1, y1 = regions.to_pixels([0.5, -0.45], 128).astype(int)
    for k in range(4):
        if across:
            crop[y0 + 2 + 4 * k, x0:x1] *= 1 - depth
        else:
            crop[y0:y1, x0 + 5 + 9 * k] *= 1 - depth
    return crop.astype(np.uint8)


def strength(*crops, **settings):
    robot = Wrinkles(**settings)
    return robot.strength(robot.measure(of_crops(crops)))


def test_deeper_lines_are_more_wrinkles():
    values = strength(skin(), lined(depth=0.1), lined(depth=0.2), lined(depth=0.3))
    assert (np.diff(values) > 0).all()


def test_lines_that_run_against_the_zone_are_not_wrinkles():
    smooth, across, along = strength(skin(), lined(), lined(across=False))
    assert across > smooth
    assert along <= smooth


def test_log_luminance_sees_the_same_lines_on_dark_skin_and_grey_levels_see_fewer():
    def ratio(channel):
        clean, light, plain, dark = strength(skin(0.5), lined(0.5), skin(0.06), lined(0.06), channel=channel)
        return (dark - plain) / (light - clean)

    assert ratio("log") == pytest.approx(1, abs=0.25)
    assert ratio("grey") < 0.6


@pytest.mark.parametrize("ridge", ["sato", "meijering", "frangi"])
def test_undirected_filters_of_scikit_image_see_the_lines_too(ridge):
    smooth, wrinkled = strength(skin(), lined(depth=0.3), ridge=ridge, zones={"forehead": 1.0})
    assert wrinkled > smooth


def test_a_rendered_face_with_wrinkles_shows_more_than_without():
    robot = Wrinkles(zones={"forehead": 1.0})
    values = robot.strength(robot.measure(portraits([picture(wrinkles=w) for w in (0.0, 0.6, 1.0)])))
    assert values[0] < values[1] < values[2]


def test_the_score_is_the_excess_over_the_own_age_group():
    # measurements whose strength is what is wanted: one value in every zone, nothing along
    def measurements(*values):
        table = np.zeros((len(values), len(regions.ZONES), 2, 2), np.float32)
        table[..., 0] = np.array(values)[:, None, None]
        return table.reshape(len(values), -1)

    reference = pd.DataFrame({"age_group": ["18-29"] * 4 + ["60-69"] * 4})
    robot = Wrinkles(shrink=0.0, zones={"cheeks": 1.0}).fit(measurements(1, 1, 3, 3, 5, 5, 7, 7), reference)
    # all zones' mean is 4: strengths .25 .25 .75 .75 | 1.25 1.25 1.75 1.75, so means .5 and 1.5, sd .25
    score = robot.score(measurements(3, 3), pd.DataFrame({"age_group": ["18-29", "60-69"]}))
    assert score == pytest.approx([-1, 3])
    assert robot.expectation()["n"].tolist() == [4, 4, 8]


def test_an_age_group_that_the_reference_lacks_is_held_against_all_ages():
    measurements = np.random.default_rng(0).uniform(0.5, 1, (20, 24)).astype(np.float32)
    robot = Wrinkles().fit(measurements, pd.DataFrame({"age_group": ["18-29"] * 20}))
    ungrouped = Wrinkles().fit(measurements, pd.DataFrame({"x": range(20)}))
    strange = robot.score(measurements, pd.DataFrame({"age_group": ["60-69"] * 20}))
    assert strange == pytest.approx(ungrouped.score(measurements, pd.DataFrame({"x": range(20)})))
    assert list(ungrouped.expectation()["age_group"]) == [ANY_AGE]


def test_weights_learnt_from_labels_find_the_zone_that_matters():
    rng = np.random.default_rng(0)
    measurements = rng.uniform(0.5, 2, (200, 24)).astype(np.float32)
    label = np.log(measurements[:, 0])  # the forehead alone
    robot = Wrinkles(labels="truth").fit(measurements, pd.DataFrame({"truth": label}))
    assert np.corrcoef(robot.strength(measurements), label)[0, 1] > 0.95


def test_a_face_whose_zones_are_hidden_has_no_score_and_harms_no_other():
    hidden = skin()
    hidden[:, 40:90] = np.random.default_rng(1).integers(0, 255, (128, 50, 3), dtype=np.uint8)
    hidden[:, :40] = 0
    robot = Wrinkles()
    measurements = robot.measure(of_crops([skin(), hidden, lined(), lined(depth=0.2)]))
    score = robot.fit(measurements[[0, 2, 3]], rows(3)).score(measurements, rows(4))
    assert np.isfinite(score).tolist() == [True, False, True, True]


def test_settings_that_cannot_be_are_named():
    with pytest.raises(InputError, match="channel is log or grey"):
        Wrinkles(channel="lab")
    with pytest.raises(InputError, match="zones"):
        Wrinkles(zones={"nose": 1.0})
    with pytest.raises(InputError, match="has to be fitted"):
        Wrinkles()(of_crops([skin()]))
    with pytest.raises(InputError, match="labels='depth' is no column"):
        Wrinkles(labels="depth").fit(np.ones((30, 24)), rows(30))
