"""Pictures in an object store, a real server on this machine: list, scores and exclusions as of a folder here."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from judge.cli import main
from judge.data.remote import Fetched, fetched_ahead
from judge.data.to_judge import pictures_to_judge
from judge.errors import InputError
from judge.jury.embedding import Embedding, EmbeddingJudge

s3fs = pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with 40 pictures, one lying on its side, one broken, one empty, and what is no picture."""
    folder = tmp_path_factory.mktemp("here") / "photos"
    rng = np.random.default_rng(0)
    for k in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (32, 24, 3), dtype=np.uint8))
        file = folder / ("b" if k % 2 else "a") / f"{k:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = 6 if k == 7 else 1
        picture.save(file, exif=exif)
    (folder / "a" / "12.png").write_bytes(b"no picture")
    (folder / "a" / "14.png").write_bytes(b"")
    (folder / "phone.heic").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.png").write_bytes(b"x")
    return folder


@pytest.fixture(scope="module")
def bucket(photos):
    """The same in a bucket of a server that runs while these tests do; its file system."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
        fs.mkdir("bucket")
        for file in photos.rglob("*"):
            if file.is_file():
                fs.pipe_file(f"bucket/photos/{file.relative_to(photos)}", file.read_bytes())
        fs.pipe_file("bucket/photos2/other.png", b"x")  # not below bucket/photos
        yield fs
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def judge(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    files = sorted((photos / "b").iterdir())
    manifest = pd.DataFrame({"image_id": [f.name for f in files], "path": [str(f) for f in files]})
    small = Embedding(backbone="test_efficientnet", weights="none", size=32)
    fitted = EmbeddingJudge(small, cache=str(folder / "cache"), progress=False)
    fitted.fit(manifest.assign(rating=range(len(files)), weight=1.0), rating_range=(0, 20), seed=0)
    fitted.save(folder / "saved")
    return folder / "saved"


def test_a_bucket_is_listed_as_a_folder_is(bucket, photos):
    there, aside, notes = pictures_to_judge("s3://bucket/photos")
    here, aside_here, notes_here = pictures_to_judge(photos)
    assert there["image_id"].tolist() == here["image_id"].tolist()
    assert there["path"].tolist() == [f"s3://bucket/photos/{name}" for name in here["image_id"]]
    assert aside.equals(aside_here)
    assert [note for note in notes if "hidden" not in note] == [n for n in notes_here if "hidden" not in n]
    assert any(note == "hidden files and folders left out: 1 ('.hidden/x.png')" for note in notes)
    for nothing in ("s3://bucket/nothing", "s3://nobucket/x"):
        with pytest.raises(InputError, match=f"there is nothing at {nothing}"):
            pictures_to_judge(nothing)


def test_a_table_names_pictures_here_and_in_a_store(bucket, photos, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "own.png")
    (tmp_path / "t.csv").write_text("image_id,file\n1,s3://bucket/photos/a/00.png\n2,own.png\n")
    found, _, notes = pictures_to_judge(tmp_path / "t.csv", "file")
    assert found["path"].tolist() == ["s3://bucket/photos/a/00.png", str(tmp_path / "own.png")]
    assert "1 picture(s) are fetched from 's3://bucket'" in notes
    bucket.pipe_file("bucket/photos/t.csv", b"image_id;file\n007;a/00.png\n8;s3://bucket/photos2/other.png\n")
    found, _, _ = pictures_to_judge("s3://bucket/photos/t.csv", "file")
    assert found["image_id"].tolist() == ["007", "8"]
    assert found["path"].tolist() == ["s3://bucket/photos/a/00.png", "s3://bucket/photos2/other.png"]
    with pytest.raises(InputError, match=r"s3://bucket/photos/t\.csv lacks the column 'path'"):
        pictures_to_judge("s3://bucket/photos/t.csv")
    with pytest.raises(InputError, match=r"no such file: s3://bucket/gone\.csv"):
        pictures_to_judge("s3://bucket/gone.csv")
    bucket.rm_file("bucket/photos/t.csv")


def test_parts_are_files_here_only_while_they_are_judged(bucket, photos):
    names = ["a/00.png", "gone.png", "a/02.png"]
    rows = pd.DataFrame({"image_id": names, "path": [f"s3://bucket/photos/{name}" for name in names]})
    seen = []
    for part in fetched_ahead([rows, rows.iloc[:1]]):
        assert part.pictures["image_id"].tolist() == (["a/00.png", "a/02.png"] if not seen else ["a/00.png"])
        for name, path in part.pictures.to_numpy():
            assert Path(path).read_bytes() == (photos / name).read_bytes()
        seen.append((part.missing, part.pictures["path"].tolist()))
    assert seen[0][0].to_numpy().tolist() == [
        ["gone.png", "broken picture", "s3://bucket/photos/gone.png: No such file or directory"]
    ]
    assert not [path for _, paths in seen for path in paths if Path(path).exists()]


def test_a_store_that_does_not_answer_ends_the_pass_and_is_no_broken_picture(bucket, monkeypatch):
    rows = pd.DataFrame({"image_id": ["1"], "path": ["s3://bucket/photos/a/00.png"]})
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(InputError, match="cannot be reached: EndpointConnectionError"):
            Fetched(rows)
    s3fs.S3FileSystem.clear_instance_cache()
    assert len(Fetched(rows).pictures) == 1


def test_pictures_pieces_and_table_in_a_bucket_are_as_here(
    bucket, photos, judge, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("JUDGE_CACHE", str(tmp_path / "cache"))
    one = ["score", "--judge", str(judge)]
    assert main([*one, "--data", str(photos), "--out", str(tmp_path / "one.parquet")]) == 0
    assert main([*one, "--data", "s3://bucket/photos", "--out", "s3://bucket/out/whole.parquet"]) == 0
    for k in (2, 1):
        pieces = ["--pieces", "s3://bucket/parts", "--shard", f"{k}/2"]
        assert main([*one, "--data", "s3://bucket/photos", *pieces]) == 0
    assert main(["score", "merge", "s3://bucket/parts", "--out", "s3://bucket/out/merged.parquet"]) == 0
    excluded = (tmp_path / "one.excluded.csv").read_text().replace(str(photos), "s3://bucket/photos")
    for name in ("whole", "merged"):
        assert bucket.cat_file(f"bucket/out/{name}.parquet") == (tmp_path / "one.parquet").read_bytes()
        assert bucket.cat_file(f"bucket/out/{name}.excluded.csv").decode() == excluded
    assert excluded.count("broken picture") == 2
    assert [name for name in bucket.ls("bucket/out", detail=False) if ".part" in name] == []
    capsys.readouterr()
    assert main([*one, "--data", str(photos), "--out", "s3://nobucket/s.csv"]) == 2
    assert "s3://nobucket cannot be written" in capsys.readouterr().err
