"""Runs by the thousand: the index of their folders, what a comparison reads of them, people stored once."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest
from finished_runs import finished, manifest, tables

from judge.errors import InputError
from judge.experiment.compare import run_table
from judge.experiment.run_folder import RunDir, read_json
from judge.experiment.runs import listing, people
from judge.experiment.runs.contests import contests_of, people_of
from judge.experiment.runs.index import INDEX, find_runs, runs_below
from judge.experiment.runs.rows import comparison, comparison_of

# --- the index


def states(home):
    return {one.run.path.name: one.state for one in runs_below(home)}


def test_the_index_knows_runs_that_came_went_were_resumed_or_damaged_since_it_was_written(tmp_path):
    for i in range(4):
        finished(tmp_path / f"r{i}", seed=i)
    assert states(tmp_path) == dict.fromkeys(["r0", "r1", "r2", "r3"], "finished")
    assert pq.read_table(tmp_path / INDEX).num_rows == 4
    shutil.rmtree(tmp_path / "r0")  # gone
    RunDir(tmp_path / "r1").claim("b" * 16, "seed: 9\n")  # other settings: moved aside, started anew
    RunDir(tmp_path / "r2").fail(ValueError("no room"))  # asked for again, and failed
    (tmp_path / "r3/ranking.parquet").write_bytes(b"PAR1")  # a disk
    finished(tmp_path / "deep/er/r4", seed=4)  # new
    expected = {"r1": "not finished", "r2": "failed", "r3": "damaged", "r4": "finished"}
    assert states(tmp_path) == expected
    assert states(tmp_path) == expected  # from the index alone
    (tmp_path / INDEX).unlink()
    assert states(tmp_path) == expected
    runs, others = find_runs([tmp_path])
    assert {run.path.name for run in runs} == {"r2", "r4"}
    assert sorted(others["state"]) == ["damaged", "failed", "not finished"]


def test_the_index_answers_without_reading_what_has_not_changed(tmp_path, monkeypatch):
    for i in range(3):
        finished(tmp_path / f"r{i}", seed=i)
    runs_below(tmp_path)
    finished(tmp_path / "new", seed=7)
    looked = []
    from judge.experiment.runs import index

    real = index.looked_at
    monkeypatch.setattr(index, "looked_at", lambda path, stamp: looked.append(path.name) or real(path, stamp))
    assert len(runs_below(tmp_path)) == 4
    assert looked == ["new"]
    assert [one.run.done["seed"] for one in runs_below(tmp_path)] == [7, 0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all"])
def test_a_damaged_index_is_made_anew_and_one_of_another_kind_is_not_believed(tmp_path, content):
    finished(tmp_path / "r")
    (tmp_path / INDEX).write_bytes(content)
    assert states(tmp_path) == {"r": "finished"}
    assert pq.read_table(tmp_path / INDEX)["state"].to_pylist() == ["finished"]
    pd.DataFrame({"folder": ["r"], "state": ["failed"]}).to_parquet(tmp_path / INDEX)
    assert states(tmp_path) == {"r": "finished"}


def test_folders_of_earlier_versions_are_read_with_the_new_ones(tmp_path):
    old = finished(tmp_path / "old", seed=0, compact=False)
    facts = read_json(old / "done.json")
    for key in ("settings", "comparison", "bytes"):
        facts.pop(key)
    (old / "done.json").write_text(json.dumps(facts))
    new = finished(tmp_path / "new", seed=1)
    assert comparison(old) == comparison_of(tables(0))
    runs, factors = run_table([old, new])
    assert factors == []
    assert runs.groupby("seed")["winner_share"].unique().to_dict() == {0: [0.5], 1: [0.51]}
    assert runs["n_group"].tolist() == [2] * 8
    (old / "audit.parquet").unlink()
    assert states(tmp_path)["old"] == "damaged"


# --- people stored once


def test_people_of_many_runs_are_stored_once_and_come_back_as_they_were(tmp_path):
    runs = [finished(tmp_path / f"r{i}", seed=i, first=first) for i, first in enumerate((0, 2, 0, 1))]
    stored = pd.concat(pd.read_parquet(file) for file in (tmp_path / people.STORE).iterdir())
    assert sorted(stored["image_id"]) == [f"i{i}" for i in range(6)]
    for run, first in zip(runs, (0, 2, 0, 1), strict=True):
        pd.testing.assert_frame_equal(run.table("manifest"), manifest(first))
        assert not list(run.path.glob("*.csv"))
        assert run.columns("manifest", ["age", "rating", "nobody"]).columns.tolist() == ["rating", "age"]
    whole = finished(tmp_path / "whole", compact=False)
    pd.testing.assert_frame_equal(people_of(whole), people_of(runs[0]))


def test_a_rating_of_the_runs_own_is_kept_in_the_run(tmp_path):
    finished(tmp_path / "a")
    run = RunDir(tmp_path / "b")
    shifted = manifest().assign(rating=[9.0, 9.0, 9.0, 9.0])
    run.path.mkdir()
    run.write_compact("d", manifest=shifted)
    pd.testing.assert_frame_equal(run.table("manifest"), shifted)
    assert len(list((tmp_path / people.STORE).iterdir())) == 1


def test_the_same_name_with_other_looks_is_another_person(tmp_path):
    for name, change in (("a", 0), ("b", 1)):
        (tmp_path / name).mkdir()
        RunDir(tmp_path / name).write_compact("d", manifest=manifest().assign(blemishes=change))
    for name, change in (("a", 0), ("b", 1)):
        assert set(RunDir(tmp_path / name).table("manifest")["blemishes"]) == {change}


@pytest.mark.parametrize("damage", ["gone", "half"])
def test_a_run_whose_people_are_gone_is_damaged_and_the_same_run_again_mends_all(tmp_path, damage):
    runs = [finished(tmp_path / f"r{i}", seed=i) for i in range(2)]
    (store,) = (tmp_path / people.STORE).iterdir()
    people._file.cache_clear()
    people._facts.cache_clear()
    if damage == "gone":
        store.unlink()
        assert states(tmp_path) == {"r0": "damaged", "r1": "damaged"}
    else:
        store.write_bytes(store.read_bytes()[:-30])
    with pytest.raises(InputError, match="missing or damaged"):
        runs[0].table("manifest")
    digest = runs[0].done["settings_hash"]
    assert runs[0].claim(digest, "seed: 0\n") is False  # it is to be made again
    finished(tmp_path / "r0")
    assert states(tmp_path) == {"r0": "finished", "r1": "finished"}
    for run in runs:
        pd.testing.assert_frame_equal(run.table("manifest"), manifest())


def test_processes_that_store_the_same_people_at_once_store_them_once(tmp_path):
    code = """
