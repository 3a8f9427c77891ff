"""experiments/interruptions.py at a small size: nothing is lost, different or left lying about after kills."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "interruptions.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="its jobs are forked")
def test_kills_pairs_and_full_disks_cost_nothing(tmp_path):
    words = ["--kills", "12", "--pairs", "1", "--jobs", "data", "score", "audit", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(EXPERIMENT), *words],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    table = pd.read_csv(tmp_path / "interruptions.csv")
    killed = table[table["interruption"] == "killed"]
    assert killed["times"].tolist() == [4, 4, 4]
    assert (killed["finished"] > 0).all()
    assert table[["failed", "lost", "differing", "strays"]].to_numpy().sum() == 0
