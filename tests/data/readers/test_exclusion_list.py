"""The list of who withdrew: every line excludes whom it means, or is named."""

import pandas as pd
import pytest

from judge.data.readers.exclusion_list import match_list
from judge.data.readers.folder import read_folder
from judge.errors import InputError

LIST = "\ufeff001\r\n# asked in May to be taken out\r\n007\r\n012\r\n019\r\n"


@pytest.fixture
def root(tmp_path, pictures):
    for i in range(1, 13):
        pictures(tmp_path / "faces" / f"{i:03}.jpg")
    return tmp_path


def table(root, ids):
    lines = [f"{f'{i:03},' if ids else ''}faces/{i:03}.jpg,x,{i}" for i in range(1, 13)]
    (root / "metadata.csv").write_text(
        f"{'image_id,' if ids else ''}path,ethnicity,rating\n" + "\n".join(lines)
    )


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        LIST.encode(),
        LIST.encode("utf-16"),
        LIST.replace("\r\n", "\n").encode(),
        LIST.replace("\r\n", "\r").encode(),
        b"1\n7\n12\n19\n",  # a spreadsheet took the zeros
        b"001.jpg\n007.jpg\n012.jpg\n019.jpg\n",
        b"faces/001.jpg\nfaces/007.jpg\nfaces/012.jpg\nfaces/019.jpg\n",
        b"C:\\Users\\me\\Faces\\001.JPG\r\nfaces\\007.jpg\r\n./faces/012.jpg\r\nD:\\faces\\019.jpg\r\n",
        b'"001";"withdrawn in May"\n"007";\n"012";\n"019";\n',
        b"001,007, 012\n019\n",
        b"001 007 012\n019\n",
        b"001\t2024-05-01\n007\t2024-05-02\n012 # by phone\n019\n",
    ],
)
def test_three_of_twelve_go_however_the_list_is_written(root, ids, content, reasons):
    table(root, ids)
    (root / "withdrawn.txt").write_bytes(content)
    data = read_folder(root, exclude=root / "withdrawn.txt")
    assert reasons(data) == {"on the exclusion list": 3}
    assert len(data.manifest) == 9
    gone = {item[-7:].removesuffix(".jpg")[-3:] for item in data.excluded["item"]}
    assert gone == {"001", "007", "012"}
    assert any("mean nobody here" in note and "19" in note for note in data.notes)


def test_a_list_of_which_no_line_means_anybody_is_refused(root):
    table(root, True)
    for given in (["019", "020"], [" "], []):
        if any(one.strip() for one in given):
            with pytest.raises(
                InputError, match=r"none of the 2 line\(s\) of the list means anybody, first '019'"
            ):
                read_folder(root, exclude=given)
        else:
            assert "names nobody" in read_folder(root, exclude=given).notes[0]


@pytest.mark.parametrize("content", [b"\x81\x8d", b"\xff\xfe\x00"])
def test_a_list_that_is_no_text_is_refused(root, content):
    (root / "list.txt").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_folder(root, exclude=root / "list.txt")
    with pytest.raises(InputError, match="no regular file"):
        read_folder(root, exclude=root / "faces")


def people(**columns):
    return pd.DataFrame({"path": [f"/d/{one}" for one in columns["image_id"]], **columns})


def places(lines, rows, **options):
    return sorted(match_list(lines, rows, root="/d", **options).rows)


def test_a_name_as_it_is_written_comes_before_what_it_may_also_mean():
    rows = people(image_id=["1", "001", "a/7.jpg", "b/7.jpg", "A.jpg", "a.jpg"])
    assert places(["1"], rows) == [0]
    assert places(["01"], rows) == [0, 1]  # who cannot be told apart goes
    assert places(["a/7.jpg"], rows) == [2]
    assert places(["7.jpg"], rows) == [2, 3]
    assert places(["x/b/7.jpg"], rows) == [3]
    assert places(["a.jpg"], rows) == [5]
    assert places(["A.JPG"], rows) == [4, 5]
    found = match_list(["7.jpg"], rows, root="/d")
    assert any("several pictures, all excluded: '7.jpg': 2" in note for note in found.notes)


def test_a_comment_is_no_name_and_a_name_may_look_like_a_comment(tmp_path):
    rows = people(image_id=["#1.jpg", "a #2.jpg", "3.jpg"])
    (tmp_path / "list.txt").write_text("# 3.jpg stays\n#1.jpg\na #2.jpg\n# over\n")
    assert places(tmp_path / "list.txt", rows) == [0, 1]
    (tmp_path / "list.txt").write_text("3.jpg # by phone\n")
    assert places(tmp_path / "list.txt", rows) == [2]


def test_another_folder_or_number_is_another_person():
    rows = people(image_id=["men/1.jpg", "12.jpg", "men/112.jpg"])
    with pytest.raises(InputError, match="means anybody"):
        places(["women/1.jpg", "2", "11", "1 person less"], rows)


def test_a_person_is_excluded_with_all_pictures_and_one_picture_tells_of_the_others():
    rows = people(image_id=["a", "b", "c"], person_id=["P01", "P01", "P02"])
    assert places(["P01"], rows) == [0, 1]
    found = match_list(["a"], rows)
    assert sorted(found.rows) == [0]
    assert any(note.startswith("exclude: 1 other picture(s) of the same people stay") for note in found.notes)


def test_who_was_excluded_before_is_no_stranger():
    found = match_list(["child.jpg", "a"], people(image_id=["a"]), gone=["child.jpg"])
    assert sorted(found.rows) == [0]
    assert found.notes == ["exclude: 2 of 2 line(s) of the list mean 1 picture(s), 1 by another spelling, file name or "
                           "number, 1 only what was excluded before"]  # fmt: skip


def test_a_copy_of_an_excluded_picture_goes_with_it(root, pictures, reasons):
    pictures(root / "faces" / "001.jpg", seed=3)
    pictures(root / "faces" / "copy of 1.jpg", seed=3)
    data = read_folder(root, exclude=["faces/001.jpg"])
    assert reasons(data) == {"on the exclusion list": 1, "copy of a picture on the exclusion list": 1}
    assert len(data.manifest) == 11
