"""A data set given away: what is in the folder, what the formats' own validators say, and nobody who exists in it."""

import io
import json
import subprocess
import zipfile

import pandas as pd
import pytest
import yaml
from PIL import Image

from judge.cli import main
from judge.data.parametric.export import main_parametric
from judge.errors import InputError
from judge.publication import publish
from judge.publication.disclosure import without_paths
from judge.publication.validation import checked_sums, validate

pytest.importorskip("mlcroissant", reason="the extra judge[publish] is not installed")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """12 people who do not exist, 32 px."""
    return main_parametric(
        12,
        tmp_path_factory.mktemp("data") / "people",
        size=32,
        workers=1,
        progress=False,
        picture_format="png",
    )


@pytest.fixture(scope="module")
def published(rendered, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "published"
    publish(rendered, out, authors=["A. Author"])
    return out


@pytest.fixture
def photographs(tmp_path):
    """Three photographs with names of people in the files' names, as in several data sets; grey squares, in truth."""
    folder = tmp_path / "secret-place"
    folder.mkdir()
    names = ["Ada_Alpha_0001.png", "Bea_Beta_0001.png", "Cem_Gamma_0001.png"]
    for shade, name in enumerate(names):
        Image.new("RGB", (8, 8), (shade, 9, 9)).save(folder / name)
    pd.DataFrame(
        {
            "image_id": [name.removesuffix(".png") for name in names],
            "path": [str(folder / name) for name in names],
            "rating": [3.0, 4.0, 5.0],
            "rating_source": "study",
            "source": "photo",
            "gender": ["female", "female", "male"],
            "content_hash": ["c0ffee", "decade", "facade"],
            "remark": ["lives in Alphaville", "", ""],
        }
    ).to_csv(folder / "manifest.csv", index=False)
    pd.DataFrame(
        {"image_id": ["Ada_Alpha_0001"], "rater_id": ["Zoe"], "rating": [3.0], "email": ["zoe@example.org"]}
    ).to_csv(folder / "ratings.csv", index=False)
    pd.DataFrame(
        {
            "item": ["Dan_Delta_0001.png"],
            "reason": ["damaged"],
            "detail": ["/secret-place/Dan_Delta_0001.png"],
        }
    ).to_csv(folder / "excluded.csv", index=False)
    return folder


def test_every_validator_of_the_formats_accepts_it(published):
    verdicts = validate(published)
    assert {verdict.what for verdict in verdicts} == {
        "cards",
        "croissant.json",
        "ro-crate-metadata.json",
        "SHA256SUMS",
    }
    assert {verdict.what: verdict.errors for verdict in verdicts if verdict.errors} == {}


def test_checksums_are_those_of_sha256sum(published):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=published, capture_output=True
    )
    assert done.returncode == 0
    text = (published / "CITATION.cff").read_text()
    (published / "CITATION.cff").write_text(text + "\n")
    assert checked_sums(published).errors == ("CITATION.cff is not what was published",)
    (published / "CITATION.cff").write_text(text)


def test_pictures_of_people_who_do_not_exist_are_in_it_and_can_be_found(published, rendered):
    people = pd.read_parquet(published / "data" / "people.parquet")
    assert "path" not in people and len(people) == 12
    with zipfile.ZipFile(next(published.glob("pictures-*.zip"))) as archive:
        assert sorted(archive.namelist()) == sorted(people["file_name"])
        manifest = pd.read_parquet(rendered / "manifest.parquet").set_index("image_id")
        for row in people.itertuples():
            assert archive.read(row.file_name) == (rendered / manifest.loc[row.image_id, "path"]).read_bytes()


def test_croissant_reads_the_people_and_their_pictures(published):
    import mlcroissant as mlc

    dataset = mlc.Dataset(jsonld=str(published / "croissant.json"))
    people = list(dataset.records("people"))
    pictures = {row["pictures/file_name"]: row["pictures/picture"] for row in dataset.records("pictures")}
    assert len(people) == len(pictures) == 12
    assert {row["people/file_name"].decode() for row in people} == {
        name.decode() if isinstance(name, bytes) else name for name in pictures
    }


