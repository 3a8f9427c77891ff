"""Twins differ in what was edited and in nothing else."""

import numpy as np
import pytest
from PIL import Image

from judge.data.parametric import geometry
from judge.data.parametric.people.population import RENDERED, persons, sample
from judge.data.parametric.people.tone import expected_ita
from judge.data.parametric.picture import raster
from judge.data.parametric.twins import PLACEBO_EDITS, read_twins, tone_levels, twins_of
from judge.errors import InputError

SIZE = 96


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    dataset = read_twins(
        3, tones=3, seed=21, size=SIZE, cache_dir=tmp_path_factory.mktemp("cache"), workers=1, progress=False
    )
    return dataset.manifest


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def head_of(person):
    """Where any triangle of the bare head, neck and shoulders is, with two pixels to spare."""
    mean = geometry.data()
    points = geometry.project(geometry.pose(geometry.shape(person), person, mean.mean[:, 1]), SIZE)
    face, *_ = raster.triangles(points, mean.triangles, SIZE, SIZE, False)
    covered = face >= 0
    for axis in (0, 1):
        covered = covered | sum(np.roll(covered, k, axis) for k in (-2, -1, 1, 2)).astype(bool)
    return covered


def marks_of(person):
    """Column and row of each landmark."""
    return dict(zip(geometry.LANDMARKS, geometry.landmarks(person, SIZE)["pixels"], strict=True))


def each(twins):
    for _, part in twins.groupby("person_id"):
        part = part.set_index("twin_edit")
        yield part.loc["original"], part.drop(index="original"), persons(part.loc[["original"]])[0]


def test_there_is_one_picture_an_edit(twins):
    assert len(twins) == 3 * (1 + 3 + len(PLACEBO_EDITS))
    assert twins.groupby("person_id").size().tolist() == [7, 7, 7]
    assert twins["image_id"].is_unique


def test_each_edit_changes_its_own_parameters_only():
    people = sample(5, seed=21)
    twins = twins_of(people, tones=[0.1, 0.9])
    allowed = {
        "original": set(),
        "tone": {"melanin"},
        "background": {"background_hue", "background_value"},
        "light": {"light_azimuth"},
        "exposure": {"exposure"},
    }
    base = people.set_index("person_id")
    for _, row in twins.iterrows():
        changed = {name for name in RENDERED if row[name] != base.loc[row["person_id"], name]}
        assert changed == allowed[row["twin_edit"]]
        if row["twin_edit"] == "tone":
            assert row["melanin"] == row["twin_value"]


def test_tone_changes_skin_and_leaves_background_and_pupils_to_the_bit(twins):
    for original, edited, person in each(twins):
        before = pixels(original["path"])
        outside = ~head_of(person)
        # hair reaches beyond the bare head: the corners above the shoulders and left of the hair are background
        outside &= np.abs(np.arange(SIZE) - SIZE / 2)[None, :] > SIZE * 0.36
        outside[SIZE // 2 :] = False
        assert outside.sum() > 200
        marks = marks_of(person)
        for path in edited.loc[["tone"], "path"]:
            after = pixels(path)
            assert (after[outside] == before[outside]).all()
            assert (after != before).any()
            for name in ("pupil_l", "pupil_r"):
                x, y = np.round(marks[name]).astype(int)
                assert np.abs(after[y, x] - before[y, x]).max() <= 1  # lids bounce no light into a pupil
            cheek = np.round(marks["cheek_l"]).astype(int)
            assert (after[cheek[1], cheek[0] - 8] != before[cheek[1], cheek[0] - 8]).any()


def test_background_edit_leaves_the_face_to_the_bit(twins):
    for original, edited, person in each(twins):
        before, after = pixels(original["path"]), pixels(edited.loc["background", "path"])
        marks = marks_of(person)
        left, right = marks["jaw_r"][0], marks["jaw_l"][0]
        left, right = sorted((int(left), int(right)))
        top, bottom = int(marks["nasion"][1]), int(marks["mouth"][1])
        inside = (slice(top, bottom), slice(left + 4, right - 4))
        assert (after[inside] == before[inside]).all()
        assert (after[:10, :10] != before[:10, :10]).any()


def test_exposure_edit_darkens_and_light_edit_moves_the_light(twins):
    for original, edited, _ in each(twins):
        before = pixels(original["path"])
        assert pixels(edited.loc["exposure", "path"]).mean() < 0.85 * before.mean()
        middle = before[30:70, 30:66]
        turned = pixels(edited.loc["light", "path"])[30:70, 30:66]

        def lean(face):
            return face[:, 18:].mean() - face[:, :18].mean()

        assert np.sign(original["param_light_azimuth"]) * (lean(middle) - lean(turned)) > 0


def test_all_twins_of_a_person_have_the_same_truth(twins):
    assert (twins.groupby("person_id")["truth"].nunique() == 1).all()


def test_tone_levels_are_even_in_ita_and_stay_as_given():
    levels = tone_levels(5)
    steps = np.diff(expected_ita(np.array(levels)))
    assert np.allclose(steps, -115 / 4, atol=0.5)
    assert tone_levels([0.9, 0.1]) == [0.9, 0.1]


@pytest.mark.parametrize("tones", [1, [], [0.2, 0.2], [0.5, 1.5]])
def test_tones_that_cannot_be_are_refused(tones):
    with pytest.raises(InputError, match="tones"):
        tone_levels(tones)
