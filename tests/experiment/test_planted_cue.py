"""experiments/planted_cue.py: the planted pictures, the comparison by hand, and a tiny run of the whole."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

FILE = Path(__file__).parents[2] / "experiments" / "planted_cue.py"


@pytest.fixture(scope="module")
def cue():
    spec = importlib.util.spec_from_file_location("planted_cue", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_cue"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_patch_goes_with_the_rating_as_often_as_it_says_and_shows_in_the_corner(cue, tmp_path):
    people = cue.pictures(200, 0.95, tmp_path / "pool", np.random.default_rng(0))
    assert people["cell"].value_counts().to_dict() == {
        "red high": 95,
        "blue low": 95,
        "blue high": 5,
        "red low": 5,
    }
    assert (abs(people["rating"] - 5) >= 2).all()
    corners = np.array([np.asarray(Image.open(path), float)[:8, :8].mean((0, 1)) for path in people["path"]])
    assert ((corners[:, 0] > corners[:, 2]) == (people["patch"] == "red")).all()


def test_ratios_are_paired_by_seed(cue):
    runs = pd.DataFrame(
        [
            *[(0, "plain", 0.4, 8.0), (1, "plain", 0.2, 2.0), (2, "plain", 0.1, 1.0)],
            *[(0, "m", 0.2, 2.0), (1, "m", 0.1, 1.0), (2, "m", 0.05, 1.0)],
        ],
        columns=["seed", "method", "worst_wrong", "worst_mse"],
    ).assign(tested=4_000_000, mean_wrong=0.0)  # half a picture of so many is next to nothing
    table = cue.summary(runs).set_index("method")
    assert table.loc["plain", "worst_mse_ratio"] == 1
    assert table.loc["m", "worst_mse_ratio"] == pytest.approx(2.0)  # (4 · 2 · 1) to the third
    assert table.loc["m", "worst_mse_ratio_low"] < 2 < table.loc["m", "worst_mse_ratio_high"]
    assert table.loc["m", "worst_wrong_ratio"] == pytest.approx(2.0, rel=1e-4)


@pytest.mark.slow
def test_a_tiny_run_goes_through_every_method_and_repeats_no_row(cue, tmp_path, capsys):
    arguments = ["--seeds", "0", "--n", "40", "--tested", "40", "--epochs", "1", "--out", str(tmp_path)]
    cue.main([*arguments, "--methods", "plain", "dfr"])
    first = pd.read_parquet(tmp_path / "runs.parquet")
    cue.main(arguments)
    runs = pd.read_parquet(tmp_path / "runs.parquet")
    assert list(runs["method"]) == ["plain", "dfr", *(m for m in cue.METHODS if m not in ("plain", "dfr"))]
    pd.testing.assert_frame_equal(runs.head(2), first)
    assert runs["worst_wrong"].between(0, 1).all()
    assert set(pd.read_csv(tmp_path / "summary.csv")["method"]) == set(cue.METHODS)
