"""One walk over a folder: pictures, and everything else by name or number."""

import os
import socket

import pytest

from judge.data.readers.folder import read_folder
from judge.data.readers.names import Names, loose
from judge.data.readers.walking import not_regular, walk_pictures
from judge.data.to_judge import pictures_to_judge
from judge.errors import InputError


def links(root, **where):
    for name, target in where.items():
        (root / name).symlink_to(target)


def test_linked_folders_are_followed_once_and_without_loops(tmp_path, pictures):
    root, scratch = tmp_path / "faces", tmp_path / "scratch"
    for file in (
        root / "here" / "a0.jpg",
        root / "here" / "a1.jpg",
        scratch / "w" / "b0.jpg",
        scratch / "w" / "b1.jpg",
    ):
        pictures(file)
    links(root, women="../scratch/w", again="../scratch/w", self=".", aa_inside="here")
    links(scratch / "w", up="../../faces")
    walk = walk_pictures(root)
    assert walk.pictures == ["again/b0.jpg", "again/b1.jpg", "here/a0.jpg", "here/a1.jpg"]
    assert sorted(walk.links) == ["aa_inside", "again/up", "self", "women"]
    assert any("linked folders left out" in note for note in walk.notes())
    data = read_folder(root)
    assert len(data.manifest) == 4
    links(root, one="here/a0.jpg")  # a linked file is the same picture a second time
    assert "one" not in walk_pictures(root).pictures


def test_copies_of_jupyter_and_shadows_of_macos_are_hidden_and_counted(tmp_path, pictures):
    for name in ("a.jpg", ".ipynb_checkpoints/a-checkpoint.jpg", "._a.jpg", "__MACOSX/._a.jpg", "in/b.JPG"):
        pictures(tmp_path / name)
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    walk = walk_pictures(tmp_path)
    assert walk.pictures == ["a.jpg", "in/b.JPG"]
    assert sorted(walk.hidden) == ["._a.jpg", ".ipynb_checkpoints", "__MACOSX/._a.jpg"]
    assert walk.notes() == [
        "other files that are no pictures: 1 .db",
        "hidden files and folders left out: 3 ('._a.jpg', '.ipynb_checkpoints', '__MACOSX/._a.jpg')",
    ]


def test_formats_that_are_not_opened_are_excluded_by_reason(tmp_path, pictures, reasons):
    pictures(tmp_path / "a.jpg")
    for ending in ("heic", "HEIF", "avif", "jfif", "jxl", "psd", "pdf", "mp4"):
        (tmp_path / f"b.{ending}").write_bytes(b"x")
    data = read_folder(tmp_path)
    assert reasons(data) == {"picture format not read": 8}
    details = data.excluded.set_index("item")["detail"]
    assert "rename it to .jpg" in details["b.jfif"]
    assert details["b.heic"].startswith(".heic: '.jpg', '.jpeg'")


