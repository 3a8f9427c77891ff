"""A folder or glob of Parquet is one table: which files belong to it, and what is refused."""

import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.audit.scale import Limits, audit_files, parquet_files
from judge.fairness.audit.scale import database as database_of

pytest.importorskip("duckdb")
PART = pd.DataFrame({"g": list("aab"), "won": [True, False, True], "s": [1.0, 2.0, 3.0]})
ASKED = {"features": "g", "winner": "won", "n_permutations": 9}


def refused(table, **asked):
    with pytest.raises(InputError) as error:
        audit_files(table, **{**ASKED, **asked})
    return str(error.value)


def test_a_folder_is_read_with_its_subfolders_and_without_what_programs_leave(tmp_path):
    for name in ("b.parquet", "sub/a.pq", "_temporary/c.parquet", ".hidden.parquet", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PART.to_parquet(tmp_path / name)
    found = parquet_files(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["b.parquet", "sub/a.pq"]
    assert audit_files(tmp_path, **ASKED)[0].n == 6
    assert audit_files(tmp_path / "*.parquet", **ASKED)[0].n == 3
    assert audit_files(tmp_path / "**" / "*.p*q*", **ASKED)[0].n == 9


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path):
    PART.to_parquet(tmp_path / "a[1].parquet")
    PART.to_parquet(tmp_path / "a1.parquet")
    assert audit_files(tmp_path / "a[1].parquet", **ASKED)[0].n == 3
    assert audit_files(tmp_path / "a?.parquet", **ASKED)[0].n == 3
    assert audit_files(tmp_path, **ASKED)[0].n == 6


def test_columns_may_stand_in_another_order(tmp_path):
    PART.to_parquet(tmp_path / "a.parquet")
    PART[["s", "won", "g"]].to_parquet(tmp_path / "b.parquet")
    people, table = audit_files(tmp_path, **ASKED)
    assert people.n == 6
    assert table.loc[table["metric"] == "selection_rate", "value"].tolist() == [0.5, 1.0]


def test_what_is_no_table_is_refused(tmp_path):
    assert refused(tmp_path / "none") == f"no such file or folder: {tmp_path / 'none'}"
    assert refused(tmp_path / "*.parquet") == f"no file matches {tmp_path}/*.parquet"
    assert "holds no file that ends in '.parquet', '.pq'" in refused(tmp_path)
    (tmp_path / "a.csv").write_text("g,won\na,1\n")
    assert "1 of 1 files of" in refused(tmp_path / "a.csv") and "only Parquet" in refused(tmp_path / "*.csv")
    (tmp_path / "a.parquet").write_text("")
    assert "1 of 1 files of" in refused(tmp_path) and "are empty (0 bytes)" in refused(tmp_path)
    (tmp_path / "a.parquet").write_text("no Parquet")
    assert "a.parquet cannot be read as a table" in refused(tmp_path)
    PART.head(0).to_parquet(tmp_path / "a.parquet")
    assert "no entrants (0 rows)" in refused(tmp_path)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    PART.to_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + bytes(200) + whole[204:])
    assert "cannot be read as a table" in refused(tmp_path)


def test_mixed_schemas_are_refused_by_count_and_file(tmp_path):
    PART.to_parquet(tmp_path / "a.parquet")
    assert refused(tmp_path, features="h").startswith(
        f"no column 'h' in {tmp_path}/a.parquet; it has 'g', 'won', 's'"
    )
    PART.drop(columns="won").to_parquet(tmp_path / "b.parquet")
    assert f"1 of 2 files of {tmp_path} have no column won, first {tmp_path}/b.parquet" in refused(tmp_path)
    PART.assign(won=["1", "0", "1"]).to_parquet(tmp_path / "b.parquet")
    assert f"column won, first {tmp_path}/b.parquet: string, not bool as in a.parquet" in refused(tmp_path)
    PART.drop(columns="s").to_parquet(tmp_path / "b.parquet")  # not asked for
    assert audit_files(tmp_path, **ASKED)[0].n == 6


def test_columns_that_differ_in_capitals_are_refused(tmp_path):
    PART.assign(WON=False).to_parquet(tmp_path / "a.parquet")
    assert "differ in capitals at most: 'won', 'WON'" in refused(tmp_path)


def test_columns_may_be_called_as_those_of_a_query_are(tmp_path):
    table = pd.DataFrame(
        {"k0": list("aabb"), "score": [9, 9, 9, 9], "cell": [1, 2, 3, 4], "people": [4, 3, 1, 2]}
    )
    table.to_parquet(tmp_path / "a.parquet")
    some = {"features": "k0", "score": ["cell", "people", "score"], "places": 1, "n_permutations": 9}
    _, found = audit_files(tmp_path, **some)
    shares = found[found["metric"] == "winner_share"]
    assert shares["value"].tolist() == [0, 1, 1, 0, 0.5, 0.5]


def test_what_needs_all_rows_of_a_person_is_refused(tmp_path):
    PART.to_parquet(tmp_path / "a.parquet")
    assert "--one-per-person needs all rows of a person at once" in refused(tmp_path, one_per_person="best")


def test_a_feature_with_a_value_a_person_is_refused(tmp_path, monkeypatch):
    from judge.fairness.audit.scale import cells

    monkeypatch.setattr(cells, "MOST_CELLS", 2)
    PART.to_parquet(tmp_path / "a.parquet")
    assert "have 3 combinations; out of core at most 2 are held" in refused(tmp_path)


def test_limits_are_checked_and_kept(tmp_path):
    PART.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="threads is at least 1, not 0"):
        Limits(threads=0)
    temp = tmp_path / "made"
    limits = Limits(memory="300 MB", threads=1, temp=temp)
    assert audit_files(tmp_path / "a.parquet", limits=limits, score="s", **ASKED)[0].n == 3
    assert list(temp.iterdir()) == []


def test_names_of_queries_are_quoted():
    assert database_of.quoted('a"b') == '"a""b"' and database_of.quoted("a'b", "'") == "'a''b'"
