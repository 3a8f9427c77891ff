"""judge generate transects, as a person uses it: a tiny generator of random weights, a reader of pixels, a judge."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import judge.generator.audit.spaces as spaces
from judge.cli import main
from judge.data.parametric import read_parametric
from judge.generator import Conditions, FaceGenerator
from judge.generator.networks import Generator
from judge.report.pages.transects import effects_said, leakage_said

SIZE = 32


class Pixels:
    """Takes the mean of the picture's parts for what it reads."""

    COLUMNS = ("ita", "masculinity", "smile", "p_hair_style_long")

    def read(self, pictures):
        parts = pictures.float().mean(1).unfold(1, 16, 16).unfold(2, 16, 16).mean((3, 4)).flatten(1)
        return pd.DataFrame(parts.numpy(), columns=self.COLUMNS)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """30 rendered people of 32 px."""
    return read_parametric(
        30, seed=5, size=SIZE, mode="natural", picture_format="png", workers=1,
        cache_dir=tmp_path_factory.mktemp("pictures"), progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def generator(tmp_path_factory, people):
    """Folder of a generator of rendered people; beside it `photographs`, which says that it learnt from real ones."""
    folder = tmp_path_factory.mktemp("generators")
    conditions = Conditions.of(people.manifest, ["gender", "ita"])
    torch.manual_seed(0)
    network = Generator(SIZE, [8, 8, 8], conditions.width, 8)
    for block in network.blocks:
        torch.nn.init.normal_(block.second.weight, std=0.3)
    for name, real in (("rendered", False), ("photographs", True)):
        FaceGenerator(network.eval(), SIZE, conditions, {"real_people": real}).save(folder / name)
    return folder


@pytest.fixture
def command(monkeypatch, generator, tmp_path):
    monkeypatch.setattr(spaces, "parameter_regressor", Pixels)
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))

    def called(*more, of="rendered", out="out"):
        return main(
            ["generate", "transects", "--generator", str(generator / of), "--n", "12", "--persons", "3",
             "--faces", "60", "--steps=-1,1", "--workers", "1", "--out", str(tmp_path / out), *map(str, more)]
        )  # fmt: skip

    return called


@pytest.mark.slow
def test_a_study_with_judges(command, people, tmp_path, capsys):
    from judge.jury.embedding import Embedding, EmbeddingJudge

    what = Embedding(backbone="test_efficientnet", weights="none", size=SIZE)
    rows = people.manifest.assign(weight=1.0)
    judges = []
    for seed in range(3):
        judge = EmbeddingJudge(what, cache=str(tmp_path / "cache"), progress=False)
        judge.fit(rows.iloc[seed * 5 :], rating_range=(1, 10), seed=seed)
        judge.save(tmp_path / f"run{seed}" / "default")
        judges.append(tmp_path / f"run{seed}" / "default")
    assert command("--judge", *judges, "--attributes", "ita,long_hair") == 0
    said, out = capsys.readouterr().out, tmp_path / "out"
    assert "Changed as condition" in said
    assert "cannot be asked for, and so not changed as conditions: long_hair" in said
    assert "not watched: age, african, asian, hair_melanin, blemishes" in said
    leakage = pd.read_csv(out / "leakage.csv")
    # ita as a condition, both in both latent spaces; the renderer changes all four that are watched
    assert leakage.groupby("space")["target"].nunique().to_dict() == {
        "condition": 1, "latent": 2, "orthogonal latent": 2, "renderer": 4,
    }  # fmt: skip
    over = pd.read_csv(out / "effects_over_judges.csv")
    assert len(over) == 5
    assert (over["judges"] == 3).all()
    each = pd.read_csv(out / "effects.csv")
    assert sorted(each["judge"].unique()) == sorted(map(str, judges))
    assert np.allclose(each["effect"] - each["exact"], each["bias"], equal_nan=True)
    page = (out / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 2 * 2 * 5 + 2 * 2 * 2
    for name in ("transects.png", "directions.csv", "figures/leakage.svg", "figures/effects.png"):
        assert (out / name).is_file()
    assert json.loads((out / "transects.json").read_text())["targets"] == ["ita", "long_hair"]


@pytest.mark.slow
def test_faces_like_photographs_are_not_shown_unless_asked(command, tmp_path, capsys):
    assert command("--attributes", "ita", "--spaces", "condition", of="photographs") == 0
    assert "Its faces are not shown" in capsys.readouterr().out
    assert not (tmp_path / "out" / "transects.png").exists()
    assert "data:image/jpeg" not in (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert (
        command(
            "--attributes", "ita", "--spaces", "condition", "--show-real-people", of="photographs", out="b"
        )
        == 0
    )
    assert (tmp_path / "b" / "transects.png").is_file()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--attributes", "ita,beauty"], "'beauty' is none; allowed are 'ita', 'age'"),
        (["--attributes", "age"], "'age' cannot be read off a face"),
        (
            ["--attributes", "smile", "--spaces", "condition"],
            "cannot be asked for 'smile'; it was taught 'gender', 'ita'",
        ),
        (["--spaces", "pixels"], "'pixels'; allowed are 'condition', 'latent', 'orthogonal latent'"),
        (["--steps=up"], "--steps is levels"),
        (["--steps=1"], "at least two levels"),
        (["--method", "guess", "--attributes", "ita"], "allowed are 'ridge', 'svm'"),
        (["--psi", "2", "--attributes", "ita"], "psi=2"),
        (["--n", "1"], "n=1: at least 2"),
        (["--judge", "nowhere"], "--judge nowhere: there is no such folder"),
        (["--confidence", "95"], "confidence"),
    ],
)
def test_what_cannot_be_done_is_said(command, more, said, capsys, tmp_path):
    assert command(*more) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "page.html").exists()


def test_out_is_needed_and_help_has_examples(capsys):
    assert main(["generate", "transects"]) == 2
    assert "needs --out DIR" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["generate", "transects", "--help"])
    assert "judge generate transects --judge runs/contest/default" in capsys.readouterr().out


def test_sentences_name_the_worst():
    row = {"space": "latent", "target": "ita", "moves": True, "excess_low": 0.5, "excess_high": 0.9}
    table = pd.DataFrame(
        [
            row | {"attribute": "ita", "excess": 0.0},
            row | {"attribute": "smile", "excess": 0.7},
            row | {"attribute": "age", "excess": 0.2},
            row | {"target": "smile", "attribute": "ita", "moves": False, "excess": np.nan},
        ]
    )
    assert leakage_said(table) == [
        "Changed as latent: others move along with 1 of 1 attribute, most of all with ita: smile moves by 0.70 "
        "[0.50, 0.90] standard deviations more than the regressor's own mistake. Not moved at all: smile."
    ]
    effect = {"space": "latent", "exact": 0.1, "ci_low": np.nan, "ci_high": np.nan, "judges": 1}
    over = pd.DataFrame(
        [
            effect
            | {
                "target": "ita",
                "effect": -0.4,
                "bias": -0.5,
                "faces_low": -0.7,
                "faces_high": -0.3,
                "wrong_sign": 1,
            },
            effect
            | {
                "target": "age",
                "effect": 0.2,
                "bias": 0.1,
                "faces_low": -0.1,
                "faces_high": 0.3,
                "wrong_sign": 0,
            },
        ]
    )
    assert effects_said(over) == [
        "latent: 1 of 2 effects on the score are off beyond chance, most of all that of ita: −0.40 points a standard "
        "deviation, where it is 0.10; wrong sign for most judges: 1."
    ]
