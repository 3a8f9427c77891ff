"""CelebA as torchvision lays it out."""

import pytest

from judge.data.readers.celeba import read_celeba
from judge.errors import InputError


@pytest.fixture
def root(tmp_path, pictures):
    folder = tmp_path / "celeba"
    for i in (1, 2, 3, 5):
        pictures(folder / "img_align_celeba" / f"00000{i}.jpg")
    (folder / "list_attr_celeba.txt").write_text(
        "5\n"
        "Attractive Bald Male Young\n"
        "000001.jpg  1 -1 -1  1\n"
        "000002.jpg -1 -1  1 -1\n"
        "000003.jpg  0 -1  1 -1\n"
        "000004.jpg -1 -1  1 -1\n"
    )
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n000003.jpg 1\n")
    (folder / "identity_CelebA.txt").write_text("000001.jpg 77\n000002.jpg 78\n")
    return tmp_path


@pytest.mark.parametrize("inner", [False, True])
def test_attractive_is_the_rating_and_there_is_no_ethnicity(root, inner, reasons):
    data = read_celeba(root / "celeba" if inner else root)
    table = data.manifest.set_index("image_id")
    assert table["rating"].to_dict() == {"000001.jpg": 1, "000002.jpg": -1}
    assert table["gender"].tolist() == ["female", "male"]
    assert table["split"].tolist() == ["train", "test"]
    assert table["person_id"].tolist() == ["77", "78"]
    assert table["young"].tolist() == [True, False]
    assert "ethnicity" not in table
    assert reasons(data) == {
        "row count differs": 1,
        "attribute is not ±1": 1,
        "file missing": 1,
        "no label": 2,  # 000005, and 000003 whose attribute is damaged
    }


def test_a_file_without_the_attribute_is_refused(root):
    (root / "celeba" / "list_attr_celeba.txt").write_text("1\nBald Male Young\n000001.jpg 1 1 1\n")
    with pytest.raises(InputError, match="line of attribute names with 'Attractive'"):
        read_celeba(root)
