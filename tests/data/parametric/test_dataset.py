"""The parametric reader, its folder form, and contact sheets."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.data.brackets import AGE_GROUPS
from judge.data.parametric.dataset import read_parametric
from judge.data.parametric.export import main_parametric, main_twins
from judge.data.parametric.people.ratings import Raters
from judge.data.parametric.people.tone import expected_ita, skin_tone
from judge.data.parametric.sheet import contact_sheet, manifest_sheet
from judge.errors import InputError

FAST = {"workers": 1, "progress": False}


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def dataset(cache_dir):
    return read_parametric(12, seed=41, size=32, cache_dir=cache_dir, **FAST)


def test_the_manifest_has_labels_ratings_truth_and_every_parameter(dataset):
    row = dataset.manifest.iloc[0]
    assert dataset.real_people is False and dataset.rating_range == (1.0, 10.0)
    assert set(dataset.manifest["source"]) == {"parametric"}
    assert set(dataset.manifest["age_group"]) <= set(AGE_GROUPS)
    with Image.open(row["path"]) as picture:
        assert picture.size == (32, 32)
    assert row["image_id"] == row["person_id"] == "p41-000000"
    assert row["param_age"] == row["age"]
    assert (
        row["skin_tone"] == skin_tone([expected_ita(row["param_melanin"], row["param_haemoglobin"])]).item()
    )
    assert "weight" not in dataset.manifest  # that name is a picture's training weight
    assert {"truth", "truth_symmetry", "param_weight", "reliability", "content_hash"} <= set(dataset.manifest)


def test_the_rating_is_the_mean_of_the_single_ratings(dataset):
    mean = dataset.ratings.groupby("image_id")["rating"].mean()
    assert np.allclose(dataset.manifest.set_index("image_id")["rating"].sort_index(), mean.sort_index())
    assert (dataset.manifest["reliability"] == Raters().reliability).all()


def test_splits_are_exact_within_each_group():
    manifest = read_parametric(300, render=False).manifest
    counts = manifest.groupby(["ethnicity", "gender", "age_group"])["split"].value_counts().unstack()
    assert (counts == pd.Series({"test": 2, "train": 7, "val": 1})).all().all()
    few = read_parametric(30, render=False).manifest
    assert few["split"].value_counts().to_dict() == {"train": 21, "test": 6, "val": 3}
    with pytest.raises(InputError, match="train"):
        read_parametric(10, splits={"training": 1}, render=False)


def test_undrawn_pictures_have_paths_and_no_files(tmp_path):
    manifest = read_parametric(5, cache_dir=tmp_path, render=False).manifest
    assert manifest["path"].str.startswith(str(tmp_path)).all()
    assert not any(tmp_path.rglob("*.jpg"))


def test_a_rating_skew_leaves_pictures_and_truth_alone():
    fair = read_parametric(60, render=False).manifest
    skewed = read_parametric(60, ratings={"shift": {"african": -2.0}}, render=False).manifest
    changed = [c for c in fair if not fair[c].equals(skewed[c])]
    assert set(changed) == {"rating", "expected_rating"}


def test_skin_tones_are_divided_at_published_bounds():
    assert skin_tone([42, 41, 10.1, 10]).to_list() == ["light", "intermediate", "intermediate", "dark"]


def test_each_single_rating_says_who_gave_it():
    planted = {"pool_shift": {"african": {"caucasian": -3.0}}, "noise": 0.0, "bias": 0.0}
    data = read_parametric(30, seed=41, size=32, ratings=planted, render=False)
    single = data.ratings.merge(data.manifest[["image_id", "ethnicity", "expected_rating"]], on="image_id")
    assert len(single) == 300
    assert single["rater_bias"].eq(0).all()
    # what african raters say of caucasian people is 3 points below the others; the ends of the scale cut some
    means = single[single["ethnicity"] == "caucasian"].groupby("rater_ethnicity")["rating"].mean()
    assert means["african"] < means[["asian", "caucasian"]].min() - 2


def test_a_folder_can_be_read_by_others_and_be_begun_again(cache_dir, tmp_path):
    out = tmp_path / "faces"
    settings = {"seed": 41, "size": 32, "cache_dir": cache_dir, "sheet": True, **FAST}
    assert main_parametric(12, out, **settings) == out
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert len(manifest) == 12 and all((out / path).is_file() for path in manifest["path"])
    found = {}
    for folder in ("train", "validation", "test"):
        if (out / folder).is_dir():
            table = pd.read_csv(out / folder / "metadata.csv")
            assert table.columns[0] == "file_name"
            assert {p.name for p in (out / folder).glob("*.jpg")} == set(table["file_name"])
            found |= dict(zip(table["image_id"], table["rating"], strict=True))
    assert len(found) == 12
    single, raters = pd.read_csv(out / "ratings.csv"), pd.read_csv(out / "raters.csv")
    assert len(single) == 120
    assert raters["rater_id"].tolist() == sorted(single["rater_id"].unique())
    assert set(raters["rater_ethnicity"]) <= {"african", "asian", "caucasian"}
    card = (out / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: cc0-1.0") and "do not exist" in card
    assert "# People who do not exist, rendered here" in card and "\nTraps " in card and "workers" not in card
    assert json.loads((out / "settings.json").read_text())["seed"] == 41
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size == (8 * 32, 2 * 32)

    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    victim = out / manifest["path"].iloc[3]
    victim.unlink()
    main_parametric(12, out, **settings)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_a_folder_with_other_things_in_it_is_left_alone(cache_dir, tmp_path):
    settings = {"size": 32, "cache_dir": cache_dir, **FAST}
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        main_parametric(3, tmp_path, **settings)
    main_parametric(3, tmp_path / "a", seed=41, **settings)
    with pytest.raises(InputError, match="other settings"):
        main_parametric(4, tmp_path / "a", seed=41, **settings)
    for n in (0, -1):
        with pytest.raises(InputError, match="whole number of people"):
            main_parametric(n, tmp_path / "b", **settings)
    assert not (tmp_path / "b").exists()


def test_twins_are_written_with_their_edits(cache_dir, tmp_path):
    out = main_twins(1, tmp_path / "twins", tones=2, size=32, cache_dir=cache_dir, sheet=True, **FAST)
    table = pd.read_csv(out / "test" / "metadata.csv")
    assert table["twin_edit"].value_counts()["tone"] == 2
    assert table["person_id"].nunique() == 1
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size == (6 * 32, 32)


def test_a_contact_sheet_puts_pictures_in_rows():
    colours = [np.full((16, 16, 3), value, np.uint8) for value in (10, 100, 200)]
    sheet = np.asarray(contact_sheet(colours, 2, cell=16))
    assert sheet.shape == (32, 32, 3)
    assert (
        (sheet[:16, 16:] == 100).all() and (sheet[16:, :16] == 200).all() and (sheet[16:, 16:] == 255).all()
    )


def test_photographs_of_real_people_are_not_shown_unless_asked_for(tmp_path):
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "a.png")
    manifest = pd.DataFrame({"path": [str(tmp_path / "a.png")] * 2, "source": ["parametric", "photo"]})
    with pytest.raises(InputError, match="real people"):
        manifest_sheet(manifest)
    assert manifest_sheet(manifest, columns=2, cell=20, show_real_people=True).size == (40, 20)
    assert manifest_sheet(manifest.head(1), columns=1, cell=20).size == (20, 20)


@pytest.mark.parametrize("images", [[], ["no/such/file.png"]])
def test_a_sheet_of_nothing_or_of_missing_files_is_refused(images):
    with pytest.raises(InputError):
        contact_sheet(images)
