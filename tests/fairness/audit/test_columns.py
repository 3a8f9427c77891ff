"""Columns of a Parquet file are those of the data frame: the same codes, numbers, ids, errors and audit."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judge.contest import order_of_merit
from judge.errors import InputError
from judge.fairness.audit import audit, audit_entrants, open_columns, read_entrants, records_json
from judge.fairness.audit.columns import codes_of
from judge.fairness.audit.columns.codes import sorted_codes
from judge.fairness.audit.columns.parquet import StoredIds
from judge.fairness.counts import Counts, frequencies

QUICK = {"n_permutations": 99}


def random_table(seed, n=700):
    rng = np.random.default_rng(seed)
    groups = np.array(["NA", "éa", "b", "(missing)x", *(f"g{i}" for i in range(rng.integers(1, 200)))])
    table = pd.DataFrame(
        {
            "image_id": [f"p{i}" for i in rng.permutation(n)],
            "g": rng.choice(groups, n),
            "h": rng.choice(["x", "y"], n),
            "bracket": rng.choice(["late", "early"], n),
            "age": rng.integers(0, 3, n),
            "score": rng.normal(size=n).round(1),
            "rating": rng.normal(size=n),
            "whole": rng.integers(0, 9, n),
            "won": rng.random(n) < 0.1,
        }
    )
    table.loc[rng.random(n) < 0.05, ["g"]] = None
    table.loc[rng.random(n) < 0.05, ["bracket"]] = None
    table.loc[rng.random(n) < 0.05, ["score"]] = np.nan
    table.loc[rng.random(n) < 0.01, ["score"]] = np.inf
    return table


def stored(table, tmp_path, **options):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path, row_group_size=64, **options)
    return path


SETTINGS = {"features": ["g", "h"], "score": ["score"], "brackets": ["bracket", "age"], "rating": "rating"}


def columns_of(path):
    return open_columns(
        path, groups=["g", "h", "bracket", "age"], others=["image_id", "score", "rating", "won", "whole"]
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_file_and_its_frame_give_the_same_entrants_and_the_same_audit(seed, dictionary, tmp_path):
    table = random_table(seed)
    path = stored(table, tmp_path, use_dictionary=dictionary)
    settings = {**SETTINGS, "winner": "won", "intersections": True}
    first, second = read_entrants(table, **settings), read_entrants(columns_of(path), **settings)
    assert first.notes == second.notes and first.id_column == second.id_column == "image_id"
    for name, codes in first.features.items():
        assert codes.names == second.features[name].names
        np.testing.assert_array_equal(codes.code, second.features[name].code)
    np.testing.assert_array_equal(first.bracket.code, second.bracket.code)
    np.testing.assert_array_equal(first.scores["score"], second.scores["score"])
    np.testing.assert_array_equal(first.winner, second.winner)
    pd.testing.assert_frame_equal(
        audit_entrants(first, places=3, **QUICK), audit_entrants(second, places=3, **QUICK)
    )


@pytest.mark.parametrize("seed", range(3))
def test_codes_and_counts_are_those_of_pandas(seed, tmp_path):
    table = random_table(seed)
    codes = columns_of(stored(table, tmp_path)).codes("g")
    names = table["g"].fillna("(missing)").astype(str)
    assert codes.names == tuple(sorted(names.unique()))
    assert np.array(codes.names)[codes.code].tolist() == names.tolist()
    bracket = codes_of(table["h"])
    counts = Counts.from_codes(table["won"].to_numpy(), codes.code, bracket.code, codes.names, bracket.names)
    crosstab = pd.crosstab(table["h"], names)
    np.testing.assert_array_equal(counts.entrants, crosstab.to_numpy())
    won = pd.crosstab(table["h"], names, values=table["won"], aggfunc="sum").fillna(0)
    np.testing.assert_array_equal(counts.winners, won.to_numpy())


def test_codes_of_many_names_are_as_wide_as_they_have_to_be():
    for names, kind in ((100, np.int8), (200, np.int16), (40_000, np.int32)):
        code = np.arange(names)[::-1]
        found = sorted_codes(code, [f"{i:06d}" for i in range(names)])
        assert found.code.dtype == kind and found.code.tolist() == code.tolist()
    assert frequencies(np.arange(300_000) % 7, 8).tolist()[-1] == 0


@pytest.mark.parametrize(
    "won",
    [
        pa.array(["yes", "no", "No", None]),
        pa.array([1, 0, 0, None]),
        pa.array([True, False, False, None]),
        pa.array([1.0, 0.0, 0.0, None]),
        pa.array(["won", "lost", "lost", ""]),
    ],
)
def test_winners_of_a_file_are_read_from_any_yes_or_no(won, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"g": list("aabb"), "won": won}), path)
    people = read_entrants(open_columns(path, groups=["g"], others=["won"]), features=["g"], winner="won")
    assert people.winner.tolist() == [True, False, False]
    assert people.notes == ["1 of 4 people excluded: won is missing (b 1 of 2, a 0 of 2)"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "b", "c"], "1 of 4 rows repeat a id"),
        (["c", "b", "a", "b"], "1 of 4 rows repeat a id"),
        (["a", " ", "b", "c"], "1 of 4 rows have no id, first rows 2"),
        (["", "a", "b", "c"], "1 of 4 rows have no id, first rows 1"),
        (["a", None, "b", "c"], "1 of 4 rows have no id"),
        ([1, 2, 2, 3], "1 of 4 rows repeat a id"),
        ([1.0, 3.0, 1.0, 2.0], "1 of 4 rows repeat a id"),
    ],
)
def test_ids_of_a_file_are_checked_like_those_of_a_frame(ids, message, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": ids, "g": list("xxyy"), "won": [True, False] * 2}), path)
    with pytest.raises(InputError, match=message):
        read_entrants(open_columns(path, groups=["g"], others=["won", "id"]), features=["g"], winner="won")


@pytest.mark.parametrize("ids", [["a", "b", "c", "d"], ["d", "a", "c", "b"], [4, 3, 9, 1], [1, 2, 3, 4]])
def test_ids_that_differ_pass_in_any_order(ids, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": ids, "g": list("xxyy"), "won": [True, False] * 2}), path)
    assert (
        read_entrants(open_columns(path, groups=["g"], others=["won", "id"]), features=["g"], winner="won").n
        == 4
    )


def test_ids_are_read_only_where_somebody_ties():
    asked = []
    ids = StoredIds(lambda: asked.append(1) or pd.Series(list("abcd")))
    order_of_merit(ids, [4, 3, 2, 1])
    assert asked == []
    order, _ = order_of_merit(ids, [4, 3, 3, 1])
    assert asked == [1]
    assert order.tolist() == order_of_merit(list("abcd"), [4, 3, 3, 1])[0].tolist()
    kept = ids[np.array([False, True, True, True])]
    assert kept(np.array([0, 2])) == ["b", "d"] and kept[np.array([1])](np.array([0])) == ["c"]


@pytest.mark.parametrize("brackets", [1, 7, 3000])
def test_few_and_many_brackets_are_sorted_alike(brackets):
    rng = np.random.default_rng(brackets)
    score, bracket = rng.integers(0, 50, 6000).astype(float), rng.integers(0, brackets, 6000)
    order, rank = order_of_merit(None, score, bracket=bracket)
    assert (np.diff(bracket[order]) >= 0).all()
    same = np.diff(bracket[order]) == 0
    assert (np.diff(score[order])[same] <= 0).all()
    assert (rank[1:][same] == rank[:-1][same] + 1).all() and (rank[1:][~same] == 1).all()
    # ties by lot, whatever stands beside them: each bracket alone gives the same order
    for b in range(min(brackets, 5)):
        members = np.flatnonzero(bracket == b)
        alone, _ = order_of_merit(members, score[members])
        assert members[alone].tolist() == order[bracket[order] == b].tolist()


def test_infinite_numbers_are_told_from_missing_ones_in_json():
    table = pd.DataFrame({"value": [np.inf, -np.inf, np.nan, 0.5]})
    read = [record["value"] for record in json.loads(records_json(table))]
    assert read == ["Infinity", "-Infinity", None, 0.5]
    assert [float(v) for v in read[:2]] == [np.inf, -np.inf]


def test_the_audit_of_a_group_without_winners_says_minus_infinity_in_json():
    table = pd.DataFrame({"g": list("aabb"), "won": [0, 0, 1, 0]})
    rows = json.loads(records_json(audit(table, features="g", winner="won", **QUICK)))
    skews = {row["group"]: row["value"] for row in rows if row["metric"] == "skew_at_k"}
    assert skews["a"] == "-Infinity" and skews["b"] == pytest.approx(np.log(2))
