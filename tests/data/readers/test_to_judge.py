"""`judge score` sees the pictures that `judge data folder` sees."""

import doctest
import os

import pandas as pd
import pytest

from judge.data import to_judge
from judge.data.readers.folder import read_folder
from judge.data.to_judge import pictures_to_judge
from judge.errors import InputError


def test_a_folder_gives_the_same_pictures_as_the_reader(tmp_path, pictures):
    root = tmp_path / "faces"
    for name in (
        "here/a0.jpg",
        "here/.ipynb_checkpoints/a0-checkpoint.jpg",
        "here/._a0.jpg",
        "Zoe\u0308.JPG",
    ):
        pictures(root / name)
    pictures(tmp_path / "scratch" / "b0.jpg")
    (root / "women").symlink_to("../scratch")
    (root / "phone.heic").write_bytes(b"x")
    os.mkfifo(root / "pipe.jpg")
    found, aside, notes = pictures_to_judge(root)
    assert found["image_id"].tolist() == ["Zoe\u0308.JPG", "here/a0.jpg", "women/b0.jpg"]
    assert found["image_id"].tolist() == read_folder(root).manifest["image_id"].tolist()
    assert found["path"].tolist() == read_folder(root).manifest["path"].tolist()
    assert aside["item"].tolist() == ["phone.heic", "pipe.jpg"]
    assert any("hidden files and folders left out: 2" in note for note in notes)


def test_a_table_names_files_as_other_machines_write_them(tmp_path, pictures):
    for name in ("in/Zoe\u0308.jpg", "b.jpg"):
        pictures(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "t.csv").write_text(
        "image_id;file\n007;in\\Zo\u00eb.JPG\n7;b.jpg\n1e5;gone.jpg\n;\n9;pipe.jpg\n", encoding="utf-16"
    )
    found, aside, notes = pictures_to_judge(tmp_path / "t.csv", "file")
    assert found["image_id"].tolist() == ["007", "7", "1e5"]
    assert found["path"].tolist()[0] == str(tmp_path / "in/Zoe\u0308.jpg")
    assert aside[["item", "reason"]].values.tolist() == [["9", "no regular file"]]
    assert any(note.startswith("1 file name(s) of the table") for note in notes)
    assert any("1 empty row(s) left out" in note for note in notes)


def test_nothing_to_judge_is_said(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds no picture.*1: picture format not read"):
        pictures_to_judge(tmp_path)
    pd.DataFrame({"image_id": ["1", "1"], "path": ["a", "b"]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="1 image_id occur more than once, first '1'"):
        pictures_to_judge(tmp_path / "t.csv")
    with pytest.raises(InputError, match="lacks the column 'file'"):
        pictures_to_judge(tmp_path / "t.csv", "file")


def test_the_example_is_true():
    assert doctest.testmod(to_judge).failed == 0
