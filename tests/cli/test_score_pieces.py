"""`judge score` in pieces: the table of one process, whoever did the work and whatever ended; and what is refused."""

import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.cli import main
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.scoring.pieces import piece_name
from judge.jury.scoring.work import Task, begin, do_missing


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """70 pictures, two of them broken, in a folder and as a table in another order; a run of two judges."""
    folder = tmp_path_factory.mktemp("score")
    rng = np.random.default_rng(0)
    rows = []
    for k in range(70):
        file = folder / "photos" / f"p{k:02d}.png"
        file.parent.mkdir(exist_ok=True)
        if k in (3, 40):
            file.write_bytes(b"no picture")
        else:
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(file)
        rows.append((f"p{k:02d}", str(file), float(k)))
    (folder / "photos" / "phone.heic").write_bytes(b"x")
    table = pd.DataFrame(rows, columns=["image_id", "path", "rating"])
    table.sample(frac=1, random_state=1).drop(columns="rating").to_csv(folder / "mixed.csv", index=False)
    small = Embedding(backbone="test_efficientnet", weights="none", size=32)
    for name, sign in (("first", 1), ("second", -1)):
        judge = EmbeddingJudge(small, cache=str(folder / "cache"), progress=False)
        rated = table.iloc[10:30].assign(rating=lambda t, sign=sign: sign * t["rating"])
        judge.fit(rated, rating_range=(-70, 70), seed=0).save(folder / "run" / "judges" / name)
    return folder


@pytest.fixture
def score(room, monkeypatch):
    monkeypatch.chdir(room)
    monkeypatch.setenv("JUDGE_CACHE", str(room / "cache"))

    def call(*words, data="photos", judge="run"):
        return main(["score", "--judge", judge, "--data", data, *map(str, words)])

    return call


def same(one, other):
    def tables(out):
        return [out.with_name(out.stem + ending).read_bytes() for ending in (out.suffix, ".excluded.csv")]

    return tables(one) == tables(other)


@pytest.mark.parametrize("data", ["photos", "mixed.csv"])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_shards_merged_are_the_table_of_one_process(score, tmp_path, data, ending):
    one, merged = tmp_path / f"one{ending}", tmp_path / f"merged{ending}"
    assert score("--out", one, data=data) == 0
    for k in (2, 3, 1):
        assert score("--pieces", tmp_path / "parts", "--shard", f"{k}/3", data=data) == 0
    assert main(["score", "merge", str(tmp_path / "parts"), "--out", str(merged)]) == 0
    assert same(one, merged)
    scores = pd.read_csv(one) if ending == ".csv" else pd.read_parquet(one)
    assert len(scores) == 2 * 68
    whole = tmp_path / f"whole{ending}"
    assert score("--pieces", tmp_path / "other", "--out", whole, data=data) == 0
    assert same(one, whole)


def test_a_pass_that_ends_in_the_middle_keeps_what_it_finished(score, room, tmp_path, capsys):
    task = Task(room / "run", None, (), tmp_path / "parts")
    pictures = pd.DataFrame(
        [(f"p{k:02d}.png", str(room / "photos" / f"p{k:02d}.png")) for k in range(70)],
        columns=["image_id", "path"],
    )
    aside = pd.DataFrame({"item": ["phone.heic"], "reason": ["picture format not read"], "detail": ["x"]})
    begun = []

    def stop(name):
        begun.append(name)
        if len(begun) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do_missing(task, begin(task, pictures, aside), None, progress=stop)
    names = sorted(file.name for file in (tmp_path / "parts").iterdir())
    assert names == ["pictures.parquet", piece_name(0), piece_name(1)]
    assert score("--pieces", tmp_path / "parts", "--out", tmp_path / "s.csv") == 0
    assert "3 of 3 pieces of 32 pictures, 2 of them done before" in capsys.readouterr().err
    assert score("--out", tmp_path / "one.csv") == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "s.csv").read_bytes()


