"""`judge score`: what it writes, and what it refuses before any picture is judged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.cli import main
from judge.data.readers.common import PICTURES
from judge.data.to_judge import pictures_to_judge
from judge.jury.embedding import Embedding, EmbeddingJudge


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """The folder of a judge that learned brightness from six pictures."""
    folder = tmp_path_factory.mktemp("judge")
    rows = [(f"p{i}", str(picture(folder / f"{i}.png", 40 * i)), float(i)) for i in range(6)]
    manifest = pd.DataFrame(rows, columns=["image_id", "path", "rating"])
    small = Embedding(backbone="test_efficientnet", weights="none", size=32)
    fitted = EmbeddingJudge(small, cache=str(folder / "cache"), progress=False)
    fitted.fit(manifest, rating_range=(0, 5), seed=0).save(folder / "saved")
    return folder / "saved"


def picture(path: Path, level: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((32, 32, 3), level, dtype=np.uint8)).save(path)
    return path


def test_a_new_folder_is_made_and_what_is_excluded_is_written_beside_the_scores(judge, tmp_path, capsys):
    picture(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "b.jpg").write_bytes(b"no picture")
    out = tmp_path / "new" / "deep" / "scores.csv"
    command = ["score", "--judge", str(judge), "--data", str(tmp_path / "photos"), "--out", str(out)]
    assert main(command) == 0
    assert pd.read_csv(out)["image_id"].tolist() == ["a.png"]
    exclusions = pd.read_csv(out.with_name("scores.excluded.csv"))
    assert exclusions[["image_id", "reason"]].to_numpy().tolist() == [["b.jpg", "broken picture"]]
    assert exclusions["detail"].notna().all()
    assert f"excluded, with reasons: {out.with_name('scores.excluded.csv')}" in capsys.readouterr().err
    picture(tmp_path / "photos" / "b.jpg")
    assert main(command) == 0
    assert not out.with_name("scores.excluded.csv").exists()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_judged(
    judge, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("judge.jury.scoring.score_pictures", None)
    picture(tmp_path / "a.png")
    for out, message in (
        (tmp_path, "not the folder"),
        (tmp_path / "a.png" / "s.csv", "cannot be written: File exists; a file is in the way"),
        (tmp_path / "s.txt", "ends in .csv"),
        (Path("/proc/s.csv"), "/proc cannot be written: "),
    ):
        assert main(["score", "--judge", str(judge), "--data", str(tmp_path), "--out", str(out)]) == 2
        assert message in capsys.readouterr().err


def test_every_kind_of_picture_that_can_be_decoded_is_found(tmp_path):
    for ending in PICTURES:
        picture(tmp_path / f"a{ending}")
    (tmp_path / "notes.txt").write_text("no picture")
    assert set(pictures_to_judge(tmp_path)[0]["image_id"]) == {f"a{ending}" for ending in PICTURES}


def test_names_like_formulas_and_line_ends_are_harmless_in_every_csv(judge, tmp_path, capsys):
    root = tmp_path / "photos"
    for name in ("=1+1.png", "a\rb.png", "x;=2.png"):
        picture(root / name)
    (root / "@c.png").write_bytes(b"no picture")
    out = tmp_path / "scores.csv"
    assert main(["score", "--judge", str(judge), "--data", str(root), "--out", str(out)]) == 0
    lines = out.read_bytes().decode().split("\n")
    assert sorted(line.rsplit(",", 2)[0] for line in lines[1:-1]) == [
        '"\'=1+1.png"',
        '"a\rb.png"',
        '"x;=2.png"',
    ]
    assert (tmp_path / "scores.excluded.csv").read_text().split("\n")[1].startswith("'@c.png,")
    capsys.readouterr()
    assert main(["score", "--judge", str(judge), "--data", str(root)]) == 0
    assert '"\'=1+1.png"' in capsys.readouterr().out
