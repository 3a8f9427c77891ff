"""A run's folder: finished work is kept, other settings never overwrite it."""

import pandas as pd
import pytest

from judge.errors import InputError
from judge.rundir import RunDir, environment, find_runs


def finished(folder, digest="a" * 16):
    folder.mkdir(parents=True, exist_ok=True)
    home = RunDir(folder)
    home.claim(digest, "seed: 0\n")
    home.finish(digest, 0.0, {"seed": 0})
    return home


def test_a_finished_run_is_not_claimed_again(tmp_path):
    finished(tmp_path / "run")
    assert RunDir(tmp_path / "run").claim("a" * 16, "") is True


def test_a_killed_run_is_claimed_again_in_place(tmp_path):
    home = RunDir(tmp_path)
    assert home.claim("a" * 16, "seed: 0\n") is False
    (home / "half.txt").write_text("kept")
    assert home.claim("a" * 16, "seed: 0\n") is False
    assert (home / "half.txt").read_text() == "kept"


def test_other_settings_move_the_old_run_aside_whole(tmp_path, capsys):
    home = finished(tmp_path / "run")
    home.write_tables(scores=pd.DataFrame({"score": [1.0]}))
    assert home.claim("b" * 16, "seed: 1\n") is False
    old = tmp_path / ".superseded" / ("run." + "a" * 16)
    assert (old / "done.json").is_file()
    assert (old / "scores.parquet").is_file()
    assert home.done is None
    assert "other settings" in capsys.readouterr().err


def test_find_runs_tells_finished_failed_and_killed_apart(tmp_path):
    finished(tmp_path / "one")
    finished(tmp_path / "two").claim("b" * 16, "")  # moved aside, started anew
    failed = RunDir(tmp_path / "three")
    failed.claim("c" * 16, "")
    failed.fail(ValueError("no such group"))
    done, others = find_runs([tmp_path])
    assert [run.path.name for run in done] == ["one"]
    assert others.set_index("state")["reason"].to_dict() == {
        "failed": "ValueError: no such group",
        "not finished": "killed or still running",
    }


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        find_runs([tmp_path])
    with pytest.raises(InputError, match="no such folder"):
        find_runs([tmp_path / "absent"])


def test_tables_come_back_as_they_were(tmp_path):
    table = pd.DataFrame({"image_id": ["a", "b"], "score": [0.1, 2.0]})
    RunDir(tmp_path).write_tables(scores=table)
    pd.testing.assert_frame_equal(RunDir(tmp_path).table("scores"), table)
    assert pd.read_csv(tmp_path / "scores.csv")["score"].tolist() == [0.1, 2.0]


def test_the_environment_names_versions_and_seeds_but_no_place(tmp_path):
    seen = environment({"seed": 3})
    assert seen["seeds"] == {"seed": 3}
    assert seen["packages"]["numpy"]
    assert str(tmp_path.home()) not in str(seen)
