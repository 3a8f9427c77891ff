import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rendered import READER, SIZE, picture, portraits, rows, true_points

from judge.errors import InputError
from judge.jury.faces import detector as faces
from judge.jury.faces import regions
from judge.jury.faces.alignment import PortraitReader, apply, similarity, warped
from judge.jury.faces.detector import POINTS, SCORE, RetinaFace

TONES = (0.02, 0.3, 0.6, 0.95)
DETECT = RetinaFace(threads=1)


def test_one_face_is_found_at_every_skin_tone():
    found = DETECT(np.stack([picture(melanin=m) for m in TONES]))
    assert [len(f) for f in found] == [1, 1, 1, 1]
    assert all(f[0, SCORE] > 0.9 for f in found)


def test_landmarks_lie_within_a_tenth_of_the_eye_distance_of_the_true_ones():
    true = true_points()
    found = DETECT(picture()[None])[0][0, POINTS].reshape(5, 2)
    eye_distance = np.hypot(*(true[1] - true[0]))
    assert np.linalg.norm(found - true, axis=1).max() < 0.14 * eye_distance
    assert np.linalg.norm((found - true)[:2], axis=1).max() < 0.10 * eye_distance


def test_a_mirrored_picture_has_mirrored_landmarks():
    one, two = DETECT(np.stack([picture(), picture()[:, ::-1]]))
    points, mirrored = (f[0, POINTS].reshape(5, 2) for f in (one, two))
    mirrored = mirrored[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = SIZE - mirrored[:, 0]
    assert np.allclose(points, mirrored, atol=0.02)


def test_the_network_alone_is_not_mirror_symmetric_which_is_why_both_views_are_averaged():
    one, two = RetinaFace(threads=1, mirror=False)(np.stack([picture(), picture()[:, ::-1]]))
    points, mirrored = (f[0, POINTS].reshape(5, 2) for f in (one, two))
    mirrored = mirrored[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = SIZE - mirrored[:, 0]
    assert np.abs(points - mirrored).max() > 0.1


def test_nothing_is_found_on_an_empty_wall():
    assert len(DETECT(np.full((1, 128, 128, 3), 128, np.uint8))[0]) == 0


def test_two_people_are_two_faces():
    pair = np.concatenate([picture(), picture(melanin=0.8)], axis=1)
    both = np.asarray(Image.fromarray(pair).resize((160, 80)))
    frame = np.zeros((160, 160, 3), np.uint8)
    frame[:80] = both
    assert len(DETECT(frame[None])[0]) == 2


def test_a_batch_gives_what_single_pictures_give():
    batch = np.stack([picture(melanin=m) for m in TONES])
    for one, many in zip(batch, DETECT(batch), strict=True):
        assert np.allclose(DETECT(one[None])[0], many, atol=1e-3)


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(faces, "_SHA256", "0" * 64)
    with pytest.raises(InputError, match="other weights"):
        faces.packaged_weights()


def test_pictures_of_the_wrong_form_are_refused():
    with pytest.raises(InputError, match="uint8"):
        DETECT(np.zeros((1, 3, 128, 128), np.float32))


def test_the_similarity_puts_turned_and_scaled_landmarks_back_on_the_template():
    turn = 3.0 * np.exp(0.4j)
    z = turn * (regions.TEMPLATE @ [1, 1j]) + (40 + 7j)
    points = np.stack([z.real, z.imag], axis=-1)
    assert np.allclose(apply(similarity(points), points), regions.TEMPLATE, atol=1e-9)


def test_a_pixel_at_an_eye_goes_to_the_eye_of_the_crop():
    image = np.zeros((200, 200, 3), np.uint8)
    points = np.array([[60.5, 80.5], [130.5, 80.5], [95, 126], [67.5, 157.5], [123.5, 157.5]])
    image[78:84, 58:64] = 255
    turn = similarity(points)
    crop = warped(image, turn, 128)
    y, x = np.argwhere(crop[..., 0] > 128).mean(0) + 0.5
    assert np.allclose([x, y], regions.to_pixels(apply(turn, np.array([61.0, 81.0])), 128), atol=0.7)


def test_crops_do_not_depend_on_the_size_of_the_picture():
    small = picture()
    large = np.asarray(Image.fromarray(small).resize((512, 512), Image.Resampling.BICUBIC))
    a, b = portraits([small]), portraits([large])
    assert np.abs(a.crops.astype(int) - b.crops.astype(int)).mean() < 6


def test_a_broken_and_a_faceless_picture_keep_their_row_and_lose_nobody_else(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    Image.fromarray(np.full((90, 70, 3), 90, np.uint8)).save(tmp_path / "c.png")
    manifest = pd.DataFrame({"image_id": list("abc"), "path": [str(tmp_path / f"{i}.png") for i in "abc"]})
    (batch,) = READER(manifest)
    assert batch.measures["image_id"].tolist() == ["a", "b", "c"]
    assert batch.portraits.rows["image_id"].tolist() == ["a"]
    assert batch.measures["faces"].fillna(-1).tolist() == [1, -1, 0]
    assert batch.measures["problem"].notna().tolist() == [False, True, True]


def test_yaw_and_roll_are_estimated_with_their_sign():
    turned = READER.from_pictures([picture(yaw=y) for y in (-20.0, 0.0, 20.0)], rows(3)).measures
    assert turned["yaw"].is_monotonic_increasing or turned["yaw"].is_monotonic_decreasing
    assert np.ptp(turned["yaw"]) > 20
    assert abs(turned["yaw"][1]) < 5


def test_sharpness_sees_blur_and_hardly_light_or_tone_while_focus_sees_all_three():
    kinds = [picture(), picture(blur=2.0), picture(exposure=0.35), picture(melanin=0.9)]
    m = READER.from_pictures(kinds, rows(4)).measures
    assert m["sharpness"][1] < 0.7 * m["sharpness"][0]
    assert m["sharpness"][2] > 0.8 * m["sharpness"][0]
    assert m["sharpness"][3] > 0.8 * m["sharpness"][0]
    assert m["focus"][2] < 0.6 * m["focus"][0]


def test_settings_out_of_range_are_named():
    with pytest.raises(InputError, match="size at least 48"):
        PortraitReader(size=8)


def test_zones_are_mirror_symmetric_and_hold_no_eye_brow_or_lip():
    masks = regions.zone_masks(128)
    for mask in masks.values():
        assert mask.any()
        assert (mask == mask[:, ::-1]).all()
        assert not (mask & regions.feature_mask(128)).any()


def test_skin_is_cheeks_but_not_eyes_or_background():
    p = portraits([picture(melanin=m) for m in TONES])
    zones = regions.zone_masks(128)
    for mask in p.skins:
        assert mask[zones["cheeks"]].mean() > 0.7
        assert not mask[regions.feature_mask(128)].any()
        assert not mask[:, :8].any()


def test_a_ghost_seen_in_one_view_does_not_stand_before_a_face_seen_in_both():
    face = np.array([40, 40, 80, 80, 0.99, *range(10)], np.float32)
    ghost = np.array([0, 0, 120, 120, 0.55, *range(10)], np.float32)
    found = faces._averaged(np.stack([ghost, face]), face[None])
    assert found[:, SCORE].tolist() == pytest.approx([0.99])
    alone = faces._averaged(ghost[None], np.zeros((0, 15), np.float32))
    assert alone[:, SCORE].tolist() == pytest.approx([0.275])
