"""judge private pool: a folder that may be handed on, and what it refuses."""

import json

import pandas as pd
import pytest

from judge.cli import main
from judge.data.readers.generated import read_generated

TINY = [
    "data=parametric", "data.n=120", "data.size=32", "data.seed=3", "data.workers=1", "data.progress=false",
    "features=[gender]", "method.size=32", "method.side=32", "method.rounds=2", "method.candidates=40",
    "method.workers=1", "epsilon=20", "n=24",
]  # fmt: skip


def command(*words):
    return main(["private", "pool", *words])


@pytest.mark.slow
def test_a_pool_is_a_folder_that_tells_its_claim_and_no_private_path(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "pool"
    assert command(*TINY, "--out", str(out), "--noise-seed", "7", "--quiet", "--threads", "1") == 0
    assert "spent 19.99" in capsys.readouterr().out
    data = read_generated(out)
    assert len(data.manifest) == 24
    assert set(data.manifest["gender"]) == {"female", "male"}
    assert data.manifest["rating_source"].unique().tolist() == ["private"]
    assert data.real_people is False
    assert data.rating_range == (1.0, 10.0)
    assert data.excluded.empty
    told = json.loads((out / "privacy.json").read_text(encoding="utf-8"))
    assert [m["steps_used"] for m in told["mechanisms"]] == [1, 2, 1]
    assert told["spent"]["opacus_rdp"] <= told["epsilon"] == 20
    assert "somebody chose" in told["noise"]
    for file in out.rglob("*"):
        if file.is_file() and file.suffix in (".json", ".csv", ".md", ".html"):
            text = file.read_text(encoding="utf-8")
            assert str(tmp_path) not in text
            assert "p3-0000" not in text  # the name of a private person
    assert pd.read_csv(out / "labels.csv")["pictures"].sum() == 24
    assert "ε = 20" in (out / "page.html").read_text(encoding="utf-8")
    assert command(*TINY, "--out", str(out), "--quiet") == 2
    assert "not an empty folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["epsilon=0"], "epsilon=0"),
        (["epsilon=-1"], "epsilon=-1"),
        (["epsilon=many"], "epsilon=many: a number"),
        (["delta=2"], "delta=2"),
        (["method.rounds=0"], "rounds=0"),
        (["method.size=8"], "size=8"),
        (["method=none_such"], "none_such"),
        (["no_such=1"], "no_such"),
        (["epsilon"], "KEY=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_pictures_are_read(tmp_path, capsys, change, named):
    out = tmp_path / "pool"
    assert command("data=parametric", *change, "--out", str(out)) == 2
    assert named in capsys.readouterr().err
    assert not out.exists()


def test_settings_are_shown_and_out_is_needed(capsys):
    assert command("--settings", "epsilon=1") == 0
    assert "epsilon: 1" in capsys.readouterr().out
    assert command("epsilon=1") == 2
    assert "--out" in capsys.readouterr().err
