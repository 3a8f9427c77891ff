"""judge generate: what is refused, before any work, and who is held out of an audit."""

from argparse import Namespace

import pandas as pd
import pytest

from judge.cli import main
from judge.cli.generate import audit, train


@pytest.mark.parametrize("part", ["sample", "audit", "detect", "critic", "transects"])
@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_that_no_generator_of_numbers_takes(part, seed, tmp_path, capsys):
    assert main(["generate", part, "--seed", seed, "--out", str(tmp_path / "out")]) != 0
    assert "--seed=" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", ["-1", "many", "1.5"])
def test_a_seed_of_a_training(seed, tmp_path, capsys):
    assert main(["generate", "train", f"seed={seed}", "--out", str(tmp_path / "out")]) != 0
    assert f"seed={seed}: a whole number" in capsys.readouterr().err


def test_a_truncation_out_of_range_is_refused_before_people_are_read(tmp_path, capsys):
    assert main(["generate", "detect", "--psi", "3", "--out", str(tmp_path / "out")]) != 0
    assert "--psi=3.0" in capsys.readouterr().err


def test_held_out_people_begin_where_the_training_people_end(monkeypatch):
    asked = {}

    def rendered(settings, start, workers):
        asked.update(settings, start=start)
        return pd.DataFrame()

    monkeypatch.setattr(train, "people", lambda settings: (pd.DataFrame(), {"real_people": False}))
    monkeypatch.setattr(audit, "_rendered", rendered)
    told = ["data=parametric", "data.n=50", "+data.start=40", "data.seed=7"]
    audit.people_of(Namespace(overrides=told, generator="x", n=20, held_out=[], workers=1), [])
    assert (asked["start"], asked["seed"]) == (90, 7)