def test_pipes_sockets_folders_and_dead_links_named_like_pictures_are_no_regular_files(
    tmp_path, pictures, reasons
):
    pictures(tmp_path / "a.jpg")
    pictures(tmp_path / "album.jpg" / "b.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    links(tmp_path, **{"null.jpg": "/dev/null", "gone.jpg": "nowhere"})
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(os.path.relpath(tmp_path / "plug.png"))
        data = read_folder(tmp_path)
        details = data.excluded.set_index("item")["detail"].to_dict()
    assert data.manifest["image_id"].tolist() == ["a.jpg", "album.jpg/b.jpg"]
    assert reasons(data) == {"no regular file": 5}
    assert details == {
        "album.jpg": "a folder; pictures in it are read",
        "gone.jpg": "a link to nothing",
        "null.jpg": "a device",
        "pipe.jpg": "a pipe",
        "plug.png": "a socket",
    }


@pytest.mark.parametrize("check", ["none", "header", "decode"])
def test_a_table_that_names_a_pipe_does_not_wait_for_it(tmp_path, pictures, reasons, check):
    pictures(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "labels.csv").write_text(
        "path\na.jpg\npipe.jpg\nfolder.jpg\n/dev/zero\n" + "x" * 300 + ".jpg\ngone.jpg\n"
    )
    data = read_folder(tmp_path, check=check)
    assert data.manifest["image_id"].tolist() == ["a.jpg"]
    found = data.excluded.groupby("item")["reason"].agg(set)
    assert all(found[name] == {"no regular file"} for name in ("pipe.jpg", "folder.jpg", "/dev/zero"))
    assert found["gone.jpg"] == {"file missing"}
    assert not_regular(str(tmp_path / "pipe.jpg")) == "a pipe"
    assert not_regular(str(tmp_path / "a.jpg")) is None
    assert not_regular("n\0l") is None


def test_names_of_any_bytes_cost_the_others_nothing(tmp_path, pictures, reasons):
    for name in ("a.jpg", "-rf.jpg", "line\nbreak.jpg", "cr\r.jpg", "=1+1.jpg", "tab\t.jpg", " .jpg"):
        pictures(tmp_path / name)
    pictures(tmp_path / "x.jpg").rename(tmp_path / os.fsdecode(b"caf\xe9.jpg"))
    pictures(tmp_path / os.fsdecode(b"\xff\xfe") / "y.jpg")
    data = read_folder(tmp_path)
    assert len(data.manifest) == 7
    assert reasons(data) == {"name is not UTF-8": 2}
    assert set(data.excluded["item"]) == {"caf\\xe9.jpg", "\\xff\\xfe/y.jpg"}


@pytest.mark.parametrize("name", [b"caf\xe9", b"n\0l", b"x" * 300])
def test_a_folder_whose_own_name_no_table_can_hold_is_refused_in_one_line(tmp_path, pictures, name):
    root = tmp_path / os.fsdecode(name)
    if name == b"caf\xe9":
        pictures(root / "a.jpg")
    for read in (read_folder, pictures_to_judge):
        with pytest.raises(InputError) as refused:
            read(root)
        str(refused.value).encode()


def test_spellings_of_other_machines_mean_the_same_file():
    assert loose("./Photos\\Zoe\u0308.JPG ") == loose("photos/Zo\u00eb.jpg")
    names = Names(["a.jpg", "A.jpg", "b/c.JPG", "Zoe\u0308.jpg"])
    assert names.find("A.jpg") == "A.jpg"  # as it is written
    assert names.find("a.JPG") is None  # either
    assert names.find("B\\c.jpg") == "b/c.JPG"
    assert names.find("Zo\u00eb.jpg") == "Zoe\u0308.jpg"
    assert names.find("c.jpg") is None


def test_a_table_from_windows_finds_the_files_of_a_mac(tmp_path, pictures, reasons):
    for name in ("Zoe\u0308.jpg", "photos/bj\u00f8rn.jpg", "photos/ines.JPG", "plain.jpg", "with space .jpg"):
        pictures(tmp_path / name)
    (tmp_path / "metadata.csv").write_text(
        "path,ethnicity\nZo\u00eb.jpg,a\nphotos\\bj\u00f8rn.jpg,b\nphotos/ines.jpg,a\nplain.jpg ,b\nwith space .jpg,a\n"
    )
    data = read_folder(tmp_path)
    assert reasons(data) == {}
    assert data.manifest.set_index("image_id")["ethnicity"].to_dict() == {
        "Zo\u00eb.jpg": "a",
        "photos/bj\u00f8rn.jpg": "b",
        "photos/ines.JPG": "a",
        "plain.jpg": "b",
        "with space .jpg": "a",
    }
    assert any(note.startswith("3 file name(s) of the table are written otherwise") for note in data.notes)


def test_one_file_is_not_meant_by_two_rows(tmp_path, pictures, reasons):
    pictures(tmp_path / "a.jpg")
    (tmp_path / "labels.csv").write_text("path,gender\nA.jpg,f\na.jpg,m\nA.JPG,f\n")
    data = read_folder(tmp_path, check="none")
    assert data.manifest[["image_id", "gender"]].values.tolist() == [["a.jpg", "m"]]
    assert reasons(data) == {"file missing": 2}
