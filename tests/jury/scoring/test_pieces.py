"""Which picture is in which piece, what a piece's file says, and that parts score as the whole does."""

import doctest
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from rated_squares import rated_squares

from judge.data.remote import Fetched
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.network.engine import Scoring, onnx_is_there
from judge.jury.network.losses import SquaredError
from judge.jury.network.training import Training
from judge.jury.scoring import plan as planning
from judge.jury.scoring.judges import Judges, digest
from judge.jury.scoring.pieces import DamagedPiece, finished, piece_name, read_piece, write_piece
from judge.jury.scoring.plan import PictureList, Shard, agreed, planned
from judge.storage.stores import Folder

NOTHING = pd.DataFrame({"item": [], "reason": [], "detail": []}, dtype=str)
HOW = {"device": "cpu"}


def names(n):
    return pd.DataFrame(
        {"image_id": [f"{k:03d}" for k in range(n)], "path": [f"/p/{k:03d}.png" for k in range(n)]}
    )


def test_the_pieces_of_a_list_do_not_depend_on_its_order():
    pictures = names(100)
    mixed = pictures.sample(frac=1, random_state=0)
    (plan, rows), (other, moved) = planned(pictures, {"a": "1"}), planned(mixed, {"a": "1"})
    assert plan.same(other)
    assert rows[["image_id", "path"]].equals(moved[["image_id", "path"]])
    # and each remembers where it stood
    assert mixed["image_id"].iloc[moved["row"]].tolist() == rows["image_id"].tolist()
    assert (plan.size, plan.pieces) == (32, 4)
    assert not planned(pictures.assign(path=pictures["path"] + "x"), {"a": "1"})[0].same(plan)


@pytest.mark.parametrize("of", [1, 3, 4, 9])
def test_shards_do_every_piece_once(of):
    plan, _ = planned(names(120), {"a": "1"})
    done = [number for k in range(1, of + 1) for number in plan.of_shard(Shard(k, of))]
    assert sorted(done) == list(range(4)) == plan.of_shard(None)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "3", "-1/4", "1/4/2", "a/b", ""])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="--shard"):
        Shard.parsed(text)


def test_the_examples_are_true():
    assert doctest.testmod(planning).failed == 0


def test_a_list_is_read_a_piece_at_a_time_and_keeps_what_was_set_aside(tmp_path):
    plan, rows = planned(names(70), {"a": "1"})
    aside = pd.DataFrame({"item": ["x.heic"], "reason": ["picture format not read"], "detail": ["d"]})
    pictures = agreed(Folder(tmp_path), plan, rows, aside)
    assert [len(pictures.piece(k)) for k in range(plan.pieces)] == [32, 32, 6]
    assert pictures.piece(2)["image_id"].tolist() == [f"{k:03d}" for k in range(64, 70)]
    assert len(pictures.all()) == 70
    assert pictures.aside().to_numpy().tolist() == [["x.heic", "picture format not read", "d"]]


def test_a_folder_belongs_to_one_list_and_to_the_same_judges(tmp_path):
    pictures = names(70)
    plan, rows = planned(pictures, {"a": "1"})
    agreed(Folder(tmp_path), plan, rows, NOTHING)
    for other, judges, message in (
        (pictures, {"a": "2"}, "'a' has been trained again or changed"),
        (pictures, {"b": "1"}, "scored by 'a', asked for here 'b'"),
        (pictures.iloc[:-2], {"a": "1"}, "2 of 70 pictures are missing here, first '068'"),
        (names(71), {"a": "1"}, "1 of 71 pictures are new here, first '070'"),
        (
            pictures.assign(path=pictures["path"].replace("/p/003.png", "/q")),
            {"a": "1"},
            "1 have another path",
        ),
    ):
        with pytest.raises(InputError, match=message):
            agreed(Folder(tmp_path), *planned(other, judges), NOTHING)
    assert agreed(Folder(tmp_path), *planned(pictures.iloc[::-1], {"a": "1"}), NOTHING).plan.same(plan)


def test_pieces_without_their_list_are_not_taken_over(tmp_path):
    (tmp_path / piece_name(0)).write_bytes(b"x")
    with pytest.raises(InputError, match=r"pieces and no pictures\.parquet"):
        agreed(Folder(tmp_path), *planned(names(3), {"a": "1"}), NOTHING)
    with pytest.raises(InputError, match="holds no pieces"):
        PictureList(Folder(tmp_path / "empty"))


