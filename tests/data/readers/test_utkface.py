"""UTKFace: the labels are in the names, and some names are damaged."""

import pytest

from judge.data.readers.utkface import parse_name, read_utkface
from judge.errors import InputError

TIME = "20200101000000000"


def test_good_names_are_read_and_damaged_ones_are_excluded(tmp_path, pictures, reasons):
    for name in (
        f"25_0_0_{TIME}.jpg.chip.jpg",
        f"69_1_3_{TIME}.jpg.chip.jpg",
        f"part2/70_1_4_{TIME}.jpg",
        f"30_0_2_{TIME} .jpg",  # a stray space
        f"17_1_1_{TIME}.jpg.chip.jpg",
        f"61_1_{TIME}.jpg.chip.jpg",  # no race
        f"53__0_{TIME}.jpg.chip.jpg",  # no gender
        f"40_2_0_{TIME}.jpg.chip.jpg",
        f"40_1_7_{TIME}.jpg.chip.jpg",
        f"200_1_1_{TIME}.jpg.chip.jpg",
    ):
        pictures(tmp_path / name)
    data = read_utkface(tmp_path)
    assert reasons(data) == {"may be under 18": 1, "label missing in the name": 2, "label out of range": 3}
    table = data.manifest.sort_values("age")
    assert table["age"].tolist() == [25, 30, 69, 70]
    assert table["gender"].tolist() == ["male", "male", "female", "female"]
    assert table["ethnicity"].tolist() == ["white", "asian", "indian", "others"]
    assert table["age_group"].fillna("none").tolist() == ["18-29", "30-39", "60-69", "none"]


def test_a_lost_field_is_not_filled_with_its_neighbour():
    assert parse_name(f"39_1_{TIME}.jpg")[0] is None
    assert parse_name(f"39_1_1_{TIME}.jpg")[0] == (39, "female", "black")


def test_a_folder_without_such_names_is_refused(tmp_path, pictures):
    pictures(tmp_path / "holiday.jpg")
    with pytest.raises(InputError, match="does not look like it"):
        read_utkface(tmp_path)


def test_when_nothing_can_be_used_the_reasons_are_counted(tmp_path, pictures):
    pictures(tmp_path / f"5_0_0_{TIME}.jpg")
    pictures(tmp_path / f"9_0_0_{TIME}.jpg")
    with pytest.raises(InputError, match="may be under 18: 2"):
        read_utkface(tmp_path)
