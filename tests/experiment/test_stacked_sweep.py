"""judge run -m stack=…: the same tables as without, of fewer computations."""

import os
import subprocess
import sys

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
SMALL = [
    "judge=cnn_photo", "judge.backbone=test_efficientnet", "judge.weights={weights}", "judge.size=32", "judge.views=2",
    "judge.training.train_from_stage=2", "judge.training.epochs=2", "+judge.training.accelerator=cpu",
    "data.n=90", "data.size=32", "data.progress=false", "data.workers=1", "pool.n=20",
    "pool.majority_share=.6", "pool.calibration=1", "entrants.n=12", "audit.n_permutations=99", "report.page=false",
    "threads=1", "+conditions.robust=group_dro", "seed=0,1",
]  # fmt: skip


def judge(folder, *arguments):
    environment = {**os.environ, "JUDGE_CACHE": str(folder.parent / "cache"), "OMP_NUM_THREADS": "1"}
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "judge", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def scores(folder):
    files = sorted(folder.glob("runs/contest/*/scores.parquet"))
    assert len(files) == 2
    return pd.concat([pd.read_parquet(file) for file in files]).sort_values(["seed", "condition", "image_id"])


def test_a_stacked_sweep_has_the_scores_of_separate_runs_and_names_what_it_leaves(tmp_path):
    import torch

    from judge.jury.network.backbone import create_backbone
    from judge.storage.tensors import save_tensors

    torch.manual_seed(0)
    weights = tmp_path / "backbone.safetensors"
    save_tensors(weights, create_backbone("test_efficientnet", "none", size=32).state_dict(), {})
    words = [word.format(weights=weights) if "weights" in word else word for word in SMALL]
    code, out = judge(tmp_path / "stacked", "run", "-m", *words, "stack=3")
    assert code == 0, out
    # two seeds of skewed and rebalanced; three of them side by side, one alone; GroupDRO is no loss of one picture
    assert "4 trainings done in 2 stacks, 2 left to their jobs" in out
    assert "2 trainings are left to their jobs: GroupDRO" in out
    assert not list((tmp_path / "stacked").rglob(".stacks"))
    code, out = judge(tmp_path / "apart", "run", "-m", *words)
    assert code == 0, out
    one, two = scores(tmp_path / "stacked"), scores(tmp_path / "apart")
    assert set(one["condition"]) >= {"skewed", "rebalanced", "robust"}
    assert (
        one[["image_id", "condition"]].to_numpy().tolist()
        == two[["image_id", "condition"]].to_numpy().tolist()
    )
    apart = one["score"].to_numpy() - two["score"].to_numpy()
    assert abs(apart).max() < 2e-3
    digests = [
        {
            file.parent.name: pd.read_json(file, typ="series")["settings_hash"]
            for file in where.rglob("done.json")
        }
        for where in (tmp_path / "stacked", tmp_path / "apart")
    ]
    assert digests[0] == digests[1]  # stack changes no number: neither the folders' names nor the digests


def test_a_stack_of_one_run_is_refused(tmp_path):
    code, out = judge(tmp_path / "one", "run", "stack=auto")
    assert code == 2 and "stack is of a sweep" in out
