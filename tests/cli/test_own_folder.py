"""A folder of one's own, from `judge data folder --save-config` to a page."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hydra.core.config_store import ConfigStore
from PIL import Image

import judge
from judge.cli import main
from judge.cli.run import _apart
from judge.errors import InputError
from judge.experiment.choices.own_data import config_dirs, register_own_data
from judge.experiment.choices.words import as_override, changes


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working folder, and beside it 120 pictures with a table of odd names: W, B and two of X."""
    rng = np.random.default_rng(0)
    root = tmp_path / "photos"
    root.mkdir()
    for i in range(120):
        level = 60 + i
        pixels = rng.integers(level - 30, level + 30, (24, 24, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"p{i}.png")
    pd.DataFrame(
        {
            "Datei": [f"p{i}" for i in range(120)],
            "Bewertung": [1 + i % 40 / 10 for i in range(120)],
            "Gruppe": ["X" if i < 2 else "WB"[i % 3 == 0] for i in range(120)],
            "sexo": ["mujer" if i % 2 else "hombre" for i in range(120)],
        }
    ).to_csv(root / "Daten.csv", sep=";", index=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield root
    ConfigStore.instance().repo.get("data", {}).pop("mine.yaml", None)


def test_the_saved_settings_are_a_data_set_that_a_run_takes_as_it_is(work, capsys):
    assert main(["data", "folder", "--root", "../photos", "--save-config", "mine.yaml"]) == 0
    words = capsys.readouterr().out
    assert "judge run --config-dir . data=mine" in words
    assert "rating     Bewertung (Daten.csv)" in words
    saved = yaml.safe_load(Path("mine.yaml").read_text(encoding="utf-8"))
    assert saved["root"] == str(work) and saved["name"] == "mine"
    assert saved["columns"] == {"gender": "sexo", "ethnicity": "Gruppe", "rating": "Bewertung"}
    run = judge.run(["data=mine", "judge=embedding", "judge.embedding.size=32", "audit.n_permutations=100"])
    assert (run.folder / "page.html").is_file()
    assert run.folder.name.startswith("data=mine")
    settings = yaml.safe_load((run.folder / "settings.yaml").read_text(encoding="utf-8"))
    assert settings["pool"]["groups"] == ["B", "W"]  # two people of X are too few to draw from
    assert settings["pool"]["majority"] == "W"
    assert 20 <= settings["pool"]["n"] <= 50 and settings["entrants"]["n"] <= 48
    assert set(run.winners["group"]) == {"B", "W"}


def test_hydra_is_left_what_it_finds_itself(work, tmp_path):
    with pytest.raises(InputError, match="cannot be composed"):
        judge.run(["data=mine"])
    (tmp_path / "work" / "mine.yaml").write_text("a: [1")
    with pytest.raises(InputError, match=r"mine\.yaml cannot be read as settings"):
        register_own_data(["data=mine"])
    (tmp_path / "work" / "mine.yaml").write_text("a: 1")
    with pytest.raises(InputError, match=r"mine\.yaml is no data set"):
        register_own_data(["data=mine,parametric"])
    assert register_own_data(["data=parametric", "seed=1", "data.n=3"]) == []
    (tmp_path / "work" / "data").mkdir()
    (tmp_path / "work" / "data" / "mine.yaml").write_text("a: 1")
    assert register_own_data(["data@entrants_data=mine"]) == []


@pytest.mark.parametrize("name", ["mine.yml", "my data.yaml", "fairface.yaml"])
def test_a_name_that_a_run_could_not_find_is_refused(work, name, capsys):
    assert main(["data", "folder", "--root", str(work), "--save-config", name]) == 2
    assert f"--save-config {name}" in capsys.readouterr().err


def test_set_takes_the_words_of_a_run(work, capsys):
    for words in (
        ["--set", "columns.rating=Bewertung", "rating_range=[0,9]"],
        ["--set", "data.columns.rating=Bewertung", "--set", "data.rating_range=[0,9]"],
        ["data.columns={rating: Bewertung}", "rating_range=[0,9]"],
    ):
        assert main(["data", "folder", "--root", str(work), *words]) == 0
        assert "possible 0 to 9" in capsys.readouterr().out
    assert main(["data", "folder", "--root", str(work), "colums.rating=x"]) == 2
    assert "no setting 'colums'" in capsys.readouterr().err


def test_a_key_below_a_mapping_of_the_users_own_names_may_be_new():
    assert as_override("data.values.gender.F=female") == "++data.values.gender.F=female"
    assert as_override("where.split=train") == "++where.split=train"
    assert [as_override(word) for word in ("pool.n=3", "+a.shares.b=1", "data.columns={a: b}")] == [
        "pool.n=3", "+a.shares.b=1", "data.columns={a: b}"
    ]  # fmt: skip
    assert changes(["data.a.b=1", "c=[x,y]"], ["a", "c"], "here", ["data"]) == {
        "a": {"b": 1},
        "c": ["x", "y"],
    }
    with pytest.raises(InputError, match="one value a setting"):
        changes(["a=1,2"], ["a"], "here")


def test_flags_and_settings_may_stand_in_any_order():
    words = ["seed=1", "--config-dir", "x y", "data=mine", "-m", "seed=2"]
    assert _apart(words) == (["--config-dir", "x y", "-m"], ["seed=1", "data=mine", "seed=2"])
    assert config_dirs(words) == ["x y", "."] and config_dirs(["--config-dir=z"]) == ["z", "."]
