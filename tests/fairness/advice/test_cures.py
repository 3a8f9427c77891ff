"""The table of the comparison of cures: what is read, what is refused, what a cure is called."""

import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.advice import cures as room
from judge.fairness.advice.cures import read_cures, supported


def test_a_version_without_the_comparison_says_so_by_none(monkeypatch):
    monkeypatch.setattr(room, "NAME", "nothing.csv")
    assert read_cures() is None


def test_what_is_packaged_can_be_read():
    table = read_cures()
    assert set(table["skew"]) == {"representation", "ratings", "camera", "reading", "reference", "all"}
    assert len(table) == len(table.drop_duplicates(["skew", "cure"])) > 100


def test_a_file_of_ones_own_is_read_with_what_it_lacks_filled_in(tmp_path, cures):
    cures.assign(further=1).to_csv(tmp_path / "cures.csv", index=False)
    table = read_cures(tmp_path / "cures.csv")
    assert table["recovered"].tolist() == cures["recovered"].tolist()
    assert table["note"].tolist() == [""] * len(cures)
    assert table["worst_group_pearson_change"].isna().all()


def test_a_table_without_its_columns_is_refused(tmp_path, cures):
    cures.drop(columns="truth_lost").to_csv(tmp_path / "cures.csv", index=False)
    with pytest.raises(InputError, match="truth_lost"):
        read_cures(tmp_path / "cures.csv")
    with pytest.raises(InputError, match="no such file"):
        read_cures(tmp_path / "none.csv")


def test_what_costs_more_than_a_tenth_of_a_standard_deviation_or_an_unknown_price_is_costly(cures):
    own = supported(cures, "representation")
    assert own["cure"].tolist() == ["more_pictures", "dear", "unsure", "weak"]
    assert own["verdict"].tolist() == ["supported", "costly", "not supported", "not supported"]
    unknown = supported(cures.assign(truth_lost=float("nan")), "representation")
    assert set(unknown["verdict"]) == {"costly", "not supported"}


def test_too_far_is_no_better_than_not_far_enough():
    table = pd.DataFrame(
        {"skew": "camera", "cure": ["over", "near"], "seam": "scores", "recovered": [2.0, 0.9], "ci_low": 0.5,
         "ci_high": 2.5, "truth_lost": 0.0}
    )  # fmt: skip
    found = supported(table, "camera")
    assert found["cure"].tolist() == ["near", "over"]
    assert found["verdict"].tolist() == ["supported", "too far"]
