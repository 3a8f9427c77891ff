"""The sweep of the tutorial on Slurm, on a real cluster where there is one."""

import os
import shutil
import subprocess
import sys

import pytest
from code_blocks import TOP, blocks_of, commands

from judge.experiment.runs.index import find_runs

PAGE = TOP / "docs/tutorials/slurm.md"


def cluster_is_up():
    if shutil.which("sbatch") is None:
        return False
    return subprocess.run(["sinfo", "-h"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not cluster_is_up(), reason="no Slurm cluster answers sinfo")
def test_the_tutorials_sweep_runs_as_a_job_array(tmp_path):
    (words,) = [
        w for block in blocks_of(PAGE) for w in commands(block.text) if "hydra/launcher=submitit_slurm" in w
    ]
    environment = {**os.environ, "PYTHONPATH": str(TOP), "JUDGE_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=environment, check=True, timeout=1200)
    runs, others = find_runs([tmp_path / "runs/shares"])
    assert (len(runs), len(others)) == (6, 0)
