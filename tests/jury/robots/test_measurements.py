"""What the robots measure is cached by picture: found again in any company, and the same as when measured afresh."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.jury.faces.alignment import PortraitReader
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.protocol import measure
from judge.jury.robots.symmetry import Symmetry

ROBOTS = [Symmetry()]
READER = PortraitReader()


class Counting:
    """The reader, which notes whom it reads."""

    def __init__(self):
        self.read = []

    def __repr__(self):
        return repr(READER)

    def __call__(self, rows):
        self.read.extend(rows["image_id"])
        return READER(rows)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    faces = read_parametric(5, seed=8, size=96, cache_dir=folder, workers=1, progress=False).manifest
    blank, broken = folder / "blank.png", folder / "broken.jpg"
    Image.new("RGB", (96, 96), "grey").save(blank)
    broken.write_bytes(b"no picture")
    others = pd.DataFrame({"image_id": ["blank", "broken"], "path": [str(blank), str(broken)]})
    return pd.concat([faces.iloc[:2], others, faces.iloc[2:]], ignore_index=True)


def same(found, expected):
    assert found.rows["image_id"].tolist() == expected.rows["image_id"].tolist()
    tables = [measured.measures.fillna({"problem": ""}) for measured in (found, expected)]
    pd.testing.assert_frame_equal(*tables, check_dtype=False, check_exact=False, atol=1e-4)
    for name, table in expected.by_robot.items():
        assert found.by_robot[name] == pytest.approx(table, abs=1e-4, nan_ok=True)


def test_a_killed_pass_goes_on_and_another_company_finds_what_was_seen(manifest, tmp_path):
    reader = Counting()
    cached_measurements(ROBOTS, reader, manifest.iloc[[1, 4]], tmp_path, chunk=1)
    reader.read.clear()
    whole = cached_measurements(ROBOTS, reader, manifest, tmp_path, chunk=2)
    assert reader.read == manifest["image_id"].drop([1, 4]).tolist()
    same(whole, measure(ROBOTS, READER(manifest)))

    reader.read.clear()
    backwards = manifest.iloc[::-1]
    same(cached_measurements(ROBOTS, reader, backwards, tmp_path), measure(ROBOTS, READER(backwards)))
    assert reader.read == []


def test_one_picture_under_two_names_is_measured_once(manifest, tmp_path):
    reader = Counting()
    twice = pd.concat([manifest.iloc[:1], manifest.iloc[:1].assign(image_id="again")])
    measured = cached_measurements(ROBOTS, reader, twice, tmp_path)
    assert len(reader.read) == 1
    assert measured.measures["image_id"].tolist() == [manifest["image_id"][0], "again"]
    np.testing.assert_array_equal(measured.by_robot["symmetry"][0], measured.by_robot["symmetry"][1])


def test_a_changed_file_and_another_robot_are_measured_again(manifest, tmp_path):
    reader = Counting()
    one = manifest.iloc[[2]]  # the blank one has no content hash
    cached_measurements(ROBOTS, reader, one, tmp_path)
    Image.new("RGB", (96, 96), "white").save(one["path"].item())
    cached_measurements(ROBOTS, reader, one, tmp_path)
    assert len(reader.read) == 2
    cached_measurements([Symmetry(name="other")], reader, one, tmp_path)
    assert len(reader.read) == 3


def test_nobody_to_measure_is_an_error(manifest, tmp_path):
    with pytest.raises(InputError, match="no pictures"):
        cached_measurements(ROBOTS, READER, manifest.head(0), tmp_path)


@pytest.mark.slow
def test_two_processes_see_what_one_sees(manifest, tmp_path):
    apart = cached_measurements(ROBOTS, READER, manifest, tmp_path, chunk=2, workers=2)
    same(apart, measure(ROBOTS, READER(manifest)))
