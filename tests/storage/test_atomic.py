"""Files are whole or not there: kills, two writers, writers of other libraries, file modes, leftovers."""

import doctest
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from safetensors.numpy import save_file

from judge.storage import atomic, lock, remove_leftovers, replacing, write_bytes, write_json, write_text

MIB = 1 << 20
#: writes its letter, a mebibyte of it, again and again; says so when the first is there
WRITER = """
import sys
from judge.storage import atomic
path, letter, way = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
def write():
    if way == "write_bytes":
        atomic.write_bytes(path, letter * (1 << 20))
    else:
        with atomic.replacing(path) as part:
            part.write_bytes(letter * (1 << 20))
write()
print("begun", flush=True)
while True:
    write()
"""
WAYS = ("write_bytes", "replacing")


def writer(path, letter, way):
    command = [sys.executable, "-c", WRITER, path, letter, way]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout.readline() == "begun\n"
    return started


def killed(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stopped_within_a_write(process, folder):
    """Lets the process run until it stands still with a write begun and not ended."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        if any(name.startswith(atomic.PART) for name in names(folder)):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    raise AssertionError("no write was caught in its middle")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path, way):
    file, moment = tmp_path / "file.bin", random.Random(4)
    for turn, letter in enumerate("abcdef"):
        old = file.read_bytes()[:1] if file.exists() else letter.encode()
        process = writer(file, letter, way)
        time.sleep(moment.uniform(0, 0.02))
        if turn % 2:
            stopped_within_a_write(process, tmp_path)
        killed(process)
        assert len(names(tmp_path)) == 2 or not turn % 2
        content = file.read_bytes()
        assert len(content) == MIB
        assert content[:1] in (old, letter.encode())
        assert content == content[:1] * MIB
        remove_leftovers(tmp_path, older_than=0)
        assert names(tmp_path) == ["file.bin"]


def test_of_two_processes_that_write_one_name_a_reader_finds_one_whole_file(tmp_path):
    file = tmp_path / "file.bin"
    both = [writer(file, letter, way) for letter, way in zip("ab", WAYS, strict=True)]
    seen = set()
    end = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < end:
        content = file.read_bytes()
        assert content == content[:1] * MIB
        seen.add(content[:1])
    for process in both:
        assert process.poll() is None, "a writer fell over the other"
        killed(process)
    assert seen == {b"a", b"b"}


WRITERS = {
    "table.parquet": lambda part: pd.DataFrame({"a": [1]}).to_parquet(part),
    "table.csv.gz": lambda part: pd.DataFrame({"a": [1]}).to_csv(part, index=False),
    "picture.png": lambda part: Image.new("L", (4, 4)).save(part),
    "figure.svg": lambda part: Figure().savefig(part),
    "arrays.npz": lambda part: np.savez(part, a=np.ones(3)),
    "tensors.safetensors": lambda part: save_file({"a": np.ones(3)}, part),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_file_of_any_writer_is_alone_in_its_folder_with_the_mode_of_the_umask(tmp_path, name):
    plain = tmp_path / "plain"
    plain.touch()
    with replacing(tmp_path / "new" / name) as part:
        WRITERS[name](part)
        assert not list((tmp_path / "new").glob(f"*{Path(name).suffix}")), (
            "half a file under a name of its kind"
        )
    assert names(tmp_path / "new") == [name]
    assert (tmp_path / "new" / name).stat().st_mode == plain.stat().st_mode


def test_the_ending_tells_the_writer_what_to_write(tmp_path):
    for name in ("picture.png", "table.csv.gz"):
        with replacing(tmp_path / name) as part:
            WRITERS[name](part)
    assert Image.open(tmp_path / "picture.png").format == "PNG"
    assert (tmp_path / "table.csv.gz").read_bytes()[:2] == b"\x1f\x8b"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_follows_the_umask_of_the_day(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "a")
        with replacing(tmp_path / "a.safetensors") as part:
            save_file({"a": np.ones(1)}, part)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {mode}


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError, match="disk full"), replacing(tmp_path / "a.txt") as part:
        part.write_text("ha")
        raise OSError("disk full")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_bytes_that_cannot_be_written_leave_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    write_text(tmp_path / "elsewhere" / "real.txt", "old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere" / "real.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "elsewhere" / "real.txt").read_text() == "new"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        write_text(pipe, "through")
        assert reader.stdout.read() == "through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_name_of_full_length_and_of_any_letters_can_be_written(tmp_path):
    for name in ("n" * 255, "Ж" * 127, "two words %s $x"):
        write_text(tmp_path / name, name)
        assert (tmp_path / name).read_text(encoding="utf-8") == name


def test_json_reads_back_as_what_was_meant(tmp_path):
    odd = os.fsdecode(b"caf\xe9.jpg")
    value = {
        "n": np.int64(3),
        "share": np.float32(0.5),
        "list": np.arange(2),
        "path": Path("a/b"),
        "name": odd,
        "ü": None,
    }
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "n": 3, "share": 0.5, "list": [0, 1], "path": "a/b", "name": odd, "ü": None,
    }  # fmt: skip
    assert '"ü": null' in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_what_json_has_no_word_for_is_an_error_and_the_old_file_stays(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError, match="object"):
        write_json(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == 1


def test_only_what_was_left_a_day_ago_is_removed(tmp_path):
    folders = [tmp_path / ".part-old", tmp_path / "inner" / ".part-older", tmp_path / ".part-writing"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "half.bin").touch()
    (tmp_path / ".part-file").touch()
    (tmp_path / ".part-at-work").touch()
    yesterday = time.time() - atomic.LEFT_BEHIND - 60
    for place in [folders[0] / "half.bin", *folders, folders[1] / "half.bin", tmp_path / ".part-file"]:
        os.utime(place, (yesterday, yesterday))  # a file at work in an old folder counts as at work
    write_text(tmp_path / "kept.txt", "kept")
    assert remove_leftovers(tmp_path) == 3
    assert names(tmp_path) == [".part-at-work", ".part-writing", "inner", "kept.txt"]
    assert names(tmp_path / "inner") == []
    assert remove_leftovers(tmp_path / "no such folder") == 0


def test_leftovers_are_looked_for_while_others_write(tmp_path):
    (tmp_path / ".part-killed").touch()
    os.utime(tmp_path / ".part-killed", (0, 0))
    process = writer(tmp_path / "file.bin", "a", "replacing")
    assert sum(remove_leftovers(tmp_path) for _ in range(2000)) == 1
    assert process.poll() is None
    killed(process)


def test_write_bytes_makes_the_folders_on_the_way(tmp_path):
    write_bytes(tmp_path / "a" / "b" / "c.bin", b"\x00\xff")
    assert (tmp_path / "a" / "b" / "c.bin").read_bytes() == b"\x00\xff"


def test_the_examples_run():
    assert doctest.testmod(atomic).failed == 0
    assert doctest.testmod(atomic).attempted > 0


def code_of(path):
    """A file without the examples of its docstrings, which make what they show."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith((">>> ", "... ")))


def test_no_other_file_of_judge_writes_a_file_in_another_way():
    """What a name alone can show; `.save(` and savefig need a look at what they are given."""
    root = Path(atomic.__file__).parents[1]
    ways = (
        "mkstemp",
        "NamedTemporaryFile",
        "os.rename",
        "os.replace",
        "getpid",
        ".write_text(",
        ".write_bytes(",
    )
    found = {
        f"{path.relative_to(root)}: {way}"
        for path in root.rglob("*.py")
        for way in ways
        if way in code_of(path) and path not in (Path(atomic.__file__), Path(lock.__file__))
    }
    assert found == set()