def test_merge_names_what_is_missing_and_the_shards_that_make_it(score, tmp_path, capsys):
    parts = tmp_path / "parts"

    def merge():
        out = tmp_path / "merged.csv"
        code = main(["score", "merge", str(parts), "--out", str(out)])
        assert out.exists() == (code == 0)
        return capsys.readouterr().err

    score("--pieces", parts, "--shard", "1/2")
    assert (
        "1 of 3 pieces are missing (32 of 70 pictures, first 'p32.png'); start again --shard 2/2" in merge()
    )
    score("--pieces", parts, "--shard", "2/2")
    assert "68 of 71 pictures judged, 3 excluded" in merge()
    (tmp_path / "merged.csv").unlink()
    whole = (parts / piece_name(2)).read_bytes()
    (parts / piece_name(2)).write_bytes(whole[:-20])
    assert "(6 of 70 pictures, first 'p64.png'); of these 1 are damaged: 'piece-000002.parquet'" in merge()
    score("--pieces", parts, "--shard", "1/2")
    assert "2 of 3 pieces of 32 pictures, 1 of them done before" in capsys.readouterr().err
    assert "68 of 71 pictures judged" in merge()


def test_pieces_of_other_judges_and_of_other_lists_are_refused(score, room, tmp_path, capsys):
    parts, strange = tmp_path / "parts", tmp_path / "strange"
    score("--pieces", parts)
    score("--pieces", strange, judge="run/judges/first")
    capsys.readouterr()
    assert score("--pieces", parts, judge="run/judges/first") == 2
    assert "scored by 'first', 'second', asked for here 'first'" in capsys.readouterr().err
    assert score("--pieces", parts, data="mixed.csv") == 2
    assert "70 of 140 pictures are new here, first 'p00'" in capsys.readouterr().err
    (parts / piece_name(1)).write_bytes((strange / piece_name(1)).read_bytes())
    assert main(["score", "merge", str(parts)]) == 2
    assert (
        "1 pieces are of another list, or of judges of another training: piece-000001"
        in capsys.readouterr().err
    )
    assert main(["score", "merge", str(tmp_path / "none")]) == 2
    assert "holds no pieces" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (["--shard", "1/2"], "--shard needs --pieces DIR"),
        (["--engine", "ray"], "--engine ray needs --pieces DIR"),
        (["--pieces", "p", "--shard", "0/4"], "--shard 0/4: the parts of 4 are 1/4 to 4/4"),
        (["--pieces", "p", "--shard", "5/4"], "--shard 5/4: the parts of 4 are 1/4 to 4/4"),
        (["--pieces", "p", "--shard", "1/4", "--out", "s.csv"], "a shard is no whole table"),
        (["--pieces", "p", "--shard", "1/4", "--engine", "ray"], "--engine ray divides by itself"),
        (["--pieces", "p", "--workers", "2"], "are of --engine ray"),
        (["--pieces", "p", "--engine", "ray", "--workers", "0"], "--workers 0: 1 or more"),
        (["--pieces", "s.csv", "--out", "s.csv"], "they need two names"),
        (["--pieces", "foo://x/y"], "foo:// is no kind of store that fsspec knows"),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_work(score, tmp_path, capsys, words, message):
    pytest.importorskip("ray")
    words = [str(tmp_path / word) if word in ("p", "s.csv") else word for word in words]
    assert score(*words) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("piece-*"))


def test_what_is_needed_is_said(capsys):
    assert main(["score", "--judge", "run"]) == 2
    assert "needed as well: --data" in capsys.readouterr().err
    assert main(["score", "--judge", "s3://bucket/run", "--data", "x"]) == 2
    assert "a folder of this machine is needed" in capsys.readouterr().err


def test_without_ray_its_extra_is_named(score, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert score("--pieces", tmp_path / "p", "--engine", "ray") == 2
    assert "pip install 'judge[cluster]'" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
def test_ray_gives_the_table_of_one_process(score, tmp_path, capsys):
    pytest.importorskip("ray")
    one, merged = tmp_path / "one.parquet", tmp_path / "ray.parquet"
    words = ["--pieces", tmp_path / "parts", "--engine", "ray"]
    assert score("--out", one) == 0
    assert score("--pieces", tmp_path / "parts", "--shard", "1/3") == 0
    assert score(*words, "--worker-gpus", "1000") == 2
    assert "--worker-gpus 1000: the cluster has" in capsys.readouterr().err
    assert score(*words, "--workers", "1", "--out", merged) == 0
    assert "3 of 3 pieces of 32 pictures, 1 of them done before" in capsys.readouterr().err
    assert same(one, merged)
