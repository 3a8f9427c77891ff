import numpy as np
import pytest

from judge.data.parametric.picture import raster


def corners(*points):
    return np.array(points, np.float32)


FRONT = np.array([[0, 1, 2]], np.int32)


def test_a_triangle_covers_the_pixels_whose_centres_it_holds():
    # legs of 4 pixels: centres (x + ½, y + ½) with x + y + 1 < 4, that is 1 + 2 + 3; and 4 on the slanted side
    points = corners((0, 0, 1), (0, 4, 1), (4, 0, 1))
    face, depth = raster.triangles(points, FRONT, 4, 4, False)
    assert (face >= 0).sum() == 10
    assert np.all(depth[face >= 0] == 1)
    assert face[3, 1] == -1


def test_faces_that_turn_away_are_left_out_unless_both_sides_are_wanted():
    points = corners((0, 0, 1), (4, 0, 1), (0, 4, 1))
    assert (raster.triangles(points, FRONT, 4, 4, False)[0] >= 0).sum() == 0
    assert (raster.triangles(points, FRONT, 4, 4, True)[0] >= 0).sum() == 10


def test_the_nearest_triangle_wins_and_of_equals_the_first():
    points = corners((0, 0, 1), (0, 8, 1), (8, 0, 1), (0, 0, 2), (0, 8, 2), (8, 0, 2))
    faces = np.array([[0, 1, 2], [3, 4, 5], [3, 4, 5]], np.int32)
    assert raster.triangles(points, faces, 4, 4, False)[0].tolist() == [[1] * 4] * 4


def test_values_are_interpolated_along_a_triangle():
    points = corners((0, 0, 1), (0, 8, 1), (8, 0, 1))
    face, _ = raster.triangles(points, FRONT, 2, 2, False)
    values = raster.interpolate(points, FRONT, face, corners((0, 0), (0, 8), (8, 0)))
    assert values == pytest.approx(np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]]))


def test_normals_point_out_of_a_square():
    points = corners((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0))
    normals = raster.normals(points, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    assert normals == pytest.approx(np.array([[0, 0, 1]] * 4))


def strand(points, depth, turn=0.0):
    height, width = depth.shape
    mark = np.full((height, width), -1, np.int32)
    control = np.array([points], np.float32)
    nil3, nil = np.zeros((1, 3), np.float32), np.zeros(1, np.float32)
    raster.strands(depth, mark, control, nil3, nil3, nil, nil, nil + np.float32(turn), 1, 100)
    return mark


def test_a_hair_four_pixels_long_leaves_four_dots():
    depth = np.full((2, 6), raster.EMPTY, np.float32)
    mark = strand([(0.5, 0.5, 1), (4.5, 0.5, 1)], depth)
    assert mark.tolist() == [[100, 101, 102, 103, -1, -1], [-1] * 6]


def test_a_hair_behind_a_surface_is_hidden():
    depth = np.full((2, 6), 2.0, np.float32)
    assert (strand([(0.5, 0.5, 1), (4.5, 0.5, 1)], depth) >= 0).sum() == 0


def test_a_dab_adds_two_pi_sigma_squared():
    texture = np.zeros((64, 64, 2), np.float32)
    one = np.ones(1, np.float32)
    raster.dabs(texture, np.array([[32, 31]], np.float32), 3 * one, 2 * one, np.array([1]))
    assert texture[..., 0].sum() == 0
    assert texture[..., 1].sum() == pytest.approx(2 * 2 * np.pi * 9, rel=0.02)
    assert texture[31, 32, 1] == 2


def test_samples_lie_between_texels_and_wrap_when_tiled():
    texture = np.array([[[0.0], [1.0]], [[2.0], [3.0]]], np.float32)
    half = np.array([0.5], np.float32)
    assert raster.sample(texture, half, half, False)[0, 0] == 1.5
    past = np.array([1.5], np.float32)
    assert raster.sample(texture, past, half * 0, False)[0, 0] == 1
    assert raster.sample(texture, past, half * 0, True)[0, 0] == 0.5


def test_a_point_under_a_roof_is_in_shadow_and_one_beside_it_is_lit():
    depth = np.full((16, 16), raster.EMPTY, np.float32)
    depth[:, :8] = 5
    points = np.array([[3, 8, 0], [13, 8, 0], [3, 8, 5]], np.float32)
    assert raster.shadow(depth, points).tolist() == [0, 1, 1]
    edge = raster.shadow(depth, np.array([[8, 8, 0]], np.float32))[0]
    assert 0.3 < edge < 0.7
