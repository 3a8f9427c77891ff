"""judge advise, as a person or a program uses it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.cli import main
from judge.fairness.advice import cures as room


@pytest.fixture(autouse=True)
def not_packaged(monkeypatch):
    monkeypatch.setattr(room, "NAME", "nothing.csv")


@pytest.fixture
def entrants(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"image_id": [f"p{i}" for i in range(200)], "race": ["white", "black"] * 100})
    table["rating"] = rng.normal(5, 1, 200)
    table["score"] = 5 + (table["rating"] - 5) * 0.8 + rng.normal(0, 0.3, 200)
    table.to_csv(tmp_path / "entrants.csv", index=False)
    return str(tmp_path / "entrants.csv")


GIVEN = [
    "--feature",
    "race",
    "--score",
    "score",
    "--rating",
    "rating",
    "--training-counts",
    "white=900,black=20",
]


def test_what_is_found_comes_first_and_limits_last(entrants, capsys):
    assert main(["advise", entrants, *GIVEN]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("Representation: clear evidence for black that the training pictures hold fewer")
    assert "(20 of 920 against 100 of 200 entrants): clear" in text
    assert "Reading: no evidence" in text
    assert "Ratings: not looked at: there are no single ratings." in text
    assert "The comparison of cures is not packaged with this version: only evidence is named." in text
    assert "equal shares are a decision and no correction" in text


def test_cures_of_a_file_are_named_with_their_price(entrants, tmp_path, capsys):
    pd.DataFrame(
        {"skew": "representation", "cure": ["dear", "fine"], "seam": "pool", "recovered": [1.0, 0.7],
         "ci_low": 0.5, "ci_high": 1.5, "truth_lost": [0.3, 0.01], "needs": ["labels", None]}
    ).to_csv(tmp_path / "cures.csv", index=False)  # fmt: skip
    out = ["--out", str(tmp_path / "out")]
    assert main(["advise", entrants, *GIVEN, "--cures", str(tmp_path / "cures.csv"), *out]) == 0
    text = " ".join(capsys.readouterr().out.split())
    fine = "fine (pool): 70 % [50, 150] of the way back; the winners’ truth lower by 0.01 sd"
    dear = "dear (pool): 100 % [50, 150] of the way back; COSTLY: the winners’ truth is lower by 0.30 sd; needs labels"
    assert 0 < text.index(fine) < text.index(dear)
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert "COSTLY" in page
    assert "<script" not in page
    assert pd.read_csv(tmp_path / "out" / "cures.csv")["verdict"].tolist() == ["supported", "costly"]


def test_json_is_one_object_and_nothing_else(entrants, tmp_path, capsys):
    assert main(["advise", entrants, *GIVEN, "--json", "--out", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["skew"] for row in told["skews"]] == [
        "representation",
        "ratings",
        "camera",
        "reading",
        "reference",
    ]
    assert told["skews"][0]["groups"] == ["black"]
    assert told["cures"] is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"advice.csv", "advice.json", "page.html"}
    assert len(pd.read_csv(tmp_path / "out" / "advice.csv")) == len(told["evidence"])


def test_pictures_of_a_table_are_measured(tmp_path, capsys):
    rng = np.random.default_rng(1)
    rows = []
    for part, dark in (("entrants", 60), ("pool", 0)):
        for i in range(40):
            group = "ab"[i % 2]
            grey = 120 + rng.integers(-20, 20) - dark * (group == "b")
            Image.new("RGB", (16, 16), (int(grey),) * 3).save(tmp_path / f"{part}{i}.png")
            rows.append((part, group, str(tmp_path / f"{part}{i}.png")))
    table = pd.DataFrame(rows, columns=["part", "group", "path"])
    for part, own in table.groupby("part"):
        own.to_csv(tmp_path / f"{part}.csv", index=False)
    files = [str(tmp_path / "entrants.csv"), "--training", str(tmp_path / "pool.csv")]
    assert main(["advise", *files, "--feature", "group", "--path", "path"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Camera: clear evidence for a and b that a group’s pictures changed more than the others’" in text
    assert "its own change −2" in text.replace("-", "−")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "--feature COLUMN says"),
        (["--feature", "race", "--training-counts", "white:9"], "group=number"),
        (["--feature", "race", "--training-counts", "white=9,white=8"], "each group once"),
        (["--feature", "race", "--condition", "x"], "of a run's folder"),
        (["--feature", "race", "--path", "file"], "lacks the column 'file'"),
        (["--feature", "race", "--confidence", "95"], "confidence"),
        (["--feature", "race", "--cures", "nowhere.csv"], "no such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(entrants, capsys, given, words):
    assert main(["advise", entrants, *given]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_a_run_and_a_run_with_the_options_of_a_table_are_refused(tmp_path, capsys):
    assert main(["advise", str(tmp_path)]) == 2
    assert "holds no finished run" in capsys.readouterr().err
    assert main(["advise", str(tmp_path), "--feature", "race"]) == 2
    assert "leave out --feature" in capsys.readouterr().err


def test_a_table_is_advised_on_without_torch(entrants):
    code = (
        "import sys; from judge.cli import main; "
        f"code = main({['advise', entrants, *GIVEN]!r}); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