import sys, pandas as pd
from pathlib import Path
from judge.experiment.runs.people import store
print("ready", flush=True)
sys.stdin.readline()
for i in range(8):
    people = [f"i{j}" for j in range(i, i + 20)]
    store(pd.DataFrame({"image_id": people, "rating": 1.0, "age": range(i, i + 20)}), Path(sys.argv[1]), "d")
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(120) for process in both] == [0, 0]
    stored = pd.concat(pd.read_parquet(file) for file in tmp_path.glob("*.parquet"))
    assert sorted(stored["image_id"]) == sorted(f"i{j}" for j in range(27))
    assert not list(tmp_path.glob(".*"))


def test_a_run_that_is_moved_aside_keeps_its_people(tmp_path):
    run = finished(tmp_path / "run")
    run.claim("b" * 16, "seed: 9\n")
    (aside,) = (tmp_path / ".superseded").iterdir()
    pd.testing.assert_frame_equal(RunDir(aside).table("manifest"), manifest())


# --- who entered


def test_of_many_seeds_the_contests_of_some_are_read(tmp_path):
    runs = [
        finished(tmp_path / f"{i}-{share}", seed=i, share=share) for i in range(6) for share in (0.5, 0.9)
    ]
    few = contests_of(runs, most_seeds=3)
    assert len({one.key[0] for one in few.each}) == 3
    assert len(few.each) == 3 * 2 * 2
    again = contests_of(runs, most_seeds=3)
    assert [one.key for one in few.each] == [one.key for one in again.each]
    assert len(contests_of(runs).each) == 6 * 2 * 2
    assert few.people == ["i0", "i1", "i2", "i3"]


# --- the list


def test_a_list_of_runs_is_filtered_by_any_setting(tmp_path):
    for i, share in enumerate((0.5, 0.9, 0.9)):
        finished(tmp_path / f"r{i}", seed=i, share=share, judge={"steps": 400 + i, "mirror": i == 1})
    RunDir(tmp_path / "bad").fail(ValueError("no such share"))
    table, runs = listing.list_runs([tmp_path])
    assert (len(table), len(runs)) == (4, 3)
    assert table["state"].value_counts().to_dict() == {"finished": 3, "failed": 1}

    def names(*conditions):
        return [folder.rsplit("/", 1)[1] for folder in listing.chosen(table, conditions)["folder"]]

    assert names("share=.9") == names("pool.majority_share=0.90") == ["r1", "r2"]
    assert names("share=.9", "seed<2") == ["r1"]
    assert names("steps=400,402") == ["r0", "r2"]
    assert names("judge.steps>=401") == ["r1", "r2"]
    assert names("mirror=true") == ["r1"]
    assert names("seed!=0", "state=finished") == ["r1", "r2"]
    assert names("share=null") == ["bad"]
    assert listing.varied(table) == ["judge.mirror", "judge.steps"]
    for wrong, told in (("steps", "one of ="), ("nobody=1", "no such column"), ("seed<x", "needs a number")):
        with pytest.raises(InputError, match=told):
            names(wrong)


def test_sql_over_runs_their_numbers_and_their_tables(tmp_path):
    pytest.importorskip("duckdb")
    for i, share in enumerate((0.5, 0.9, 0.9)):
        finished(tmp_path / f"r{i}", seed=i, share=share)
    table, runs = listing.list_runs([tmp_path])
    numbers = run_table(list(runs.values()))[0]
    found = listing.queried("select share, count(*) n from runs group by share order by share", table)
    assert found.values.tolist() == [[0.5, 1.0], [0.9, 2.0]]
    found = listing.queried("select max(winner_share) from numbers", table, numbers)
    assert found.iloc[0, 0] == pytest.approx(0.52)
    found = listing.queried("select folder, count(*) n from ranking group by folder order by folder", table)
    assert found.values.tolist() == [[str(tmp_path / f"r{i}"), 8] for i in range(3)]
    with pytest.raises(InputError, match="--sql"):
        listing.queried("select nothing from nowhere", table)
