"""The main job end to end on rendered people: runs, sweeps, what a kill leaves, what a failure says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_module

from judge.errors import InputError
from judge.experiment.run import run
from judge.experiment.run_folder import RunDir

SMALL = [
    "judge=embedding",
    "judge.embedding.size=64",
    "judge.embedding.weights=none",
    "data.n=150",
    "data.size=32",
    "data.progress=false",
    "data.workers=1",
    "pool.n=30",
    "pool.majority_share=.6",
    "entrants.n=30",
    "audit.n_permutations=99",
    "report.page=false",
    "threads=1",
]
pytestmark = pytest.mark.slow
TABLES = ("manifest", "membership", "scores", "ranking", "audit", "brackets", "unranked", "excluded")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder whose caches the runs of this file share."""
    return tmp_path_factory.mktemp("home")


def start(home, folder, *arguments):
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "JUDGE_CACHE": str(home),
        "XDG_CACHE_HOME": str(home),
        "OMP_NUM_THREADS": "1",
    }
    program = [sys.executable, "-c", "import sys; from judge.cli import main; sys.exit(main())"]
    return subprocess.Popen(
        [*program, *arguments], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def judge(home, folder, *arguments):
    process = start(home, folder, *arguments)
    out, _ = process.communicate(timeout=300)
    return process.returncode, out


@pytest.fixture(scope="module")
def finished(home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    code, out = judge(home, folder, "run", *SMALL, "report.page=true", "save_judges=true")
    assert code == 0, out
    (path,) = folder.glob("runs/contest/*/done.json")
    return RunDir(path.parent), out


def test_a_run_ends_in_the_path_of_its_page(finished):
    run, out = finished
    line = next(line for line in out.splitlines() if line.startswith("page"))
    assert Path(run.path.parents[2], line.split(maxsplit=1)[1]) == run / "page.html"
    assert (run / "page.html").is_file()


def members(run, *roles):
    """The manifest's rows of whoever has one of these roles, by condition."""
    members = run.table("membership")
    return members[members["role"].isin(roles)].merge(
        run.table("manifest").drop(columns="rating"), on="image_id"
    )


def test_both_pools_have_the_same_size_and_the_shares_that_were_set(finished):
    pools = members(finished[0], "train", "validation")
    shares = pools.groupby("condition")["ethnicity"].value_counts().unstack()
    assert shares.loc["skewed"].to_dict() == {"african": 6, "asian": 6, "caucasian": 18}
    assert shares.loc["rebalanced"].to_dict() == {"african": 10, "asian": 10, "caucasian": 10}


def test_nobody_trains_a_judge_and_enters_its_contest(finished):
    entrants, pools = members(finished[0], "entrant"), members(finished[0], "train", "validation")
    assert finished[0].table("manifest")["image_id"].is_unique
    for key in ("image_id", "person_id", "content_hash"):
        assert not set(entrants[key]) & set(pools[key])


def test_both_judges_and_the_truth_rank_the_same_contestants(finished):
    ranking = finished[0].table("ranking")
    ids = ranking.groupby("condition")["image_id"].apply(frozenset)
    assert sorted(ids.index) == ["rebalanced", "skewed", "truth"]
    assert ids.nunique() == 1


def test_the_folder_of_a_run_names_versions_seeds_and_settings(finished):
    run, _ = finished
    seen = json.loads((run / "environment.json").read_text())
    assert seen["seeds"] == {"seed": 0, "entrants.seed": 0}
    assert seen["packages"]["torch"]
    assert "majority_share: 0.6" in (run / "settings.yaml").read_text()


def test_a_finished_run_is_not_computed_again(finished, home):
    run, _ = finished
    before = (run / "done.json").stat().st_mtime_ns
    code, out = judge(home, run.path.parents[2], "run", *SMALL, "report.page=true", "save_judges=true")
    assert code == 0, out
    assert "finished before" in out
    assert (run / "done.json").stat().st_mtime_ns == before


def test_a_finished_run_gets_the_page_and_the_judges_that_are_asked_for_later(home, tmp_path, caplog):
    def again(*overrides):
        with initialize_config_module("judge.conf", version_base="1.3"):
            wanted = [*SMALL, f"data.cache_dir={home}/parametric", f"judge.cache={home}", *overrides]
            return run(compose("config", overrides=wanted), tmp_path)

    again("save_judges=false")
    assert not (tmp_path / "page.html").exists()
    before = {path: path.read_bytes() for path in [*tmp_path.glob("*.parquet"), tmp_path / "done.json"]}
    again("report.page=true", "save_judges=true")
    assert (tmp_path / "page.html").is_file()
    assert all((tmp_path / f"judges/{name}/judge.json").is_file() for name in ("skewed", "rebalanced"))
    assert all(path.read_bytes() == content for path, content in before.items())
    assert "apart" not in caplog.text
    written = (tmp_path / "page.html").stat().st_mtime_ns
    again("report.page=true")
    assert (tmp_path / "page.html").stat().st_mtime_ns == written
    again("report.page=true", "report.show_faces=true")
    assert (tmp_path / "page.html").stat().st_mtime_ns > written


def test_a_saved_judge_scores_a_folder_and_excludes_a_broken_picture(finished, home, tmp_path):
    run, _ = finished
    entrants = members(run, "entrant").query("condition == 'skewed'").head(3)
    for i, path in enumerate(entrants["path"]):
        (tmp_path / f"{i}.jpg").write_bytes(Path(path).read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    out = tmp_path / "scores.csv"
    code, said = judge(
        home, tmp_path, "score", "--judge", str(run.path), "--condition", "skewed", "--data", str(tmp_path),
        "--out", str(out),
    )  # fmt: skip
    assert code == 0, said
    assert "3 of 4 pictures judged, 1 excluded" in said
    scores = run.table("scores").query("condition == 'skewed'").set_index("image_id")["score"]
    expected = scores.loc[entrants["image_id"]].tolist()
    assert pd.read_csv(out)["score"].tolist() == pytest.approx(expected, abs=1e-4)


def tables(folder):
    return {
        (run.parent.name, name): RunDir(run.parent).table(name)
        for run in sorted(folder.glob("runs/contest/*/done.json"))
        for name in TABLES
    }


def test_a_sweep_killed_and_started_again_does_only_what_is_missing_with_the_same_tables(home, tmp_path):
    sweep = ["run", "-m", *SMALL, "pool.majority_share=.4,.6", "seed=0,1"]
    code, out = judge(home, tmp_path / "whole", *sweep)
    assert code == 0, out
    assert "4 jobs asked for; 4 finished" in out

    process = start(home, tmp_path / "killed", *sweep)
    deadline = time.time() + 200
    while not list((tmp_path / "killed").glob("runs/contest/*/done.json")) and time.time() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "killed").glob("runs/contest/*/done.json")}
    assert 1 <= len(kept) < 4
    code, out = judge(home, tmp_path / "killed", *sweep)
    assert code == 0, out
    assert out.count("finished before") == len(kept)
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items())

    whole, again = tables(tmp_path / "whole"), tables(tmp_path / "killed")
    assert whole.keys() == again.keys()
    for key, table in whole.items():
        pd.testing.assert_frame_equal(table, again[key])

    code, out = judge(home, tmp_path / "whole", "compare", "runs/contest")
    assert code == 0, out
    assert (tmp_path / "whole/runs/contest/compare/page.html").is_file()
    runs = pd.read_csv(tmp_path / "whole/runs/contest/compare/runs.csv")
    assert runs.groupby(["condition", "group"]).size().eq(4).all()


