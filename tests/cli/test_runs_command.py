"""judge runs: the terminal's list, filters and exports; judge compare with the same filters, and of many settings."""

import pandas as pd
import pytest
from finished_runs import finished

from judge.cli import main
from judge.experiment import compare as comparing
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.listing import write_list


@pytest.fixture
def sweep(tmp_path):
    for seed in range(3):
        for share in (0.5, 0.9):
            finished(
                tmp_path / "runs" / f"share={share},seed={seed}", seed=seed, share=share, judge={"steps": 400}
            )
    RunDir(tmp_path / "runs" / "bad").fail(ValueError("no \x1b[31mroom"))
    return tmp_path / "runs"


def test_the_list_counts_states_and_reasons_and_shows_what_is_asked_for(sweep, capsys):
    assert main(["runs", str(sweep), "--where", "share=.9", "--columns", "folder", "seed", "steps"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 of 7 runs: 3 finished"
    assert [line.split() for line in lines[2:]] == [
        ["folder", "seed", "judge.steps"],
        *[[f"share=0.9,seed={seed}", str(seed), "400"] for seed in range(3)],
    ]
    assert main(["runs", str(sweep), "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "7 runs: 6 finished, 1 failed" in out
    assert "1 failed: ValueError: no �[31mroom" in out
    assert "… and 5 more" in out


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_the_whole_table_is_exported(sweep, tmp_path, ending):
    out = tmp_path / f"table.{ending}"
    assert main(["runs", str(sweep), "--numbers", "--out", str(out)]) == 0
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}[ending]
    table = read(out)
    assert len(table) == 6 * 2 * 2
    assert table.groupby("seed")["winner_share"].first().tolist() == pytest.approx([0.5, 0.51, 0.52])
    assert main(["runs", str(sweep), "--where", "state!=finished", "--out", str(out)]) == 0
    assert read(out)["folder"].str.endswith("bad").tolist() == [True]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--where", "nobody=1"], "no such column"),
        (["--out", "table.xlsx"], ".csv, .parquet or .json"),
        (["--where", "state=failed", "--numbers"], "none of these runs has finished"),
        (["--limit", "-1"], "--limit"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_line(sweep, capsys, words, told):
    assert main(["runs", str(sweep), *words]) == 2
    assert told in capsys.readouterr().err


def test_a_comparison_takes_the_same_filters(sweep, tmp_path):
    assert main(["compare", str(sweep), "--where", "seed<2", "--out", str(tmp_path / "out")]) == 0
    assert sorted(pd.read_parquet(tmp_path / "out/runs.parquet")["seed"].unique()) == [0, 1]


def test_many_settings_share_one_page_of_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_SETTINGS", 3)
    for steps in range(4):
        for seed in range(3):
            for share in (0.5, 0.9):
                folder = tmp_path / "runs" / f"{steps}-{seed}-{share}"
                finished(folder, seed=seed, share=share, judge={"steps": steps})
    (page,) = comparing.compare([tmp_path / "runs"], tmp_path / "out")
    assert page == tmp_path / "out" / "page.html"
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["figures"]
    text = page.read_text()
    assert "24 runs, 4 settings" in text
    assert "the 8 largest of 8" in text  # two conditions of each setting
    dose = pd.read_parquet(tmp_path / "out/dose.parquet")
    assert sorted(dose["judge.steps"].unique()) == [0, 1, 2, 3]
    assert dose["ci_people_low"].isna().all()
    pages = comparing.compare([tmp_path / "runs"], tmp_path / "few", where=["steps<3"])
    assert sorted(path.parent.name for path in pages) == ["judge.steps=0", "judge.steps=1", "judge.steps=2"]


def test_the_list_beside_the_runs_says_what_their_names_do_not(sweep):
    finished(sweep / "share=0.9,seed=7-1f0c9a2e", seed=7, share=0.9, judge={"steps": 800})
    table = pd.read_csv(write_list(sweep)).set_index("folder")
    assert len(table) == 8
    assert table.loc["share=0.9,seed=7-1f0c9a2e", "judge.steps"] == 800
    assert table.loc["share=0.5,seed=2", ["state", "share", "seed", "judge.steps"]].tolist() == [
        "finished", 0.5, 2, 400
    ]  # fmt: skip
    assert table.loc["bad", "state"] == "failed" and "room" in table.loc["bad", "reason"]
