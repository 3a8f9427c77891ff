"""What a page holds of large data: whole runs by lot, or a sample of one contest's people; and it says so."""

import dataclasses

import numpy as np
import pytest
from explorer_fields import a_field
from PIL import Image

from judge.report.explorer.faces import MOST_FACES, thumbnails
from judge.report.explorer.payload import payload, taken


def test_whole_runs_are_drawn_by_lot_and_winners_are_counted_in_all(fields, conditions):
    one = fields[0].numbers
    assert one == 2 * (60 * 4 + 2 * 60)
    assert taken(fields, 3 * one) == (fields, "")
    shown, told = taken(fields, 2 * one)
    assert [field.run for field in shown] == [field.run for field in taken(fields, 2 * one)[0]]
    assert len(shown) == 2 and "all 3 runs; entrants are shown of 2" in told
    data = payload(fields, shown, conditions, "ethnicity")
    assert len(data["shares"]) == 3 * 2 * 3 and len(data["fields"]) == 2


def test_a_sample_of_one_contest_cannot_be_held_again():
    field = a_field(0)
    shown, told = taken([field], field.numbers // 2)
    assert len(shown[0]) == 30 and "30 of them, drawn by lot" in told
    assert all("who wins depends on everybody" in held.fixed for held in shown[0].contests.values())
    assert set(shown[0].ids) < set(field.ids)
    of = {name: i for i, name in enumerate(field.ids)}
    who = [of[name] for name in shown[0].ids]
    np.testing.assert_array_equal(shown[0].contests["skewed"].rank, field.contests["skewed"].rank[who])


def test_pictures_are_few_and_winners_come_first(tmp_path):
    path = tmp_path / "face.png"
    Image.new("RGB", (90, 90), (200, 150, 120)).save(path)
    field = a_field(0, n=30)
    assert thumbnails([field]) == ([{}], "")
    gone = [str(path) if i % 2 else str(tmp_path / "gone.png") for i in range(30)]
    faces, told = thumbnails([dataclasses.replace(field, pictures=np.array(gone, object))])
    assert sorted(faces[0]) == list(range(1, 30, 2)) and told.startswith(
        "Pictures are there of 15 of 30 entrants"
    )
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in faces[0].values())
    assert MOST_FACES * len(next(iter(faces[0].values()))) < 1_000_000


def test_most_is_at_least_one(fields, conditions, tmp_path):
    pytest.importorskip("altair")
    from judge.errors import InputError
    from judge.report.explorer import write_explorer

    with pytest.raises(InputError, match="--most"):
        write_explorer(tmp_path / "page.html", fields, conditions, feature="g", title="t", most=0)
