"""A run's folder: finished work is kept, other settings never overwrite it."""

import shlex

import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig

from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.experiment.run_folder import RunDir, command_line, environment, find_runs


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


def test_what_hydra_wrote_for_the_new_run_is_not_moved_aside(tmp_path):
    home = finished(tmp_path / "run")
    (home / ".hydra").mkdir()
    (home / ".hydra/overrides.yaml").write_text("- seed=1\n")
    home.claim("b" * 16, "seed: 1\n")
    assert (home / ".hydra/overrides.yaml").read_text() == "- seed=1\n"


def test_a_failure_before_the_folder_was_claimed_is_found_and_gone_when_the_run_is_asked_for_well(tmp_path):
    home = finished(tmp_path / "run")
    RunDir(tmp_path / "never").fail(ValueError("no such share"))
    home.fail(ValueError("another setting"))
    done, others = find_runs([tmp_path])
    assert [run.path.name for run in done] == ["run"]
    assert sorted(others["reason"]) == ["ValueError: another setting", "ValueError: no such share"]
    assert home.claim("a" * 16, "") is True
    assert home.state() == ("finished", "")


def test_the_recorded_command_is_that_of_the_job_and_can_be_pasted(monkeypatch):
    words = ["pool.rating_shift={african: -0.65}", "seed=1", "name=it's"]
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", ["seed=1", "pool.n=30"], return_hydra_config=True)
    settings.hydra.overrides.task = words
    monkeypatch.setattr(HydraConfig.instance(), "cfg", settings)
    assert shlex.split(command_line()) == ["judge", "run", *words]


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
