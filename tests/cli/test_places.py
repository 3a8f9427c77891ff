"""Places that cannot be written: one line that names the place and the reason, before any work."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from judge.cli import main

#: Nobody can write there, root included.
NOWHERE = Path("/proc")
pytestmark = pytest.mark.skipif(not NOWHERE.is_dir(), reason="needs a folder that root cannot write to")


@pytest.mark.parametrize("out", ["", "new"])
def test_an_audit_that_could_not_be_written_is_not_made(tmp_path, capsys, out):
    pd.DataFrame({"g": list("aabb"), "won": [1, 0, 0, 0]}).to_csv(tmp_path / "t.csv", index=False)
    words = [
        "audit",
        str(tmp_path / "t.csv"),
        "--feature",
        "g",
        "--winner",
        "won",
        "--out",
        str(NOWHERE / out),
    ]
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert f"judge audit: {NOWHERE / out} cannot be written: " in told.err


def test_faces_that_could_not_be_written_are_not_drawn(capsys):
    assert main(["data", "parametric", "--n", "4", "--out", str(NOWHERE / "faces")]) == 2
    assert f"{NOWHERE / 'faces'} cannot be written: " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("words", [["seed=0"], ["-m", "seed=0,1"]])
def test_a_run_started_where_nothing_can_be_written_says_the_way_out(words):
    done = subprocess.run(
        [sys.executable, "-m", "judge", "run", "data.n=40", *words],
        cwd=NOWHERE,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"judge run: {NOWHERE}/runs/contest" in done.stderr
    assert "=FOLDER, or start from another folder" in done.stderr


@pytest.mark.slow
def test_a_name_that_would_lead_out_of_runs_makes_no_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "judge", "run", "name=../../out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "name='../../out': a folder below runs/" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert not (tmp_path.parents[1] / "out").exists()
