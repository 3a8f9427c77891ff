"""A run's folder: finished work is kept, other settings never overwrite it."""

import json
import shlex
import subprocess
import sys

import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig

from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.experiment.run_folder import RunDir, command_line, environment
from judge.experiment.runs.index import find_runs
from judge.storage import locked


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


@pytest.mark.parametrize("content", [b"", b"{", b'{"settings_hash": "aaaa', b"[]", b"null", b"\xff\xfe"])
@pytest.mark.parametrize("name", ["done.json", "started.json", "failed.json"])
def test_half_a_mark_heals_and_takes_nothing_down(tmp_path, name, content):
    run = finished(tmp_path / "run")
    finished(tmp_path / "other", "b" * 16)
    (run / name).write_bytes(content)
    found, others = find_runs([tmp_path])
    assert "other" in {each.path.name for each in found}
    if name == "done.json":
        assert others["reason"].tolist() == ["done.json is damaged"]
    run.claim("a" * 16, "x: 1\n")
    assert run.path.is_dir()
    assert not (tmp_path / ".superseded").exists()
    assert run.done or json.loads((run / "started.json").read_text())["settings_hash"] == "a" * 16


def with_tables(folder):
    run = RunDir(folder)
    run.claim("a" * 16, "x: 1\n")
    run.write_tables(audit=pd.DataFrame({"value": [1.0, 2.0]}), scores=pd.DataFrame({"score": [3.0]}))
    run.finish("a" * 16, 0.0, {"conditions": ["one"]})
    return run


@pytest.mark.parametrize("table", ["audit", "scores"])
@pytest.mark.parametrize("damage", ["half", "gone", "another"])
def test_a_finished_run_with_a_damaged_table_is_made_again(tmp_path, table, damage, caplog):
    run = with_tables(tmp_path / "run")
    assert run.claim("a" * 16, "x: 1\n")
    file = run / f"{table}.parquet"
    if damage == "half":
        file.write_bytes(file.read_bytes()[:-20])
    elif damage == "gone":
        file.unlink()
    else:
        pd.DataFrame({"value": [1.0]}).head(0).to_parquet(file)
    found, others = find_runs([tmp_path])
    if table == "audit":  # what a comparison reads
        assert (len(found), others["state"].tolist()) == (0, ["damaged"])
    assert not run.claim("a" * 16, "x: 1\n")
    assert f"damaged tables ({table})" in caplog.text
    assert run.done is None


@pytest.mark.parametrize("content", [None, "", "x: 1\ny"])
def test_damaged_settings_of_a_finished_run_are_written_again_and_its_tables_stay(tmp_path, content):
    run = with_tables(tmp_path / "run")
    file = run / "settings.yaml"
    file.unlink() if content is None else file.write_text(content)
    assert find_runs([tmp_path])[1]["reason"].str.contains("settings.yaml is damaged").all()
    assert run.claim("a" * 16, "x: 1\n")
    assert file.read_text() == "x: 1\n"
    assert len(find_runs([tmp_path])[0]) == 1


def test_two_equal_runs_at_once_go_one_after_the_other_and_the_second_finds_the_first_finished(tmp_path):
    """Two processes claim one folder twenty times over; nobody is ever in it together."""
    code = """
import logging, os, sys, time
from judge.experiment.run_folder import RunDir
logging.basicConfig(stream=sys.stdout, format="%(message)s")
run = RunDir(sys.argv[1])
with run.locked():
    if run.claim("a" * 16, "x: 1\\n"):
        print("FOUND")
    else:
        assert not (run / "working").exists()
        (run / "working").touch()
        time.sleep(0.5)
        (run / "working").unlink()
        run.finish("a" * 16, 0.0, {})
        print("DID")
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = "".join(process.communicate(timeout=60)[0] for process in both)
    assert (told.count("DID"), told.count("FOUND")) == (1, 1)
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == [
        "done.json",
        "settings.yaml",
        "started.json",
    ]


def test_a_killed_holder_leaves_no_lock(tmp_path):
    code = (
        "import sys, time; from judge.experiment.run_folder import RunDir\n"
        "with RunDir(sys.argv[1]).locked(): print('in', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "in\n"
    told = []
    holder.kill()
    holder.wait()
    with locked(tmp_path, waits=told.append):
        assert told == []
    assert list(tmp_path.iterdir()) == []


def test_moving_a_run_aside_keeps_the_lock(tmp_path):
    run = finished(tmp_path / "run")
    with run.locked():
        run.claim("b" * 16, "x: 2\n")
        assert (tmp_path / "run" / ".lock").is_file()
        assert not list((tmp_path / ".superseded").rglob(".lock"))
    assert not (tmp_path / "run" / ".lock").exists()
