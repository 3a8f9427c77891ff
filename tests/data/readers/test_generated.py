"""A folder of generated people is read back as it was written, and never without its card."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from judge.__main__ import main
from judge.data.readers.generated import read_generated
from judge.errors import InputError
from judge.generator import Conditions, FaceGenerator
from judge.generator.export import sample_folder
from judge.generator.networks import Generator


@pytest.fixture
def written(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "ethnicity": np.resize(["a", "b"], 80),
            "age": rng.uniform(20, 60, 80),
            "rating": rng.uniform(2, 9, 80),
        }
    )
    conditions = Conditions.of(table)
    torch.manual_seed(0)
    network = Generator(16, (8, 8), conditions.width, 4).eval()
    facts = {"data": "some", "n": 80, "real_people": False, "rating_range": [1, 10]}
    made = sample_folder(FaceGenerator(network, 16, conditions, facts), 12, tmp_path / "g", progress=False)
    return tmp_path / "g", made


def changed(folder, **values):
    file = folder / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_the_round_trip_keeps_everything(written):
    folder, made = written
    data = read_generated(folder)
    own = data.manifest[made.columns.tolist()]
    pd.testing.assert_frame_equal(own, made, check_dtype=False)
    assert data.rating_range == (1.0, 10.0) and not data.real_people
    assert data.excluded.empty and not data.notes
    assert "Nobody rated these faces" in data.card


def test_real_people_are_told_by_the_settings(written):
    folder, _ = written
    changed(folder, real_people=True)
    assert read_generated(folder).real_people


@pytest.mark.parametrize("name", ["README.md", "settings.json", "manifest.csv"])
def test_a_folder_without_its_card_is_refused(written, name):
    folder, _ = written
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"lacks '{name}'"):
        read_generated(folder)


def test_damaged_settings_and_strange_rows_are_named(written):
    folder, _ = written
    changed(folder, rating_range=[9, 1])
    with pytest.raises(InputError, match="rating_range"):
        read_generated(folder)
    (folder / "settings.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        read_generated(folder)


def test_photographs_among_them_are_refused_and_what_is_lost_is_counted(written):
    folder, _ = written
    (folder / "people" / "000003.png").unlink()
    (folder / "people" / "000004.png").rename(folder / "people" / "stranger.png")
    told = read_generated(folder).excluded
    assert sorted(told["reason"]) == ["file missing", "file missing", "no label"]
    table = pd.read_csv(folder / "manifest.csv")
    table.loc[0, "source"] = "photo"
    table.to_csv(folder / "manifest.csv", index=False)
    with pytest.raises(InputError, match="'photo'"):
        read_generated(folder)


def test_the_command_describes_it(written, capsys):
    folder, _ = written
    assert main(["data", "generated", "--root", str(folder)]) == 0
    assert "12" in capsys.readouterr().out