def test_a_failed_run_is_reported_at_the_end_and_loses_no_other(home, tmp_path):
    # the source has 150 · .6 / 3 = 30 caucasian people: enough for 80 % of 38, not for the 48 of 60
    code, out = judge(home, tmp_path, "run", "-m", *SMALL, "pool.n=30,60", "pool.majority_share=.8")
    assert code == 1
    assert "2 jobs asked for; 1 finished" in out
    assert "1 failed, 0 not finished, 0 never started" in out
    assert "caucasian" in out.partition("judge run: ")[2] and "n = 38 can be drawn" in out


def test_a_wrong_setting_is_named_without_a_traceback(home, tmp_path):
    code, out = judge(home, tmp_path, "run", *SMALL, "data.mode=upside_down")
    assert code == 2
    assert "judge run: " in out and "upside_down" in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "pool.majority=martian",
            "the majority group is one of 'african', 'asian', 'caucasian', not 'martian'",
        ),
        ("pool.feature=height", "pool.feature='height'"),
        ("pool.groups=[martian]", "pool.groups has 'martian'"),
        ("pool.rating_shift={martian: -1}", "pool.rating_shift has 'martian'"),
        ("audit.reference=martian", "audit.reference='martian'"),
        ("entrants.n=500", "500"),
    ],
)
def test_wrong_settings_are_refused_before_any_training(home, tmp_path, override, words):
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=[*SMALL, f"data.cache_dir={home}", override])
    with pytest.raises(InputError, match=re.escape(words)):
        run(settings, tmp_path)
    assert not (tmp_path / "judges").exists()