def piece(folder, plan, number=0):
    scores = pd.DataFrame({"image_id": ["000", "001"], "judge": "a", "score": [0.1, 1 / 3]})
    broken = pd.DataFrame({"image_id": ["002"], "judge": "a", "reason": ["broken picture"], "detail": ["d"]})
    write_piece(folder, plan, number, scores, broken, by="1/2", how=HOW)


def test_a_piece_is_what_was_written(tmp_path):
    plan, _ = planned(names(3), {"a": "1"})
    piece(Folder(tmp_path), plan)
    table, facts = read_piece(Folder(tmp_path), 0)
    assert table["score"].iloc[:2].tolist() == [0.1, 1 / 3]
    assert table["reason"].isna().tolist() == [True, True, False]
    assert (facts["by"], facts["how"], facts["judges"]) == ("1/2", HOW, {"a": "1"})


def test_only_whole_pieces_of_the_plan_count_as_done(tmp_path):
    folder = Folder(tmp_path)
    plan, _ = planned(names(120), {"a": "1"})
    for number in range(3):
        piece(folder, plan, number)
    file = tmp_path / piece_name(1)
    content = bytearray(file.read_bytes())
    content[10] ^= 0xFF  # within the first page
    file.write_bytes(content)
    (tmp_path / piece_name(2)).write_bytes((tmp_path / piece_name(0)).read_bytes())
    with pytest.raises(DamagedPiece, match="piece-000001"):
        read_piece(folder, 1)
    assert finished(folder, plan, range(4)) == {0}
    assert finished(folder, planned(names(120), {"a": "2"})[0], range(4)) == set()


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    manifest = rated_squares(tmp_path_factory.mktemp("squares"), 90)
    return manifest.assign(weight=1.0)


def embedding(rated, cache, project):
    judge = EmbeddingJudge(
        Embedding(backbone="test_efficientnet", weights="none", size=32), cache=str(cache), progress=False
    )
    judge.fit(rated.iloc[:40], rating_range=(1, 9), seed=0)
    if project:
        features = judge.read(rated)[0]
        width = features.shape[1]
        basis = np.random.default_rng(0).normal(size=(width, width - 3))
        head = dict(judge.head)
        judge.project(features.mean(0), basis)
        judge.head = {"weight": np.linalg.lstsq(basis, head["weight"], rcond=None)[0], "bias": head["bias"]}
    return judge


def network(rated, engine):
    judge = CnnJudge(
        backbone="test_efficientnet",
        weights="none",
        size=32,
        loss=SquaredError(),
        training=Training(epochs=1),
        scoring=Scoring(engine=engine),
        progress=False,
    )
    return judge.fit(rated.iloc[:40], rating_range=(1, 9), seed=0)


@pytest.mark.parametrize("kind", ["embedding", "projected", "torch", "onnx"])
def test_parts_score_as_the_whole_to_the_bit(rated, tmp_path, kind):
    if kind == "onnx" and not onnx_is_there():
        pytest.skip("onnx is not installed")
    made = (
        network(rated, kind) if kind in ("torch", "onnx") else embedding(rated, tmp_path, kind == "projected")
    )
    made.save(tmp_path / "judge")
    whole, _ = made.score(rated)
    judges = Judges(tmp_path / "judge", None, len(rated))
    ends = [0, 1, 8, 40, len(rated)]
    parts = [judges.score(Fetched(rated.iloc[a:b]))[0] for a, b in pairwise(ends)]
    table = pd.concat(parts, ignore_index=True)
    assert table["image_id"].tolist() == whole["image_id"].tolist()
    assert np.array_equal(table["score"], whole["score"])


def test_a_judge_is_told_from_another_by_its_files(rated, tmp_path):
    judge = embedding(rated, tmp_path, False)
    for name in ("a", "copy"):
        judge.save(tmp_path / name)
    judge.fit(rated.iloc[40:80], rating_range=(1, 9), seed=0).save(tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "copy") != digest(tmp_path / "b")


def test_a_part_of_broken_pictures_alone_is_excluded_and_does_not_end_the_pass(rated, tmp_path):
    embedding(rated, tmp_path, False).save(tmp_path / "judge")
    (tmp_path / "x.png").write_bytes(b"no picture")
    two = pd.DataFrame(
        {"image_id": ["x", "y"], "path": [str(tmp_path / "x.png"), str(tmp_path / "gone.png")]}
    )
    scores, excluded = Judges(tmp_path / "judge", None, 100).score(Fetched(two))
    assert len(scores) == 0
    assert excluded[["image_id", "judge", "reason"]].to_numpy().tolist() == [
        ["x", "judge", "broken picture"],
        ["y", "judge", "broken picture"],
    ]