def test_croissant_says_what_responsible_ai_asks(published):
    told = json.loads((published / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/RAI/1.0" in told["conformsTo"]
    asked = ("dataCollection", "dataBiases", "dataLimitations", "dataUseCases", "dataSocialImpact",
             "personalSensitiveInformation", "dataAnnotationProtocol", "annotatorDemographics")  # fmt: skip
    assert [name for name in asked if not told.get(f"rai:{name}")] == []


def test_the_card_is_a_data_set_card_under_the_usual_licence(published):
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(published / "README.md")
    assert card.data.license == "cc0-1.0"
    assert {one["config_name"] for one in card.data.configs} == {"people", "ratings", "raters"}
    assert "neither measures beauty" in card.text


def test_who_publishes_is_cited(published):
    told = yaml.safe_load((published / "CITATION.cff").read_text())
    assert told["authors"] == [{"name": "A. Author"}] and told["license"] == "CC0-1.0"


def test_another_licence_is_an_option(rendered, tmp_path):
    publish(rendered, tmp_path / "out", licence="cc-by-4.0")
    assert yaml.safe_load((tmp_path / "out" / "CITATION.cff").read_text())["license"] == "CC-BY-4.0"
    with pytest.raises(InputError, match=r"--licence WTFPL: allowed are 'CC0-1.0'"):
        publish(rendered, tmp_path / "other", licence="WTFPL")


def everything(folder):
    """All bytes of a folder and all cells of its tables as text."""
    parts = []
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            parts.append(content)
            if file.suffix == ".parquet":
                parts.append(pd.read_parquet(io.BytesIO(content)).to_csv().encode())
            parts.append(file.name.encode())
    return b"\n".join(parts)


def test_nothing_of_people_who_exist_leaves_but_groups_ratings_and_numbers(photographs, tmp_path, capsys):
    assert main(["publish", str(photographs), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    whole = everything(tmp_path / "out")
    for trace in ("Ada", "Beta", "Dan", "Zoe", "zoe@", "Alphaville", "secret-place", "c0ffee"):
        assert trace.encode() not in whole
    assert not list((tmp_path / "out").rglob("*.zip")) and b"\x89PNG" not in whole
    people = pd.read_parquet(tmp_path / "out" / "data" / "people.parquet")
    assert sorted(people["rating"]) == [3, 4, 5] and set(people["gender"]) == {"female", "male"}
    ratings = pd.read_parquet(tmp_path / "out" / "data" / "ratings.parquet")
    assert (
        people.set_index("image_id").loc[ratings["image_id"].iloc[0], "rating"] == 3.0
    )  # numbers agree between tables
    assert "the photographs, and where they lie" in said and "`remark`" in said


def test_of_people_who_exist_no_licence_is_granted_unless_named(photographs, tmp_path):
    publish(photographs, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "license: other" in card and "No licence is granted" in card
    assert "license" not in yaml.safe_load((tmp_path / "out" / "CITATION.cff").read_text())


def test_faces_of_a_network_that_learnt_from_photographs_are_not_published(tmp_path):
    folder = tmp_path / "people"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    table = {
        "image_id": ["a"],
        "path": ["a.png"],
        "rating": [5.0],
        "rating_source": ["asked"],
        "source": ["generated"],
    }
    pd.DataFrame(table).to_csv(folder / "manifest.csv", index=False)
    for number, told in enumerate([{}, {"real_people": True}]):
        (folder / "settings.json").write_text(json.dumps(told))
        assert publish(folder, tmp_path / f"no-{number}").pictures == {}
    (folder / "settings.json").write_text(json.dumps({"real_people": False}))
    assert list(publish(folder, tmp_path / "yes").pictures) == ["a.png"]


@pytest.mark.parametrize(
    ("what", "said"),
    [("nowhere", "no such run, data set or table"), (".", "neither a run's folder")],
)
def test_what_is_no_data_set_is_refused(what, said, tmp_path):
    with pytest.raises(InputError, match=said):
        publish(tmp_path / what, tmp_path / "out" / "put")


def test_a_folder_that_holds_files_is_refused(rendered, tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="a new or empty folder"):
        publish(rendered, tmp_path)


def test_paths_are_taken_out_of_settings_but_not_out_of_words():
    assert without_paths({"a": ["/home/me/x", "and/or", "C:\\faces\\x", 3]}) == {
        "a": ["(a path)", "and/or", "(a path)", 3]
    }
