"""A run given away: tables, judges that can be loaded, and model cards with the run's own numbers."""

import shutil

import pandas as pd
import pytest

import judge
from judge.jury.loading import load_judge
from judge.publication import publish
from judge.publication.validation import validate

pytest.importorskip("mlcroissant", reason="the extra judge[publish] is not installed")
pytestmark = pytest.mark.slow
SMALL = [
    "judge=embedding",
    "data.n=300",
    "data.size=32",
    "pool.n=30",
    "pool.majority_share=.6",
    "entrants.n=90",
]
SMALL += ["contest.places=2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return judge.run([*SMALL, "save_judges=true"], folder=tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def published(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "published"
    publish(run.folder, out)
    return out


def test_every_validator_of_the_formats_accepts_it(published):
    assert {verdict.what: verdict.errors for verdict in validate(published) if verdict.errors} == {}


def test_all_tables_are_in_it_as_the_run_has_them(run, published):
    names = {path.stem for path in (published / "data").glob("*.parquet")}
    assert names == set(run.summary["rows"])
    pd.testing.assert_frame_equal(pd.read_parquet(published / "data" / "audit.parquet"), run.audit)
    assert "path" not in pd.read_parquet(published / "data" / "manifest.parquet")


def test_a_published_judge_can_be_loaded(published):
    for name in ("skewed", "rebalanced"):
        assert load_judge(published / "judges" / name) is not None


def test_a_model_card_has_the_errors_and_winners_of_each_group(run, published):
    from huggingface_hub import ModelCard

    card = ModelCard.load(published / "judges" / "skewed" / "README.md")
    assert card.data.license == "apache-2.0"
    audit = run.audit.query("condition == 'skewed' and feature == 'ethnicity'").set_index(["metric", "group"])
    for group in ("african", "asian", "caucasian"):
        row = audit.loc[("winner_share", group)]
        assert f"{row.value:.2f} [{row.ci_low:.2f}, {row.ci_high:.2f}]" in card.text
        row = audit.loc[("mae", group)]
        assert f"{row.value:.2f} [{row.ci_low:.2f}, {row.ci_high:.2f}]" in card.text
    members = run.table("membership").query("condition == 'skewed' and role == 'train'")
    assert f"{members['copies'].sum()} pictures for training" in card.text
    assert "Seed 0" in card.text and "no measure of beauty" in card.text


def test_of_a_run_on_photographs_neither_pictures_nor_page_nor_judges_are_published(run, tmp_path):
    """The same run, told to be of photographs."""
    import json

    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    done = json.loads((folder / "done.json").read_text())
    (folder / "done.json").write_text(json.dumps(done | {"real_people": True}))
    material = publish(folder, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "CITATION.cff", "README.md", "SHA256SUMS", "croissant.json", "data", "ro-crate-metadata.json", "settings.json",
    ]  # fmt: skip
    assert any("page" in one for one in material.left_out) and any(
        "judges" in one for one in material.left_out
    )
    ids = set(run.table("manifest")["image_id"])
    for file in (tmp_path / "out" / "data").glob("*.parquet"):
        table = pd.read_parquet(file)
        assert "image_id" not in table or not ids & set(table["image_id"])
    assert len(pd.read_parquet(tmp_path / "out" / "data" / "ranking.parquet")) == len(run.ranking)
    assert publish(folder, tmp_path / "with", judges_of_real_people=True).judges.keys() == {
        "skewed",
        "rebalanced",
    }
