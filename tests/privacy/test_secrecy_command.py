"""judge private secrecy, as a person uses it: small trainings, on Gaussian people and on rendered ones."""

import numpy as np
import pandas as pd
import pytest

from judge.cli import main
from judge.report.pages.secrecy import secrecy_said, toy_said

QUICK = ["secrecy.steps=30", "secrecy.batch=32", "secrecy.hidden=8", "eves.steps=30", "eves.trees=5"]


def test_gaussian_people(tmp_path, capsys):
    small = ["toy.seeds=2", "toy.learn=500", "toy.choose=500", "toy.test=500"]
    assert main(["private", "secrecy", "toy", *QUICK, *small, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "of 2 trainings reached the closed form" in said
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert trials["seed"].tolist() == [0, 1]
    assert np.allclose(trials["public_ratio"], trials["public_error"] / 0.5)
    assert len(pd.read_parquet(tmp_path / "eves.parquet")) == 10
    for name in ("page.html", "settings.yaml", "figures/trials.svg", "figures/trials.png"):
        assert (tmp_path / name).is_file()


@pytest.mark.slow
def test_rendered_people(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    people = ["data.n=620", "data.size=32", "data.workers=1", "data.progress=false", "feature=gender"]
    seen = [
        "embedding.backbone=test_efficientnet",
        "embedding.weights=none",
        "embedding.size=32",
        "study.dimensions=8",
    ]
    some = ["study.seeds=1", "study.weights=[0,20]", "study.erasures=[0,1]", "study.noises=[2]", "places=10"]
    out = tmp_path / "out"
    assert main(["private", "secrecy", *people, *seen, *some, *QUICK, "--out", str(out)]) == 0
    assert "A ridge regression without secrecy reaches r = " in capsys.readouterr().out
    runs = pd.read_csv(out / "runs.csv")
    assert set(runs["method"]) == {"alice", "leace", "noise", "ratings", "independent"}
    won = pd.read_csv(out / "winners.csv")
    assert won[won["contest"] == "all"].groupby(["method", "level", "reader"])["winners"].sum().eq(10).all()
    for name in (
        "page.html",
        "figures/curve.svg",
        "figures/winners.png",
        "equal_secrecy.parquet",
        "published.csv",
    ):
        assert (out / name).is_file()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["toys"], "settings are toy or KEY=VALUE, not 'toys'"),
        (["toy", "toy.seeds=0"], "toy.seeds is at least 1; given 0"),
        (["toy", "toy.people.share=2"], "toy.share lies between 0 and 1"),
        (["secrecy.key=0"], "secrecy.key=0: allowed is a whole number from 1"),
        (["study.noises=[-1]"], "study.noises are over 0"),
        (["places=0"], "places=0: a whole number from 1"),
        (["seed=-1"], "seed=-1: a whole number"),
        (["confidence=95"], "confidence"),
        (
            ["data.n=300", "data.progress=false"],
            "feature=ethnicity: 'african', 'asian', 'caucasian' have 100",
        ),
        (["data=fairface"], "data.root is needed"),
        (["feature=shoe_size", "data.n=300"], "feature=shoe_size: the data have 'image_id'"),
        (["study.nonsense=1"], "nonsense"),
    ],
)
def test_what_cannot_be_done_is_said(told, said, tmp_path, capsys):
    assert main(["private", "secrecy", *told, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "page.html").exists()


def test_out_is_needed_settings_are_shown_and_help_has_examples(capsys):
    assert main(["private", "secrecy", "toy"]) == 2
    assert "needs --out DIR" in capsys.readouterr().err
    assert main(["private", "secrecy", "toy", "--settings"]) == 0
    assert "ciphertext: 1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["private", "secrecy", "--help"])
    assert "judge private secrecy toy --out secret_toy" in capsys.readouterr().out


def test_sentences():
    row = {
        "public_error": 0.5, "public_best": 0.5, "bob_error": 0.25, "bob_best": 0.25, "no_key_error": 0.5, "eve": 0.5,
        "eve_bound": 0.5, "eve_of_score": 0.76, "public_close": True, "bob_close": True, "eve_close": True,
        "success": True,
    }  # fmt: skip
    failed = row | {"eve": 0.6, "eve_close": False, "success": False}
    said = toy_said(pd.DataFrame([row, row, failed]))[0]
    assert said == (
        "2 of 3 trainings reached the closed form. What failed, each counted: "
        "Eve more than 2 points above the bound: 1."
    )
    run = {
        "seed": 0,
        "method": "leace",
        "level": 0.0,
        "reader": "public",
        "pearson": 0.8,
        "eve": 0.6,
        "chance": 0.5,
    }
    equal = {"seed": 0, "method": "noise", "reader": "public", "margin": 0.02, "pearson": np.nan}
    tables = {"runs": pd.DataFrame([run]), "equal_secrecy": pd.DataFrame([equal])}
    assert secrecy_said(tables, "gender") == [
        "A ridge regression without secrecy reaches r = 0.80, and the strongest Eve reads gender of 60.0 % from its "
        "score (chance 50.0 %).",
        "Where Eve reads at most 2 % above chance, r is: noise never (in 0 of 1 seeds).",
    ]
