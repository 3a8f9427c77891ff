"""experiments/on_a_gpu.py in miniature on a CPU: every part gives its rows, and what fails or finds no time is one."""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = Path(__file__).parents[2] / "experiments" / "on_a_gpu.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("on_a_gpu", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tiny(**more):
    return argparse.Namespace(tiny=True, device="cpu", **more)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ("precision", {"Pearson, float32", "Pearson, bf16", "training, bf16"}),
        ("neighbours", {"two trainings at once"}),
        ("devices", {"DDP on two"}),
        ("renderer", {"mean absolute difference", "faces"}),
        ("scoring", {"pictures"}),
        ("stacked", {"3 trainings", "largest difference of a score"}),
        ("generator", {"training, gpu_64", "distance, first and last"}),
    ],
)
def test_a_part_gives_its_rows(script, part, wanted):
    rows = pd.DataFrame(script.PARTS[part](tiny()))
    assert set(rows["what"]) == wanted and list(rows) == list(script.COLUMNS)
    assert np.isfinite(rows["value"]).all()
    if part == "renderer":
        assert rows.set_index("what").loc["mean absolute difference", "met"]
    if part == "stacked":  # on a CPU both draw the same dropout masks
        assert rows.set_index("what").loc["largest difference of a score", "value"] < 2e-3


def test_a_part_that_fails_or_finds_no_time_is_a_row(script, tmp_path, monkeypatch, capsys):
    def failing(*words, timeout, **how):
        raise script.subprocess.TimeoutExpired(words, timeout)

    monkeypatch.setattr(script.subprocess, "run", failing)
    words = ["--tiny", "--device", "cpu", "--parts", "renderer", "scoring", "--out", str(tmp_path)]
    assert script.main(words) == 0
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["note"].tolist() == ["stopped after its 40 s", "stopped after its 60 s"]
    assert "stopped after its 40 s" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert script.main([*words, "--minutes", "0"]) == 0
    assert pd.read_csv(tmp_path / "table.csv")["note"].unique().tolist() == ["not run: no time was left"]
    monkeypatch.setattr(
        script.subprocess,
        "run",
        lambda *a, **b: script.subprocess.CompletedProcess(a, 1, "", "x\nOutOfMemory: why"),
    )
    script.main(words)
    assert pd.read_csv(tmp_path / "table.csv")["note"].tolist() == ["failed: OutOfMemory: why"] * 2


def test_a_cpu_is_refused_where_it_would_be_measured(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["--device", "cpu"])
    assert "goes with --tiny" in capsys.readouterr().err
    if not script.torch.cuda.is_available():
        with pytest.raises(SystemExit):
            script.main([])
        assert "torch sees no GPU here" in capsys.readouterr().err
    assert "on_a_gpu" not in sys.modules
