"""A folder here and one of a store do the same; names are told from addresses; what a store lacks is said."""

import doctest
from pathlib import Path

import fsspec
import pytest

from judge.errors import InputError
from judge.storage import CannotWrite, stores
from judge.storage.stores import filesystem, folder, is_url, make_url_writable, place, read_url, remove_place


@pytest.fixture(params=["here", "store"])
def where(request, tmp_path):
    if request.param == "here":
        yield tmp_path / "folder"
        return
    yield f"memory://{tmp_path.name}/folder"
    fsspec.filesystem("memory").store.clear()


def test_names_with_a_scheme_are_addresses_and_all_others_paths():
    assert (
        is_url("s3://bucket/a")
        and not is_url("/a/b")
        and not is_url("file:///a")
        and not is_url(Path("s3://b"))
    )
    assert place("s3://bucket/a/") == "s3://bucket/a"
    assert place("file:///tmp/a") == Path("/tmp/a")
    assert doctest.testmod(stores).failed == 0


def test_a_folder_holds_what_was_written_and_hides_what_is_hidden(where):
    room = folder(where)
    assert room.names() == []
    room.prepare()
    assert room.names() == []
    room.write("b.bin", b"1")
    room.write("a.bin", b"23")
    room.write(".part-x", b"")
    assert room.names() == ["a.bin", "b.bin"]
    with room.opened("a.bin") as file:
        file.seek(1)
        assert file.read() == b"3"
    with pytest.raises(FileNotFoundError), room.opened("c.bin"):
        pass


def test_of_two_that_create_a_file_the_first_one_does(where):
    assert folder(where).create("a", b"first")
    assert not folder(where).create("a", b"second")
    with folder(where).opened("a") as file:
        assert file.read() == b"first"


def test_a_file_that_another_has_written_since_is_seen(where):
    room = folder(where)
    room.prepare()
    assert room.names() == []
    folder(where).write("a", b"x")
    assert room.names() == ["a"]


def test_a_removed_file_may_have_been_gone_before(where):
    folder(where).write("a", b"x")
    file = where / "a" if isinstance(where, Path) else f"{where}/a"
    remove_place(file)
    remove_place(file)
    assert folder(where).names() == []


def test_what_is_not_there_and_what_is_no_store_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_url("memory://nowhere/at-all")
    with pytest.raises(InputError, match="foo:// is no kind of store that fsspec knows"):
        filesystem("foo://a/b")


def test_a_store_that_cannot_be_written_to_is_refused():
    with pytest.raises(CannotWrite, match=r"http://127\.0\.0\.1:9/x cannot be written"):
        make_url_writable("http://127.0.0.1:9/x")
