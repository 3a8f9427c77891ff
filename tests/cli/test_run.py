"""judge run: what a sweep says about its own jobs. Nothing is trained here: test_experiment.py does that."""

import os
import subprocess
import sys

import pytest

from judge.cli import run as command
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.index import find_runs


def judge(folder, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "judge", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
    )
    return done.returncode, done.stdout + done.stderr


def finished(folder, overrides):
    home = RunDir(folder)
    home.claim("a" * 16, "seed: 0\n")
    home.finish("a" * 16, 0.0, {})
    (folder / ".hydra").mkdir()
    (folder / ".hydra/overrides.yaml").write_text("".join(f"- {word}\n" for word in overrides))


@pytest.mark.slow
def test_jobs_refused_before_they_begin_are_told_with_their_reason_whatever_else_the_folder_holds(tmp_path):
    for i in range(6):
        finished(tmp_path / f"runs/contest/older{i}", [f"seed={i + 10}"])
    code, out = judge(tmp_path, "run", "-m", "pool.majority_share=1.0", "seed=0,1")
    assert code == 1, out
    assert "2 jobs asked for; 0 finished" in out
    assert "2 failed, 0 not finished, 0 never started" in out
    assert (
        out.count("pool.majority_share lies between 0 and 1") == 4
    )  # as it happens, and in the closing lines
    runs, others = find_runs([tmp_path])
    assert len(runs) == 6
    assert others["reason"].str.contains("pool.majority_share lies between").sum() == 2


@pytest.mark.slow
def test_a_data_set_without_a_root_is_named(tmp_path):
    code, out = judge(tmp_path, "run", "data=folder")
    assert code == 2
    assert "data.root is not set" in out
    assert "Traceback" not in out


def test_the_jobs_of_a_sweep_are_the_combinations_of_the_last_word_on_each_key():
    jobs = command._jobs(["seed=0,1", "pool.n=30", "name=x", "seed=range(2,5)"])
    assert jobs == [frozenset({f"seed={i}", "pool.n=30"}) for i in (2, 3, 4)]


@pytest.mark.parametrize("again", [False, True])
def test_a_sweep_counts_its_own_jobs(tmp_path, monkeypatch, capsys, again):
    finished(tmp_path / "one", ["report.page=false", "seed=0"])
    finished(tmp_path / "older", ["seed=7"])
    if again:
        RunDir(tmp_path / "one").fail(ValueError("no room for the page"))
    jobs = command._jobs(["seed=0,1"])
    monkeypatch.setattr(command, "_sweep", {"folder": tmp_path, "jobs": jobs})
    assert command._report_sweep() == 1
    out = capsys.readouterr().out
    assert f"2 jobs asked for; {1 - again} finished" in out
    assert f"{int(again)} failed, 0 not finished, 1 never started" in out
    assert ("no room for the page" in out) == again


def test_the_rest_of_a_sweep_is_judged_by_its_last_jobs_since_the_first_may_have_drawn_all_pictures():
    assert command._told_of_job([60.0, 2.0, 2.0, 2.0], 10) == "4 of 10 jobs; about 12 s left"
    assert command._told_of_job([60.0], 4) == "1 of 4 jobs; about 3 min left"
    assert command._told_of_job([1.0, 1.0], 2) == "2 of 2 jobs"
