"""`judge data`: what it prints, writes and refuses."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.cli import main


@pytest.fixture
def folder(tmp_path):
    """Six pictures: four good ones, one broken, one of a person under 18."""
    root = tmp_path / "mine"
    root.mkdir()
    for i in range(6):
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{i}.png")
    (root / "4.png").write_bytes(b"broken")
    pd.DataFrame(
        {
            "file": [f"{i}.png" for i in range(6)],
            "race": ["x", "x", "y", "y", "y", "y"],
            "gender": ["female", "male"] * 3,
            "age": [20, 30, 40, 50, 60, 12],
            "rating": [1, 2, 4, 5, 3, 3],
        }
    ).to_csv(root / "labels.csv", index=False)
    votes = [(f"{i}.png", f"r{k}", r + k % 2) for i, r in enumerate((1, 2, 4, 5)) for k in range(4)]
    pd.DataFrame(votes, columns=["image_id", "rater_id", "rating"]).to_csv(root / "ratings.csv", index=False)
    return root


SETTINGS = ["--set", "columns.ethnicity=race", "rating_range=[1,7]"]


def test_it_prints_groups_brackets_ratings_reliability_and_what_was_excluded(folder, capsys):
    assert main(["data", "folder", "--root", str(folder), *SETTINGS]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "folder: 4 pictures, photographs of real people" in words
    assert "female 18-29" in words
    assert "ethnicity x 2 2 1.50 0.71" in words  # two pictures, both rated, mean, sd
    assert "ethnicity y 2 2 4.50 0.71" in words
    assert "possible 1 to 7" in words
    assert "single ratings: 16 by 4 raters" in words
    assert "Spearman–Brown" in words
    assert "missing values: none" in words
    assert "excluded: 2, by reason" in words
    assert "broken picture 1" in words
    assert "may be under 18 1" in words


def test_out_writes_a_page_and_every_table_and_no_face(folder, tmp_path, capsys):
    out = tmp_path / "about"
    assert main(["data", "folder", "--root", str(folder), "--out", str(out), *SETTINGS]) == 0
    assert f"page: {out / 'page.html'}" in capsys.readouterr().out
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert manifest["image_id"].tolist() == ["0.png", "1.png", "2.png", "3.png"]
    assert pd.read_csv(out / "excluded.csv")["item"].tolist() == ["5.png", "4.png"]
    assert pd.read_csv(out / "counts_ethnicity.csv", index_col=0).loc["all", "all"] == 4
    page = (out / "page.html").read_text(encoding="utf-8")
    assert "under 18" in page
    assert not (out / "sheet.png").exists()


def test_real_people_are_shown_only_when_asked_for_by_that_name(folder, tmp_path, capsys):
    out = tmp_path / "about"
    command = ["data", "folder", "--root", str(folder), "--out", str(out), *SETTINGS]
    assert main([*command[:6], "--sheet", *SETTINGS]) == 2
    assert "photographs of real people" in capsys.readouterr().err
    assert not (out / "sheet.png").exists()
    assert main([*command[:6], "--sheet-of-real-people", *SETTINGS]) == 0
    assert Image.open(out / "sheet.png").width == 8 * 128


def test_a_sheet_without_a_place_for_it_is_refused(folder, capsys):
    assert main(["data", "folder", "--root", str(folder), "--sheet", *SETTINGS]) == 2
    assert "--out DIR" in capsys.readouterr().err


def test_an_unknown_name_lists_those_allowed(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["data", "mugshots"])
    assert stop.value.code == 2
    words = capsys.readouterr().err
    for name in (
        "celeba",
        "cfd",
        "fairface",
        "folder",
        "london",
        "mebeauty",
        "scut_fbp5500",
        "utkface",
        "parametric",
    ):
        assert name in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mebeauty"], "needs --root DIR"),
        (["mebeauty", "--root", "/nowhere"], "no such folder: /nowhere"),
        (
            ["mebeauty", "--root", ".", "--set", "picturs=x"],
            "no setting 'picturs'; there are 'root', 'pictures'",
        ),
        (["mebeauty", "--root", ".", "--set", "pictures"], "takes KEY=VALUE, not 'pictures'"),
        (["parametric", "--n", "3"], "needs --out DIR"),
        (["parametric", "--out", "x", "--set", "colour=red"], "no setting 'colour'; there are 'n', 'seed'"),
        (["twins", "--out", "x", "--set", "ratings.noise=0"], "no setting 'ratings'; there are 'n', 'tones'"),
        (["parametric", "--out", "x", "--set", "size=big"], "size is a number, such as 96, not 'big'"),
        (["twins", "--out", "x", "--set", "placebo=2"], "placebo is true or false, such as True, not 2"),
        (["parametric", "--out", "x", "--set", "splits.dev=1"], "splits takes shares ≥ 0 of 'train'"),
        (["parametric", "--out", "x", "--set", "truth_shares.charm=1"], "truth takes shares ≥ 0 of"),
        (["parametric", "--out", "x", "--set", "assignment=dice"], "'dice'"),
        (["twins", "--out", "x", "--tones", "dark"], "--tones is a number, or melanin levels"),
    ],
)
def test_what_is_wrong_is_named_without_a_traceback(arguments, message, capsys):
    assert main(["data", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cfd", "celeba", "mebeauty", "parametric"])
def test_the_card_needs_no_data(name, capsys):
    assert main(["data", name, "--card"]) == 0
    assert len(capsys.readouterr().out) > 100


@pytest.mark.parametrize("name", ["parametric", "twins"])
def test_the_card_of_people_made_here_says_origin_licence_and_traps(name, capsys):
    assert main(["data", name, "--card"]) == 0
    words = capsys.readouterr().out
    assert "CC0 1.0, public domain" in words
    assert "no real person" in words
    assert all(f"\n{part} " in words for part in ("Origin", "Licence", "Labels", "Ratings", "Traps"))


def test_settings_reach_the_maker_of_people(tmp_path, monkeypatch, capsys):
    from judge.data.parametric import export

    seen = {}

    def maker(n, out, **settings):
        seen.update(settings, n=n, out=out)
        return out

    monkeypatch.setattr(export, "main_parametric", maker)
    arguments = ["--n", "7", "--seed", "3", "--set", "composition.ethnicity.african=1", "ratings.noise=0"]
    assert main(["data", "parametric", "--out", str(tmp_path / "f"), "--sheet", *arguments]) == 0
    assert seen["n"] == 7
    assert seen["seed"] == 3
    assert seen["sheet"] is True
    assert seen["composition"] == {"ethnicity": {"african": 1}}
    assert seen["ratings"] == {"noise": 0}
    assert seen["camera"] == "even"


@pytest.mark.parametrize("name", ["parametric", "twins"])
def test_every_setting_of_the_file_can_be_set(name, tmp_path, monkeypatch):
    from judge.cli.data import _settings
    from judge.data.parametric import export

    seen = {}
    monkeypatch.setattr(export, f"main_{name}", lambda n, out, **settings: seen.update(settings, n=n))
    usual = {key: value for key, value in _settings(name, []).items() if not key.startswith("_")}
    words = ["null" if value is None else json.dumps(value) for value in usual.values()]
    given = [f"{key}={word}" for key, word in zip(usual, words, strict=True)]
    assert main(["data", name, "--out", str(tmp_path / "f"), "--set", *given]) == 0
    assert {key: seen[key] for key in usual} == usual


def test_settings_that_have_no_option_change_the_people(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out, twins = tmp_path / "faces", tmp_path / "twins"
    common = ["--size", "32", "--workers", "1"]
    rules = ["splits.val=1", "photo_rule_breakers=1", "assignment=multinomial", "tone=independent", "n=3"]
    assert main(["data", "parametric", "--out", str(out), *common, "--set", *rules]) == 0
    manifest = pd.read_csv(out / "manifest.csv")
    assert len(manifest) == 3 and set(manifest["split"]) == {"val"}
    assert json.loads((out / "settings.json").read_text())["photo_rule_breakers"] == 1
    rules = ["picture_format=jpeg", "population.photo_rules={}"]
    assert (
        main(["data", "twins", "--n", "1", "--tones", "2", "--out", str(twins), *common, "--set", *rules])
        == 0
    )
    assert json.loads((twins / "settings.json").read_text())["seed"] == 1_000_000
    assert pd.read_csv(twins / "manifest.csv")["path"].str.endswith(".jpg").all()


def test_people_are_made_and_read_back_as_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "faces"
    assert main(["data", "parametric", "--n", "4", "--size", "32", "--out", str(out), "--workers", "1"]) == 0
    capsys.readouterr()
    assert main(["data", "folder", "--root", str(out)]) == 0
    assert "folder: 4 pictures, people who do not exist" in capsys.readouterr().out


@pytest.mark.slow
def test_help_starts_without_torch_pandas_or_hydra():
    code = (
        "import sys, json\n"
        "from judge.cli import main\n"
        "try: main(['data', '--help'])\n"
        "except SystemExit: pass\n"
        "print(json.dumps([m for m in ('torch', 'pandas', 'hydra') if m in sys.modules]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == []
    assert "judge data mebeauty --root DIR" in done.stdout


@pytest.mark.slow
def test_reading_needs_no_torch(folder):
    code = (
        "import sys\n"
        "from judge.cli import main\n"
        f"main(['data', 'folder', '--root', {str(folder)!r}])\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_names_like_formulas_are_harmless_in_every_csv_and_notes_are_said(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "labels.csv", dtype=str).assign(**{"@note": "=1+1", "race": "=x"})
    table.to_csv(folder / "labels.csv", index=False)
    (folder / "phone.heic").write_bytes(b"x")
    out = tmp_path / "about"
    assert main(["data", "folder", "--root", str(folder), "--out", str(out), *SETTINGS]) == 0
    words = capsys.readouterr().out
    assert "picture format not read 1" in " ".join(words.split())
    (folder / "readme.doc").write_bytes(b"x")
    assert main(["data", "folder", "--root", str(folder), "--out", str(out), *SETTINGS]) == 0
    assert "- other files that are no pictures: 1 .doc" in capsys.readouterr().out
    assert (out / "notes.txt").read_text() == "other files that are no pictures: 1 .doc\n"
    for file in out.glob("*.csv"):
        cells = [cell for line in file.read_text().splitlines() for cell in line.replace('"', "").split(",")]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))], file.name
    assert "'@note" in (out / "manifest.csv").read_text().splitlines()[0]
    assert "'=x" in (out / "counts_ethnicity.csv").read_text()


def test_an_exclusion_list_that_means_nobody_ends_the_command(folder, tmp_path, capsys):
    (tmp_path / "list.txt").write_text("nobody\n")
    assert main(["data", "folder", "--root", str(folder), "--set", f"exclude={tmp_path / 'list.txt'}"]) == 2
    assert "none of the 1 line(s) of list.txt means anybody" in capsys.readouterr().err
