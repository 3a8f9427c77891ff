"""Copies of training faces are found, held-out faces are not; what cannot be judged is said."""

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu, norm

from judge.data.parametric import read_parametric
from judge.errors import InputError
from judge.generator.audit.copies import (
    CopySpace,
    Guard,
    authentic_share,
    closeness_to_training,
    data_copying,
    find_copies,
    nearness,
    plant_copies,
    plant_people,
    threshold_at,
    too_near,
)
from judge.generator.audit.copies.planting import KINDS
from judge.jury.network.pictures import load_pictures


def pictures(n, seed, size=32):
    """Smooth random pictures: everybody looks different, and a pixel is like its neighbours."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 6, 6, generator=rng) * 200 + 25
    wide = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return wide.clamp(0, 255).to(torch.uint8).numpy()


@pytest.fixture(scope="module")
def sets():
    return {"training": pictures(400, 1), "held_out": pictures(240, 2), "fresh": pictures(200, 3)}


def test_nearness_by_hand():
    training = np.array([[0.0, 0], [3, 0], [0, 4], [30, 40]])
    score, row = nearness([[0.0, 1.0]], training, k=2)
    # 1 from the first; 3 and √10 from the next two
    assert row.tolist() == [0]
    assert score[0] == pytest.approx(1 / ((3 + 10**0.5) / 2))
    assert nearness([[0.0, 1.0]], training, calibrated=False)[0].tolist() == pytest.approx([1])
    # the third face itself: 4 from the first, which it is then nearest to
    assert nearness(training[2:3], training, calibrated=False, itself=np.array([2]))[0] == pytest.approx([4])


def test_threshold_is_the_rank_that_a_fresh_face_falls_below_with_that_chance():
    scores = np.arange(199.0)[::-1]
    # floor(.01 · 200) = 2nd smallest; below it lies 1 of 199, and a 200th face with a chance of 2 in 200 at most
    assert threshold_at(scores, 0.01) == 1
    assert threshold_at(np.arange(99.0), 0.01) == 0
    with pytest.raises(InputError, match="at least 99 held-out faces, not 98"):
        threshold_at(np.arange(98.0), 0.01)
    with pytest.raises(InputError, match="fpr is a share"):
        threshold_at(scores, 0.0)


def test_every_kind_of_planted_copy_is_found_and_held_out_faces_are_not(sets):
    planted = plant_copies(sets["training"], 100, rng=5)
    assert len(set(planted.source)) == 100
    space = CopySpace.fit(sets["training"])
    fakes = np.concatenate([sets["fresh"], planted.pictures])
    groups = np.concatenate([np.full(len(sets["fresh"]), "fresh"), planted.kind])
    found = find_copies(
        space.of(sets["training"]), space.views(sets["held_out"]), space.views(fakes), groups=groups
    )
    table = found.by_group.set_index("group")
    assert table.index.tolist() == ["all", *sorted([*KINDS, "fresh"])]
    assert table["n"][list(KINDS)].tolist() == [20] * 5
    assert table["share"][list(KINDS)].tolist() == [1.0] * 5
    assert table["share"]["fresh"] < 0.04
    # no miss in 20: 1 − .025^(1/20) of them may be missed
    assert table["low"]["jpeg"] == pytest.approx(0.025 ** (1 / 20))
    assert table["held_out"]["all"] == 240
    assert table["fpr_low"]["all"] <= 0.01 <= table["fpr_high"]["all"]
    copies = found.flagged[found.flagged >= 200]
    assert found.nearest[copies].tolist() == planted.source[copies - 200].tolist()
    assert found.score[found.flagged].max() < found.threshold
    assert np.diff(found.score[found.flagged]).min() >= 0


def test_false_alarms_are_counted_by_group_and_training_faces_are_no_held_out_faces(sets):
    space = CopySpace.fit(sets["training"])
    training = space.of(sets["training"])
    # 30 held-out faces that lie near training faces, as twins would, and 4 that are training faces
    held_out = np.concatenate([space.of(sets["held_out"]), training[:30] + 0.3, training[50:54]])
    names = np.repeat(["usual", "twins", "same"], [240, 30, 4])
    found = find_copies(training, held_out, space.of(sets["fresh"]), fpr=0.05, held_out_groups=names)
    table = found.by_group.set_index("group")
    assert found.excluded == {"is a training face": 4}
    assert "same" not in table.index
    assert table["held_out"].to_dict() == {"all": 270, "twins": 30, "usual": 240}
    assert table["false_alarms"]["twins"] > 5
    assert table["false_alarms"]["usual"] == 0
    assert 0.02 < table["fpr"]["all"] < 0.1
    assert np.isnan(table["share"]["twins"])


def test_too_few_held_out_faces_are_said(sets):
    x = np.random.default_rng(0).normal(size=(300, 4))
    with pytest.raises(InputError, match=r"at least 198 held-out faces.*not 197"):
        find_copies(x, np.random.default_rng(1).normal(size=(197, 4)), x[:5])
    with pytest.raises(InputError, match="4 wide as the training features, not 3"):
        find_copies(x, x[:, :3], x)
    with pytest.raises(InputError, match="groups has one name for each of 5"):
        find_copies(x, x + 1, x[:5], groups=["a"])


def test_too_near_turns_copies_away_and_lets_others_pass(sets):
    planted = plant_copies(sets["training"], 50, rng=1)
    assert too_near(planted.pictures, sets["training"]).all()
    assert too_near(torch.from_numpy(planted.pictures), sets["training"], sets["held_out"]).all()
    assert too_near(sets["fresh"], sets["training"]).mean() < 0.05
    assert too_near(sets["fresh"], sets["training"], sets["held_out"]).mean() < 0.05
    assert too_near(sets["fresh"][:0], sets["training"]).shape == (0,)


def test_pictures_that_are_in_the_training_twice_do_not_open_the_door(sets):
    training = np.concatenate([sets["training"], sets["training"][:100]])
    guard = Guard.of(training)
    assert guard.too_near(plant_copies(sets["training"], 50, rng=1).pictures).all()
    assert guard.threshold > 0.3


def test_pictures_of_another_kind_are_refused(sets):
    training = sets["training"]
    with pytest.raises(InputError, match=r"pictures is uint8 \(n, 3, size, size\), not float64"):
        too_near(training / 255, training)
    with pytest.raises(InputError, match="pictures are of 32 px as the training pictures, not 48"):
        too_near(pictures(2, 4, size=48), training)
    with pytest.raises(InputError, match="at least three"):
        too_near(training, training[:2])
    with pytest.raises(InputError, match="all the same picture"):
        too_near(training, np.repeat(training[:1], 9, axis=0))
    with pytest.raises(InputError, match="fpr is a share"):
        too_near(training, training, fpr=1.0)


def test_planting_refuses_what_it_cannot_do(sets):
    with pytest.raises(InputError, match="n=401 copies are asked for of 400"):
        plant_copies(sets["training"], 401, rng=0)
    with pytest.raises(InputError, match=r"kinds are some of .*'shift'.*not 'crop'"):
        plant_copies(sets["training"], 4, rng=0, kinds=["crop"])


def test_what_planting_does():
    original = pictures(1, 9)
    flipped = plant_copies(original, 1, 0, kinds=["flip"]).pictures
    assert (flipped[..., ::-1] == original).all()
    moved = plant_copies(original, 1, 0, kinds=["shift"]).pictures[0]
    # at 32 px by one pixel down, up, left or right or both
    inside = [
        np.array_equal(moved[:, 1 + i : 31 + i, 1 + j : 31 + j], original[0, :, 1:31, 1:31])
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if i or j
    ]
    assert sum(inside) == 1
    brighter = plant_copies(original, 1, 0, kinds=["brightness"]).pictures
    assert 0 < abs(brighter.mean() / original.mean() - 1) <= 0.15


@pytest.mark.slow
def test_the_same_rendered_face_before_another_camera_is_found(tmp_path):
    settings = {"size": 32, "mode": "natural", "picture_format": "png", "cache_dir": tmp_path, "workers": 1}
    data = read_parametric(32, **settings, progress=False)
    people = data.manifest
    seen = load_pictures(people, 32, threads=1)[0].numpy()
    again = plant_people(people[:4], people[28:], shot="camera", size=32, cache_dir=tmp_path)
    assert not (again == seen[:4]).all()
    guard = Guard.of(seen[:28])
    assert guard.too_near(again).all()
    with pytest.raises(InputError, match="'camera', 'light', 'session', not 'x'"):
        plant_people(people[:2], people[2:4], shot="x", size=32)
    with pytest.raises(InputError, match="not 3 for 2"):
        plant_people(people[:2], people[2:5], shot="light", size=32)


def test_authenticity_by_hand():
    training = np.array([[0.0], [2.0], [10.0]])
    # own neighbours are 2, 2 and 8 away
    assert closeness_to_training([[0.5], [7.0], [10.0]], training).tolist() == pytest.approx([0.25, 3 / 8, 0])
    assert authentic_share([[0.5], [-3.0], [15.0], [19.0]], training) == 0.5


def test_authentic_share_of_fresh_people_is_no_different_from_that_of_held_out_ones():
    rng = np.random.default_rng(0)
    training, held_out, fresh = (rng.normal(size=(n, 8)) for n in (500, 2000, 2000))
    assert authentic_share(fresh, training) == pytest.approx(authentic_share(held_out, training), abs=0.04)
    assert authentic_share(training + 1e-3, training) == 0


def test_data_copying_sees_copies_and_strangers():
    rng = np.random.default_rng(3)
    training, held_out, fresh = (rng.normal(size=(n, 5)) for n in (400, 300, 300))
    alike = data_copying(training, held_out, fresh, cells=4)
    assert abs(alike.statistic) < 2
    assert alike.untested == {"held_out": 0, "fake": 0}
    assert alike.cells[["held_out", "fake"]].sum().tolist() == [300, 300]
    half = np.concatenate([fresh[:150], training[:150] + 0.01])
    assert data_copying(training, held_out, half, cells=4).statistic < -3
    assert data_copying(training, held_out, fresh * 1.5, cells=4).statistic > 3


def test_data_copying_of_one_cell_is_the_mann_whitney_test():
    rng = np.random.default_rng(4)
    training, held_out, fake = (rng.normal(size=(n, 2)) for n in (50, 40, 30))
    z = data_copying(training, held_out, fake, cells=1).statistic
    far = [np.linalg.norm(x[:, None] - training, axis=-1).min(axis=1) for x in (fake, held_out)]
    tested = mannwhitneyu(*far, alternative="less", method="asymptotic", use_continuity=False)
    assert norm.cdf(z) == pytest.approx(tested.pvalue)


def test_cells_that_cannot_be_tested_are_told():
    rng = np.random.default_rng(5)
    two = np.array([[0.0, 0], [100, 0]])
    training = np.repeat(two, 50, axis=0) + rng.normal(size=(100, 2))
    held_out = two[np.arange(60) % 2] + rng.normal(size=(60, 2))
    fake = np.concatenate([rng.normal(size=(40, 2)), [[100.0, 0]] * 3])
    found = data_copying(training, held_out, fake, cells=2)
    assert found.untested == {"held_out": 30, "fake": 3}
    assert found.cells["z"].isna().sum() == 1
    assert found.statistic == pytest.approx(found.cells["z"].dropna().iloc[0])
    alone = data_copying(training, held_out[:3], fake, cells=2)
    assert np.isnan(alone.statistic)
    with pytest.raises(InputError, match="cells is 1 to 100"):
        data_copying(training, held_out, fake, cells=101)
